"""The 32-byte .splat: the same Gaussians within the steps of a byte."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assets_splat_files import random_cloud, survives
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import InputError
from assets.formats.gaussian_ply import read_gaussian_ply
from assets.formats.splat import ROW, read_splat, write_splat
from assets.formats.spz import refuse_spz
from assets.gaussians import GaussianCloud

HALF_STEP = 0.5 / 255 + 1e-6


def unit(quats: np.ndarray) -> np.ndarray:
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)


def assert_alike(rough: GaussianCloud, exact: GaussianCloud, step: float = HALF_STEP) -> None:
    """The same Gaussians in the same order, within quantisation."""
    np.testing.assert_array_equal(rough.means, exact.means)
    np.testing.assert_allclose(rough.scales, exact.scales, rtol=1e-5)
    np.testing.assert_allclose(rough.opacities, exact.opacities, atol=2 * step)
    np.testing.assert_allclose(rough.base_colours, exact.base_colours.clip(0, 1), atol=step)
    cosine = np.abs((unit(rough.quats) * unit(exact.quats)).sum(axis=1))
    assert np.degrees(2 * np.arccos(cosine.clip(0, 1))).max() < 1.5


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40), degree=st.integers(0, 3))
def test_written_is_read(tmp_path: Path, seed: int, count: int, degree: int) -> None:
    cloud = random_cloud(seed, count, degree)
    write_splat(cloud, tmp_path / "a ü.splat")
    assert (tmp_path / "a ü.splat").stat().st_size == 32 * count
    back = read_splat(tmp_path / "a ü.splat")
    importance = cloud.log_scales.astype(np.float64).sum(axis=1) + np.log(cloud.opacities)
    assert_alike(back, cloud.selected(np.argsort(-importance, kind="stable")))
    assert back.sh_degree == 0


def test_bytes_are_where_viewers_expect_them(tmp_path: Path) -> None:
    cloud = GaussianCloud(
        means=np.float32([[1, 2, 3]]),
        quats=np.float32([[-2, 0, 0, 0]]),
        log_scales=np.log(np.float32([[0.5, 1, 2]])),
        logit_opacities=np.float32([0]),
        sh=np.float32([[[9, -9, 0]]]),
    )
    write_splat(cloud, tmp_path / "a.splat")
    data = (tmp_path / "a.splat").read_bytes()
    np.testing.assert_allclose(np.frombuffer(data[:24], "<f4"), [1, 2, 3, 0.5, 1, 2], rtol=1e-6)
    assert list(data[24:]) == [255, 0, 128, 128, 255, 128, 128, 128]


def test_extremes_stay_finite(tmp_path: Path) -> None:
    cloud = random_cloud(0, 4)
    cloud = replace(
        cloud,
        log_scales=np.float32([[-500] * 3, [500] * 3, [0] * 3, [0] * 3]),
        logit_opacities=np.float32([-300, 300, -10, 10]),
    )
    write_splat(cloud, tmp_path / "a.splat")
    back = read_splat(tmp_path / "a.splat")
    assert len(back) == 4
    assert np.isfinite(back.logit_opacities).all()


@given(data=st.binary(max_size=200))
def test_noise_never_crashes(tmp_path: Path, data: bytes) -> None:
    survives(read_splat, tmp_path / "a.splat", data)


@given(seed=st.integers(0, 2**32 - 1))
def test_whole_rows_of_noise_never_crash(tmp_path: Path, seed: int) -> None:
    survives(read_splat, tmp_path / "a.splat", np.random.default_rng(seed).bytes(32 * 20))


def test_truncation_is_an_error(tmp_path: Path) -> None:
    write_splat(random_cloud(0, 3), tmp_path / "a.splat")
    data = (tmp_path / "a.splat").read_bytes()
    for length in (n for n in range(len(data)) if n % 32 or n == 0):
        (tmp_path / "b.splat").write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut off|empty"):
            read_splat(tmp_path / "b.splat")


def test_impossible_scales_are_counted(tmp_path: Path) -> None:
    rows = np.ones(3, dtype=ROW)
    rows["scale"][1] = -1
    (tmp_path / "a.splat").write_bytes(rows.tobytes())
    cloud = read_splat(tmp_path / "a.splat")
    assert len(cloud) == 2
    assert "1 of 3" in cloud.notes[0]


def test_three_real_gaussians_agree_between_the_formats(shared_data: Path) -> None:
    exact = read_gaussian_ply(shared_data / "splats/three-from-train.ply")
    rough = read_splat(shared_data / "splats/three-from-train.splat")
    # Written by another program that cuts off where this one rounds.
    np.testing.assert_allclose(rough.means, exact.means, rtol=1e-6)
    assert_alike(replace(rough, means=exact.means), exact, step=1 / 255)


def test_spz_says_what_is_read() -> None:
    with pytest.raises(InputError, match=r"biker\.spz.*not read.*\.ply.*\.splat"):
        refuse_spz(Path("somewhere/biker.spz"))
