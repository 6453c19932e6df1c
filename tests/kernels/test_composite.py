"""Compositing: against the definition, finite differences, nerfacc and what is known exactly."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import nerfacc
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kernels.composite
from kernels.composite import composite, cpu, cuda, distortion, median_depth, reference
from kernels.threads import use_threads

OUTPUTS = ("colour", "depth", "accumulation", "weights")


@pytest.fixture(params=[cpu, cuda], ids=["cpu", "cuda with torch's sums"])
def twin(request, monkeypatch):
    """A twin that runs here; nerfacc's sums along packed rays need a GPU, torch's do not."""

    def exclusive_sum(values: torch.Tensor, packed_info: torch.Tensor) -> torch.Tensor:
        sums = [values[:0]]
        for start, count in packed_info.tolist():
            shifted = torch.nn.functional.pad(values[start : start + count], (1, 0))
            sums.append(shifted.cumsum(0)[:-1])
        return torch.cat(sums)

    monkeypatch.setattr(nerfacc, "exclusive_sum", exclusive_sum)
    return request.param


def packed(n: int, channels: int = 3, seed: int = 0, longest: int = 30):
    """(sigma, colour, t_start, t_end, offsets) of n rays, some empty, thin, dense and with gaps."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, longest + 1, (n,), generator=generator)
    counts[::5] = 0
    offsets = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    m = int(offsets[-1])
    density = torch.tensor([0.0, 0.01, 1.0, 40.0])[torch.randint(0, 4, (m,), generator=generator)]
    sigma = density * torch.rand(m, generator=generator)
    sizes = 0.02 + 0.1 * torch.rand(m, generator=generator)
    gaps = torch.where(torch.rand(m, generator=generator) < 0.2, 0.5, 0.0)
    ends = (sizes + gaps).cumsum(0)
    first = torch.repeat_interleave(ends.new_zeros(1).expand(n), counts)
    for ray in range(n):
        mine = slice(int(offsets[ray]), int(offsets[ray + 1]))
        first[mine] = (ends - sizes)[mine][:1] - 0.3
    colour = torch.rand(m, channels, generator=generator)
    return sigma, colour, ends - sizes - first, ends - first, offsets


def outcome(module, samples, *, stop_below: float = 0.0, dtype=torch.float32, only=OUTPUTS):
    """Outputs, distortion and gradients by sigma and colour of a random sum of some outputs."""
    sigma, colour, t_start, t_end, offsets = samples
    sigma = sigma.to(dtype).clone().requires_grad_()
    colour = colour.to(dtype).clone().requires_grad_()
    t_start, t_end = t_start.to(dtype), t_end.to(dtype)
    seen = module.composite(sigma, colour, t_start, t_end, offsets, stop_below=stop_below)
    outputs = {name: getattr(seen, name) for name in OUTPUTS}
    outputs["distortion"] = module.distortion(seen.weights, t_start, t_end, offsets)
    outputs["median"] = module.median_depth(seen.weights.detach(), t_start, t_end, offsets)
    generator = torch.Generator().manual_seed(9)
    total = torch.zeros((), dtype=dtype)
    for name, value in outputs.items():
        pull = torch.randn(value.shape, generator=generator).to(dtype)
        if name in only:
            total = total + (value * pull).sum()
    total.backward()
    found = {name: value.detach() for name, value in outputs.items()}
    found["by_sigma"] = torch.zeros_like(sigma) if sigma.grad is None else sigma.grad
    found["by_colour"] = torch.zeros_like(colour) if colour.grad is None else colour.grad
    return found


def assert_close(found: dict, expected: dict, margin: float = 2e-5) -> None:
    for name, want in expected.items():
        scale = float(want.abs().max()) if want.numel() else 0.0
        # Of this gradient near 0 the definition itself, in float32, is off by up to 5e-9.
        floor = 1e-8 if name == "by_sigma" else 1e-9
        torch.testing.assert_close(
            found[name].double(),
            want.double(),
            rtol=margin,
            atol=margin * scale + floor,
            msg=lambda text, name=name: f"{name}: {text}",
        )


def test_quadrature_is_exact_however_an_even_medium_is_cut(twin):
    for count in (1, 7, 64):
        edges = torch.linspace(1, 3, count + 1)
        seen = twin.composite(
            torch.full((count,), 0.8),
            torch.ones(count, 1),
            edges[:-1],
            edges[1:],
            torch.tensor([0, count]),
        )
        expected = 1 - torch.exp(torch.tensor(-0.8 * 2)).item()
        assert seen.accumulation.item() == pytest.approx(expected, rel=1e-5)
        assert seen.colour.item() == pytest.approx(expected, rel=1e-5)


def test_transmittance_is_that_before_each_sample(twin):
    edges = torch.arange(65) * 0.05
    weights = twin.composite(
        torch.full((64,), 2.0), torch.ones(64, 1), edges[:-1], edges[1:], torch.tensor([0, 64])
    ).weights
    assert weights[0].item() == pytest.approx(1 - 0.9048374)
    assert weights[1].item() == pytest.approx(0.9048374 * (1 - 0.9048374))
    assert weights.sum().item() == pytest.approx(0.99834, abs=1e-5)


def test_thin_and_thick_media_keep_their_digits(twin):
    thickness = torch.tensor([0.0, 1e-9, 1e-6, 1e-3, 0.3, 0.35, 0.4, 1.0, 5.0, 30.0, 200.0, 1e30])
    n = len(thickness)
    alpha = twin.composite(
        thickness, torch.ones(n, 1), torch.zeros(n), torch.ones(n), torch.arange(n + 1)
    ).weights
    torch.testing.assert_close(alpha.double(), -torch.expm1(-thickness.double()), rtol=2e-6, atol=0)


def test_definition_agrees_with_nerfacc():
    generator = torch.Generator().manual_seed(0)
    sigma = torch.rand(6, 20, generator=generator, dtype=torch.float64) * 5
    edges = torch.rand(6, 21, generator=generator, dtype=torch.float64).cumsum(1)
    theirs, _, _ = nerfacc.render_weight_from_density(edges[:, :-1], edges[:, 1:], sigma)
    flat = sigma.reshape(-1), torch.ones(120, 1).double(), edges[:, :-1], edges[:, 1:]
    ours = reference.composite(
        flat[0], flat[1], flat[2].reshape(-1), flat[3].reshape(-1), torch.arange(7) * 20
    )
    torch.testing.assert_close(ours.weights.reshape(6, 20), theirs)


@pytest.mark.parametrize("stop_below", [0.0, 0.3])
def test_gradients_of_the_definition_agree_with_finite_differences(stop_below):
    sigma, colour, t_start, t_end, offsets = (
        tensor.double() if tensor.is_floating_point() else tensor
        for tensor in packed(6, 2, longest=7)
    )

    def outputs(sigma: torch.Tensor, colour: torch.Tensor):
        seen = reference.composite(sigma, colour, t_start, t_end, offsets, stop_below=stop_below)
        spread = reference.distortion(seen.weights, t_start, t_end, offsets)
        return seen.colour, seen.depth, seen.accumulation, seen.weights, spread

    inputs = (sigma + 0.05).requires_grad_(), colour.requires_grad_()
    assert torch.autograd.gradcheck(outputs, inputs)


@settings(max_examples=25)
@given(
    n=st.sampled_from([1, 2, 31, 32, 33, 100]),
    channels=st.integers(1, 5),
    stop_below=st.sampled_from([0.0, 1e-3, 0.2]),
    seed=st.integers(0, 1000),
    only=st.sampled_from([OUTPUTS, *((name,) for name in (*OUTPUTS, "distortion"))]),
)
def test_twins_agree_with_the_definition(twin, n, channels, stop_below, seed, only):
    samples = packed(n, channels, seed)
    found = outcome(twin, samples, stop_below=stop_below, only=only)
    # In float32 both agree where a ray ends; elsewhere the definition may as well be exact.
    dtype = torch.float64 if stop_below == 0 else torch.float32
    expected = outcome(reference, samples, stop_below=stop_below, dtype=dtype, only=only)
    # The median jumps over gaps, and depth is loosely held where almost nothing is seen.
    faint = expected["accumulation"] < 1e-3
    for name in ("depth", "median"):
        for each in (found, expected):
            each[name] = torch.where(faint, 0.0, each[name].to(torch.float64))
    torch.testing.assert_close(found.pop("median"), expected.pop("median"), rtol=1e-3, atol=1e-3)
    assert_close(found, expected, margin=1e-4)


def test_no_rays_and_no_samples_give_nothing(twin):
    none, colours = torch.zeros(0), torch.zeros(0, 3)
    for n in (0, 3):
        found = outcome(twin, (none, colours, none, none, torch.zeros(n + 1, dtype=torch.int64)))
        assert found["colour"].shape == (n, 3)
        assert not any(value.any() for value in found.values())


def test_what_no_light_reaches_is_not_looked_at(twin):
    sigma = torch.tensor([1.0, 50.0, 1.0, torch.nan, 2.0])
    colour = torch.rand(5, 3)
    colour[3] = torch.nan
    t_start = torch.tensor([0.0, 1.0, 2.0, 3.0, 0.0])
    samples = sigma, colour, t_start, t_start + 1, torch.tensor([0, 4, 5])
    found = outcome(twin, samples, stop_below=1e-3, only=("colour", "depth"))
    assert found["colour"].isfinite().all()
    assert (found["weights"] > 0).tolist() == [True, True, False, False, True]
    if twin is cpu:  # torch's own sums let NaN back through a weight of 0
        assert found["by_sigma"].isfinite().all()
        assert not found["by_sigma"][2:4].any()
        assert not found["by_colour"][2:4].any()
    whole = outcome(twin, (*(tensor[:3] for tensor in samples[:4]), torch.tensor([0, 3])))
    assert found["accumulation"][0].item() == pytest.approx(whole["accumulation"].item(), abs=1e-6)


def test_a_bad_sample_spoils_its_own_ray_only(twin):
    for field in (0, 1):
        samples = packed(40)
        ray = int(samples[4].diff().argmax())
        samples[field][int(samples[4][ray])] = torch.nan
        found = outcome(twin, samples, only=("colour",))
        others = torch.arange(40) != ray
        assert found["colour"][ray].isnan().any()
        assert found["colour"][others].isfinite().all()
        assert found["accumulation"][others].isfinite().all()
        if twin is cpu:
            mine = torch.repeat_interleave(~others, samples[4].diff())
            assert found["by_sigma"][mine].isnan().any()
            assert found["by_sigma"][~mine].isfinite().all()


def test_a_wall_stops_all_light_and_still_has_gradients():
    samples = packed(20)
    sigma = torch.full_like(samples[0], torch.inf)
    found = outcome(cpu, (sigma, *samples[1:]))
    taken = samples[4].diff() > 0
    assert (found["accumulation"] == taken).all()
    torch.testing.assert_close(found["colour"][taken], samples[1][samples[4][:-1][taken]])
    assert found["by_sigma"].isfinite().all()


def test_depth_is_that_of_what_is_seen_however_faint(twin):
    t_start = torch.tensor([4.0, 8.0])
    for density in (1e-4, 1.0):
        seen = twin.composite(
            torch.tensor([density, 0.0]),
            torch.ones(2, 3),
            t_start,
            t_start + 1,
            torch.tensor([0, 2, 2]),
        )
        assert seen.depth.tolist() == [pytest.approx(4.5), 0]


def test_median_lies_where_half_is_stopped(twin):
    weights = torch.tensor([0.1, 0.2, 0.3, 0.2, 0.0, 0.0, 0.5])
    t_start = torch.tensor([1.0, 2.0, 4.0, 5.0, 1.0, 2.0, 3.0])
    offsets = torch.tensor([0, 4, 6, 7, 7])
    depth = twin.median_depth(weights, t_start, t_start + 1, offsets)
    assert depth.tolist() == pytest.approx([4 + 1 / 3, 0, 3.5, 0])


def test_distortion_of_two_samples_is_known(twin):
    t_start, t_end = torch.tensor([1.0, 3.0]), torch.tensor([1.5, 4.0])
    weights = torch.tensor([0.25, 0.5], requires_grad=True)
    loss = twin.distortion(weights, t_start, t_end, torch.tensor([0, 2]))
    apart = 3.5 - 1.25
    loss.backward()
    assert loss.item() == pytest.approx(2 * 0.125 * apart + (0.0625 * 0.5 + 0.25 * 1) / 3)
    assert weights.grad is not None
    assert weights.grad.tolist() == pytest.approx(
        [2 * 0.5 * apart + 2 * 0.25 * 0.5 / 3, 2 * 0.25 * apart + 2 * 0.5 * 1 / 3]
    )


def test_far_away_samples_are_as_exact_as_near_ones():
    samples = packed(50)
    loss = distortion(samples[0], samples[2], samples[3], samples[4])
    moved = distortion(samples[0], samples[2] + 4096, samples[3] + 4096, samples[4])
    torch.testing.assert_close(loss, moved, rtol=0.02, atol=1e-3)


def test_the_number_of_threads_changes_no_bit():
    samples = packed(500)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        results.append(outcome(cpu, samples))
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name]), name


def test_two_threads_at_once_do_not_disturb_each_other():
    inputs = [packed(500, seed=seed) for seed in range(4)]
    alone = [outcome(cpu, samples) for samples in inputs]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda samples: outcome(cpu, samples), inputs))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_tensors_that_are_not_contiguous_are_read_right():
    samples = packed(30)
    doubled = (torch.stack([tensor, tensor], dim=-1)[..., 0] for tensor in samples[:4])
    strided = (*doubled, samples[4])
    one, other = outcome(cpu, samples), outcome(cpu, strided)
    assert all(torch.equal(one[name], other[name]) for name in one)


def broken(samples: tuple, index: int, value: torch.Tensor) -> tuple:
    return (*samples[:index], value, *samples[index + 1 :])


@pytest.mark.parametrize(
    ("index", "change", "words"),
    [
        (1, lambda t: t[:-1], "colours"),
        (1, lambda t: t.double(), "colours"),
        (2, lambda t: t[:-1], "t_start"),
        (3, lambda t: t.double(), "t_end"),
        (4, lambda t: t.int(), "int64 offsets"),
        (4, lambda t: t[:0], "int64 offsets"),
        (4, lambda t: t[:-1], "rise from 0"),
        (4, lambda t: t + 1, "rise from 0"),
        (4, lambda t: torch.cat([t[:2], t[1:2] - 3, t[2:]]), "rise from 0"),
    ],
)
def test_shapes_and_types_that_do_not_fit_are_refused(
    index: int, change: Callable[[torch.Tensor], torch.Tensor], words: str
):
    samples = packed(9)
    with pytest.raises(ValueError, match=words):
        composite(*broken(samples, index, change(samples[index])))


def test_other_functions_refuse_as_well():
    sigma, colour, t_start, t_end, offsets = packed(9)
    with pytest.raises(ValueError, match="float32"):
        composite(*(t.double() for t in (sigma, colour, t_start, t_end)), offsets)
    for function in (distortion, median_depth):
        with pytest.raises(ValueError, match="t_end"):
            function(sigma, t_start, t_end[1:], offsets)
        with pytest.raises(ValueError, match="rise from 0"):
            function(sigma, t_start, t_end, offsets[:-1])


def test_public_functions_reach_the_twin(monkeypatch):
    monkeypatch.setattr(kernels.composite, "_twin", lambda _: reference)
    found = outcome(kernels.composite, packed(5), dtype=torch.float64)
    assert {value.dtype for value in found.values()} == {torch.float64}
