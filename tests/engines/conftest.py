"""A tiny true scene that the engine can learn in a second."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.camera import Camera, look_at
from assets.gaussians import SH_C0, GaussianCloud
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos, View
from engines.splats.render import CloudTensors, render
from kernels.backend import backend


class ArrayPhoto:
    """A photo that lies in memory at the only size it is asked for."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def load(self, width: int, height: int) -> np.ndarray:
        assert (width, height) == (self.width, self.height)
        return self.pixels


def make_cloud(count: int = 300, seed: int = 0) -> GaussianCloud:
    """Coloured blobs in a ball of radius 1."""
    random = np.random.default_rng(seed)
    means = random.normal(size=(count, 3))
    means *= (random.random(count) ** (1 / 3) / np.linalg.norm(means, axis=1))[:, None]
    sh = np.zeros((count, 4, 3))
    sh[:, 0] = (random.random((count, 3)) - 0.5) / SH_C0
    sh[:, 1:] = random.normal(size=(count, 3, 3)) * 0.1
    return GaussianCloud(
        means=means.astype(np.float32),
        quats=random.normal(size=(count, 4)).astype(np.float32),
        log_scales=np.log(random.uniform(0.05, 0.2, (count, 3))).astype(np.float32),
        logit_opacities=random.uniform(0, 3, count).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def make_dataset(count: int = 12, *, width: int = 40, height: int = 30) -> PosedPhotos:
    """Exact photos of `make_cloud()` from a ring of cameras, with its centres as points."""
    cloud = make_cloud()
    tensors = CloudTensors.of(cloud, torch.device("cpu"))
    views = []
    for i in range(count):
        angle = 2 * np.pi * i / count
        eye = np.array([3 * np.cos(angle), 3 * np.sin(angle), 1 + 0.5 * np.sin(3 * angle)])
        camera = Camera(
            width=width,
            height=height,
            fx=40.0,
            fy=40.0,
            cx=width / 2,
            cy=height / 2,
            camera_to_world=look_at(eye, np.zeros(3), np.array([0, 0, 1])),
        )
        image = render(tensors, camera, background=torch.zeros(3)).image.clamp(0, 1).numpy()
        views.append(View(f"{i:03d}.png", ArrayPhoto(image), camera))
    random = np.random.default_rng(1)
    points = PointCloud(
        (cloud.means + random.normal(size=cloud.means.shape) * 0.05).astype(np.float32),
        np.clip(cloud.base_colours, 0, 1).astype(np.float32),
    )
    return PosedPhotos(name="tiny", source=Path("tiny"), views=tuple(views), points=points)


@pytest.fixture(scope="module", autouse=True)
def auto_is_the_cpu() -> Iterator[None]:
    """Where there is a GPU, too: sums on it come in any order, so no two runs are the same."""
    with pytest.MonkeyPatch.context() as patch:
        found = replace(backend(), name="cpu")
        patch.setattr("kernels.backend.backend", lambda: found)
        yield


@pytest.fixture(scope="session")
def tiny() -> PosedPhotos:
    """Twelve exact 40x30 photos of 300 Gaussians."""
    return make_dataset()
