"""The process that finds poses, run for real on small sets, good ones and bad ones."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from assets.samples import sample_scene
from engines.poses.config import PosesConfig
from engines.poses.job import DATABASE, IMAGES, MASKS, SNAPSHOT, SPARSE, Job, job_of
from engines.poses.outcome import read_outcome
from engines.poses.pairing import alike, neighbours
from engines.poses.plan import Plan, plan_of
from engines.poses.protocol import (
    GO,
    LOOK,
    Bundle,
    Done,
    Features,
    Message,
    Note,
    Pairs,
    Placed,
    Stuck,
)
from tests.engines.poses_work import run, shots_of, start, write_work

PHOTOS = 9
"""Neighbours on the first round of the sample scene's cameras: enough for a model."""


@pytest.fixture(scope="module")
def photos() -> list[Path]:
    """Photos of the sample scene that overlap well."""
    views = sample_scene().views
    return [views[index].photo.path for index in (0, 7, 9, 10, 18, 19, 20, 25, 29)]


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory) -> tuple[Path, list[Message]]:
    """A working folder that was gone through once, and all that was said; names have spaces."""
    work = tmp_path_factory.mktemp("work")
    write_work(work, _named(photos, work))
    return work, run(work, {Placed: LOOK})


def _named(photos: list[Path], folder: Path) -> list:
    (folder / "own").mkdir(exist_ok=True)
    for path in photos:
        shutil.copy(path, folder / "own" / f"my photo #{path.stem[-2:]}.png")
    return shots_of((folder / "own").iterdir())


def of(kind: type, messages: list[Message]) -> list:
    return [message for message in messages if isinstance(message, kind)]


def test_all_photos_are_placed_and_everything_is_told(finished) -> None:
    work, messages = finished
    assert isinstance(messages[-1], Done)
    assert [m.done for m in of(Features, messages)] == list(range(1, PHOTOS + 1))
    last = of(Pairs, messages)[-1]
    assert last.done == last.total == PHOTOS * (PHOTOS - 1) // 2
    told = [tuple(pair[:2]) for message in of(Pairs, messages) for pair in message.inliers]
    assert len(told) == len(set(told)) == last.total
    outcome = read_outcome(work)
    assert len(outcome.placements) == PHOTOS
    assert {m.photo for m in of(Placed, messages)} == outcome.registered
    assert of(Placed, messages)[-1].registered == PHOTOS
    assert of(Bundle, messages)[-1].error_px == pytest.approx(outcome.error_px, rel=0.3)
    assert {name for group in outcome.models for name in group} == set(outcome.photos)


def test_the_working_folder_is_a_colmap_project(finished) -> None:
    work, _messages = finished
    model = pycolmap.Reconstruction(work / SPARSE / "0")
    names = {image.name for image in model.images.values()}
    assert names == {path.name for path in (work / IMAGES).iterdir()}
    assert [path.name for path in (work / SPARSE).iterdir()] == ["0"]
    with pycolmap.Database.open(work / DATABASE) as database:
        assert {image.name for image in database.read_all_images()} == names
        assert database.num_cameras() == 1
    colours = np.array([point.color for point in model.points3D.values()])
    assert colours.std() > 10


def test_the_outcome_agrees_with_the_model(finished) -> None:
    work, _messages = finished
    model = pycolmap.Reconstruction(work / SPARSE / "0")
    outcome = read_outcome(work)
    assert outcome.points == model.num_points3D()
    seen = {image.name: image.num_points3D for image in model.images.values()}
    for placement in outcome.placements:
        assert placement.points == seen[placement.name]
        assert placement.depth > 0
        assert 0 < placement.error_px < 1.5
        axes = np.array([placement.forward, placement.up])
        np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-6)
    (lens,) = outcome.lenses
    assert lens.photos == PHOTOS
    assert lens.exif_focal_px is None
    assert outcome.error_px == pytest.approx(outcome.error_full_px), "matched at full size"


def test_a_look_leaves_cameras_and_points(finished) -> None:
    work, messages = finished
    assert any(m.snapshot == SNAPSHOT for m in of(Placed, messages))
    with np.load(work / SNAPSHOT) as file:
        count = len(file["names"])
        assert 2 <= count <= PHOTOS
        assert file["camera_to_world"].shape == (count, 4, 4)
        assert file["intrinsics"].shape == (count, 6)
        assert file["points"].shape == file["colours"].shape
        assert file["points"].dtype == file["colours"].dtype == np.float32
        assert set(file["names"]) <= set(read_outcome(work).photos)


def test_it_goes_on_from_the_database_and_leaves_photos_out(finished, tmp_path) -> None:
    work, _messages = finished
    again = tmp_path / "again"
    shutil.copytree(work, again)
    shots = shots_of((again / "own").iterdir())
    write_work(again, shots[1:])
    messages = run(again)
    assert not of(Features, messages)
    (pairs,) = of(Pairs, messages)
    assert pairs.done == pairs.total == (PHOTOS - 1) * (PHOTOS - 2) // 2
    outcome = read_outcome(again)
    assert shots[0].name not in outcome.registered
    assert len(outcome.placements) == PHOTOS - 1


def test_the_same_seed_gives_nearly_the_same_poses(finished, tmp_path) -> None:
    """Not the very same: native threads add up in the order in which they come."""
    work, _messages = finished
    again = tmp_path / "again"
    shutil.copytree(work, again)
    run(again)
    one, two = (read_outcome(folder) for folder in (work, again))
    assert one.registered == two.registered
    assert one.pairs == two.pairs
    assert one.error_px == pytest.approx(two.error_px, rel=0.1)
    assert one.points == pytest.approx(two.points, rel=0.1)


def test_masked_parts_have_no_points_and_photos_differ_in_lens(photos, tmp_path) -> None:
    shots = shots_of(photos[:3])
    (tmp_path / MASKS).mkdir()
    mask = np.full((240, 320), 255, dtype=np.uint8)
    mask[:, :160] = 0
    Image.fromarray(mask).save(tmp_path / MASKS / f"{shots[0].name}.png")
    config = PosesConfig(preset="fast", intrinsics="separate")
    write_work(tmp_path, shots, config, masked=frozenset({shots[0].name}))
    run(tmp_path)
    with pycolmap.Database.open(tmp_path / DATABASE) as database:
        images = {image.name: image for image in database.read_all_images()}
        points = [database.read_keypoints(images[shot.name].image_id) for shot in shots]
        assert len({image.camera_id for image in images.values()}) == 3
    assert points[0][:, 0].min() >= 159
    assert points[1][:, 0].min() < 100


@pytest.mark.parametrize("end", ["stdin", "terminate"])
def test_it_ends_at_once_when_nobody_listens(photos, tmp_path, end: str) -> None:
    write_work(tmp_path, shots_of(photos))
    with start(tmp_path) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(4):
            child.stdout.readline()
            child.stdin.write(GO + "\n")
            child.stdin.flush()
        if end == "stdin":
            child.stdin.close()
        else:
            child.terminate()
        started = time.monotonic()
        try:
            child.wait(timeout=5)
        finally:
            child.kill()
        assert time.monotonic() - started < 1.0


def stuck(work: Path) -> str:
    messages = run(work)
    assert isinstance(messages[-1], Stuck)
    assert read_outcome(work).models == ()
    assert not (work / SPARSE / "0").exists()
    return messages[-1].message


def test_blank_walls_are_called_so(tmp_path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "own").mkdir()
    for index in range(4):
        wall = np.full((240, 320, 3), 200) + random.normal(0, 0.6, (240, 320, 3))
        Image.fromarray(wall.round().astype(np.uint8)).save(tmp_path / "own" / f"{index}.png")
    write_work(tmp_path, shots_of((tmp_path / "own").iterdir()))
    assert "Blank walls" in stuck(tmp_path)


def test_strips_and_specks_do_not_bring_the_process_down(tmp_path) -> None:
    shots = []
    for width, height in ((3000, 1), (1, 1), (8, 8)):
        Image.new("L", (width, height), 90).save(tmp_path / f"{width}.png")
        shots.append(tmp_path / f"{width}.png")
    write_work(tmp_path / "work", shots_of(shots))
    assert "hardly anything" in stuck(tmp_path / "work")


def test_photos_of_different_things_are_called_so(tmp_path) -> None:
    (tmp_path / "own").mkdir()
    for index in range(4):
        noise = np.random.default_rng(index).integers(0, 255, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((320, 240)).save(tmp_path / "own" / f"{index}.png")
    write_work(tmp_path, shots_of((tmp_path / "own").iterdir()))
    assert "No two of these photos" in stuck(tmp_path)


def test_the_same_photo_over_and_over_is_called_so(photos, tmp_path) -> None:
    (tmp_path / "own").mkdir()
    for index in range(4):
        shutil.copy(photos[0], tmp_path / "own" / f"{index}.png")
    write_work(tmp_path, shots_of((tmp_path / "own").iterdir()))
    messages = run(tmp_path)
    assert isinstance(messages[-1], Stuck)
    assert "nearly the same picture" in messages[-1].message
    notes = [message.message for message in of(Note, messages)]
    assert len(notes) == len(set(notes)) > 0
    assert len(read_outcome(tmp_path).steps_down) == len(notes)


def test_a_broken_job_is_a_sentence(tmp_path) -> None:
    (tmp_path / "job.json").write_text(json.dumps({"photos": 3}))
    (message,) = run(tmp_path)
    assert isinstance(message, Stuck)
    assert "job.json" in message.message


def test_real_photos_are_placed(shared_data: Path, tmp_path: Path) -> None:
    write_work(tmp_path, shots_of((shared_data / "kermit").glob("*.jpg")))
    started = time.monotonic()
    run(tmp_path)
    assert time.monotonic() - started < 45
    outcome = read_outcome(tmp_path)
    assert len(outcome.placements) >= 9
    assert outcome.error_px < 0.8


def test_two_places_are_two_groups_and_nothing_more_is_tried(shared_data: Path, tmp_path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for path in (shared_data / "kermit").glob("*.jpg"):
        shutil.copy(path, own)
    for path in sorted((shared_data / "fox" / "images").glob("*.jpg"))[:6]:
        with Image.open(path) as image:
            image.resize((360, 640)).save(own / f"fox{path.name}")
    write_work(tmp_path, shots_of(own.iterdir()))
    messages = run(tmp_path)
    assert not of(Note, messages)
    first, second = read_outcome(tmp_path).models
    assert len(first) >= 9
    assert all(name.startswith("kermit") for name in first)
    assert len(second) >= 4
    assert all(name.startswith("fox") for name in second)


def test_photos_are_placed_all_at_once(shared_data: Path, tmp_path: Path) -> None:
    config = PosesConfig(preset="fast", mapper="global")
    write_work(tmp_path, shots_of((shared_data / "kermit").glob("*.jpg")), config)
    messages = run(tmp_path)
    outcome = read_outcome(tmp_path)
    assert len(outcome.placements) >= 9
    assert outcome.error_px < 0.8
    assert of(Bundle, messages)
    assert {path.name for path in tmp_path.iterdir()} == {
        "images", "job.json", "database.db", "sparse", "outcome.json"
    }  # fmt: skip


def plan(count: int, size: tuple[int, int] = (1920, 1080), **settings) -> Plan:
    """The plan for photos of one size."""
    shot = {"width": size[0], "height": size[1]}
    made = _job(count, shot, PosesConfig(**settings))
    return plan_of(made.config, made, threads=2)


def _job(count: int, size: dict[str, int], config: PosesConfig, *, ordered: bool = False) -> Job:
    from assets.photos import FilePhoto
    from assets.unposed import Shot

    shots = [
        Shot(name=f"{i:04}.jpg", photo=FilePhoto(Path("x"), **size), path=Path("x"))
        for i in range(count)
    ]
    return job_of(shots, config, ordered=ordered)


def test_presets_differ_in_effort() -> None:
    fast, balanced, thorough = (
        plan(50, preset=preset) for preset in ("fast", "balanced", "thorough")
    )
    assert fast.matched_px < balanced.matched_px < thorough.matched_px == 1920
    assert fast.features < balanced.features < thorough.features
    assert thorough.slanted
    assert not fast.slanted
    assert fast.scale == pytest.approx(1080 / 1920)
    assert plan(50, photo_size=700, preset="thorough").matched_px == 700


def test_large_sets_are_not_compared_exhaustively_unless_asked() -> None:
    assert plan(50).pairing == "exhaustive"
    assert plan(900).pairing == "lookalikes"
    assert plan(900, pairing="exhaustive").pairing == "exhaustive"
    assert plan(10, pairing="sequential").pairing == "sequential"
    film = _job(900, {"width": 640, "height": 480}, PosesConfig(), ordered=True)
    assert plan_of(film.config, film, threads=2).pairing == "sequential"


def test_limits_in_pixels_grow_with_the_photos() -> None:
    errors = [plan(9, size).error_px for size in ((320, 240), (640, 480), (1600, 1200))]
    assert errors == sorted(errors)
    assert errors[0] == pytest.approx(1.5)
    assert plan(9, (8000, 6000)).error_px <= 4.0


def test_neighbours_are_near_or_powers_of_two_away() -> None:
    pairs = list(neighbours(40, 3))
    assert all(i < j < 40 for i, j in pairs)
    assert {j - i for i, j in pairs} == {1, 2, 3, 4, 8, 16}
    assert len(pairs) == len(set(pairs))
    assert list(neighbours(2, 5)) == [(0, 1)]


def test_photos_that_share_points_look_alike() -> None:
    random = np.random.default_rng(0)

    def unit(rows: np.ndarray) -> np.ndarray:
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    one = unit(random.random((64, 128)) - 0.5)
    half = np.concatenate([one[::-1][:32], unit(random.random((32, 128)) - 0.5)])
    none = unit(random.random((64, 128)) - 0.5)
    empty = np.zeros_like(one)
    counts = alike(one, np.stack([one, half, none, empty]))
    assert counts[0] == 64
    assert counts[1] == 32
    assert counts[2] <= 2
    assert counts[3] == 0


def test_the_module_needs_no_pycolmap_before_it_runs() -> None:
    words = "import sys, engines.poses, engines.poses.job; assert 'pycolmap' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", words], check=True, cwd=Path(__file__).resolve().parents[2]
    )
