"""How a pixel came about must add up to the pixel that the very same twin draws."""

import numpy as np
import pytest
import torch
from rasterize_scenes import random_scene

from kernels import rasterize as kernel
from kernels.rasterize import cpu, reference
from kernels.rasterize.types import ALPHA_MAX, ALPHA_MIN, TRANSMITTANCE_MIN

SCENES = {
    "plain": {"count": 200, "width": 75, "height": 50},
    "needles": {"count": 150, "width": 160, "height": 120, "scale": 0.02, "seed": 1},
    "opaque": {"count": 900, "width": 48, "height": 40, "opaque": 40.0, "seed": 4},
    "faint": {"count": 300, "width": 31, "height": 29, "opaque": 0.02, "seed": 5},
    "tiny image": {"count": 30, "width": 1, "height": 1, "seed": 6},
}
TWINS = {"cpu": (cpu, torch.float32, 1e-5), "reference": (reference, torch.float64, 1e-12)}


def scene_of(name: str):
    scene = random_scene(**SCENES[name])
    scene.opacities.clamp_(max=1.0)
    if name == "needles":
        scene.scales[:, 0] *= 60.0
    return scene


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("name", SCENES)
def test_it_adds_up_to_the_pixel(name: str, twin: str) -> None:
    kernels, kind, bound = TWINS[twin]
    scene = scene_of(name).to(kind)
    projected, colours = scene.project(kernels), scene.colours.detach()
    drawn = kernels.blend(projected, scene.opacities, scene.colours)
    random = np.random.default_rng(0)
    finished = 0
    for _ in range(100):
        column = int(random.integers(projected.width))
        row = int(random.integers(projected.height))
        traced = kernels.trace(projected, scene.opacities, colours, column=column, row=row)
        weights = traced.alphas * traced.transmittances
        image = (weights[:, None] * colours[traced.rows]).sum(0)
        depth = (weights * projected.depths[traced.rows]).sum()
        for got, want in (
            (image, drawn.image[row, column]),
            (depth / 10, drawn.depth[row, column] / 10),
            (weights.sum(), drawn.alpha[row, column]),
        ):
            torch.testing.assert_close(got, want.detach(), rtol=0, atol=bound)
        depths = projected.depths[traced.rows]
        assert (depths[1:] >= depths[:-1]).all()
        assert (traced.alphas >= ALPHA_MIN - 1e-8).all()
        assert (traced.alphas <= ALPHA_MAX + 1e-6).all()
        assert (traced.transmittances > TRANSMITTANCE_MIN).all()
        finished += bool(len(weights) and 1 - weights.sum() < 0.01)
    assert finished > 5 or name not in ("opaque",)


def test_ties_go_by_index_and_what_cannot_be_drawn_is_left_out() -> None:
    means = torch.tensor([[0.0, 0, 3], [0, 0, 2], [0, 0, 2], [0, 0, 1], [5, 0, 2]])
    quats = torch.tensor([[1.0, 0, 0, 0]]).repeat(5, 1)
    opacities = torch.tensor([0.9, 0.2, 0.3, 0.8, 0.9])
    colours = torch.rand(5, 3)
    colours[3, 1] = float("nan")
    projected = kernel.project(
        means,
        quats,
        torch.full((5, 3), 0.1),
        opacities,
        world_to_camera=torch.eye(4),
        fx=20.0,
        fy=20.0,
        cx=4.5,
        cy=4.5,
        width=9,
        height=9,
    )
    for twin in (kernel, reference):
        traced = twin.trace(projected, opacities, colours, column=4, row=4)
        assert traced.rows.tolist() == [1, 2, 0]
        assert traced.alphas.tolist() == pytest.approx([0.2, 0.3, 0.9], rel=1e-4)
        assert traced.transmittances.tolist() == pytest.approx([1.0, 0.8, 0.56], rel=1e-4)
        assert len(twin.trace(projected, opacities, colours, column=8, row=0).rows) == 0


def test_a_pixel_outside_is_refused() -> None:
    scene = random_scene(5, 8, 6)
    projected = scene.project(kernel)
    for column, row in ((8, 0), (0, 6), (-1, 0)):
        with pytest.raises(ValueError, match="8 x 6"):
            kernel.trace(projected, scene.opacities, scene.colours, column=column, row=row)
    with pytest.raises(ValueError, match="opacities"):
        kernel.trace(projected, scene.opacities[:2], scene.colours, column=0, row=0)
