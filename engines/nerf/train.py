"""The radiance field engine: learns density and colour everywhere from posed photos."""

import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from assets.errors import InputError
from assets.field import SavedField
from assets.frame import Normalisation
from assets.posed import PosedPhotos
from engines.artifacts import Portrait
from engines.events import Evaluated, Event, Failed, Prepared, Stepped, Told, Warned
from engines.nerf.config import NerfConfig, Schedule
from engines.nerf.hints import hints_of
from engines.nerf.learner import Learner
from engines.nerf.pixels import PixelPool
from engines.nerf.radiance import Radiance
from engines.nerf.render import picture_of
from engines.nerf.saved import saved
from engines.nerf.source import FieldSource
from engines.nerf.start import start
from engines.quality import judge
from engines.scene import Scene
from engines.slots import Slots
from engines.stuck import Stuck
from engines.training import finished, recorded, train
from kernels.backend import resolve_device
from kernels.warm_up import FIELDS, warm_up

MOST_JUDGED = 8
"""Training views that are looked at to judge how well they are known; all would take long."""
LEAST_JUDGED = 24
"""Rows and columns of a view that are judged at least, for SSIM compares neighbourhoods."""


class NerfEngine:
    """One run: photos in, a radiance field out. See `engines.engine.Engine` for the contract."""

    def __init__(self, dataset: PosedPhotos, config: NerfConfig) -> None:
        self.dataset, self.config = dataset, config
        self.schedule = Schedule(config)
        self.device = resolve_device(config.device)
        self.slots = Slots()
        self.step = 0
        self.seconds = 0.0
        """Training time so far, without preparation, pauses and evaluation."""
        self.history: list[Event] = []
        """Every event of the run so far, those before a resume included."""
        self.scene = Scene(dataset, config, self.device)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.learner: Learner | None = None
        self.expected_views: list[str] | None = None
        """Names of the views a resumed run had, in its order."""
        self._pool: PixelPool | None = None
        self._changing = threading.Lock()

    # -- what others ask for -------------------------------------------------------------

    @property
    def model(self) -> Radiance | None:
        """What is learned; None before the run has prepared."""
        return None if self.learner is None else self.learner.radiance

    @property
    def normalisation(self) -> Normalisation:
        """The frame in which the run works."""
        return self.scene.frame

    @property
    def amount(self) -> dict[str, int]:
        """How much was learnt so far."""
        if self.model is None:
            return {}
        return {"parameters": sum(p.numel() for p in self.model.parameters.values())}

    @property
    def held_out(self) -> set[int]:
        """Indices into `dataset.views` that the run does not train on."""
        names = {self.scene.views[i].name for i in self.scene.held_out}
        return {i for i, view in enumerate(self.dataset.views) if view.name in names}

    def source(self) -> FieldSource:
        """A snapshot of the present state that may be drawn while training goes on.

        May be called from any thread. Raises InputError before there is anything.
        """
        return FieldSource(self._snapshot(), self.scene.frame, photos=self._lit_photos())

    def saved_field(self) -> SavedField:
        """The present state as it is written to a file, in the frame of the input."""
        return saved(
            self._snapshot(),
            self.scene.frame,
            name=self.dataset.name,
            photos=self._lit_photos(),
        )

    def evaluate(self, split: str) -> Evaluated | None:
        """Judge the "holdout" views, or some of the "train" ones; None where there are none.

        Where that would take long, each nth row and column is looked at (see `Field.judged`):
        PSNR is an estimate of that of the whole pictures, SSIM that of the pictures so thinned.
        """
        scene = self.scene
        chosen = evenly(scene.train, MOST_JUDGED) if split == "train" else scene.held_out
        if not chosen or self.model is None:
            return None
        radiance = self.model
        by_name = {scene.views[i].name: i for i in chosen}
        every = self._judged_every(chosen)
        behind = radiance.backdrop.colours(torch.zeros(1, 3, device=self.device))[0]

        def pair(name: str) -> tuple[Tensor, Tensor]:
            index = by_name[name]
            code = None if split == "holdout" else radiance.code_of(scene.train.index(index))
            drawn = picture_of(radiance, scene.cameras[index], code=code, every=every)
            return drawn.colour, scene.target(index, behind)[::every, ::every]

        def weights(name: str) -> Tensor | None:
            found = scene.weights(by_name[name])
            return None if found is None else found[::every, ::every]

        quality = judge(by_name, pair, weights)
        return Evaluated(
            step=self.step,
            seconds=self.seconds,
            split=split,
            psnr=quality.psnr,
            ssim=quality.ssim,
            views=quality.views,
        )

    def save_checkpoint(self, folder: Path) -> None:
        """Write all that is needed to go on bit for bit; call between two events."""
        from engines.nerf.checkpoint import save

        save(self, folder)

    @classmethod
    def resume(
        cls, folder: Path, dataset: PosedPhotos | None = None, config: NerfConfig | None = None
    ) -> "NerfEngine":
        """The run of a checkpoint; `config` may lengthen it or change how it goes on."""
        from engines.nerf.checkpoint import load

        return load(folder, dataset, config)

    # -- the run -------------------------------------------------------------------------

    def run(self) -> Iterator[Event]:
        """Prepare once, then train to the limit; see `engines.engine.Engine.run`."""
        return recorded(self, self._run())

    def _run(self) -> Iterator[Event]:
        yield from self._prepare()
        if (yield from train(self, lambda: self._evaluations("holdout"))):
            yield from self._evaluations("train")
            self.leave_artifacts()
            yield finished(self)

    def _prepare(self) -> Iterator[Event]:
        if not self.scene.views:
            for name, done, total in warm_up(FIELDS, device=self.device):
                yield Prepared(phase=f"Loading kernels: {name}", done=done, total=total)
            for note in self.dataset.notes:
                yield Warned(message=note)
            yield from self.scene.prepare()
            self.scene.check_views(self.expected_views)
        if self._pool is None:
            budget = self.config.photo_memory_mb * 2**20
            self._pool = PixelPool(self.scene, budget_bytes=budget, seed=self.config.seed)
        if self.learner is None:
            yield Prepared(phase="Finding the space of the scene", done=0, total=1)
            radiance = start(self.scene, self.config, self.generator)
            for note in radiance.space.notes:
                yield Warned(message=note)
            with self._changing:
                self.learner = Learner(radiance, self.config, self.generator)
            yield Told(message=self._about(radiance))
            yield Prepared(phase="Finding the space of the scene", done=1, total=1)
        self.learner.hints = hints_of(self.scene, self.learner.radiance)
        self.leave_artifacts()

    def advance(self) -> list[Event]:
        """Learn from one batch of rays."""
        assert self.learner is not None
        assert self._pool is not None
        began = time.perf_counter()
        batch = self._pool.batch(self.step, self.learner.rays, self.generator)
        try:
            scalars = self.learner.learn(batch, self.step + 1, self._changing, seconds=self.seconds)
        except Stuck as stuck:
            return [Failed(step=self.step, message=str(stuck))]
        self.step += 1
        elapsed = time.perf_counter() - began
        self.seconds += elapsed
        step_ms = elapsed * 1e3
        return [Stepped(step=self.step, seconds=self.seconds, step_ms=step_ms, scalars=scalars)]

    def _evaluations(self, split: str) -> Iterator[Event]:
        evaluated = self.evaluate(split)
        if evaluated is not None:
            yield evaluated

    # -- small things --------------------------------------------------------------------

    def _judged_every(self, chosen: list[int]) -> int:
        """Each how manieth row and column of the `chosen` views are judged."""
        assert self.model is not None
        cameras = [self.scene.cameras[i] for i in chosen]
        pixels = sum(camera.width * camera.height for camera in cameras)
        least = min(min(camera.width, camera.height) for camera in cameras)
        wanted = math.ceil(math.sqrt(pixels / self.model.field.judged[self.device.type]))
        return max(1, min(wanted, least // LEAST_JUDGED))

    def _snapshot(self) -> Radiance:
        if self.learner is None:
            raise InputError("The run has no field yet; start it first")
        with self._changing:
            return self.learner.radiance.snapshot()

    def _lit_photos(self) -> tuple[str, ...]:
        """Photos whose appearance is known, in the order of the codes."""
        if not self.config.appearance:
            return ()
        return tuple(self.scene.views[i].name for i in self.scene.train)

    def _about(self, radiance: Radiance) -> str:
        corners = self.scene.frame.to_input(radiance.space.inner.cpu().numpy()).ravel()
        words = " ".join(f"{value:.4g}" for value in corners)
        count = sum(p.numel() for p in radiance.parameters.values())
        reach = radiance.space.stretch
        around = f", surroundings reach {reach:.1f} times as far" if reach > 1 else ""
        return f"A {self.config.field} field of {count:,} numbers in the box {words}{around}"

    def leave_artifacts(self) -> None:
        """Make what somebody waits for."""
        if self.slots.wants(Portrait) and self.learner is not None:
            source = self.source()
            self.slots.put(Portrait(step=self.step, source=source, megabytes=source.megabytes))


def evenly(of: list[int], most: int) -> list[int]:
    """At most `most` of them, evenly along their order."""
    if len(of) <= most:
        return of
    return [of[round(i * (len(of) - 1) / (most - 1))] for i in range(most)]
