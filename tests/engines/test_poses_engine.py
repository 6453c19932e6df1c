"""The poses engine around a process that behaves well, badly, or not at all."""

import errno
import os
import sys
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import assets.files
import engines.poses.lock
from assets.errors import InputError
from assets.formats.photo_folder import read_photo_folder
from assets.open import open_path
from assets.unposed import UnposedPhotos
from engines.artifacts import CameraRig, MatchMatrix
from engines.doctor.finding import Diagnosis
from engines.events import (
    Adjusted,
    Diagnosed,
    Event,
    Failed,
    FeaturesFound,
    Finished,
    PairsMatched,
    Posed,
    Prepared,
    Registered,
    Told,
    Warned,
)
from engines.poses import PosesConfig
from engines.poses.engine import PosesEngine
from engines.poses.found import found_before
from engines.poses.job import read_job
from engines.poses.lock import FolderLock
from engines.poses.workspace import KEPT, export_colmap, open_workspace

CHILD = Path(__file__).with_name("poses_child.py")


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path) -> UnposedPhotos:
    return read_photo_folder(write_noise(tmp_path / "Höhle 1", 5))


def write_noise(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(count):
        pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return folder


def engine_of(photos, behaviour: str = "good", **settings) -> PosesEngine:
    child = (sys.executable, str(CHILD), behaviour)
    folder = settings.pop("folder", None)
    return PosesEngine(photos, PosesConfig(**settings), folder=folder, child=child)


def of(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def children() -> list[str]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if CHILD.name in " ".join(process.cmdline()):
                found.append(f"{process.pid} {process.status()}")
        except psutil.Error:
            continue
    return found


def test_a_run_tells_everything_and_ends_with_posed_photos(photos):
    engine = engine_of(photos)
    engine.slots.want(MatchMatrix)
    events = list(engine.run())
    assert [e.stage for e in of(events, Diagnosed)] == ["photos", "poses"]
    assert [(e.photo, e.count) for e in of(events, FeaturesFound)] == [
        (f"{i:02d}.png", 100 + i) for i in range(5)
    ]
    assert [(e.done, e.total, e.connected) for e in of(events, PairsMatched)] == [
        (1, 10, 1),
        (2, 10, 2),
    ]
    assert [(e.registered, e.total) for e in of(events, Registered)] == [(2, 5), (3, 5), (4, 5)]
    assert [e.error_px for e in of(events, Adjusted)] == [0.5]
    assert [e.message for e in of(events, Told)] == ["Every photo is compared with every other now"]
    assert of(events, Posed) == [Posed(registered=4, total=5, points=2, error_px=0.5, models=(4,))]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "4 of 5 photos have a place"
    assert engine.step == 4
    assert engine.result is not None
    assert engine.result.name == photos.name == "Höhle 1"
    assert [view.name for view in engine.result.views] == [f"{i:02d}.png" for i in range(4)]
    assert len(engine.result.points) == 2
    phases = list(dict.fromkeys(e.phase for e in of(events, Prepared)))
    assert phases == ["Looking at the photos", "Preparing photos", "Finding features",
                      "Comparing photos", "Placing photos"]  # fmt: skip
    assert set(engine.phase_seconds) == set(phases)
    assert engine.seconds == pytest.approx(sum(engine.phase_seconds.values()), abs=0.1)
    assert engine.child_memory_mb > 5
    assert not of(engine.history, Prepared)
    assert not children()


def test_artifacts_come_when_they_are_wanted(photos):
    engine = engine_of(photos)
    seen: dict[type, list] = {MatchMatrix: [], CameraRig: []}
    for event in engine.run():
        for kind, found in seen.items():
            artifact = engine.slots.take(kind)
            if artifact is not None:
                found.append((event, artifact))
        if isinstance(event, PairsMatched | Registered):
            engine.slots.want(MatchMatrix)
            engine.slots.want(CameraRig)
    matrices = [matrix for _, matrix in seen[MatchMatrix]]
    assert matrices[0].names == tuple(shot.name for shot in photos.views)
    assert matrices[0].inliers[0, 1] == matrices[0].inliers[1, 0] == 40
    assert matrices[0].inliers[1, 2] == -1
    assert matrices[0].inliers[0, 0] == -1
    assert matrices[-1].inliers[3, 4] == 43, "the last one holds what the outcome says"
    assert np.array_equal(matrices[-1].inliers, matrices[-1].inliers.T)
    rigs = [rig for _, rig in seen[CameraRig]]
    assert isinstance(seen[CameraRig][0][0], Registered | Prepared)
    assert rigs[0].names == ("00.png", "01.png", "02.png")
    assert len(rigs[0].points) == 7
    assert rigs[-1].names == ("00.png", "01.png", "02.png", "03.png")
    assert rigs[-1].cameras[2].centre == pytest.approx([-2, 0, 0])


def test_what_nobody_wants_is_not_made(photos):
    engine = engine_of(photos)
    for event in engine.run():
        if isinstance(event, Posed):
            break
        assert engine.slots.take(MatchMatrix) is None
        assert engine.slots.take(CameraRig) is None
    assert engine.slots.take(Diagnosis).stage == "poses"
    assert not (engine.folder / "snapshot.npz").exists()


def test_who_holds_the_generator_holds_the_child(photos):
    engine = engine_of(photos)
    run = engine.run()
    while not isinstance(next(run), FeaturesFound):
        pass
    time.sleep(0.5)
    log = engine.folder / "child.log"
    assert log.read_text().split() == ["looking", "at", "00.png"], "it does not run ahead"
    following = [next(run) for _ in range(3)]
    assert of(following, FeaturesFound)[0].done == 2
    run.close()
    assert not children()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("killed", ["killed by signal 9", "memory", "preset fast", "goes on where it was"]),
        ("abort", ["killed by signal 6", "start again"]),
        ("traceback", ["exit status 1", "child.log"]),
        ("full", ["the disk is full"]),
        ("nonsense", ["nothing that is understood"]),
        ("impossible pair", ["nothing that is understood"]),
        ("stuck", ["nothing but a wall"]),
        ("damaged model", ["images.txt"]),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
def test_a_child_that_fails_ends_in_a_sentence(photos, behaviour, words):
    engine = engine_of(photos, behaviour)
    events = list(engine.run())
    assert isinstance(events[-1], Failed)
    assert len(of(events, Failed)) == 1
    for word in words:
        assert word in events[-1].message
    assert engine.result is None
    assert not children()
    if behaviour == "traceback":
        assert "the dog ate it" in (engine.folder / "child.log").read_text()
    again = engine_of(photos)
    assert isinstance(list(again.run())[-1], Finished)
    assert again.folder == engine.folder


def test_lines_that_are_no_messages_are_passed_over(photos):
    engine = engine_of(photos, "garbage")
    assert isinstance(list(engine.run())[-1], Finished)
    assert b"not json" in (engine.folder / "child.log").read_bytes()


def test_a_child_that_does_not_exist_ends_in_a_sentence(photos, tmp_path):
    engine = PosesEngine(photos, PosesConfig(), child=(str(tmp_path / "nobody"),))
    assert "cannot be started" in list(engine.run())[-1].message


def test_a_silent_child_is_heard_and_ends_within_a_second(photos):
    engine = engine_of(photos, "deaf")
    run, beats = engine.run(), []
    for event in run:
        if isinstance(event, Prepared) and event.done == 1 and event.total == 9:
            beats.append(time.monotonic())
        if len(beats) == 5:
            break
    assert max(np.diff(beats[1:])) < 0.45
    assert children()
    began = time.monotonic()
    run.close()
    assert time.monotonic() - began < 1.0
    assert not children()
    assert not [t for t in threading.enumerate() if t.name.startswith("poses")]


def test_a_run_can_be_ended_after_every_event_and_taken_up(photos):
    list(engine_of(photos).run())
    for stop in range(1, 40, 4):
        engine = engine_of(photos)
        run = engine.run()
        list(islice(run, stop))
        began = time.monotonic()
        run.close()
        assert time.monotonic() - began < 1.0
        assert not children()
    assert isinstance(list(engine.run())[-1], Finished), "the same engine goes on"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_photos_are_said_before_anything_starts(photos, tmp_path, count):
    left_out = photos.without(shot.name for shot in photos.views[count:])
    *events, failed = engine_of(left_out).run()
    assert [told.grade for told in of(events, Diagnosed)] == ["D"] * bool(count)
    assert isinstance(failed, Failed)
    assert "at least 3" in failed.message
    assert not (tmp_path / "cache" / "zograscope").exists()


def test_frames_of_a_video_are_chosen_first(tmp_path):
    film = write_film(tmp_path / "film.mp4")
    video = open_path(film)
    engine = engine_of(video, frames=5)
    assert engine.photos is None
    events = list(engine.run())
    assert isinstance(events[-1], Finished)
    assert isinstance(events[0], Prepared)
    assert events[0].phase == "Choosing frames"
    assert len(engine.photos.views) == 5
    assert engine.photos.ordered
    assert engine.name == "film"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "cache", film]
    chosen = engine_of(engine.photos.without({"frame_0002.jpg"}), frames=5)
    assert [e.total for e in of(list(chosen.run()), Posed)] == [4]
    assert chosen.folder == engine.folder, "frames are looked up where they were chosen"
    other = engine_of(engine.photos, frames=5, features=500)
    assert isinstance(list(other.run())[-1], Finished), "other settings leave the frames alone"
    assert other.folder == engine.folder
    began = time.monotonic()
    run = engine_of(video, frames=4).run()
    next(run)
    run.close()
    assert time.monotonic() - began < 1.0
    assert not psutil.Process().children() or not children()


def write_film(path: Path) -> Path:
    """Two seconds of coloured noise."""
    import imageio_ffmpeg

    rng = np.random.default_rng(0)
    writer = imageio_ffmpeg.write_frames(str(path), (64, 48), fps=10, macro_block_size=1)
    writer.send(None)
    for _ in range(20):
        writer.send(rng.integers(0, 255, (48, 64, 3), np.uint8).tobytes())
    writer.close()
    return path


def test_photos_that_cannot_be_read_are_left_out_with_one_note(photos):
    broken = photos.views[1].path
    broken.write_bytes(broken.read_bytes()[:3000])
    events = list(engine_of(photos).run())
    (warned,) = of(events, Warned)
    assert "1 of 5 photos is left out" in warned.message
    assert "01.png" in warned.message
    assert of(events, Posed)[0].total == 4


def test_a_converted_photo_takes_no_other_photos_name(photos):
    first, second = (shot.path for shot in photos.views[:2])
    with Image.open(first) as image:
        image.save(first.with_name("x.tif"))
    second.rename(second.with_name("x.tif.png"))
    photos = read_photo_folder(photos.source)
    pixels = {shot.name: shot.photo.load(64, 48) for shot in photos.views}
    engine = engine_of(photos)
    for chosen in (photos, photos.without(["x.tif.png"])):
        engine.source = engine.photos = chosen
        list(engine.run())
        assert engine.result is not None
        files = {photo.name: photo.file for photo in read_job(engine.folder).photos}
        assert len(set(files.values())) == len(files) == len(chosen.kept)
        for name, file in files.items():
            with Image.open(engine.folder / "images" / file) as image:
                assert np.array_equal(np.asarray(image) / np.float32(255), pixels[name])


def test_a_full_disk_is_said(photos, monkeypatch):
    import errno

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(assets.files.os, "fsync", full)
    events = list(engine_of(photos).run())
    assert isinstance(events[-1], Failed)
    assert "the disk is full" in events[-1].message


def test_the_same_photos_use_the_same_folder_and_others_do_not(photos):
    config = PosesConfig()
    with open_workspace(photos, config) as workspace:
        first = workspace.folder
        workspace.database.write_text("kept")
    left_out = photos.without({"03.png"})
    with open_workspace(left_out, PosesConfig(mapper="global", seed=3)) as workspace:
        assert workspace.folder == first
        assert workspace.database.read_text() == "kept"
    with open_workspace(photos, PosesConfig(photo_size=500)) as workspace:
        assert workspace.folder != first, "features are others"
    os.utime(photos.views[0].path, (1, 1))
    with open_workspace(photos, config) as workspace:
        assert workspace.folder != first, "a photo changed"
    assert "H" in first.name


def test_where_the_cache_cannot_be_written_another_place_serves(photos, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("no folder")
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spare"))
    engine = engine_of(photos)
    assert isinstance(list(engine.run())[-1], Finished)
    assert engine.folder.is_relative_to(tmp_path / "spare")


def test_a_folder_that_was_named_is_emptied_of_another_set(photos, tmp_path):
    work = tmp_path / "work"
    with open_workspace(photos, PosesConfig(), work) as workspace:
        workspace.database.write_text("old")
        (work / "my notes.txt").write_text("stay")
    with open_workspace(photos, PosesConfig(features=500), work) as workspace:
        assert not workspace.database.exists()
    assert (work / "my notes.txt").read_text() == "stay"


def test_what_was_found_is_found_again_without_work(photos):
    first, again = engine_of(photos), engine_of(photos, "abort")
    list(first.run())
    events = list(again.run())
    assert isinstance(events[-1], Finished), "no child is asked"
    for one, other in zip(first.result.views, again.result.views, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.camera.camera_to_world, other.camera.camera_to_world)
    known = found_before(photos)
    assert [view.name for view in known.views] == [view.name for view in first.result.views]
    assert isinstance(list(engine_of(photos, "abort", seed=1).run())[-1], Failed)


def test_two_runs_do_not_share_a_folder(photos, tmp_path):
    first = engine_of(photos)
    run = first.run()
    while first.folder is None:
        next(run)
    second = engine_of(photos)
    assert isinstance(list(second.run())[-1], Finished)
    assert second.folder != first.folder
    assert isinstance(list(run)[-1], Finished)

    named = engine_of(photos, folder=tmp_path / "work")
    run = named.run()
    while "Preparing photos" not in named.phase_seconds:
        next(run)
    *_, failed = engine_of(photos, folder=tmp_path / "work").run()
    assert "in use by another run" in failed.message
    run.close()


def test_old_folders_go_but_not_those_in_use(photos):
    configs = [PosesConfig(features=1_000 + i) for i in range(KEPT + 3)]
    with open_workspace(photos, configs[0]) as used:
        folders = []
        for config in configs[1:]:
            with open_workspace(photos, config) as workspace:
                folders.append(workspace.folder)
                os.utime(workspace.folder, (len(folders), len(folders)))
        os.utime(used.folder, (0, 0))
        with open_workspace(photos, configs[-1]):
            pass
        assert used.folder.exists()
        assert not folders[0].exists()
        assert all(folder.exists() for folder in folders[3:])


@pytest.mark.skipif(os.name == "nt", reason="locks are another matter there")
def test_where_there_are_no_locks_work_goes_on(photos, monkeypatch):
    def flock(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with open_workspace(photos, PosesConfig()) as workspace:
        assert workspace.folder.is_dir()


def test_a_lock_on_a_file_that_was_deleted_is_none(tmp_path, monkeypatch):
    real = engines.poses.lock._lock

    def late(descriptor: int) -> None:
        (tmp_path / "a").unlink()
        real(descriptor)

    monkeypatch.setattr(engines.poses.lock, "_lock", late)
    assert FolderLock.take(tmp_path / "a") is None


def test_a_photo_left_out_is_not_in_the_job_and_costs_no_other_its_place(photos):
    first = engine_of(photos)
    list(first.run())
    second = engine_of(photos.without({"01.png"}))
    events = list(second.run())
    assert second.folder == first.folder
    assert [e.photo for e in of(events, FeaturesFound)] == ["00.png", "02.png", "03.png", "04.png"]
    assert {view.name for view in second.result.views} == {"00.png", "02.png", "03.png"}


def test_a_damaged_database_is_found_anew(photos):
    first = engine_of(photos)
    list(first.run())
    database = first.folder / "database.db"
    database.write_bytes(b"SQLite format 3\0" + bytes(500))
    again = engine_of(photos, seed=1)
    events = list(again.run())
    assert "found anew" in of(events, Told)[0].message
    assert isinstance(events[-1], Finished)
    assert database.stat().st_size == 0


def test_a_database_that_only_the_child_finds_damaged_is_found_anew_once(photos):
    list(engine_of(photos).run())
    events = list(engine_of(photos, "damaged", seed=1).run())
    assert len([e for e in of(events, Told) if "found anew" in e.message]) == 1
    assert isinstance(events[-1], Finished)


def test_the_result_is_exported_as_a_colmap_folder(photos, tmp_path):
    engine = engine_of(photos)
    with pytest.raises(InputError, match="holds no poses"):
        export_colmap(tmp_path, tmp_path / "out")
    list(engine.run())
    for name in ("colmap", "2024", "out"):
        export_colmap(engine.folder, tmp_path / name)
        opened = open_path(tmp_path / name)
        assert (opened.name, len(opened.views)) == (name, 4)
    assert (tmp_path / "out" / "images" / "04.png").read_bytes() == photos.views[
        4
    ].path.read_bytes()
    export_colmap(engine.folder, tmp_path / "out")  # once more in its place
    with pytest.raises(InputError, match="other files"):
        export_colmap(engine.folder, photos.source)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "2024" / "outcome.json").unlink()  # a model of somebody else's
    for name in ("out", "2024"):
        before = sorted((tmp_path / name).rglob("*"))
        with pytest.raises(InputError, match="other files"):
            export_colmap(engine.folder, tmp_path / name)
        assert sorted((tmp_path / name).rglob("*")) == before
