"""The sample's true surfaces as Gaussians, made into a mesh, written, read back and drawn again."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from assets.export import export
from assets.mesh import Mesh
from assets.open import open_path
from assets.samples import sample_cameras, sample_mesh
from engines.mesh import MeshConfig, mesher_of_cloud
from engines.mesh.compare import compared, surface_points
from tests.engines.mesh_scenes import cloud_on

BEHIND = (1.0, 0.0, 1.0)
"""A colour that nothing on the table has."""


@pytest.fixture(scope="module")
def truth() -> Mesh:
    return sample_mesh()


@pytest.fixture(scope="module")
def fused(truth: Mesh) -> Mesh:
    """What is fused from the views of the sample's cameras."""
    mesher = mesher_of_cloud(cloud_on(truth, 60_000), sample_cameras(), MeshConfig(resolution=192))
    for _ in mesher.run():
        pass
    assert mesher.result is not None
    return mesher.result


def test_it_lies_where_the_truth_lies(fused: Mesh, truth: Mesh):
    found, _ = surface_points(fused, 100_000)
    true, _ = surface_points(truth, 200_000)
    seen = true[true[:, 2] > -1e-3]  # the table's edge leans inwards, away from every camera
    result = compared(found, seen, threshold=0.03)
    figures = f"Chamfer {result.chamfer:.4f}, F-score {result.f_score:.3f}, {result}"
    # The table is 4.2 wide, a cell 0.024.
    assert result.accuracy < 0.02, figures
    assert result.precision > 0.93, figures
    assert result.f_score > 0.85, figures
    print(figures)  # noqa: T201 - shown by pytest -rP


def test_its_colours_are_those_of_the_surface(fused: Mesh, truth: Mesh):
    points, face = surface_points(truth, 200_000)
    _, nearest = KDTree(points).query(fused.vertices)
    true = truth.colours[truth.faces[face]].mean(axis=1)[nearest]
    error = np.abs(fused.colours - true).mean(axis=1)
    assert np.median(error) < 0.03
    assert error.mean() < 0.06


@pytest.mark.gl
@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
def test_what_is_read_back_looks_like_the_truth(qapp, fused, truth, tmp_path: Path, suffix):
    from renderers.offscreen import render

    path = tmp_path / f"table{suffix}"
    export(fused, path)
    back = open_path(path)
    assert isinstance(back, Mesh)
    overlaps, errors = [], []
    for camera in sample_cameras()[::6]:
        ours, theirs = (
            render(camera, meshes=[mesh], background=BEHIND)[..., :3].astype(float) / 255
            for mesh in (back, truth)
        )
        a, b = (np.abs(picture - BEHIND).max(axis=2) > 0.02 for picture in (ours, theirs))
        overlaps.append((a & b).sum() / (a | b).sum())
        errors.append(np.abs(ours - theirs)[a & b].mean())
    assert min(overlaps) >= 0.95
    assert np.mean(errors) < 0.06
