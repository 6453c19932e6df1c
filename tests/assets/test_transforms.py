"""transforms.json in the dialects of instant-ngp, nerfstudio and Blender."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from assets_posed_files import HEIGHT, OPENGL, WIDTH, frames_of, ring, write_photos
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from assets.errors import InputError
from assets.formats.colmap import read_colmap
from assets.formats.mesh_ply import write_pointcloud_ply
from assets.formats.transforms import read_transforms
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.undistort import UndistortedPhoto

NAMES = ["a b.png", "c.png", "ü.png"]
SHARED = {"fl_x": 60.0, "fl_y": 62.0, "cx": 33.0, "cy": 23.5, "w": WIDTH, "h": HEIGHT}


def write(folder: Path, document: object, name: str = "transforms.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def only_note(dataset: PosedPhotos) -> str:
    (note,) = dataset.notes
    return note


@pytest.fixture
def truth(tmp_path):
    write_photos(tmp_path / "images", NAMES)
    return ring(NAMES)


def test_instant_ngp(tmp_path, truth):
    distortion = {"k1": 0.05, "k2": -0.02, "p1": 0.001, "p2": 0.0005, "aabb_scale": 4}
    angles = {"camera_angle_x": 0.1, "camera_angle_y": 0.2}
    path = write(tmp_path, {**SHARED, **distortion, **angles, "frames": frames_of(truth)})
    dataset = read_transforms(path)
    assert [view.name for view in dataset.views] == NAMES
    assert dataset.name == tmp_path.name
    for view, camera in zip(dataset.views, truth.cameras, strict=True):
        np.testing.assert_allclose(view.camera.camera_to_world, camera.camera_to_world, atol=1e-9)
        assert isinstance(view.photo, UndistortedPhoto)
        assert view.photo.lens.model == "OPENCV"
        assert view.photo.lens.params == (60, 62, 33, 23.5, 0.05, -0.02, 0.001, 0.0005)


def test_without_pycolmap_the_reason_is_said(tmp_path, truth, monkeypatch):
    path = write(tmp_path, {**SHARED, "k1": 0.06, "frames": frames_of(truth)})
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    with pytest.raises(InputError, match="lens of the kind OPENCV, which only pycolmap can"):
        read_transforms(path)


def test_no_distortion_is_a_pinhole_even_when_it_is_spelt_out(tmp_path, truth):
    zeros = dict.fromkeys(("k1", "k2", "k3", "k4", "p1", "p2"), 0.0)
    path = write(
        tmp_path, {**SHARED, **zeros, "camera_model": "OPENCV", "frames": frames_of(truth)}
    )
    view = read_transforms(path).views[0]
    np.testing.assert_allclose(view.camera.intrinsics, truth.cameras[0].intrinsics)
    assert not isinstance(view.photo, UndistortedPhoto)


def test_nerfstudio_with_its_own_lens_for_each_photo_and_points(tmp_path, truth):
    frames = frames_of(truth, prefix="./images/")
    for i, frame in enumerate(frames):
        frame |= {**SHARED, "fl_x": 60.0 + i, "k1": 0.0}
    frames[1] |= {"k1": 0.01, "k2": 0.002, "k3": 0.001, "k4": 0.0003}
    write_pointcloud_ply(
        PointCloud(
            truth.positions.astype(np.float32), truth.colours.astype(np.float32) / np.float32(255)
        ),
        tmp_path / "sparse_pc.ply",
    )
    document = {
        "camera_model": "OPENCV_FISHEYE",
        "applied_transform": [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0]],
        "ply_file_path": "sparse_pc.ply",
        "frames": frames,
    }
    dataset = read_transforms(write(tmp_path, document))
    lenses = [view.photo.lens for view in dataset.views]
    assert [lens.model for lens in lenses] == ["OPENCV_FISHEYE"] * 3
    assert lenses[1].params == (61, 62, 33, 23.5, 0.01, 0.002, 0.001, 0.0003)
    assert [lens.params[0] for lens in lenses] == [60, 61, 62]
    np.testing.assert_allclose(
        dataset.views[0].camera.camera_to_world, truth.cameras[0].camera_to_world, atol=1e-9
    )
    assert dataset.points is not None
    np.testing.assert_allclose(dataset.points.positions, truth.positions, atol=1e-6)


def test_blender(tmp_path):
    names = ["r_0.png", "r_1.png", "r_2.png"]
    truth = ring(names)
    write_photos(tmp_path / "train", names, mode="RGBA")
    frames = frames_of(truth, prefix="./train/")
    for frame in frames:
        frame["file_path"] = frame["file_path"].removesuffix(".png")
    document = {"camera_angle_x": 0.7, "frames": frames}
    path = write(tmp_path, document, "transforms_train.json")
    write(tmp_path, document, "transforms_test.json")
    dataset = read_transforms(path)
    view = dataset.views[1]
    assert view.name == "r_1"
    assert view.photo.load(WIDTH, HEIGHT).shape == (HEIGHT, WIDTH, 4)
    focal = 0.5 * WIDTH / np.tan(0.35)
    np.testing.assert_allclose(view.camera.intrinsics, [[focal, 0, 32], [0, focal, 24], [0, 0, 1]])
    assert (
        only_note(dataset) == "Only transforms_train.json is used; transforms_test.json left aside"
    )


def test_missing_photos_are_counted_once(tmp_path, truth):
    (tmp_path / "images/c.png").unlink()
    dataset = read_transforms(write(tmp_path, {**SHARED, "frames": frames_of(truth)}))
    assert [view.name for view in dataset.views] == ["a b.png", "ü.png"]
    assert only_note(dataset) == "1 of 3 photos left out because it is missing: c.png"


def test_all_photos_missing_is_an_error(tmp_path, truth):
    path = write(tmp_path / "elsewhere", {**SHARED, "frames": frames_of(truth)})
    with pytest.raises(InputError, match=r"None of the 3 photos .* was found in .*elsewhere"):
        read_transforms(path)


def test_malformed_json_is_told_with_its_line(tmp_path):
    path = write(tmp_path, '{\n "fl_x": 3,\n "frames": [ {]\n}\n')
    with pytest.raises(InputError, match=r"is not valid JSON: .* in line 3, column 15"):
        read_transforms(path)


@pytest.mark.parametrize("document", ["", "[]", "7", '{"frames": 3}', '{"a": 1}', "[" * 100_000])
def test_json_of_something_else_is_refused(tmp_path, document):
    with pytest.raises(InputError, match=r"transforms\.json"):
        read_transforms(write(tmp_path, document))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "transforms.json").write_bytes(b"\xff\xfe\x00garbage\x80")
    with pytest.raises(InputError, match="not a JSON text file"):
        read_transforms(tmp_path / "transforms.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_transforms(tmp_path / "none.json")
    with pytest.raises(InputError, match="lists no photo"):
        read_transforms(write(tmp_path, {"frames": []}))


def scaled(pose: np.ndarray) -> np.ndarray:
    pose = pose.copy()
    pose[:3, :3] *= 2.5
    return pose


def test_a_scale_in_the_matrix_is_taken_out(tmp_path, truth):
    frames = frames_of(truth)
    frames[0]["transform_matrix"] = scaled(np.array(frames[0]["transform_matrix"])).tolist()
    frames[1]["transform_matrix"] = frames[1]["transform_matrix"][:3]
    dataset = read_transforms(write(tmp_path, {**SHARED, "frames": frames}))
    for view, pose in zip(dataset.views, truth.poses, strict=True):
        np.testing.assert_allclose(view.camera.camera_to_world, pose, atol=1e-9)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.full((4, 4), np.nan), "it is not finite"),
        (np.diag([1, 1, 0, 1.0]), "it is degenerate"),
        (np.zeros((4, 4)), "it is degenerate"),
        (np.array([*np.eye(4)[:2], [0, 0, 1, 1e200], [0, 0, 0, 1]]), "it is absurdly far away"),
        (np.diag([1, 1, -1, 1.0]), "it is mirrored"),
        (np.diag([1, 2, 1, 1.0]), "it is sheared"),
        ([[1, 2], [3, 4]], "it is no 4x4 matrix"),
        ([["a"] * 4] * 4, "it is no matrix of numbers"),
        ([[1, 2], [3]], "it is no matrix of numbers"),
    ],
)
def test_poses_that_are_none_are_left_out(tmp_path, truth, matrix, reason):
    frames = frames_of(truth)
    frames[2]["transform_matrix"] = np.asarray(matrix, dtype=object).tolist()
    dataset = read_transforms(write(tmp_path, {**SHARED, "frames": frames}))
    assert len(dataset.views) == 2
    assert f"without a usable camera pose ({reason}): ü.png" in only_note(dataset)
    frames = [{**frame, "transform_matrix": frames[2]["transform_matrix"]} for frame in frames]
    with pytest.raises(InputError, match=r"None of the 3 photos .* can be used"):
        read_transforms(write(tmp_path, {**SHARED, "frames": frames}))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"fl_x": 0}, "a focal length of 0"),
        ({"fl_x": -3.0}, "a focal length of 0"),
        ({"fl_x": "long"}, "whose numbers cannot be read"),
        ({"fl_x": None}, "whose numbers cannot be read"),
        ({"cx": float("inf")}, "no finite numbers"),
        ({"w": 0}, "no width or height"),
        ({"w": 1e300}, "a width or height that no photo has"),
        ({"camera_model": "VR180_L"}, 'of the model "VR180_L", which is not read'),
        ({"camera_angle_x": 0.0}, "a focal length of 0"),
        ({"camera_angle_x": 7.0}, "a focal length of 0"),
    ],
)
def test_cameras_that_cannot_be_used_are_left_out(tmp_path, truth, words, reason):
    frames = frames_of(truth)
    frames[1] |= words
    dataset = read_transforms(write(tmp_path, {**SHARED, "frames": frames}))
    assert [view.name for view in dataset.views] == ["a b.png", "ü.png"]
    assert reason in only_note(dataset)


def test_no_focal_length_at_all_is_an_error(tmp_path, truth):
    with pytest.raises(InputError, match="3 are without a focal length"):
        read_transforms(write(tmp_path, {"frames": frames_of(truth)}))


def test_duplicates_and_broken_entries_are_left_out(tmp_path, truth):
    frames = frames_of(truth)
    odd = [frames[0], 5, {"file_path": "images/c.png"}, {"transform_matrix": []}]
    dataset = read_transforms(write(tmp_path, {**SHARED, "frames": [*frames, *odd]}))
    assert len(dataset.views) == 3
    assert "3 of 7 photos left out because they are without file_path" in dataset.notes[0]
    assert dataset.notes[1] == "1 of 7 photos left out because it is listed twice: a b.png"


def test_one_photo_works_with_a_note(tmp_path, truth):
    dataset = read_transforms(write(tmp_path, {**SHARED, "frames": frames_of(truth)[:1]}))
    assert dataset.views[0].name == "a b.png"
    assert "only one photo" in only_note(dataset)


def test_sizes_come_from_the_photos_where_the_file_has_none(tmp_path, truth):
    (tmp_path / "images/ü.png").write_bytes(b"")
    dataset = read_transforms(write(tmp_path, {"fl_x": 60.0, "frames": frames_of(truth)}))
    camera = dataset.views[0].camera
    assert (camera.width, camera.height, camera.cx, camera.cy) == (WIDTH, HEIGHT, 32, 24)
    assert (camera.fx, camera.fy) == (60, 60)
    assert "not a photo that can be read: ü.png" in only_note(dataset)


def test_windows_paths_and_an_utf8_mark_are_fine(tmp_path, truth):
    text = json.dumps({**SHARED, "frames": frames_of(truth, prefix="images\\")})
    (tmp_path / "transforms.json").write_text(text, encoding="utf-8-sig")
    assert [view.name for view in read_transforms(tmp_path / "transforms.json").views] == NAMES


def test_bad_points_are_a_note(tmp_path, truth):
    (tmp_path / "points.ply").write_text("no ply")
    document = {**SHARED, "ply_file_path": "points.ply", "frames": frames_of(truth)}
    dataset = read_transforms(write(tmp_path, document))
    assert dataset.points is None
    assert only_note(dataset).startswith("The points of the data set are not used: ")


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(key=st.sampled_from(["file_path", "transform_matrix", "w", "fl_x", "k1", "camera_model"]),
       value=junk)  # fmt: skip
def test_odd_values_never_crash(tmp_path_factory, key, value):
    folder = tmp_path_factory.mktemp("odd")
    write_photos(folder / "images", NAMES[:2])
    frames = frames_of(ring(NAMES[:2]))
    frames[0][key] = value
    dataset = read_transforms(write(folder, {**SHARED, "frames": frames}))
    assert len(dataset.views) in (1, 2)
    for view in dataset.views:
        assert np.isfinite(view.camera.intrinsics).all()
        assert np.isfinite(view.camera.camera_to_world).all()


def test_the_real_fox_skips_what_is_missing(shared_data):
    dataset = read_transforms(shared_data / "fox/transforms.json")
    assert len(dataset.views) == 50
    assert "17 of 67 photos left out because they are missing" in only_note(dataset)
    raw = json.loads((shared_data / "fox/transforms.json").read_text())
    pose = np.array(raw["frames"][0]["transform_matrix"])
    np.testing.assert_allclose(dataset.views[0].camera.camera_to_world, pose @ OPENGL, atol=1e-6)
    photo = dataset.views[0].photo.load(135, 240)
    plain = Image.open(shared_data / "fox/images/0001.jpg").resize((135, 240))
    # The same picture, though a few pixels are cropped where the lens bends.
    assert np.abs(photo - np.asarray(plain) / 255).mean() < 0.02


def test_the_fox_and_its_colmap_twin_agree(shared_data):
    """Two programs estimated the same cameras: one similarity must take all to all."""
    ours = read_transforms(shared_data / "fox/transforms.json")
    twin = read_colmap(shared_data / "fox_colmap")
    assert [view.name for view in ours.views] == [view.name for view in twin.views]
    a, b = twin.centres, ours.centres
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    left, stretch, right = np.linalg.svd(b.T @ a)
    turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    scale = stretch.sum() / (a**2).sum()
    reach = np.linalg.norm(b, axis=1).max()
    assert np.linalg.norm(scale * a @ turn.T - b, axis=1).max() < 0.01 * reach
    for one, other in zip(ours.views, twin.views, strict=True):
        across = turn @ other.camera.camera_to_world[:3, :3]
        cosine = (np.trace(across.T @ one.camera.camera_to_world[:3, :3]) - 1) / 2
        assert np.degrees(np.arccos(min(cosine, 1.0))) < 1.0
