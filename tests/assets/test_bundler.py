"""Bundler's bundle.out, made here and real."""

from pathlib import Path

import numpy as np
import pytest
from assets_posed_files import HEIGHT, WIDTH, ring, write_bundle, write_photos
from hypothesis import example, given
from hypothesis import strategies as st

from assets.errors import InputError
from assets.formats.bundler import read_bundle, read_bundler
from assets.undistort import UndistortedPhoto

NAMES = ["a 1.png", "b.png", "c.png", "ü.png"]


def test_cameras_points_and_photos_by_order(tmp_path):
    truth = ring(NAMES, fx=55.0, fy=55.0)
    write_bundle(tmp_path / "bundle.out", truth)
    write_photos(tmp_path, NAMES)
    dataset = read_bundler(tmp_path / "bundle.out")
    assert [view.name for view in dataset.views] == NAMES
    for view, camera in zip(dataset.views, truth.cameras, strict=True):
        np.testing.assert_allclose(view.camera.camera_to_world, camera.camera_to_world, atol=1e-9)
        expected = [[55, 0, WIDTH / 2], [0, 55, HEIGHT / 2], [0, 0, 1]]
        np.testing.assert_allclose(view.camera.intrinsics, expected)
        assert view.photo.load(WIDTH, HEIGHT).shape == (HEIGHT, WIDTH, 3)
    assert dataset.points is not None
    np.testing.assert_allclose(dataset.points.positions, truth.positions, atol=1e-6)
    np.testing.assert_allclose(dataset.points.colours, truth.colours / 255, atol=1e-6)
    assert dataset.notes == (
        "There is no list.txt, so photos were matched with cameras by the order of their names",
    )


def test_a_list_says_which_photo_is_which(tmp_path):
    truth = ring(NAMES)
    write_bundle(tmp_path / "bundle/bundle.out", truth)
    write_photos(tmp_path / "images", [*NAMES, "one more.png"])
    lines = [f"images/{name} 0 684.2" for name in reversed(NAMES)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    dataset = read_bundler(tmp_path / "bundle/bundle.out")
    poses = {view.name: view.camera.camera_to_world for view in dataset.views}
    for name, camera in zip(reversed(NAMES), truth.cameras, strict=True):
        np.testing.assert_allclose(poses[name], camera.camera_to_world, atol=1e-9)
    assert dataset.notes == ()


def test_radial_distortion_is_undone(tmp_path):
    write_bundle(tmp_path / "bundle.out", ring(NAMES), k1=-0.08, k2=0.01)
    write_photos(tmp_path, NAMES)
    photo = read_bundler(tmp_path / "bundle.out").views[0].photo
    assert isinstance(photo, UndistortedPhoto)
    assert photo.lens.model == "RADIAL"
    assert photo.lens.params[3:] == (-0.08, 0.01)


def test_cameras_without_pose_and_missing_photos_are_left_out(tmp_path):
    write_bundle(tmp_path / "bundle.out", ring(NAMES), without=(1,))
    write_photos(tmp_path, NAMES)
    (tmp_path / "list.txt").write_text("\n".join([*NAMES[:3], "gone.jpg"]))
    dataset = read_bundler(tmp_path / "bundle.out")
    assert [view.name for view in dataset.views] == ["a 1.png", "c.png"]
    assert dataset.notes == (
        "1 of 4 photos left out because it is without a camera (its focal length is 0): b.png",
        "1 of 4 photos left out because it is missing: gone.jpg",
    )


def test_photos_that_cannot_be_matched_are_an_error(tmp_path):
    write_bundle(tmp_path / "bundle.out", ring(NAMES))
    write_photos(tmp_path, NAMES[:3])
    with pytest.raises(InputError, match=r"has 4 cameras, but there are 3 photos beside it"):
        read_bundler(tmp_path / "bundle.out")


def test_no_camera_at_all_is_an_error(tmp_path):
    write_bundle(tmp_path / "bundle.out", ring(NAMES), without=(0, 1, 2, 3))
    write_photos(tmp_path, NAMES)
    with pytest.raises(InputError, match=r"None of the 4 photos .* can be used"):
        read_bundler(tmp_path / "bundle.out")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("hello", "does not begin with"),
        ("# Bundle file v0.1\n1 1\n", "does not begin with"),
        ("# Bundle file v0.3\n", "does not say how many"),
        ("# Bundle file v0.3\n-1 4\n", "does not say how many"),
        ("# Bundle file v0.3\nnan inf\n", "does not say how many"),
        ("# Bundle file v0.3\n999999999 999999999\n1 2 3\n", "is cut off"),
        ("# Bundle file v0.3\n1 0\n1 2 x\n", "no number"),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path, text, words):
    path = tmp_path / "bundle.out"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_bundle(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_bundle(tmp_path / "bundle.out")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("whole") / "bundle.out"
    write_bundle(path, ring(NAMES))
    return path.read_text()


@given(st.floats(0, 0.99))
def test_cut_off_anywhere_is_an_error(whole, tmp_path_factory, keep):
    path: Path = tmp_path_factory.mktemp("cut") / "bundle.out"
    path.write_text(whole[: int(keep * len(whole))])
    with pytest.raises(InputError):
        read_bundle(path)


@example(at=3, value="1e300")
@given(at=st.integers(2, 600), value=st.sampled_from(["-1", "1e300", "nan", "inf", "0.5", "7"]))
def test_odd_numbers_never_crash(whole, tmp_path_factory, at, value):
    folder: Path = tmp_path_factory.mktemp("odd")
    lines = whole.splitlines()
    words = " \n".join(lines[1:]).split()
    words[at % len(words)] = value
    (folder / "bundle.out").write_text(lines[0] + "\n" + " ".join(words))
    write_photos(folder, NAMES)
    try:
        dataset = read_bundler(folder / "bundle.out")
    except InputError:
        return
    for view in dataset.views:
        assert np.isfinite(view.camera.camera_to_world).all()
        assert np.isfinite(view.camera.intrinsics).all()


def test_real_tracks_lie_on_their_features(shared_data):
    """Each camera of Kermit sees its points where Bundler saw them, to a third of a pixel."""
    path = shared_data / "kermit/bundle.out"
    dataset, bundle = read_bundler(path), read_bundle(path)
    assert len(dataset.views) == 9
    assert dataset.points is not None
    assert len(dataset.points) == 634
    assert "2 of 11 photos left out" in dataset.notes[1]
    for view in dataset.views:
        tracks = bundle.sightings[bundle.sightings[:, 1] == int(view.name[6:9])]
        points = dataset.points.positions[tracks[:, 0].astype(int)]
        assert isinstance(view.photo, UndistortedPhoto)
        world = view.camera.world_to_camera
        pixels = view.photo.lens.project(points @ world[:3, :3].T + world[:3, 3])
        seen = np.array([320.0, 240.0]) + tracks[:, 2:] * (1, -1)
        assert len(tracks) > 50
        assert np.median(np.linalg.norm(pixels - seen, axis=1)) < 0.33
