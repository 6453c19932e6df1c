"""Colours by spherical harmonics: against scipy's harmonics and finite differences."""

import gsplat
import numpy as np
import pytest
import torch
from gsplat.cuda._torch_impl import _spherical_harmonics
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from kernels.sphericalharmonics import basis, colours_of_view, cuda, reference, spherical_harmonics
from kernels.threads import use_threads

DEGREES = pytest.mark.parametrize("degree", [0, 1, 2, 3])


def inputs(n: int, bands: int = 16, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Coefficients [n, 1, 3] and [n, bands - 1, 3], directions of any length, visible [n]."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(n, 1, 3, generator=generator),
        0.5 * torch.randn(n, bands - 1, 3, generator=generator),
        torch.randn(n, 3, generator=generator) * 10 ** torch.randn(n, 1, generator=generator),
        torch.rand(n, generator=generator) < 0.7,
    )


def test_basis_is_that_of_scipy():
    directions = np.random.default_rng(0).normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    x, y, z = directions.T
    polar, azimuth = np.arccos(z), np.arctan2(y, x)
    expected = []
    for degree in range(4):
        for order in range(-degree, degree + 1):
            harmonic = sph_harm_y(degree, abs(order), polar, azimuth)
            part = harmonic.imag if order < 0 else harmonic.real
            expected.append(part * (np.sqrt(2) if order else 1))
    found = basis(torch.from_numpy(directions), 3).numpy()
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-12)


@DEGREES
def test_gradients_of_the_definition_agree_with_finite_differences(degree):
    constant, rest, directions, visible = (
        t.double() if t.is_floating_point() else t for t in inputs(6)
    )
    directions = directions / directions.norm(dim=1, keepdim=True) * 1.7
    leaves = [t.requires_grad_() for t in (constant, rest, directions)]

    def colours(a: torch.Tensor, b: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
        return reference.spherical_harmonics((a, b), d, degree=degree, visible=visible)

    assert torch.autograd.gradcheck(colours, leaves, atol=1e-7)


@DEGREES
@given(n=st.integers(0, 700), masked=st.booleans())
def test_cpu_agrees_with_the_definition(degree, n, masked):
    *tensors, visible = inputs(n, seed=n)
    mask = visible if masked else None
    pull = torch.randn(n, 3, generator=torch.Generator().manual_seed(n + 1))
    exact = [t.double().requires_grad_() for t in tensors]
    expected = reference.spherical_harmonics(
        (exact[0], exact[1]), exact[2], degree=degree, visible=mask
    )
    expected.backward(pull.double())

    leaves = [t.clone().requires_grad_() for t in tensors]
    found = spherical_harmonics((leaves[0], leaves[1]), leaves[2], degree=degree, visible=mask)
    found.backward(pull)
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=3e-6)
    if degree == 0:
        assert leaves[1].grad is None
    for tensor in (leaves[1], exact[1], exact[2]):
        tensor.grad = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    lengths = tensors[2].norm(dim=1, keepdim=True)
    for leaf, other in zip(leaves[:2], exact[:2], strict=True):
        torch.testing.assert_close(leaf.grad, other.grad.float(), rtol=1e-4, atol=1e-5)
    # The gradient by a direction goes with one over its length.
    turned, expected_turned = leaves[2].grad * lengths, exact[2].grad.float() * lengths
    torch.testing.assert_close(turned, expected_turned, rtol=1e-4, atol=3e-5)


def test_rows_not_visible_give_nothing_even_if_they_are_broken():
    constant, rest, directions, visible = inputs(50)
    for tensor in (constant, rest, directions):
        tensor[~visible] = torch.nan
        tensor.requires_grad_()
    colours = spherical_harmonics((constant, rest), directions, degree=3, visible=visible)
    colours.sum().backward()
    assert (colours[~visible] == 0).all()
    for tensor in (constant, rest, directions):
        assert (tensor.grad[~visible] == 0).all()
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad[visible].any()


def test_a_broken_visible_row_stays_visibly_broken_and_alone():
    constant, rest, directions, _ = inputs(30)
    rest[7, 2] = torch.nan
    colours = spherical_harmonics((constant, rest), directions, degree=3)
    assert torch.isnan(colours[7]).all()
    assert torch.isfinite(colours).sum() == colours.numel() - 3


@pytest.mark.parametrize("length", [0.0, 1e-30, 1e30])
def test_directions_without_a_usable_length_show_the_constant_band(length):
    constant, rest, directions, _ = inputs(20)
    directions = (directions / directions.norm(dim=1, keepdim=True) * length).requires_grad_()
    colours = spherical_harmonics((constant, rest), directions, degree=3)
    colours.sum().backward()
    plain = spherical_harmonics((constant, rest), directions.detach(), degree=0)
    torch.testing.assert_close(colours.detach(), plain)
    assert (directions.grad == 0).all()


def test_colours_are_held_at_zero_without_gradient():
    constant = torch.full((1, 1, 3), -5.0, requires_grad=True)
    colours = spherical_harmonics((constant, torch.zeros(1, 0, 3)), torch.ones(1, 3), degree=0)
    colours.sum().backward()
    assert (colours == 0).all()
    assert constant.grad is not None
    assert (constant.grad == 0).all()


def test_one_tensor_does_as_well_as_two():
    constant, rest, directions, _ = inputs(40, bands=9)
    joined = torch.cat([constant, rest], dim=1).requires_grad_()
    parts = constant.requires_grad_(), rest.requires_grad_()
    one = spherical_harmonics(joined, directions, degree=2)
    two = spherical_harmonics(parts, directions, degree=2)
    one.square().sum().backward()
    two.square().sum().backward()
    assert torch.equal(one, two)
    assert torch.equal(joined.grad, torch.cat([p.grad for p in parts], dim=1))


@pytest.mark.parametrize("bands", [1, 4, 9, 16])
def test_colours_of_a_view_are_those_of_training(bands):
    constant, rest, means, _ = inputs(600, bands=bands)
    eye = np.array([0.3, -2.0, 1.5])
    sh = torch.cat([constant, rest], dim=1)
    degree = round(bands**0.5) - 1
    expected = reference.spherical_harmonics(
        (constant.double(), rest.double()), means.double() - torch.from_numpy(eye), degree=degree
    )
    found = colours_of_view(sh.numpy(), means.numpy(), eye)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)
    assert colours_of_view(sh[:0].numpy(), means[:0].numpy(), eye).shape == (0, 3)


def test_the_number_of_threads_changes_no_bit():
    constant, rest, directions, visible = inputs(5000)
    results = []
    for threads in (1, 2):
        use_threads(threads)
        leaves = [t.clone().requires_grad_() for t in (constant, rest, directions)]
        colours = spherical_harmonics((leaves[0], leaves[1]), leaves[2], degree=3, visible=visible)
        colours.square().sum().backward()
        results.append(
            [colours.detach().numpy().tobytes()] + [t.grad.numpy().tobytes() for t in leaves]
        )
    assert results[0] == results[1]


def test_what_does_not_fit_is_refused():
    constant, rest, directions, visible = inputs(10, bands=9)
    with pytest.raises(ValueError, match="degree is 4"):
        spherical_harmonics((constant, rest), directions, degree=4)
    with pytest.raises(ValueError, match="expected coefficients"):
        spherical_harmonics((constant, rest), directions, degree=3)
    with pytest.raises(ValueError, match="expected coefficients"):
        spherical_harmonics((constant, rest), directions[:9], degree=1)
    with pytest.raises(ValueError, match="visible"):
        spherical_harmonics((constant, rest), directions, degree=1, visible=visible[:9])
    with pytest.raises(ValueError, match="visible"):
        spherical_harmonics((constant, rest), directions, degree=1, visible=visible.float())
    with pytest.raises(ValueError, match="float32"):
        spherical_harmonics((constant.double(), rest), directions, degree=1)
    with pytest.raises(ValueError, match="1, 4, 9 or 16"):
        colours_of_view(np.zeros((5, 3, 3)), np.zeros((5, 3)), np.zeros(3))


def gradients_and_colours(evaluate, tensors, **options) -> list[torch.Tensor]:
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    colours = evaluate((leaves[0], leaves[1]), leaves[2], **options)
    colours.square().sum().backward()
    none = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    return [colours.detach(), *none]


@DEGREES
@pytest.mark.parametrize("masked", [True, False])
def test_gpu_twin_asks_gsplat_for_the_same(monkeypatch, degree, masked):
    """gsplat's own torch code stands in for its kernel, which leaves masked rows unwritten."""

    def kernel(degrees_to_use, dirs, coeffs, masks=None):
        colours = _spherical_harmonics(degrees_to_use, dirs, coeffs)
        return colours if masks is None else torch.where(masks[:, None], colours, torch.nan)

    monkeypatch.setattr(gsplat, "spherical_harmonics", kernel)
    *tensors, visible = inputs(200)
    options = {"degree": degree, "visible": visible if masked else None}
    found = gradients_and_colours(cuda.spherical_harmonics, tensors, **options)
    expected = gradients_and_colours(reference.spherical_harmonics, tensors, **options)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@DEGREES
def test_gpu_twin_agrees_with_the_definition(degree):
    *tensors, visible = inputs(2000)
    expected = gradients_and_colours(
        reference.spherical_harmonics, tensors, degree=degree, visible=visible
    )
    on_gpu = [tensor.cuda() for tensor in tensors]
    found = gradients_and_colours(
        spherical_harmonics, on_gpu, degree=degree, visible=visible.cuda()
    )
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-3, atol=1e-4)
