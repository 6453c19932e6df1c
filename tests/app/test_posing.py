"""What the window tells while cameras are found: the same in every place, at every moment."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.run import State
from assets.camera import Camera
from assets.open import open_path
from assets.pointcloud import PointCloud
from assets.unposed import UnposedPhotos, Video
from engines.artifacts import CameraRig
from engines.doctor.finding import Diagnosis, Finding
from engines.events import Diagnosed, Event, Finished, Posed, Prepared, Registered
from engines.slots import Slots

pytestmark = pytest.mark.gl

FINDING = Finding(kind="holes", level="note", title="Two sides are missing", words="Seen so.")


class SmallPoses:
    """Finds no cameras, but tells what is told while they are found; `go_on` lets it end."""

    def __init__(self, photos: UnposedPhotos) -> None:
        self.photos, self.slots, self.step = photos, Slots(), 0
        self.history: list[Event] = []
        self.diagnoses: dict[str, Diagnosis] = {}
        self.go_on = threading.Event()
        self.leaves_rigs = True

    def run(self):
        yield Prepared(phase="Placing photos", done=2, total=8)
        while not self.go_on.is_set():
            if self.leaves_rigs and self.slots.wants(CameraRig):
                self.slots.put(self.rig(3))
            self.go_on.wait(0.01)
            yield Registered(photo="04.png", registered=5, total=8, points=9)
        self.slots.put(self.rig(6))
        self.diagnoses["poses"] = Diagnosis(stage="poses", grade="B", findings=(FINDING,))
        yield Diagnosed(stage="poses", grade="B", findings=(FINDING.title,))
        yield Posed(registered=6, total=7, points=9, error_px=0.5, models=(6,))
        yield Finished(step=6, seconds=0.1, reason="6 of 7 photos have a place")

    def rig(self, count: int) -> CameraRig:
        camera = Camera(
            width=32, height=24, fx=30.0, fy=30.0, cx=16.0, cy=12.0, camera_to_world=np.eye(4)
        )
        points = np.random.default_rng(0).uniform(-1, 1, (9, 3)).astype(np.float32)
        cloud = PointCloud(positions=points, colours=np.full((9, 3), 0.5, np.float32))
        names = tuple(shot.name for shot in self.photos.kept[:count])
        return CameraRig(names=names, cameras=(camera,) * count, points=cloud)


@pytest.fixture
def shots(tmp_path) -> UnposedPhotos:
    folder = tmp_path / "grey"
    folder.mkdir()
    for i in range(8):
        Image.fromarray(np.full((24, 32, 3), 30 * i, np.uint8)).save(folder / f"{i:02d}.png")
    photos = open_path(folder)
    assert isinstance(photos, UnposedPhotos)
    return photos.without({"07.png"})


@pytest.fixture
def engine(window, shots, wait) -> SmallPoses:
    engine = SmallPoses(shots)
    start(window, shots, engine)
    wait(lambda: window.bench.run.engine is engine)
    yield engine
    engine.go_on.set()


def start(window, photos: UnposedPhotos | Video, engine: SmallPoses) -> None:
    window.bench.session.set_photos(photos)
    window.bench.posing.photos_shown.emit(photos)
    window.bench.posing.begins.emit()
    window.bench.run.start(lambda: engine)


def test_line_and_strip_count_what_the_newest_rig_holds(window, engine, wait):
    wait(lambda: window.status.count.text() == "3 of 7 placed")
    assert "3 of 7 placed" in window.docks.photos.header.value
    engine.go_on.set()
    wait(lambda: window.status.count.text() == "6 of 7 placed")


def test_card_and_line_show_the_same_share_and_keep_it_while_the_run_holds(window, engine, wait):
    def shares() -> tuple[float, float]:
        bars = (window.status.bar, window.waiting.bar)
        return tuple(bar.value() / bar.maximum() for bar in bars if bar.maximum())

    wait(lambda: shares() == (0.25, 0.25))
    assert "place" in window.waiting.words.text()
    window.actions_["run"].trigger()
    wait(lambda: window.status.phase.text() == "Paused")
    assert shares() == (0.25, 0.25)
    assert "place" in window.waiting.words.text(), "the card still says at what it stopped"
    window.actions_["stop"].trigger()
    wait(lambda: window.status.phase.text() == "Stopped")
    assert shares()[0] == 0.25


def test_a_diagnosis_is_not_lost_when_the_run_ends_right_after_it(window, engine, wait, live_for):
    wait(lambda: window.feed.progress.phase != "")
    window.feed.stop()
    engine.go_on.set()
    live_for(0.3)
    window.feed.start()
    wait(lambda: window.bench.run.state is State.FINISHED)
    wait(lambda: window.docks.doctor.grade.grade == "B")
    log = [entry.text for entry in window.docks.log.entries]
    place = log.index("Two sides are missing")
    assert log[place - 1].startswith("The doctor on the cameras: B")


def test_frames_of_a_video_are_marked_as_soon_as_they_are_there(window, shots, wait):
    video = Video(name="film", source=Path("film.mp4"), width=32, height=24, fps=30.0, seconds=2.0)
    engine = SmallPoses(shots)
    engine.leaves_rigs = False
    start(window, video, engine)
    try:
        wait(lambda: window.docks.photos.model.rowCount() == 8)
        wait(lambda: window.docks.photos.model.registered == frozenset())
        assert "0 of 7 placed" in window.docks.photos.header.value
    finally:
        engine.go_on.set()
