"""Small clouds and broken files for the tests of the splat formats."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.gaussians import GaussianCloud


def random_cloud(seed: int, count: int, degree: int = 0) -> GaussianCloud:
    """Gaussians of every size, with quaternions of any length and sign."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int, spread: float = 1.0) -> np.ndarray:
        return rng.normal(size=shape, scale=spread).astype(np.float32)

    return GaussianCloud(
        means=normal(count, 3, spread=10.0),
        quats=normal(count, 4, spread=2.0),
        log_scales=normal(count, 3, spread=2.0) - 3,
        logit_opacities=normal(count, spread=4.0),
        sh=normal(count, (degree + 1) ** 2, 3),
    )


def assert_same(a: GaussianCloud, b: GaussianCloud) -> None:
    for name in ("means", "quats", "log_scales", "logit_opacities", "sh"):
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype == np.float32
        np.testing.assert_array_equal(left, right, err_msg=name)


def survives(read: Callable, path: Path, data: bytes) -> None:
    """Whatever the bytes, `read` answers or says a sentence, and takes little memory."""
    path.write_bytes(data)
    said = ""
    tracemalloc.start()
    try:
        read(path)
    except InputError as error:
        said = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert said == "" or len(said) > 20
    assert peak < 16_000_000, f"{peak} bytes for a file of {len(data)}"


def damaged(data: bytes, seed: int, hits: int) -> bytes:
    """`data` with a few bytes changed, most of them near the start where headers are."""
    rng = np.random.default_rng(seed)
    blob = bytearray(data)
    for _ in range(hits):
        place = int(rng.integers(len(blob)) * rng.random() ** 2)
        blob[place] = int(rng.choice([rng.integers(256), 0, 255, ord("9"), ord("-"), 10]))
    return bytes(blob)
