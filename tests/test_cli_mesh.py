"""The command `mesh`: a splat file in, triangles out, and what it says when that cannot be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.errors import InputError
from assets.export import export
from assets.mesh import Mesh
from assets.open import open_path
from engines.commands.mesh import MakeMesh
from engines.mesh import MeshConfig
from engines.nerf.config import NerfConfig
from engines.nerf.train import NerfEngine
from tests.cli_photos import write_photos
from tests.engines.conftest import make_cloud, make_dataset

COARSE = MeshConfig(resolution=40, agreement=1, opacity=0.3)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("cli") / "photos")


@pytest.fixture(scope="module")
def splat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The very cloud that the photos show."""
    path = tmp_path_factory.mktemp("truth") / "truth.ply"
    export(make_cloud(), path)
    return path


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A radiance field that has learnt from the photos for a moment."""
    config = NerfConfig(steps=80, downscale=1, holdout=0, table_size=12, rate=0.015)
    engine = NerfEngine(make_dataset(), config)
    for _ in engine.run():
        pass
    path = tmp_path_factory.mktemp("field") / "blobs.safetensors"
    export(engine.saved_field(), path)
    return path


@pytest.mark.parametrize("with_photos", [True, False])
def test_a_radiance_field_becomes_a_mesh_too(
    photos: Path, field: Path, tmp_path: Path, capsys, with_photos: bool
):
    out, data = tmp_path / "blobs.glb", str(photos) if with_photos else None
    config = MeshConfig(resolution=40, opacity=0.3)
    assert MakeMesh(scene=field, out=out, data=data, config=config).run() == 0
    said = capsys.readouterr()
    assert "Measuring density" in said.err
    assert "The surface is taken at a density of" in said.err
    mesh = open_path(out)
    assert isinstance(mesh, Mesh)
    assert len(mesh.faces) > 300
    assert np.linalg.norm(mesh.vertices, axis=1).max() < 4
    assert mesh.colours.std() > 0.02, "it begins to learn colours"
    with pytest.raises(InputError, match="try a level from"):
        MakeMesh(scene=field, out=out, data=data, config=replace(config, level=1e8)).run()


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
@pytest.mark.parametrize("with_photos", [True, False])
def test_a_mesh_is_written_that_opens_again(
    photos: Path, splat: Path, tmp_path: Path, capsys, suffix: str, with_photos: bool
):
    out = tmp_path / f"blobs{suffix}"
    data = str(photos) if with_photos else None
    assert MakeMesh(scene=splat, out=out, data=data, config=COARSE).run() == 0
    said = capsys.readouterr()
    assert f"Wrote {out}" in said.out
    assert "Fusing depth" in said.err
    mesh = open_path(out)
    assert isinstance(mesh, Mesh)
    assert len(mesh.faces) > 500
    assert np.linalg.norm(mesh.vertices, axis=1).max() < 2.5
    assert mesh.colours.std() > 0.05, "the blobs are of many colours"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"out": "a.gltf"}, "use one of .glb, .obj, .ply, .stl"),
        ({"out": "nowhere/a.glb"}, "does not exist"),
        ({"scene": "{photos}"}, "holds nothing that was learnt"),
        ({"data": "{splat}"}, "holds no photos with cameras"),
        ({"config": MeshConfig(box=(90.0, 90.0, 90.0, 91.0, 91.0, 91.0))}, "no surface in the box"),
        ({"config": MeshConfig(resolution=2000, memory_mb=100)}, "try a resolution of"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    photos: Path, splat: Path, tmp_path: Path, monkeypatch, changes: dict, sentence: str
):
    monkeypatch.chdir(tmp_path)
    places = {"{photos}": str(photos), "{splat}": str(splat)}
    changes = {k: places.get(v, v) if isinstance(v, str) else v for k, v in changes.items()}
    values = {"scene": splat, "out": "a.glb", "data": str(photos), "config": COARSE} | changes
    values["scene"], values["out"] = Path(values["scene"]), Path(values["out"])
    with pytest.raises(InputError, match=sentence):
        MakeMesh(**values).run()
    assert not list(tmp_path.iterdir())


def test_an_interrupt_writes_nothing(splat: Path, tmp_path: Path, monkeypatch):
    from engines.mesh import fusion

    def interrupted(*_arguments: object, **_settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fusion.FusedViews, "of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        MakeMesh(scene=splat, out=tmp_path / "a.glb", config=COARSE).run()
    assert not list(tmp_path.iterdir())
