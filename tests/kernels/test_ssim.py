"""SSIM and the photometric loss: against scikit-image, finite differences and the definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

import kernels.ssim
from kernels.ssim import cpu, cuda, photometric_loss, reference, ssim, ssim_map
from kernels.threads import use_threads

TWINS = pytest.mark.parametrize("twin", [cpu, cuda], ids=["cpu", "cuda's torch code"])


def pair(height: int, width: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth target with some texture and an image not far from it, both in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.linspace(0, 3, height)[:, None, None]
    columns = torch.linspace(0, 2, width)[None, :, None]
    target = 0.5 + 0.3 * torch.sin(rows + columns * torch.tensor([1.0, 2.0, 3.0]))
    target = (target + 0.1 * torch.rand(height, width, 3, generator=generator)).clamp(0, 1)
    image = (target + 0.1 * torch.randn(height, width, 3, generator=generator)).clamp(0, 1)
    return image, target


def test_definition_agrees_with_scikit_image_away_from_the_border():
    image, target = pair(40, 33)
    _, theirs = structural_similarity(
        image.double().numpy(),
        target.double().numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=2,
        full=True,
    )
    ours = reference.ssim_map(image.double(), target.double()).numpy()
    np.testing.assert_allclose(ours[5:-5, 5:-5], theirs[5:-5, 5:-5], atol=1e-6)


def test_gradient_of_the_definition_agrees_with_finite_differences():
    image, target = (picture.double() for picture in pair(6, 5))
    weights = torch.rand(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights[2, 3] = 0

    def loss(x: torch.Tensor) -> torch.Tensor:
        return reference.photometric_loss(x, target, ssim_weight=0.3, weights=weights)[0]

    assert torch.autograd.gradcheck(loss, image.requires_grad_(), fast_mode=True)


@TWINS
@settings(max_examples=12)
@given(
    height=st.integers(1, 34),
    width=st.integers(1, 34),
    ssim_weight=st.sampled_from([0.0, 0.2, 1.0]),
    weighted=st.booleans(),
)
def test_twins_agree_with_the_definition(twin, height, width, ssim_weight, weighted):
    image, target = pair(height, width, seed=height * 100 + width)
    weights = None
    if weighted:
        generator = torch.Generator().manual_seed(5)
        weights = torch.rand(height, width, generator=generator) * 2
        weights[torch.rand(height, width, generator=generator) < 0.3] = 0
    exact = image.double().requires_grad_()
    expected = reference.photometric_loss(
        exact,
        target.double(),
        ssim_weight=ssim_weight,
        weights=None if weights is None else weights.double(),
    )
    expected[0].backward()

    image.requires_grad_()
    found = twin.photometric_loss(image, target, ssim_weight=ssim_weight, weights=weights)
    (3 * found[0]).backward()
    for got, want in zip(found, expected, strict=True):
        assert got.item() == pytest.approx(want.item(), abs=2e-6)
    assert [part.requires_grad for part in found] == [True, False, False]
    assert image.grad is not None
    assert exact.grad is not None
    # float32 keeps variances to about 1e-7, which a division by C2 turns into 1e-4.
    scale = float(exact.grad.abs().max())
    torch.testing.assert_close(image.grad / 3, exact.grad.float(), rtol=1e-4, atol=5e-4 * scale)
    with torch.no_grad():
        torch.testing.assert_close(
            twin.ssim_map(image, target),
            reference.ssim_map(exact, target.double()).float(),
            rtol=0,
            atol=2e-4,
        )


def test_mean_is_that_of_the_map_and_has_its_gradient():
    image, target = pair(20, 30)
    image.requires_grad_()
    value = ssim(image, target)
    value.backward()
    assert value.item() == pytest.approx(ssim_map(image, target).mean().item(), abs=1e-6)
    exact = image.detach().double().requires_grad_()
    reference.ssim(exact, target.double()).backward()
    assert image.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(image.grad, exact.grad.float(), rtol=1e-3, atol=1e-6)


def test_equal_images_cost_nothing():
    image, _ = pair(15, 20)
    assert ssim(image, image).item() == pytest.approx(1.0, abs=1e-6)
    loss, l1, dssim = photometric_loss(image.requires_grad_(), image.detach())
    loss.backward()
    assert (l1.item(), dssim.item()) == (0.0, pytest.approx(0.0, abs=1e-6))
    assert image.grad is not None
    assert image.grad.abs().max() < 1e-7


def test_pixels_without_weight_do_not_count_at_all():
    image, target = pair(24, 18)
    weights = torch.ones(24, 18)
    weights[5:12, 4:9] = 0
    spoilt = image.clone()
    spoilt[5:12, 4:9] = torch.nan
    spoilt.requires_grad_()
    loss = photometric_loss(image, target, weights=weights)[0]
    spoilt_loss = photometric_loss(spoilt, target, weights=weights)[0]
    spoilt_loss.backward()
    assert spoilt_loss.item() == loss.item()
    assert spoilt.grad is not None
    assert (spoilt.grad[5:12, 4:9] == 0).all()
    assert (spoilt.grad[:5] != 0).any()


def test_nothing_counts_where_all_weights_are_zero():
    image, target = pair(9, 9)
    image.requires_grad_()
    loss = photometric_loss(image, target, weights=torch.zeros(9, 9))[0]
    loss.backward()
    assert loss.item() == 0
    assert image.grad is not None
    assert (image.grad == 0).all()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_bad_image_gives_a_bad_loss(bad):
    image, target = pair(30, 20)
    image[17, 11, 1] = bad
    assert not torch.isfinite(photometric_loss(image, target)[0])
    assert not torch.isfinite(ssim(image, target))


def test_extreme_but_finite_images_give_finite_results():
    black, far = torch.zeros(12, 12, 3), torch.full((12, 12, 3), 100.0)
    far.requires_grad_()
    loss = photometric_loss(far, black)[0]
    loss.backward()
    assert torch.isfinite(loss)
    assert far.grad is not None
    assert torch.isfinite(far.grad).all()
    assert ssim(black, black).item() == 1.0


def test_the_number_of_threads_changes_no_bit():
    image, target = pair(61, 47)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        x = image.clone().requires_grad_()
        loss = photometric_loss(x, target)[0]
        loss.backward()
        assert x.grad is not None
        results.append((loss.item(), x.grad.numpy().tobytes()))
    assert results[0] == results[1]


def test_views_that_are_not_contiguous_are_read_right():
    image, target = pair(16, 12)
    planes = image.permute(2, 0, 1).contiguous()
    assert ssim(planes.permute(1, 2, 0), target).item() == ssim(image, target).item()


@pytest.mark.parametrize(
    ("shape", "other"), [((8, 8, 3), (8, 9, 3)), ((8, 8), (8, 8)), ((0, 8, 3), (0, 8, 3))]
)
def test_shapes_that_do_not_fit_are_refused(shape, other):
    with pytest.raises(ValueError, match="two images"):
        ssim(torch.zeros(shape), torch.zeros(other))


def test_other_types_and_weights_are_refused():
    image, target = pair(8, 8)
    with pytest.raises(ValueError, match="float32"):
        ssim(image.double(), target)
    with pytest.raises(ValueError, match="weights"):
        photometric_loss(image, target, weights=torch.ones(8, 9))


def test_public_functions_reach_the_twin(monkeypatch):
    image, target = pair(8, 8)
    monkeypatch.setattr(kernels.ssim, "_twin", lambda _: reference)
    assert ssim(image.double(), target.double()).dtype == torch.float64
