"""A window with a small engine that follows the contract, and photos to drop on it."""

import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from PIL import Image

from assets.camera import Camera, look_at
from assets.errors import InputError
from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos, split_holdout
from engines.artifacts import Population
from engines.engine import RenderedView
from engines.events import Evaluated, Event, Finished, Prepared, Refined, Stepped
from engines.settings import Setting
from engines.slots import Slots


def some_gaussians(n: int, seed: int = 0) -> GaussianCloud:
    """A ball of `n` coloured Gaussians about the origin."""
    random = np.random.default_rng(seed)
    return GaussianCloud(
        means=random.normal(0.0, 0.4, (n, 3)).astype(np.float32),
        quats=random.normal(0.0, 1.0, (n, 4)).astype(np.float32),
        log_scales=np.full((n, 3), np.log(0.05), np.float32),
        logit_opacities=np.full(n, 1.5, np.float32),
        sh=random.normal(0.0, 0.5, (n, 4, 3)).astype(np.float32),
    )


@dataclass(frozen=True, kw_only=True)
class SmallConfig:
    """Settings of the small engine."""

    steps: Annotated[int, Setting("Training steps", low=1)] = 40
    holdout: Annotated[int, Setting("Hold out every", low=0)] = 3
    step_ms: Annotated[float, Setting("Time of a step", low=0)] = 2.0
    fail_at: Annotated[int, Setting("Burst after this step, 0 for never", low=0)] = 0


class SmallEngine:
    """Learns nothing, but at the pace and with the manners of an engine."""

    def __init__(self, dataset: PosedPhotos, config: SmallConfig) -> None:
        self.dataset, self.config = dataset, config
        self.slots, self.step = Slots(), 0
        self.history: list[Event] = []
        self.normalisation = Normalisation(centre=np.array([1.0, 2.0, 3.0]), scale=0.5)
        self.closed = 0
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def held_out(self) -> set[int]:
        names = [view.name for view in self.dataset.views]
        return set(split_holdout(names, self.config.holdout)[1])

    def run(self) -> Iterator[Event]:
        try:
            for event in self._events():
                self.history.append(event)
                yield event
        finally:
            self.closed += 1

    def _events(self) -> Iterator[Event]:
        yield Prepared(phase="Reading photos", done=1, total=1)
        while self.step < self.config.steps:
            time.sleep(self.config.step_ms / 1e3)
            self.go_on.wait(10)
            if self.config.fail_at and self.step >= self.config.fail_at:
                raise ZeroDivisionError("division by zero")
            self.step += 1
            if self.slots.wants(GaussianCloud):
                self.slots.put(self.cloud())
            if self.slots.wants(Population):
                self.slots.put(self.population())
            yield Stepped(
                step=self.step,
                seconds=0.01 * self.step,
                step_ms=10.0,
                scalars={"loss": 1.0 / self.step, "gaussians": float(self.count)},
            )
            if self.step % 10 == 0:
                yield Refined(step=self.step, cloned=5, total=self.count)
                names = [view.name for view in self.dataset.views]
                yield Evaluated(
                    step=self.step,
                    seconds=0.0,
                    split="holdout",
                    psnr=20.0,
                    ssim=0.9,
                    views={names[i]: 20.0 for i in self.held_out},
                )
        yield Finished(step=self.step, seconds=0.0, reason=f"{self.step} steps done")

    @property
    def count(self) -> int:
        return 50 + 5 * (self.step // 10)

    def cloud(self) -> GaussianCloud:
        return some_gaussians(self.count, self.step)

    def population(self) -> Population:
        random = np.random.default_rng(self.step)
        return Population(
            step=self.step,
            opacities=random.uniform(0.01, 0.99, self.count).astype(np.float32),
            scales=random.uniform(0.001, 0.1, self.count).astype(np.float32),
            gradients=random.uniform(1e-6, 1e-3, self.count).astype(np.float32),
            grow_gradient=2e-4,
            split_scale=0.01,
            prune_opacity=0.005,
        )

    def source(self) -> "FlatSource":
        return FlatSource(self.cloud())

    def save_checkpoint(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise InputError(f"{folder} could not be written; choose another one") from error
        (folder / "checkpoint.json").write_text(
            json.dumps({"step": self.step, "dataset": str(self.dataset.source)})
        )


class FlatSource:
    """Renders one colour that tells how many Gaussians there are."""

    asked: list[tuple[Camera, float | None]]

    def __init__(self, cloud: GaussianCloud) -> None:
        self.count = len(cloud)
        self.asked = []

    def render(self, camera: Camera, budget_ms: float | None = None) -> RenderedView:
        self.asked.append((camera, budget_ms))
        shape = (camera.height, camera.width)
        return RenderedView(
            camera=camera,
            image=np.broadcast_to(np.float32([0.0, 1.0, 0.0]), (*shape, 3)).copy(),
            depth=np.full(shape, 2.0, np.float32),
            alpha=np.ones(shape, np.float32),
        )


class Answers:
    """Answers what the window asks, as a test decides, and keeps what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.choice: Any = None
        self.path: Path | None = folder / "saved run"
        self.asked: list[str] = []
        self.starts: list[Path] = []
        """What was suggested for new folders."""

    def unsaved(self, _parent: Any, steps: int, purpose: str) -> Any:
        self.asked.append(f"{purpose} ({steps > 0})")
        return self.choice

    def folder(self, _parent: Any, title: str, _start: Path) -> Path | None:
        self.asked.append(title)
        return self.path

    def files(self, _parent: Any, title: str, _start: Path) -> list[Path]:
        self.asked.append(title)
        return [self.path] if self.path else []

    def new_folder(self, _parent: Any, title: str, start: Path) -> Path | None:
        self.asked.append(title)
        self.starts.append(start)
        return self.path


def write_photos(folder: Path, count: int = 6) -> Path:
    """A data set with poses in a transforms.json: cameras on a ring that look inwards."""
    folder.mkdir(parents=True)
    frames = []
    for i in range(count):
        picture = np.full((24, 32, 3), 30 * i, np.uint8)
        Image.fromarray(picture).save(folder / f"{i:02d}.png")
        angle = 2 * np.pi * i / count
        eye = np.array([2.5 * np.cos(angle), -0.6, 2.5 * np.sin(angle)])
        pose = look_at(eye, np.zeros(3), np.array([0.0, -1.0, 0.0])) @ np.diag([1.0, -1, -1, 1])
        frames.append({"file_path": f"{i:02d}.png", "transform_matrix": pose.tolist()})
    lens = {"fl_x": 30.0, "fl_y": 30.0, "cx": 16.0, "cy": 12.0, "w": 32, "h": 24}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "ring of photos")


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(tmp_path)


@pytest.fixture
def settled() -> list[str]:
    """Names of the threads on which the small engine's runs settled in."""
    return []


@pytest.fixture
def small_kind(settled):
    from app.enginekinds import EngineKind
    from assets.open import open_path

    def resume(folder: Path) -> SmallEngine:
        saved = json.loads((folder / "checkpoint.json").read_text())
        engine = SmallEngine(open_path(Path(saved["dataset"])), SmallConfig(steps=60))
        engine.step = saved["step"]
        engine.history = [
            Stepped(step=i + 1, seconds=0.0, step_ms=1.0, scalars={"loss": 0.5})
            for i in range(engine.step)
        ]
        return engine

    return EngineKind(
        config_type=SmallConfig,
        make=SmallEngine,
        resume=resume,
        cloud_source=FlatSource,
        settle_in=lambda: settled.append(threading.current_thread().name),
        device="CPU, 2 cores - no CUDA device found",
        device_report="Trains on: CPU",
        on_gpu=False,
    )


@pytest.fixture
def make_window(qapp, tmp_path, answers, small_kind):
    """Call it for a window that is shown and has its engine; all are closed at the end."""
    from app import theme
    from app.faults import Faults
    from app.memory import Memory
    from app.window import MainWindow

    theme.apply(qapp, "dark")
    made = []

    def make(*, ready: bool = True, size: tuple[int, int] = (1000, 700), **changes: Any):
        window = MainWindow(
            **{
                "memory": Memory(tmp_path / "settings.ini"),
                "questions": answers,
                "load": lambda: small_kind,
                "faults": Faults(tmp_path / "errors.log"),
                **changes,
            }
        )
        made.append(window)
        window.resize(*size)
        window.show()
        if ready:
            wait_until(lambda: window.bench.kind is not None)
        return window

    yield make
    from app.questions import Choice

    answers.choice = Choice.DISCARD
    for window in made:
        window.close()
        window.deleteLater()
    made.clear()
    gc.unfreeze()  # what the real engine's loader has put out of the collector's sight


@pytest.fixture
def window(make_window):
    return make_window()


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Let the window live until `condition()` holds."""
    from PySide6.QtWidgets import QApplication

    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        QApplication.processEvents()
        time.sleep(0.003)


def live(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end)


@pytest.fixture
def wait():
    """`wait(condition)` lets the window live until it holds."""
    return wait_until


@pytest.fixture
def live_for():
    """`live_for(seconds)` lets the window live."""
    return live


@pytest.fixture
def gaussians():
    """`gaussians(n)` makes a ball of coloured Gaussians."""
    return some_gaussians


@pytest.fixture
def new_photos():
    """`new_photos(folder)` writes another data set."""
    return write_photos
