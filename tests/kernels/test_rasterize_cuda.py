"""The gsplat twin: its projection through gsplat's torch code, and all of it where CUDA is."""

import gsplat
import pytest
import torch
from gsplat.cuda import _torch_impl
from rasterize_scenes import PARAMETERS, Scene, random_scene

from kernels.rasterize import cuda, reference

MARGINS = {"means2d": 1e-3, "conics": 1e-3, "depths": 1e-5}


@pytest.fixture
def projection_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gsplat project on the processor, in float64 or float32."""

    def project(means, covars, quats, scales, viewmats, Ks, width, height, **options):
        assert covars is None
        assert options.pop("packed") is False
        opacities = options.pop("opacities")
        covars, _ = _torch_impl._quat_scale_to_covar_preci(quats, scales, True, False, triu=False)
        radii, means2d, depths, conics, _ = _torch_impl._fully_fused_projection(
            means, covars, viewmats, Ks, width, height, **options
        )
        # The kernel also culls by opacity, which gsplat's torch code cannot.
        radii = torch.where((opacities >= 1 / 255)[None, :, None], radii, 0)
        return radii, means2d, depths, conics, None

    monkeypatch.setattr(gsplat, "fully_fused_projection", project)


@pytest.mark.usefixtures("projection_in_torch")
def test_projection_and_its_gradients_agree_with_the_reference() -> None:
    scene = random_scene(300, 60, 40, seed=2)
    truth = scene.to(torch.float64).project(reference)
    ours = scene.to(torch.float64)
    projected = ours.project(cuda)
    # gsplat rounds radii up, so it may keep a few more at the edges.
    shown = truth.radii > 0
    assert shown.sum() > 100
    assert (projected.radii[shown] > 0).all()
    for name, margin in MARGINS.items():
        torch.testing.assert_close(
            getattr(projected, name)[shown], getattr(truth, name)[shown], rtol=margin, atol=1e-6
        )
    pulls = {
        name: torch.randn_like(getattr(truth, name))
        * shown.view(-1, *[1] * (getattr(truth, name).ndim - 1))
        for name in MARGINS
    }
    gradients = []
    for twin in (cuda, reference):
        fresh = scene.to(torch.float64)
        drawn = fresh.project(twin)
        sum((getattr(drawn, name) * pull).sum() for name, pull in pulls.items()).backward()
        gradients.append({n: getattr(fresh, n).grad for n in ("means", "quats", "scales", "probe")})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("projection_in_torch")
def test_broken_gaussians_are_culled_before_gsplat_sees_them() -> None:
    scene = random_scene(12, 30, 20)
    scene.means[0, 0] = torch.nan
    scene.quats[1] = 0.0
    scene.scales[2, 1] = torch.inf
    scene.opacities[3] = torch.nan
    scene.means[4] = scene.means[4] - 100.0 * scene.world_to_camera[2, :3]
    ready = scene.to(torch.float32)
    projected = ready.project(cuda)
    assert not projected.radii[:5].any()
    (projected.means2d.sum() + projected.conics.sum() + projected.depths.sum()).backward()
    for name in ("means", "quats", "scales", "probe"):
        assert torch.isfinite(getattr(ready, name).grad).all(), name
        assert not getattr(ready, name).grad[:5].any(), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_whole_twin_agrees_with_the_reference() -> None:
    scene = random_scene(300, 60, 40, seed=2, opaque=0.9)
    truth = scene.to(torch.float64)
    ours = scene.to(torch.float32)
    on_device = Scene(
        **{
            name: value.detach().cuda().requires_grad_(value.requires_grad)
            for name, value in vars(ours).items()
            if name != "lens"
        },
        lens=ours.lens,
    )
    for field in ("image", "depth", "alpha"):
        theirs = getattr(on_device.draw(cuda), field).detach().cpu()
        assert (theirs - getattr(truth.draw(reference), field)).abs().max() < 1e-3, field
    expected = truth.gradients(reference)
    for name, gradient in on_device.gradients(cuda).items():
        size = expected[name].abs().max()
        assert (gradient.cpu() - expected[name]).abs().max() < 1e-2 * size, name
    assert set(expected) == set(PARAMETERS)
