"""A window with a small engine that follows the contract, and photos to drop on it."""

import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from app_rays import field_ray, splat_ray
from PIL import Image

from assets.camera import Camera, look_at
from assets.errors import InputError
from assets.field import SavedField
from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos, split_holdout
from engines.artifacts import FieldRay, Population, Portrait, SplatRay
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

    name = "splats"

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
            self.leave_artifacts()
            yield Stepped(
                step=self.step, seconds=0.01 * self.step, step_ms=10.0, scalars=self.scalars()
            )
            if self.step % 10 == 0:
                yield from self.refined()
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

    def leave_artifacts(self) -> None:
        if self.slots.wants(GaussianCloud):
            self.slots.put(self.cloud())
        if self.slots.wants(Population):
            self.slots.put(self.population())

    def scalars(self) -> dict[str, float]:
        return {"loss": 1.0 / self.step, "gaussians": float(self.count)}

    def refined(self) -> Iterator[Event]:
        yield Refined(step=self.step, cloned=5, total=self.count)

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
            json.dumps(
                {"engine": self.name, "step": self.step, "dataset": str(self.dataset.source)}
            )
        )


class FlatSource:
    """Renders one colour that tells how many Gaussians there are."""

    modes = ("colour",)
    asked: list[tuple[Camera, float | None]]

    def __init__(self, cloud: GaussianCloud) -> None:
        self.count = len(cloud)
        self.asked = []

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        yield self.render(camera, mode=mode)

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        self.asked.append((camera, budget_ms))
        return flat_view(camera, (0.0, 1.0, 0.0))

    def probe(self, camera: Camera, x: float, y: float) -> SplatRay:
        return splat_ray(min(self.count, 12))


def flat_view(camera: Camera, colour: tuple[float, float, float]) -> RenderedView:
    """One colour everywhere, at a distance of 2."""
    shape = (camera.height, camera.width)
    return RenderedView(
        camera=camera,
        image=np.broadcast_to(np.float32(colour), (*shape, 3)).copy(),
        depth=np.full(shape, 2.0, np.float32),
        alpha=np.ones(shape, np.float32),
    )


MODE_COLOURS = {
    "colour": (0.0, 0.0, 1.0),
    "depth": (1.0, 0.0, 0.0),
    "normals": (0.0, 1.0, 1.0),
    "occupancy": (1.0, 1.0, 0.0),
}


class SmallSource:
    """Draws one colour a mode: coarse if time is short, or finer and finer."""

    modes = tuple(MODE_COLOURS)
    megabytes = 0.25
    box = np.array([[9.0, 9.0, 9.0], [11.0, 11.0, 11.0]])

    def __init__(self, step: int = 0, piece_s: float = 0.01) -> None:
        self.step, self.piece_s = step, piece_s
        self.rendered: list[tuple[Camera, float | None, str]] = []
        self.began: list[tuple[Camera, str]] = []
        self.closed = self.finished = 0
        self.widths: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        self.rendered.append((camera, budget_ms, mode))
        return self._view(camera, 0.125, mode)

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        self.began.append((camera, mode))
        try:
            for share in (0.0625, 0.125, 0.25, 0.5, 1.0):
                yield self._view(camera, share, mode)
            self.finished += 1
        finally:
            self.closed += 1

    def probe(self, camera: Camera, x: float, y: float) -> FieldRay:
        return field_ray()

    def _view(self, camera: Camera, share: float, mode: str) -> RenderedView:
        time.sleep(self.piece_s)
        self.gate.wait(10)
        width, height = (max(1, round(share * n)) for n in (camera.width, camera.height))
        self.widths.append(width)
        return flat_view(camera.resized(width, height), MODE_COLOURS[mode])


class SmallField(SmallEngine):
    """As the small engine, of the kind that only itself can draw."""

    name = "nerf"

    def __init__(self, dataset: PosedPhotos, config: Any) -> None:
        super().__init__(dataset, config)
        self.sources: list[SmallSource] = []

    def leave_artifacts(self) -> None:
        if self.slots.wants(Portrait):
            source = self.source()
            self.slots.put(Portrait(step=self.step, source=source, megabytes=source.megabytes))

    def scalars(self) -> dict[str, float]:
        return {"loss": 1.0 / self.step, "rays": 100.0, "samples": 4800.0, "lr": 0.01}

    def refined(self) -> Iterator[Event]:
        yield from ()

    def source(self) -> SmallSource:
        self.sources.append(SmallSource(self.step, self.config.piece_s))
        return self.sources[-1]

    def saved_field(self) -> SavedField:
        return some_field(self.step)


def some_field(step: int) -> SavedField:
    """A field of 300 numbers."""
    return SavedField(
        name="small",
        about={"step": step},
        arrays={"table": np.arange(300, dtype=np.float32).reshape(100, 3)},
    )


@dataclass(frozen=True, kw_only=True)
class FieldConfig:
    """Settings of the small engine that draws itself."""

    steps: Annotated[int, Setting("Training steps", low=1)] = 40
    holdout: Annotated[int, Setting("Hold out every", low=0)] = 3
    step_ms: Annotated[float, Setting("Time of a step", low=0)] = 2.0
    piece_s: Annotated[float, Setting("Time of a piece of a view", low=0)] = 0.01
    fail_at: Annotated[int, Setting("Burst after this step, 0 for never", low=0)] = 0


class Answers:
    """Answers what the window asks, as a test decides, and keeps what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.choice: Any = None
        self.distils: Any = None
        """What a student is to be like; None for not at all."""
        self.path: Path | None = folder / "saved run"
        self.asked: list[str] = []
        self.starts: list[Path] = []
        """What was suggested for new folders and files."""

    def unsaved(self, _parent: Any, steps: int, purpose: str) -> Any:
        self.asked.append(f"{purpose} ({steps > 0})")
        return self.choice

    def folder(self, _parent: Any, title: str, _start: Path) -> Path | None:
        self.asked.append(title)
        return self.path

    def files(self, _parent: Any, title: str, _start: Path) -> list[Path]:
        self.asked.append(title)
        return [self.path] if self.path else []

    def image(self, _parent: Any, title: str, _start: Path) -> Path | None:
        self.asked.append(title)
        return self.path

    def new_file(self, _parent: Any, title: str, start: Path, _filters: str) -> Path | None:
        return self.new_folder(_parent, title, start)

    def distil(self, _parent: Any, name: str, _told: bool) -> Any:
        self.asked.append(f"Distil {name}")
        return self.distils

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
def small_kinds():
    """Two small engines, one that leaves Gaussians and one that has to be asked for views."""
    from app.enginekinds import NERF, SPLATS
    from assets.open import open_path

    def resume(make: type, config: Any, folder: Path) -> SmallEngine:
        saved = json.loads((folder / "checkpoint.json").read_text())
        engine = make(open_path(Path(saved["dataset"])), config)
        engine.step = saved["step"]
        engine.history = [
            Stepped(step=i + 1, seconds=0.0, step_ms=1.0, scalars={"loss": 0.5})
            for i in range(engine.step)
        ]
        return engine

    splats = replace(
        SPLATS,
        config_type=SmallConfig,
        make=SmallEngine,
        resume=partial(resume, SmallEngine, SmallConfig(steps=60)),
        open_source=FlatSource,
    )

    def remade(saved: SavedField) -> SmallSource:
        if "table" not in saved.arrays:
            raise InputError(f"The radiance field {saved.name} has no table; export it again")
        return SmallSource(saved.about["step"])

    nerf = replace(
        NERF,
        config_type=FieldConfig,
        make=SmallField,
        resume=partial(resume, SmallField, FieldConfig(steps=60)),
        open_source=remade,
        modes=SmallSource.modes,
    )
    return {kind.id: kind for kind in (splats, nerf)}


@pytest.fixture
def small_machine(settled):
    from app.enginekinds import Machine

    return Machine(
        settle_in=lambda: settled.append(threading.current_thread().name),
        device="CPU, 2 cores - no CUDA device found",
        report="Trains on: CPU",
        on_gpu=False,
    )


@pytest.fixture
def make_window(qapp, tmp_path, answers, small_kinds, small_machine):
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
                "kinds": small_kinds,
                "load": lambda: small_machine,
                "faults": Faults(tmp_path / "errors.log"),
                **changes,
            }
        )
        made.append(window)
        window.resize(*size)
        window.show()
        if ready:
            wait_until(lambda: window.bench.machine is not None)
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


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
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
def a_field():
    """A radiance field as a file holds it."""
    return some_field(7)


@pytest.fixture
def new_photos():
    """`new_photos(folder)` writes another data set."""
    return write_photos
