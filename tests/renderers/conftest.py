"""Windows with OpenGL and small scenes for the renderers' tests."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from assets.camera import Camera, look_at
from assets.gaussians import GaussianCloud


@pytest.fixture(scope="session")
def opengl(qapp) -> None:
    """vispy with the functions for instancing, which its default lacks."""
    import vispy

    vispy.use(gl="gl+")


@pytest.fixture
def viewport(opengl, qapp) -> Iterator:
    """A shown viewport of 320 x 240, without the grid; closed afterwards."""
    from renderers.canvas import Viewport

    viewport = Viewport((320, 240))
    viewport.grid_visible = False
    viewport.native.show()
    qapp.processEvents()
    yield viewport
    viewport.close()
    viewport.native.deleteLater()


@pytest.fixture
def settle(viewport, qapp) -> Callable[[], None]:
    """Lets time pass for the viewport until nothing changes by itself any more."""

    def run(timeout_s: float = 20.0) -> None:
        end = time.monotonic() + timeout_s
        calm = 0
        while calm < 3:
            viewport.tick(1 / 30)
            qapp.processEvents()
            time.sleep(0.005)
            calm = 0 if viewport.busy else calm + 1
            assert time.monotonic() < end, "the viewport never came to rest"

    return run


@pytest.fixture
def make_cloud() -> Callable[..., GaussianCloud]:
    """Random clouds of a given size around the origin."""

    def make(n: int, *, degree: int = 0, seed: int = 0, spread: float = 0.6) -> GaussianCloud:
        rng = np.random.default_rng(seed)
        bands = (degree + 1) ** 2
        sh = rng.normal(size=(n, bands, 3)) * np.array([1.0] + [0.15] * (bands - 1))[:, None]
        return GaussianCloud(
            means=(spread * rng.normal(size=(n, 3))).astype(np.float32),
            quats=rng.normal(size=(n, 4)).astype(np.float32),
            log_scales=rng.normal(np.log(0.05), 0.5, (n, 3)).astype(np.float32),
            logit_opacities=rng.normal(0.0, 1.5, n).astype(np.float32),
            sh=sh.astype(np.float32),
        )

    return make


@pytest.fixture
def one_gaussian() -> Callable[..., GaussianCloud]:
    """A single, nearly opaque, round Gaussian."""

    def make(position, colour, *, scale: float = 0.1, opacity: float = 0.98) -> GaussianCloud:
        return GaussianCloud(
            means=np.array([position], dtype=np.float32),
            quats=np.array([[1, 0, 0, 0]], dtype=np.float32),
            log_scales=np.full((1, 3), np.log(scale), dtype=np.float32),
            logit_opacities=np.array([np.log(opacity / (1 - opacity))], dtype=np.float32),
            sh=((np.array([[colour]]) - 0.5) / 0.28209479177387814).astype(np.float32),
        )

    return make


@pytest.fixture
def camera() -> Camera:
    """320 x 240, off-centre principal point, looking at the origin from three units away."""
    pose = look_at(np.array([1.0, -1.0, -3.0]), np.zeros(3), np.array([0.0, -1.0, 0.0]))
    return Camera(
        width=320, height=240, fx=300.0, fy=310.0, cx=150.3, cy=130.2, camera_to_world=pose
    )
