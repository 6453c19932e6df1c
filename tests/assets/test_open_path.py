"""What a drop is taken for, and what comes out of it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from assets_posed_files import frames_of, ring, write_bundle, write_colmap, write_photos
from assets_splat_files import random_cloud
from assets_video_files import write_film

from assets.errors import InputError
from assets.formats.gaussian_ply import write_gaussian_ply
from assets.formats.mesh_ply import write_pointcloud_ply
from assets.formats.splat import write_splat
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.open import Kind, identify, open_path
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video

NAMES = ["1.png", "2.png", "3.png"]


def colmap_set(root: Path) -> Path:
    write_colmap(root / "sparse/0", ring(NAMES))
    write_photos(root / "images", NAMES)
    return root


def transforms_set(root: Path) -> Path:
    write_photos(root / "images", NAMES)
    document = {"fl_x": 50, "frames": frames_of(ring(NAMES))}
    (root / "transforms.json").write_text(json.dumps(document))
    return root


def bundler_set(root: Path) -> Path:
    write_bundle(root / "bundle.out", ring(NAMES))
    write_photos(root, NAMES)
    return root


SETS = {"COLMAP": colmap_set, "transforms.json": transforms_set, "Bundler": bundler_set}
FILES = {"COLMAP": "sparse/0/images.bin", "transforms.json": "transforms.json",
         "Bundler": "bundle.out"}  # fmt: skip


@pytest.mark.parametrize("wording", SETS)
def test_posed_photos_by_folder_file_and_wrapping_folder(tmp_path, wording):
    root = SETS[wording](tmp_path / "outer" / "my scène")
    for dropped in (root, root / FILES[wording], tmp_path / "outer", tmp_path):
        found = identify(dropped)
        assert (found.kind, found.format) == (Kind.POSED_PHOTOS, wording)
        assert found.title == "my scène"
        assert not found.problem
        dataset = open_path(dropped)
        assert isinstance(dataset, PosedPhotos)
        assert len(dataset.views) == 3
        assert dataset.name == "my scène"
        again = open_path(dataset.source)  # a run finds its data set again by its source
        assert isinstance(again, PosedPhotos)
        np.testing.assert_array_equal(again.centres, dataset.centres)


def test_a_model_beside_the_photos_goes_before_transforms(tmp_path):
    transforms_set(colmap_set(tmp_path / "both"))
    assert identify(tmp_path / "both").format == "COLMAP"
    nerfstudio = transforms_set(tmp_path / "nerfstudio")
    write_colmap(nerfstudio / "colmap/sparse/0", ring(NAMES))
    assert identify(nerfstudio).format == "transforms.json"


def test_blender_folders_open_their_training_photos(tmp_path):
    root = transforms_set(tmp_path / "lego")
    for split in ("train", "val", "test"):
        shutil.copy(root / "transforms.json", root / f"transforms_{split}.json")
    (root / "transforms.json").unlink()
    assert identify(root).path.name == "transforms_train.json"
    assert identify(root / "transforms_test.json").path.name == "transforms_test.json"


def test_gaussians_meshes_and_points_are_told_apart(tmp_path):
    cloud = random_cloud(np.random.default_rng(0), 5, degree=0)
    write_gaussian_ply(cloud, tmp_path / "g.ply")
    write_splat(cloud, tmp_path / "g.splat")
    write_pointcloud_ply(PointCloud(cloud.means, np.zeros((5, 3), np.float32)), tmp_path / "p.ply")
    (tmp_path / "m.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    expected = {
        "g.ply": (Kind.GAUSSIANS, GaussianCloud),
        "g.splat": (Kind.GAUSSIANS, GaussianCloud),
        "p.ply": (Kind.POINTS, PointCloud),
        "m.obj": (Kind.MESH, Mesh),
    }
    for name, (kind, asset) in expected.items():
        assert identify(tmp_path / name).kind is kind
        assert isinstance(open_path(tmp_path / name), asset)
    problem = identify(tmp_path).problem
    assert "has 4 files to look at (g.ply, g.splat, m.obj, p.ply)" in problem


def test_a_folder_with_one_mesh_and_its_texture_is_the_mesh(tmp_path):
    (tmp_path / "m.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    write_photos(tmp_path, ["texture.png"])
    found = identify(tmp_path)
    assert (found.kind, found.path.name) == (Kind.MESH, "m.obj")


def test_the_output_of_a_splat_trainer_opens_its_last_cloud(tmp_path):
    cloud = random_cloud(np.random.default_rng(0), 5, degree=0)
    for iteration in (7000, 30000, 9000):
        place = tmp_path / f"point_cloud/iteration_{iteration}"
        place.mkdir(parents=True)
        write_gaussian_ply(cloud, place / "point_cloud.ply")
    write_pointcloud_ply(
        PointCloud(cloud.means, np.zeros((5, 3), np.float32)), tmp_path / "input.ply"
    )
    found = identify(tmp_path)
    assert (found.kind, found.path.parent.name) == (Kind.GAUSSIANS, "iteration_30000")


def test_checkpoints_are_known_but_not_opened(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/checkpoint.json").write_text("{}")
    for dropped in (tmp_path / "run", tmp_path / "run/checkpoint.json"):
        found = identify(dropped)
        assert (found.kind, found.path, found.title) == (
            Kind.CHECKPOINT, tmp_path / "run", "run")  # fmt: skip
        with pytest.raises(InputError, match="resume the run from it"):
            open_path(dropped)


def problem_of(path: Path, kind: Kind) -> str:
    found = identify(path)
    assert found.kind is kind
    with pytest.raises(InputError) as caught:
        open_path(path)
    assert str(caught.value) == found.problem
    return found.problem


def test_plain_photos_open_from_their_folder_and_the_folders_around_it(tmp_path):
    write_photos(tmp_path / "outer/holiday", NAMES)
    write_photos(tmp_path / "raw/images", NAMES)
    write_photos(tmp_path / "raw/masks", NAMES)
    expected = {
        tmp_path / "outer/holiday": "holiday",
        tmp_path / "outer": "holiday",
        tmp_path / "raw": "raw",
        tmp_path / "raw/images": "images",
    }
    for dropped, title in expected.items():
        found = identify(dropped)
        assert (found.kind, found.title, found.problem) == (Kind.PHOTOS, title, "")
        photos = open_path(dropped)
        assert isinstance(photos, UnposedPhotos)
        assert [shot.name for shot in photos.views] == NAMES
        assert all((shot.mask is not None) == ("raw" in str(dropped)) for shot in photos.views)
        again = open_path(photos.source)  # a run finds its photos again by their source
        assert isinstance(again, UnposedPhotos)
        assert [shot.path for shot in again.views] == [shot.path for shot in photos.views]


def test_a_single_photo_is_told_what_to_drop(tmp_path):
    write_photos(tmp_path, NAMES)
    assert "drop the folder with all photos" in problem_of(tmp_path / "1.png", Kind.PHOTOS)


def test_a_video_opens_by_itself_and_from_a_folder_of_its_own(tmp_path):
    film = write_film(tmp_path / "alone/walk.MP4", seconds=1)
    for dropped in (film, film.parent):
        assert identify(dropped).kind is Kind.VIDEO
        assert isinstance(open_path(dropped), Video)
    shutil.copy(film, film.with_name("second.mp4"))
    assert "has 2 videos (second.mp4, walk.MP4)" in problem_of(film.parent, Kind.UNKNOWN)
    write_photos(film.parent, NAMES)  # phones leave short films beside their photos
    assert identify(film.parent).kind is Kind.PHOTOS


def test_the_photo_folder_of_a_posed_set_points_to_the_set(tmp_path):
    root = colmap_set(tmp_path / "scene")
    assert f"drop {root} instead" in problem_of(root / "images", Kind.PHOTOS)


def test_photos_by_class(tmp_path):
    for name in ("cat", "dog"):
        write_photos(tmp_path / name, NAMES)
    assert "in 2 folders by class" in problem_of(tmp_path, Kind.CLASSES)


def test_photos_with_captions_are_told_from_photos_with_figures_beside_them(tmp_path):
    write_photos(tmp_path, NAMES)
    texts = [tmp_path / name.replace(".png", ".txt") for name in NAMES]
    enough = (len(NAMES) + 1) // 2
    for count, kind in ((enough - 1, Kind.PHOTOS), (enough, Kind.CAPTIONED)):
        for text in texts[:count]:
            text.write_text("a red circle, 2 cm wide")
        assert identify(tmp_path).kind is kind
        assert isinstance(open_path(tmp_path), UnposedPhotos)  # a scene for who asks for one
    for text in texts:
        text.write_text("0 0.51 0.48 0.20 0.31\n1 0.11 0.18 0.25 0.33")
    assert identify(tmp_path).kind is Kind.PHOTOS


def test_several_sets_are_named(tmp_path):
    colmap_set(tmp_path / "one")
    bundler_set(tmp_path / "two")
    assert "has 2 data sets (one, two); drop one" in problem_of(tmp_path, Kind.UNKNOWN)


def test_what_is_not_read_is_told_in_a_sentence(tmp_path):
    assert "does not exist" in problem_of(tmp_path / "none", Kind.UNKNOWN)
    (tmp_path / "empty").mkdir()
    assert "is empty" in problem_of(tmp_path / "empty", Kind.UNKNOWN)
    (tmp_path / "letter.txt").write_text("Dear reader")
    assert "of no kind that is read" in problem_of(tmp_path / "letter.txt", Kind.UNKNOWN)
    (tmp_path / "letter.ply").write_text("Dear reader")
    assert "not a PLY file" in problem_of(tmp_path / "letter.ply", Kind.UNKNOWN)
    (tmp_path / "zero.bin").write_bytes(b"")
    assert "of no kind" in problem_of(tmp_path / "zero.bin", Kind.UNKNOWN)
    (tmp_path / "only text").mkdir()
    (tmp_path / "only text/a.md").write_text("x")
    assert "has nothing that is read" in problem_of(tmp_path / "only text", Kind.UNKNOWN)


def test_a_folder_that_may_not_be_listed_is_told(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()

    def refuse(path: Path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "cannot be opened (Permission denied)" in problem_of(tmp_path / "locked", Kind.UNKNOWN)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("fox", Kind.POSED_PHOTOS),
        ("fox_colmap", Kind.POSED_PHOTOS),
        ("kermit", Kind.POSED_PHOTOS),
        ("splats/three-from-train.ply", Kind.GAUSSIANS),
        ("splats/three-from-train.splat", Kind.GAUSSIANS),
        ("splats/biker.compressed.ply", Kind.GAUSSIANS),
        ("meshes/bunny.ply", Kind.MESH),
        ("meshes/points_emptyface.ply", Kind.POINTS),
        ("meshes/Duck.glb", Kind.MESH),
        ("meshes/spot.obj", Kind.MESH),
        ("cifar10", Kind.CLASSES),
        ("README.md", Kind.UNKNOWN),
    ],
)
def test_real_inputs_are_known(shared_data, path, kind):
    assert identify(shared_data / path).kind is kind


@pytest.mark.parametrize("name", ["biker.spz", "three-from-train.spz"])
def test_spz_is_refused_with_what_to_do(shared_data, name):
    with pytest.raises(InputError, match="convert it"):
        open_path(shared_data / "splats" / name)
