"""What is taken away reads back as what was there, or the old file stays."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from assets_splat_files import assert_same, random_cloud
from hypothesis import given
from hypothesis import strategies as st

from assets import export as exporting
from assets.errors import InputError
from assets.export import export
from assets.formats.gaussian_ply import read_gaussian_ply
from assets.formats.mesh_parts import smooth_normals
from assets.formats.mesh_write import with_texture_in_colours
from assets.formats.meshes import read_mesh
from assets.formats.splat import read_splat
from assets.mesh import Mesh
from assets.pointcloud import PointCloud


def random_mesh(seed: int, count: int, textured: bool = False) -> Mesh:
    """A fan of triangles around its first vertex, with every vertex in use."""
    rng = np.random.default_rng(seed)
    vertices = rng.normal(size=(count + 2, 3)).astype(np.float32)
    spokes = np.arange(1, count + 1)
    faces = np.stack([np.zeros_like(spokes), spokes, spokes + 1], axis=1).astype(np.int32)
    return Mesh(
        vertices=vertices,
        faces=faces,
        normals=smooth_normals(vertices, faces),
        colours=rng.random((count + 2, 3)).astype(np.float32),
        texture=rng.integers(0, 256, (5, 7, 3)).astype(np.float32) / 255 if textured else None,
        uvs=rng.random((count + 2, 2)).astype(np.float32) if textured else None,
    )


def corners(mesh: Mesh, values: np.ndarray) -> np.ndarray:
    """Values of the corners of all triangles, which no renumbering of vertices changes."""
    return values[mesh.faces]


@given(seed=st.integers(0, 2**32 - 1), degree=st.integers(0, 3))
def test_gaussians(tmp_path: Path, seed: int, degree: int) -> None:
    cloud = random_cloud(seed, 9, degree)
    export(cloud, tmp_path / "Café 1.PLY")
    assert_same(read_gaussian_ply(tmp_path / "Café 1.PLY"), cloud)
    export(cloud, tmp_path / "Café 1.splat")
    back = read_splat(tmp_path / "Café 1.splat")
    assert sorted(map(tuple, back.means)) == sorted(map(tuple, cloud.means))


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".stl"])
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 30), textured=st.booleans())
def test_meshes(tmp_path: Path, suffix: str, seed: int, count: int, textured: bool) -> None:
    mesh = random_mesh(seed, count, textured)
    path = tmp_path / f"mésh é{suffix}"
    export(mesh, path)
    back = read_mesh(path)
    assert isinstance(back, Mesh)
    np.testing.assert_array_equal(corners(back, back.vertices), corners(mesh, mesh.vertices))
    if suffix == ".stl":
        return
    np.testing.assert_allclose(corners(back, back.normals), corners(mesh, mesh.normals), atol=1e-5)
    step = 0.51 / 255 if suffix == ".ply" else 1e-5
    exact = with_texture_in_colours(mesh) if suffix == ".ply" else mesh
    np.testing.assert_allclose(
        corners(back, back.colours), corners(exact, exact.colours), atol=step
    )
    if textured and suffix != ".ply":
        np.testing.assert_allclose(back.texture, mesh.texture, atol=1e-6)
        np.testing.assert_allclose(corners(back, back.uvs), corners(mesh, mesh.uvs), atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 50))
def test_points(tmp_path: Path, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    cloud = PointCloud(
        rng.normal(size=(count, 3)).astype(np.float32), rng.random((count, 3)).astype(np.float32)
    )
    export(cloud, tmp_path / "p.ply")
    back = read_mesh(tmp_path / "p.ply")
    assert isinstance(back, PointCloud)
    np.testing.assert_array_equal(back.positions, cloud.positions)
    np.testing.assert_allclose(back.colours, cloud.colours, atol=0.51 / 255)


@pytest.mark.parametrize(
    ("make", "name", "known"),
    [
        (lambda: random_cloud(0, 3), "a.glb", r"\.ply, \.splat"),
        (lambda: random_cloud(0, 3), "a", r"without a suffix.*\.ply, \.splat"),
        (lambda: random_cloud(0, 3), "a.compressed.ply", "read but not written"),
        (lambda: random_mesh(0, 3), "a.splat", r"\.glb, \.obj, \.ply, \.stl"),
        (lambda: PointCloud(np.zeros((1, 3)), np.zeros((1, 3))), "a.obj", r"use one of \.ply"),
        (lambda: random_cloud(0, 0), "a.ply", "no Gaussians to save"),
        (lambda: PointCloud(np.zeros((0, 3)), np.zeros((0, 3))), "a.ply", "no points to save"),
    ],
)
def test_what_cannot_be_saved(tmp_path: Path, make: Callable, name: str, known: str) -> None:
    with pytest.raises(InputError, match=known):
        export(make(), tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.ply", "a.splat"])
def test_full_disk_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    export(random_cloud(0, 5), tmp_path / name)
    before = (tmp_path / name).read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="disk is full"):
        export(random_cloud(1, 50), tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    assert os.listdir(tmp_path) == [name]


def test_a_file_that_does_not_read_back_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgets_one(cloud, path: Path) -> None:
        exporting.write_splat(cloud.selected(slice(1, None)), path)

    monkeypatch.setattr(exporting, "_writer", lambda _path, _writers, _what: forgets_one)
    with pytest.raises(InputError, match="4 of 5 Gaussians"):
        export(random_cloud(0, 5), tmp_path / "a.splat")


def test_a_real_splat_goes_through_unchanged(shared_data: Path, tmp_path: Path) -> None:
    cloud = read_gaussian_ply(shared_data / "splats/three-from-train.ply")
    export(cloud, tmp_path / "again.ply")
    assert_same(read_gaussian_ply(tmp_path / "again.ply"), cloud)
    written = (tmp_path / "again.ply").stat().st_size
    assert written <= (shared_data / "splats/three-from-train.ply").stat().st_size
