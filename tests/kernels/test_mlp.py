"""The small multilayer perceptron: against the definition and finite differences."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kernels.mlp
from kernels.mlp import cpu, cuda, mlp, reference
from kernels.mlp.passes import PART, PARTS, split
from kernels.mlp.tiles import BLOCK
from kernels.threads import use_threads

TWINS = pytest.mark.parametrize("twin", [cpu, cuda], ids=["cpu", "cuda's torch code"])


def network(widths: list[int], n: int, seed: int = 0):
    """Inputs [n, widths[0]] and weights that keep their size from layer to layer.

    No neuron is so near to zero that rounding decides whether ReLU cuts it.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = [
        torch.randn(outer, inner, generator=generator) * (2 / inner) ** 0.5
        for inner, outer in pairwise(widths)
    ]
    inputs = torch.randn(n + n // 4 + 20, widths[0], generator=generator)
    clear, values = torch.ones(len(inputs), dtype=torch.bool), inputs.double()
    for weight in weights[:-1]:
        values = values @ weight.double().T
        clear &= (values.abs() > 1e-5).all(dim=1)
        values = values.relu()
    # Where all neurons of a layer are cut, the next is zero, whatever is rounded.
    clear |= (values == 0).all(dim=1)
    inputs = inputs[clear][:n]
    assert len(inputs) == n
    return inputs, weights


def evaluated(twin, inputs: torch.Tensor, weights: list[torch.Tensor], pull=None):
    """Outputs and the gradients of their sum, weighted by `pull`, by inputs and weights."""
    inputs = inputs.clone().requires_grad_()
    weights = [weight.clone().requires_grad_() for weight in weights]
    outputs = twin.mlp(inputs, weights)
    outputs.backward(torch.ones_like(outputs) if pull is None else pull)
    return [outputs.detach(), inputs.grad, *(weight.grad for weight in weights)]


def hold_against_the_definition(widths: list[int], n: int, seed: int = 0):
    """Outputs and gradients on the CPU beside those of the definition in float64."""
    inputs, weights = network(widths, n, seed)
    pull = torch.randn(n, widths[-1], generator=torch.Generator().manual_seed(1))
    found = evaluated(cpu, inputs, weights, pull)
    wide = [weight.double() for weight in weights]
    expected = evaluated(reference, inputs.double(), wide, pull.double())
    for got, want in zip(found, expected, strict=True):
        scale = float(want.abs().max()) if want.numel() else 0.0
        torch.testing.assert_close(got, want.float(), rtol=1e-4, atol=1e-5 * scale + 1e-7)


def test_gradients_of_the_definition_agree_with_finite_differences():
    inputs, weights = network([3, 5, 4, 2], 6)
    tensors = [tensor.double().requires_grad_() for tensor in (inputs, *weights)]
    assert torch.autograd.gradcheck(lambda x, *w: reference.mlp(x, w), tensors)


def test_gradients_agree_with_finite_differences():
    inputs, weights = network([3, 8, 8, 2], 5)
    _, *gradients = evaluated(cpu, inputs, weights)
    tensors = [tensor.double() for tensor in (inputs, *weights)]
    for tensor, gradient in zip(tensors, gradients, strict=True):
        for place in range(tensor.numel()):
            ends = []
            for step in (1e-6, -2e-6):
                tensor.view(-1)[place] += step
                ends.append(reference.mlp(tensors[0], tensors[1:]).sum())
            tensor.view(-1)[place] += 1e-6
            slope = float(ends[0] - ends[1]) / 2e-6
            assert float(gradient.view(-1)[place]) == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_what_is_known_by_hand():
    inputs = torch.tensor([[1.0, 2.0], [-1.0, 1.0]])
    first = torch.tensor([[1.0, 1.0], [1.0, -1.0], [0.0, -1.0]])
    last = torch.tensor([[2.0, 3.0, 5.0]])
    # Hidden: (3, -1, -2) and (0, -2, -1), of which ReLU leaves the first number.
    outputs, by_inputs, by_first, by_last = evaluated(cpu, inputs, [first, -last])
    assert outputs.tolist() == [[-6.0], [0.0]]
    assert by_inputs.tolist() == [[-2.0, -2.0], [0.0, 0.0]]
    assert by_first.tolist() == [[-2.0, -4.0], [0.0, 0.0], [0.0, 0.0]]
    assert by_last.tolist() == [[3.0, 0.0, 0.0]]


@settings(max_examples=25)
@given(
    n=st.sampled_from([1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 300]),
    widths=st.lists(st.integers(1, 70), min_size=2, max_size=5),
    seed=st.integers(0, 99),
)
@example(n=5, widths=[1, 1], seed=0)
@example(n=5, widths=[1, 1, 1], seed=0)
@example(n=200, widths=[256, 255, 256, 1], seed=0)
def test_cpu_agrees_with_the_definition(n, widths, seed):
    hold_against_the_definition(widths, n, seed)


@pytest.mark.parametrize("widths", [[32, 64, 16], [35, 64, 64, 3]])
@pytest.mark.parametrize("n", [3 * PART - 1, PART * PARTS + 5])
def test_enough_samples_for_several_pieces_of_work_agree_too(widths, n):
    hold_against_the_definition(widths, n)


@given(n=st.integers(0, 1 << 24))
def test_pieces_of_work_cover_all_samples_in_whole_blocks(n):
    part, pieces = split(n)
    assert part % BLOCK == 0
    assert (pieces - 1) * part < n <= pieces * part or n == pieces == 0
    assert pieces <= PARTS


@TWINS
def test_no_samples_make_no_outputs(twin):
    _, weights = network([5, 6, 3], 1)
    outputs, by_inputs, *by_weights = evaluated(twin, torch.zeros(0, 5), weights)
    assert (outputs.shape, by_inputs.shape) == ((0, 3), (0, 5))
    assert [gradient.shape for gradient in by_weights] == [(6, 5), (3, 6)]
    assert not any(gradient.any() for gradient in by_weights)


@TWINS
@pytest.mark.parametrize("widths", [[4, 8, 4], [3, 7, 5, 2]])
def test_a_bad_sample_gives_bad_outputs_of_its_own_only(twin, widths):
    inputs, weights = network(widths, 2 * BLOCK)
    good = twin.mlp(inputs, weights)
    inputs[7, 1] = torch.nan
    found, by_inputs, *_ = evaluated(twin, inputs, weights)
    others = torch.arange(len(inputs)) != 7
    assert found[7].isnan().all()
    assert torch.equal(found[others], good[others])
    assert by_inputs[others].isfinite().all()


@TWINS
def test_infinity_is_cut_or_kept_as_any_number(twin):
    first = torch.tensor([[1.0], [-1.0], [2.0]])
    inputs = torch.tensor([[torch.inf], [-torch.inf], [1.0]])
    assert twin.mlp(inputs, [first, torch.eye(3)[:1]]).isnan().any()  # zero times infinity
    assert twin.mlp(inputs, [first, torch.ones(1, 3)]).flatten().tolist() == [
        torch.inf,
        torch.inf,
        3.0,
    ]


@TWINS
def test_bad_weights_give_bad_outputs(twin):
    inputs, weights = network([4, 8, 4], 10)
    weights[0][3, 2] = torch.nan
    assert twin.mlp(inputs, weights).isnan().all()


def test_only_what_is_asked_for_gets_a_gradient():
    inputs, (first, last) = network([5, 6, 3], 10)
    *_, by_first, by_last = evaluated(cpu, inputs, [first, last])
    _, by_inputs, *_ = evaluated(cpu, inputs, [first, last])
    mlp(inputs.requires_grad_(), [first, last]).sum().backward()
    assert torch.equal(inputs.grad, by_inputs)
    assert first.grad is None
    mlp(inputs.detach(), [first.requires_grad_(), last]).sum().backward()
    assert torch.equal(first.grad, by_first)
    assert last.grad is None
    first.grad = None
    mlp(inputs.detach(), [first, last.requires_grad_()]).sum().backward()
    assert torch.equal(first.grad, by_first)
    assert torch.equal(last.grad, by_last)


def test_the_number_of_threads_changes_no_bit():
    inputs, weights = network([32, 64, 64, 3], 20_000)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        results.append([t.numpy().tobytes() for t in evaluated(cpu, inputs, weights)])
    assert results[0] == results[1]


def test_two_threads_at_once_do_not_disturb_each_other():
    given = [network([32, 64, 16], 10_000, seed) for seed in range(4)]
    alone = [evaluated(cpu, *each) for each in given]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda each: evaluated(cpu, *each), given))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_tensors_that_are_not_contiguous_are_read_right():
    inputs, weights = network([9, 10, 3], 300)
    pull = torch.randn(3, 300).T
    strided = inputs.T.contiguous().T, [weight.T.contiguous().T for weight in weights]
    for got, want in zip(
        evaluated(cpu, *strided, pull),
        evaluated(cpu, inputs, weights, pull.contiguous()),
        strict=True,
    ):
        assert torch.equal(got, want)


def test_shapes_and_types_that_do_not_fit_are_refused():
    inputs, weights = network([5, 6, 3], 4)
    with pytest.raises(ValueError, match=r"expected inputs \[n, d\], got \[5\]"):
        mlp(inputs[0], weights)
    with pytest.raises(ValueError, match="at least one layer"):
        mlp(inputs, [])
    with pytest.raises(ValueError, match=r"layer 0 are \[6, 5\]; expected \[d, 4\]"):
        mlp(inputs[:, :4], weights)
    with pytest.raises(ValueError, match=r"layer 1 are \[3, 5\]; expected \[d, 6\]"):
        mlp(inputs, [weights[0], weights[1][:, :5]])
    with pytest.raises(ValueError, match=r"layer 1 are \[0, 6\]"):
        mlp(inputs, [weights[0], weights[1][:0]])
    with pytest.raises(ValueError, match="expected the same"):
        mlp(inputs.double(), weights)
    with pytest.raises(ValueError, match="float32"):
        mlp(inputs.double(), [weight.double() for weight in weights])


def test_public_function_reaches_the_twin(monkeypatch):
    inputs, weights = network([5, 6, 3], 4)
    monkeypatch.setattr(kernels.mlp, "_twin", lambda _: reference)
    assert mlp(inputs.double(), [w.double() for w in weights]).dtype == torch.float64
