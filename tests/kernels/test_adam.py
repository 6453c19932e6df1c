"""The optimiser's step: against torch.optim.Adam, bit for bit on any number of threads."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels.adam import adam_step, all_finite, cpu, cuda, reference
from kernels.threads import use_threads

TWINS = pytest.mark.parametrize("twin", [reference, cpu, cuda], ids=["reference", "cpu", "cuda"])


def optimised(twin, start: torch.Tensor, *, steps: int, seed: int = 1, **options) -> list:
    """Parameter and moments after some steps of random gradients, some of them tiny or zero."""
    generator = torch.Generator().manual_seed(seed)
    state = [start.clone(), torch.zeros_like(start), torch.zeros_like(start)]
    for step in range(1, steps + 1):
        gradient = torch.randn(start.shape, generator=generator)
        gradient *= 10 ** torch.randint(-9, 3, start.shape, generator=generator)
        gradient[torch.rand(start.shape, generator=generator) < 0.1] = 0
        twin.adam_step(state[0], gradient, *state[1:], step=step, learning_rate=0.01, **options)
    return state


def expected(start: torch.Tensor, *, steps: int, seed: int = 1, **options) -> list:
    """The same by torch.optim.Adam."""
    parameter = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([parameter], lr=0.01, eps=1e-15, **options)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        gradient = torch.randn(start.shape, generator=generator)
        gradient *= 10 ** torch.randint(-9, 3, start.shape, generator=generator)
        gradient[torch.rand(start.shape, generator=generator) < 0.1] = 0
        parameter.grad = gradient
        optimiser.step()
    state = optimiser.state[parameter]
    return [parameter.detach(), state["exp_avg"], state["exp_avg_sq"]]


@TWINS
@given(shape=st.lists(st.integers(1, 9), min_size=1, max_size=3), steps=st.integers(1, 12))
def test_it_is_the_adam_of_torch(twin, shape, steps):
    start = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found, want = optimised(twin, start, steps=steps), expected(start, steps=steps)
    for a, b in zip(found, want, strict=True):
        torch.testing.assert_close(a, b, rtol=3e-6, atol=1e-7)


@TWINS
def test_it_stays_that_of_torch_over_many_steps_and_numbers(twin):
    start = torch.randn(1000, 15, generator=torch.Generator().manual_seed(0))
    found = optimised(twin, start, steps=30, beta1=0.8, beta2=0.99)
    want = expected(start, steps=30, betas=(0.8, 0.99))
    for a, b in zip(found, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=3e-7)


@TWINS
@pytest.mark.parametrize("shape", [(2000,), (2000, 3), (300, 15, 3)])
def test_only_the_rows_asked_for_move(twin, shape):
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(shape, generator=generator)
    rows = torch.rand(shape[0], generator=generator) < 0.5
    found, all_rows = optimised(twin, start, steps=5, rows=rows), optimised(twin, start, steps=5)
    assert torch.equal(found[0][~rows], start[~rows])
    assert not found[1][~rows].any()
    assert not found[2][~rows].any()
    for a, b in zip(found, all_rows, strict=True):
        torch.testing.assert_close(a[rows], b[rows], rtol=1e-6, atol=0)


@TWINS
def test_decay_is_that_of_adamw(twin):
    start = torch.randn(1000, 5, generator=torch.Generator().manual_seed(0))
    parameter = start.clone().requires_grad_()
    optimiser = torch.optim.AdamW([parameter], lr=0.01, eps=1e-15, weight_decay=3.0)
    state = [start.clone(), torch.zeros_like(start), torch.zeros_like(start)]
    for step in range(1, 6):
        gradient = torch.randn(start.shape, generator=torch.Generator().manual_seed(step))
        parameter.grad = gradient
        optimiser.step()
        twin.adam_step(state[0], gradient, *state[1:], step=step, learning_rate=0.01, decay=3.0)
    torch.testing.assert_close(state[0], parameter.detach(), rtol=1e-5, atol=1e-6)


@TWINS
def test_what_was_not_touched_stays(twin):
    start = torch.randn(3000, 4, generator=torch.Generator().manual_seed(3))
    first, second = torch.full_like(start, 0.3), torch.full_like(start, 0.2)
    gradient = torch.randn(start.shape, generator=torch.Generator().manual_seed(4))
    gradient[torch.rand(start.shape, generator=torch.Generator().manual_seed(5)) < 0.5] = 0
    touched, states = gradient != 0, []
    for skip in (True, False):
        state = [start.clone(), first.clone(), second.clone()]
        twin.adam_step(state[0], gradient, *state[1:], step=7, learning_rate=0.1, skip_zero=skip)
        states.append(state)
    for found, everywhere, before in zip(*states, (start, first, second), strict=True):
        torch.testing.assert_close(found[touched], everywhere[touched], rtol=1e-6, atol=0)
        assert torch.equal(found[~touched], before[~touched])
        assert not torch.equal(everywhere[~touched], before[~touched])


def test_the_number_of_threads_changes_no_bit():
    start = torch.randn(1003, 37, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(1003) % 3 > 0
    results = []
    for threads in (1, 2):
        use_threads(threads)
        states = optimised(cpu, start, steps=3) + optimised(cpu, start, steps=3, rows=rows)
        results.append([tensor.numpy().tobytes() for tensor in states])
    assert results[0] == results[1]


def test_a_parameter_that_requires_a_gradient_moves_too():
    parameter = torch.ones(4, 2, requires_grad=True)
    gradient, first, second = torch.ones(4, 2), torch.zeros(4, 2), torch.zeros(4, 2)
    adam_step(parameter, gradient, first, second, step=1, learning_rate=0.5)
    torch.testing.assert_close(parameter.detach(), torch.full((4, 2), 0.5))


def test_nothing_to_do_is_fine():
    for rows in (None, torch.zeros(0, dtype=torch.bool)):
        state = [torch.zeros(0, 3) for _ in range(4)]
        adam_step(*state, step=1, learning_rate=0.1, rows=rows)
    assert all_finite()
    assert all_finite(torch.zeros(0, 3))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_bad_gradient_is_not_hidden(bad):
    parameter, first, second = torch.ones(40), torch.zeros(40), torch.zeros(40)
    gradient = torch.ones(40)
    gradient[33] = bad
    adam_step(parameter, gradient, first, second, step=1, learning_rate=0.1)
    assert torch.isfinite(parameter).sum() == 39
    assert not all_finite(parameter)


def test_gradients_may_lie_anyhow_but_parameters_may_not():
    start = torch.randn(6, 4)
    gradient = torch.randn(4, 6).T
    found, want = [[start.clone(), torch.zeros(6, 4), torch.zeros(6, 4)] for _ in range(2)]
    for state, g in ((found, gradient), (want, gradient.contiguous())):
        adam_step(state[0], g, *state[1:], step=1, learning_rate=0.1)
    assert torch.equal(found[0], want[0])
    with pytest.raises(ValueError, match="contiguous float32"):
        adam_step(start.T, gradient.T, found[1].T, found[2].T, step=1, learning_rate=0.1)
    with pytest.raises(ValueError, match="one shape"):
        adam_step(start, gradient[:3], *found[1:], step=1, learning_rate=0.1)
    with pytest.raises(ValueError, match="contiguous float32"):
        adam_step(*(t.double() for t in (start, gradient, *found[1:])), step=1, learning_rate=0.1)


@pytest.mark.parametrize("rows", [torch.ones(5, dtype=torch.bool), torch.ones(6)])
def test_rows_that_do_not_fit_are_refused(rows):
    state = [torch.ones(6, 4) for _ in range(4)]
    with pytest.raises(ValueError, match="rows"):
        adam_step(*state, step=1, learning_rate=0.1, rows=rows)


def test_rows_and_touched_numbers_are_not_chosen_together():
    state = [torch.ones(6, 4) for _ in range(4)]
    rows = torch.ones(6, dtype=torch.bool)
    with pytest.raises(ValueError, match="not both"):
        adam_step(*state, step=1, learning_rate=0.1, rows=rows, skip_zero=True)


@TWINS
@given(
    size=st.integers(1, 30_000),
    where=st.floats(0, 1, exclude_max=True),
    bad=st.sampled_from([np.nan, -np.nan, np.inf, -np.inf]),
)
def test_one_bad_value_anywhere_is_found(twin, size, where, bad):
    good = torch.full((size,), torch.finfo(torch.float32).max)
    good[::3] = torch.finfo(torch.float32).smallest_normal / 8
    good[1::3] *= -1
    assert twin.all_finite(good, good[:5])
    spoilt = good.clone()
    spoilt[int(where * size)] = bad
    assert not twin.all_finite(good, spoilt)
    assert not twin.all_finite(spoilt, good)
