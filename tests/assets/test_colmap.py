"""COLMAP models in every layout and state of repair."""

import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assets_posed_files import HEIGHT, WIDTH, Truth, ring, write_colmap, write_photos
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import InputError
from assets.formats.colmap import find_models, read_colmap, read_model
from assets.posed import PosedPhotos
from assets.undistort import UndistortedPhoto

NAMES = ["a b.png", "ünïcode.png", "c.png", "d.png", "e.png"]


def make(root: Path, *, place: str = "sparse/0", photos: str = "images", **options) -> Truth:
    truth = ring(NAMES)
    write_colmap(root / place, truth, **options)
    write_photos(root / photos, NAMES)
    return truth


def by_name(dataset: PosedPhotos) -> dict:
    return {view.name: view for view in dataset.views}


def assert_same(dataset: PosedPhotos, truth: Truth) -> None:
    views = by_name(dataset)
    assert [view.name for view in dataset.views] == sorted(truth.names)
    for name, camera in zip(truth.names, truth.cameras, strict=True):
        found = views[name].camera
        np.testing.assert_allclose(found.camera_to_world, camera.camera_to_world, atol=1e-9)
        np.testing.assert_allclose(found.intrinsics, camera.intrinsics)
        assert (found.width, found.height) == (camera.width, camera.height)
    assert dataset.points is not None
    order = np.lexsort(dataset.points.positions.T)
    expected = np.lexsort(truth.positions.astype(np.float32).T)
    np.testing.assert_allclose(
        dataset.points.positions[order], truth.positions[expected], atol=1e-6
    )
    np.testing.assert_allclose(
        dataset.points.colours[order], truth.colours[expected] / 255, atol=1e-6
    )


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    ("place", "photos"),
    [("sparse/0", "images"), ("sparse", "images"), ("colmap/sparse/0", "images"), (".", "images"),
     ("sparse/0", "."), (".", "."), ("sparse/0", "input")],
)  # fmt: skip
def test_layouts(tmp_path, place, photos, text):
    root = tmp_path / "my scène 1"
    truth = make(root, place=place, photos=photos, text=text)
    dataset = read_colmap(root)
    assert_same(dataset, truth)
    assert dataset.notes == ()
    assert dataset.name == "my scène 1"
    expected = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3)) / 255
    np.testing.assert_allclose(
        by_name(dataset)["c.png"].photo.load(WIDTH, HEIGHT), expected, atol=1e-6
    )


@pytest.mark.parametrize("dropped", ["sparse", "sparse/0"])
def test_any_folder_on_the_way_to_the_model_will_do(tmp_path, dropped):
    truth = make(tmp_path / "scene")
    dataset = read_colmap(tmp_path / "scene" / dropped)
    assert_same(dataset, truth)
    assert dataset.name == "scene"


def test_the_working_folder_will_do(tmp_path, monkeypatch):
    truth = make(tmp_path / "scene")
    monkeypatch.chdir(tmp_path / "scene")
    assert_same(read_colmap(Path(".")), truth)
    monkeypatch.chdir(tmp_path / "scene/sparse/0")
    assert read_colmap(Path(".")).name == "scene"


def test_the_largest_of_several_models_is_taken(tmp_path):
    truth = make(tmp_path, place="sparse/1")
    for number, size in ((0, 2), (10, 3)):
        part = replace(truth, names=NAMES[:size], cameras=truth.cameras[:size])
        write_colmap(tmp_path / f"sparse/{number}", part)
    assert [model.name for model in find_models(tmp_path)] == ["0", "1", "10"]
    dataset = read_colmap(tmp_path)
    assert_same(dataset, truth)
    (note,) = dataset.notes
    assert "3 models" in note
    assert "1, with 5 photos" in note


def test_photos_in_folders_keep_their_folder_in_the_name(tmp_path):
    names = ["left/1.png", "right/1.png"]
    write_colmap(tmp_path / "sparse/0", ring(names))
    write_photos(tmp_path / "images", names)
    assert [view.name for view in read_colmap(tmp_path).views] == names


def test_lens_distortion_is_undone(tmp_path):
    make(tmp_path, model="SIMPLE_RADIAL", params=[60.0, 32.0, 24.0, -0.1])
    view = read_colmap(tmp_path).views[0]
    assert isinstance(view.photo, UndistortedPhoto)
    assert view.camera.fx != 60.0
    assert view.photo.load(view.camera.width, view.camera.height).shape == (HEIGHT, WIDTH, 3)


def test_a_panorama_gives_six_views(tmp_path):
    truth = make(tmp_path, model="EQUIRECTANGULAR", params=[float(WIDTH), float(HEIGHT)])
    dataset = read_colmap(tmp_path)
    assert len(dataset.views) == 6 * len(truth.names)
    assert dataset.views[0].photo.load(10, 10).shape == (10, 10, 3)


def test_missing_photos_are_counted_once(tmp_path):
    make(tmp_path)
    for name in NAMES[:2]:
        (tmp_path / "images" / name).unlink()
    dataset = read_colmap(tmp_path)
    assert [view.name for view in dataset.views] == NAMES[2:]
    (note,) = dataset.notes
    assert note.startswith("2 of 5 photos left out because they are missing: a b.png, ünïcode.png")


def test_all_photos_missing_is_an_error_that_says_where_they_belong(tmp_path):
    make(tmp_path)
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(InputError, match=r"None of the 5 photos .* was found in .*images"):
        read_colmap(tmp_path)


def test_one_photo_works_with_a_note(tmp_path):
    truth = ring(NAMES[:1])
    write_colmap(tmp_path / "sparse/0", truth)
    write_photos(tmp_path / "images", NAMES[:1])
    dataset = read_colmap(tmp_path)
    assert len(dataset.views) == 1
    assert any("only one photo" in note for note in dataset.notes)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("stem", ["cameras", "images"])
def test_missing_and_empty_files_are_named(tmp_path, stem, text):
    make(tmp_path, text=text)
    path = tmp_path / "sparse/0" / (stem + (".txt" if text else ".bin"))
    path.write_bytes(b"")
    with pytest.raises(InputError, match=rf"{stem}.* is empty"):
        read_colmap(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=rf"has no {stem}\."):
        read_colmap(tmp_path)


def test_no_points_is_a_note_and_empty_points_an_error(tmp_path):
    make(tmp_path)
    points = tmp_path / "sparse/0/points3D.bin"
    points.write_bytes(b"")
    with pytest.raises(InputError, match=r"points3D\.bin is empty"):
        read_colmap(tmp_path)
    points.unlink()
    dataset = read_colmap(tmp_path)
    assert dataset.points is None
    assert "no points3D" in dataset.notes[0]


def test_a_model_is_expected(tmp_path):
    with pytest.raises(InputError, match="has no COLMAP model"):
        read_colmap(tmp_path)
    with pytest.raises(InputError, match="has no COLMAP model"):
        read_model(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_colmap(folder / "binary", ring(NAMES))
    write_colmap(folder / "text", ring(NAMES), text=True)
    return folder


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_cut_off_anywhere_is_an_error(whole, tmp_path, name):
    folder = tmp_path / "model"
    shutil.copytree(whole / "binary", folder)
    data = (folder / name).read_bytes()
    for keep in {*range(0, len(data), 11), len(data) - 1}:
        (folder / name).write_bytes(data[:keep])
        with pytest.raises(InputError, match=f"{name} is (cut off|empty)"):
            read_model(folder)


@given(name=st.sampled_from(["cameras.bin", "images.bin", "points3D.bin"]), data=st.data())
def test_scrambled_bytes_never_crash(whole, tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("scrambled")
    for path in (whole / "binary").iterdir():
        shutil.copy(path, folder)
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(content)
    write_photos(folder / "images", NAMES)
    try:
        dataset = read_colmap(folder)
    except InputError:
        return
    for view in dataset.views:
        assert np.isfinite(view.camera.camera_to_world).all()


@given(st.binary(max_size=300))
def test_garbage_is_an_error(whole, tmp_path_factory, garbage):
    folder = tmp_path_factory.mktemp("garbage")
    for path in (whole / "binary").iterdir():
        shutil.copy(path, folder)
    (folder / "images.bin").write_bytes(garbage + b"x")
    with pytest.raises(InputError):
        read_colmap(folder)


def test_a_huge_count_allocates_nothing(tmp_path):
    make(tmp_path)
    for name in ("cameras.bin", "images.bin", "points3D.bin"):
        path = tmp_path / "sparse/0" / name
        data = path.read_bytes()
        path.write_bytes(struct.pack("<Q", 2**62) + data[8:])
        with pytest.raises(InputError, match=f"{name} is cut off or damaged: it promises"):
            read_model(path.parent)
        path.write_bytes(data + b"more")
        with pytest.raises(InputError, match="goes on for 4 bytes"):
            read_model(path.parent)
        path.write_bytes(data)


@pytest.mark.parametrize("name", ["cameras.txt", "images.txt", "points3D.txt"])
def test_cut_off_text_is_noticed(whole, tmp_path, name):
    shutil.copytree(whole / "text", tmp_path / "model")
    path = tmp_path / "model" / name
    lines = path.read_text().splitlines(keepends=True)
    last = -2 if name == "images.txt" else -1
    path.write_text("".join(lines[:last]))
    with pytest.raises(InputError, match=f"{name} is cut off"):
        read_model(path.parent)
    path.write_text("".join(lines[:last]) + lines[last][:6])
    with pytest.raises(InputError, match=name):
        read_model(path.parent)
    path.write_text("What is this?\nNot a model\n")
    with pytest.raises(InputError, match=f"(Line 1 of|known are).*{name}|{name}"):
        read_model(path.parent)


def test_text_photos_without_features_have_an_empty_second_line(tmp_path):
    write_photos(tmp_path / "images", ["a.png", "b c.png"])
    model = tmp_path / "sparse/0"
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text("1 SIMPLE_PINHOLE 64 48 50 32 24\n")
    (model / "images.txt").write_text("1 1 0 0 0 0 0 4 1 a.png\n\n2 1 0 0 0 1 0 4 1 b c.png\n\n")
    (model / "points3D.txt").write_text("")
    with pytest.raises(InputError, match="empty"):
        read_colmap(tmp_path)
    (model / "points3D.txt").write_text("# nothing\n")
    dataset = read_colmap(tmp_path)
    assert [view.name for view in dataset.views] == ["a.png", "b c.png"]
    np.testing.assert_allclose(dataset.views[1].camera.centre, [-1, 0, -4])
    assert dataset.points is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3 nan 0 0 0 0 0 4 1 c.png", "without a usable camera pose (it is not finite)"),
        ("3 0 0 0 0 0 0 4 1 c.png", "without a usable camera pose (it is not finite)"),
        ("3 1 0 0 0 0 inf 4 1 c.png", "without a usable camera pose (it is not finite)"),
        ("3 1 0 0 0 0 0 4 9 c.png", "taken by a camera that the model does not have"),
        ("3 1 0 0 0 0 0 4 2 c.png", "taken by a camera with a focal length of 0 or less"),
        ("3 1 0 0 0 0 0 4 3 c.png", "taken by a camera with no width or height"),
        ("3 1 0 0 0 0 0 4 1 a.png", "listed twice"),
    ],
)
def test_photos_that_cannot_be_used_are_left_out_with_the_reason(tmp_path, line, reason):
    write_photos(tmp_path / "images", ["a.png", "b.png", "c.png"])
    model = tmp_path / "sparse/0"
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text(
        "1 SIMPLE_PINHOLE 64 48 50 32 24\n2 SIMPLE_PINHOLE 64 48 0 32 24\n"
        "3 SIMPLE_PINHOLE 0 48 50 32 24\n"
    )
    (model / "images.txt").write_text(
        f"1 1 0 0 0 0 0 4 1 a.png\n\n2 2 0 0 0 1 0 4 1 b.png\n\n{line}\n\n"
    )
    (model / "points3D.txt").write_text("1 0 0 0 9 9 9 0.1\n2 nan 0 0 9 9 9 0.1\n")
    dataset = read_colmap(tmp_path)
    assert [view.name for view in dataset.views] == ["a.png", "b.png"]
    assert f"1 of 3 photos left out because it is {reason}" in dataset.notes[0]
    assert dataset.notes[1] == "1 points are not finite and were left out"
    assert dataset.points is not None
    assert len(dataset.points) == 1


def test_an_unreadable_file_is_named(tmp_path, monkeypatch):
    make(tmp_path)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"cameras\.bin cannot be read: Permission denied"):
        read_colmap(tmp_path)


@given(
    name=st.sampled_from(["cameras.txt", "images.txt", "points3D.txt"]),
    line=st.lists(
        st.sampled_from(["1", "-1", "9" * 400, "nan", "1e999", "PINHOLE", "x", "#", "0.5"])
    ).map(" ".join),
)
def test_odd_lines_of_text_never_crash(whole, tmp_path_factory, name, line):
    folder = tmp_path_factory.mktemp("odd")
    for path in (whole / "text").iterdir():
        shutil.copy(path, folder)
    write_photos(folder / "images", NAMES[:1])
    lines = (folder / name).read_text().splitlines()
    (folder / name).write_text("\n".join([*lines, line, ""]))
    try:
        dataset = read_colmap(folder)
    except InputError:
        return
    assert dataset.views[0].camera.fx > 0


def test_real_points_lie_on_their_features(shared_data):
    """Against pycolmap's own reading of a real model, through the real lens."""
    import pycolmap

    folder = shared_data / "fox_colmap"
    dataset = read_colmap(folder)
    truth = pycolmap.Reconstruction(folder / "sparse/0")
    assert (len(dataset.views), dataset.notes) == (50, ())
    assert dataset.points is not None
    assert len(dataset.points) == 10_832
    errors = []
    for image in list(truth.images.values())[::10]:
        view = by_name(dataset)[image.name]
        assert isinstance(view.photo, UndistortedPhoto)
        matched = [p for p in image.points2D if p.has_point3D()]
        points = np.stack([truth.points3D[p.point3D_id].xyz for p in matched])
        world = view.camera.world_to_camera
        pixels = view.photo.lens.project(points @ world[:3, :3].T + world[:3, 3])
        theirs = np.stack([image.project_point(point) for point in points])
        np.testing.assert_allclose(pixels, theirs, atol=1e-6)
        errors.append(np.linalg.norm(pixels - np.stack([p.xy for p in matched]), axis=1))
    assert np.median(np.concatenate(errors)) < 0.6
