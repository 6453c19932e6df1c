"""The diffusion engine: learns to draw images, or points, like those it is shown."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from assets.errors import InputError
from engines.diffusion.artifacts import Health, LearntVariance, Sheet
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.card import saved_model_of
from engines.diffusion.classifying import LOOKED_AT, ClassifierLearner, classifier_of
from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.data.pairs import Pairs, begin_with
from engines.diffusion.data.pictures import Pictures
from engines.diffusion.data.toy import ToyPoints
from engines.diffusion.health import Remark, Yardsticks, learnt_variance, remarks
from engines.diffusion.latent.run import learn_latents
from engines.diffusion.latent.space import LatentSpace
from engines.diffusion.latent.stage import FirstStage
from engines.diffusion.learner import Batch, Learner
from engines.diffusion.memory import Forecast, check_room, forecast, free_bytes
from engines.diffusion.networks.choose import build, weights
from engines.diffusion.networks.classifier import ClassifierConfig
from engines.diffusion.networks.config import NetworkConfig, preset
from engines.diffusion.saved import SavedModel
from engines.diffusion.stroke import as_shown
from engines.diffusion.telling import about, notes_of
from engines.diffusion.weighting import draw_times, with_noise_end
from engines.diffusion.words import Encoded
from engines.events import (
    Event,
    Failed,
    Judged,
    Prepared,
    Stepped,
    Told,
    Warned,
)
from engines.slots import Slots
from engines.stuck import Stuck
from engines.training import finished, recorded, train
from kernels.backend import resolve_device
from kernels.threads import torch_at_work

IMAGES_AT_ONCE = {"cpu": 32, "cuda": 128}
"""In one step, when nobody says: on a GPU more of them take no longer."""
POINTS_AT_ONCE = 512
"""Points cost next to nothing each."""
JUDGED = 512
"""Held-out images that are looked at to judge the run, always the same ones."""
POINTS = 600
"""Samples of a toy that are drawn on the way at least: a few points show no shape."""
MEASURED = 2_048
"""Images from which the scale of the data is told."""
LEVELS = 100_000
"""Noise levels from which it is told what knowing nothing costs."""


Data = Pictures | ToyPoints | Pairs


class DiffusionEngine:
    """One run: images in, a model out. See `engines.engine.Engine` for the contract."""

    def __init__(self, data: Data, config: DiffusionConfig) -> None:
        self.data, self.config = data, config
        self.schedule = Schedule(config)
        self.device = resolve_device(config.device)
        self.slots = Slots()
        self.step = 0
        self.seconds = 0.0
        """Training time so far, without preparation, pauses and evaluation."""
        self.history: list[Event] = []
        """Every event of the run so far, those before a resume included."""
        self.generator = torch.Generator().manual_seed(config.seed)
        self.vocabulary = data.vocabulary()
        self.learner: Learner | None = None
        self.naming: ClassifierLearner | None = None
        """What learns to name classes; None where none is asked for, and before the start."""
        self.train, self.held_out = data.split(
            config.holdout, torch.Generator().manual_seed(config.seed)
        )
        self.first = FirstStage.of(config, self.train, self.held_out)
        """What makes latents of the images; None where pixels or points are learnt."""
        self._said: dict[Data, Encoded] = {}
        """The texts of what is learnt and of what is held out, as numbers, once asked for."""
        self._numbers: dict[Data, Tensor] = {}
        """The numbers of the classes of what is learnt and of what is held out, likewise."""
        self._named: tuple[float, ...] = ()
        """How well classes of held-out data were named at the last evaluation."""
        self._known: Yardsticks | None = None
        self._remarked: set[str] = set()
        """What was said of the run's health at the last evaluation."""
        self.sheet_at = 0.0
        """Training time at the last sheet."""
        self._gradient = 0.0
        self._non_finite: float | None = None
        self._changing = threading.Lock()

    # -- what others ask for -------------------------------------------------------------

    @property
    def amount(self) -> dict[str, int]:
        """How much was learnt so far."""
        return {} if self.learner is None else {"parameters": weights(self.learner.network)}

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to go on from, be it an autoencoder alone."""
        return self.learner is not None or (self.first is not None and self.first.has_begun)

    @property
    def lacks(self) -> str:
        """Why nothing can be drawn yet, in a sentence; empty once something can."""
        return self._nothing_yet() if self.learner is None else ""

    @property
    def in_first_stage(self) -> bool:
        """Whether what is learnt, or comes next, is the autoencoder that makes latents."""
        return self.first is not None and self.first.space is None

    @property
    def batch(self) -> int:
        """Images or points in one step."""
        few, many = IMAGES_AT_ONCE[self.device.type], POINTS_AT_ONCE
        return self.config.batch or (many if self.data.points else few)

    def network_config(self) -> NetworkConfig:
        """Size and kind of the network. Raises InputError where it does not fit the images."""
        learns_variance = self.config.variance == "learned"
        return replace(self._preset(), variance=learns_variance, places=self.config.places)

    def _preset(self) -> NetworkConfig:
        if isinstance(self.data, Pairs):
            return self.data.teacher.network.config
        vocabulary = self.vocabulary
        tokens = 0 if vocabulary is None else vocabulary.size
        if isinstance(self.data, ToyPoints):
            if self.config.factor:
                raise InputError("Points have no latent space; set it to off")
            return preset("points", height=1, width=1, tokens=tokens)
        channels, height, width = self.data.images.shape[1:]
        latent = {}
        if self.first is not None:
            (channels, height, width), latent = self.first.shape, {"latent": True}
        try:
            return preset(
                self.config.network,
                height=height,
                width=width,
                tokens=tokens,
                longest=0 if vocabulary is None else vocabulary.longest,
                cross=vocabulary is not None and not vocabulary.classes,
                channels=channels,
                **latent,
            )
        except ValueError as error:
            raise InputError(str(error)) from error

    def classifier_config(self) -> ClassifierConfig | None:
        """Of the classifier that is asked for; None without one, InputError without classes."""
        if not self.config.classifier:
            return None
        shape = self.first.shape if self.first else None
        return classifier_of(self.data, self.config.path, shape)

    def artist(self) -> Artist:
        """A snapshot that draws while training goes on; may be called from any thread.

        Raises InputError before there is anything.
        """
        if self.learner is None:
            raise InputError(self._nothing_yet())
        with self._changing:
            artist = Artist.snapshot(
                self.learner.ema.network,
                self.learner.network,
                path=self.config.path,
                target=self.config.target,
                vocabulary=self.vocabulary,
                drop=self.config.drop,
                classifier=None if self.naming is None else self.naming.network,
                taught=isinstance(self.data, Pairs),
                space=self._space,
            )
            artist.step = self.step
            return artist

    def saved_model(self) -> SavedModel:
        """The present state as it is written to a file: the averaged weights and their card."""
        return saved_model_of(self, self.artist())

    def wish(self) -> Wish:
        """What is drawn on the way: always from the same noise, so that it is seen to improve."""
        texts = self._texts_shown()
        points = self.data.points
        return Wish(
            count=max(self.config.samples, POINTS) if points else self.config.samples,
            texts=texts,
            literal=True,
            sampler=self.config.sampler,
            steps=self.config.sample_steps,
            guidance=self.config.guidance if texts else 0.0,
            seed=self.config.seed,
        )

    def evaluate(self) -> Judged | None:
        """The loss of held-out images at fixed levels and noise; None where there are none.

        The levels are spread as those of training are, so that both losses can be compared.
        """
        if self.learner is None or not len(self.held_out):
            return None
        generator = torch.Generator().manual_seed(self.config.seed)
        count = min(JUDGED, len(self.held_out))
        learner, total = self.learner, 0.0
        t = draw_times(learner.config.timing, count, generator, shift=learner.config.shift)
        t = with_noise_end(t) if isinstance(self.data, Pairs) else t
        with torch.no_grad(), torch_at_work():
            for first in range(0, count, self.batch):
                rows = slice(first, min(first + self.batch, count))
                batch = self._batch_of(self.held_out, rows)
                eps = batch.noise
                if eps is None:
                    eps = torch.randn(batch.x0.shape, generator=generator).to(self.device)
                levels = t[rows].to(self.device)
                network = learner.ema.network
                errors = learner.errors(network, batch.x0, eps, levels, batch.condition)
                total += float(errors.sum())
        return Judged(step=self.step, seconds=self.seconds, loss=total / count, images=count)

    def save_checkpoint(self, folder: Path) -> None:
        """Write all that is needed to go on bit for bit; call between two events."""
        from engines.diffusion.checkpoint import save

        save(self, folder)

    @classmethod
    def resume(
        cls, folder: Path, data: Data | None = None, config: DiffusionConfig | None = None
    ) -> "DiffusionEngine":
        """The run of a checkpoint; `config` may lengthen it or change how it goes on."""
        from engines.diffusion.checkpoint import load

        return load(folder, data, config)

    # -- the run -------------------------------------------------------------------------

    def run(self) -> Iterator[Event]:
        """Prepare once, then train to the limit; see `engines.engine.Engine.run`."""
        return recorded(self, self._run())

    def _run(self) -> Iterator[Event]:
        if self.first is not None:
            yield from learn_latents(self, self.first)
            if self.first.space is None:
                return
        yield from self._prepare()
        if (yield from train(self, self._evaluation)):
            self.leave_artifacts(at_last=True)
            yield finished(self)

    def _prepare(self) -> Iterator[Event]:
        if self.learner is None:
            yield Prepared(phase="Making the network", done=0, total=1)
            self.ready()
            assert self.learner is not None
            for note in notes_of(self) if self.first is None else ():
                yield Warned(message=note)
            yield Told(message=about(self))
            yield Prepared(phase="Making the network", done=1, total=1)
        if self._known is None:
            # Not the first ones, which may all be of one class.
            order = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(0))
            shown = self._x0_of(self.train, order[:MEASURED])
            config, generator = self.learner.config, torch.Generator().manual_seed(0)
            t = draw_times(config.timing, LEVELS, generator, shift=config.shift)
            t = with_noise_end(t) if isinstance(self.data, Pairs) else t
            self._known = Yardsticks.of(self.learner.path, config.target, shown, t)

    def ready(self) -> Learner:
        """Have the network that nothing has been taught yet; done once.

        Raises InputError where it does not fit the images or the memory.
        """
        if self.learner is None:
            if self.first is not None and self.first.space is None:
                raise InputError(self._nothing_yet())
            check_room(self.needs(), free_bytes(self.device))
            if (classes := self.classifier_config()) is not None:
                numbers = self._numbers_of(self.train)
                self.naming = ClassifierLearner(classes, self.config, self.device, numbers)
            network = build(self.network_config(), self.generator)
            if isinstance(self.data, Pairs):
                begin_with(network, self.data.teacher.network)
            latent = {} if self.first is None else self.first.for_learner()
            self.learner = Learner(network, self.config, self.device, self.generator, **latent)
        return self.learner

    def needs(self) -> Forecast:
        """What learning to denoise will take."""
        mixed, classifier = self.schedule.is_mixed(self.device.type), self.classifier_config()
        needs = forecast(self.network_config(), self.batch, mixed=mixed, classifier=classifier)
        return needs if self.first is None else self.first.beside(needs)

    @property
    def _space(self) -> LatentSpace | None:
        """Where is denoised, once that is known; None among pixels or points."""
        if isinstance(self.data, Pairs):
            return self.data.teacher.space
        return None if self.first is None else self.first.space

    def _nothing_yet(self) -> str:
        """Why there is nothing to draw with."""
        if self.first is not None and self.first.learner is not None:
            share = f"{self.config.autoencoder:.0%}"
            return f"The autoencoder is learnt first; what draws comes after {share} of the run"
        return "The run has no model yet; start it first"

    def advance(self) -> list[Event]:
        """Learn from one batch."""
        began = time.perf_counter()
        count = self.batch
        rows = torch.randint(len(self.train), (count,), generator=self.generator)
        encoder = self.first and self.first.learner
        batch = Batch(self.train.batch(rows).to(self.device), None) if encoder else None
        batch = batch or self._batch_of(self.train, rows)
        if self.config.flip and batch.x0.ndim == 4:
            mirrored = torch.rand(count, generator=self.generator).to(self.device) < 0.5
            others = None
            if self.first and not encoder:  # latents of mirrored images are no mirrored latents
                others = self._x0_of(self.train, rows, mirrored=True).to(self.device)
            batch = batch.mirrored(mirrored, others)
        try:
            with self._changing, torch_at_work():
                if encoder:
                    scalars = encoder.learn(batch.x0, self.step + 1, seconds=self.seconds)
                else:
                    scalars = self._learn(batch, rows)
        except Stuck as stuck:
            return [Failed(step=self.step, message=str(stuck))]
        self._gradient = scalars["gradient"]
        self.step += 1
        elapsed = time.perf_counter() - began
        self.seconds += elapsed
        scalars["images"] = float(count)
        step_ms = elapsed * 1e3
        return [Stepped(step=self.step, seconds=self.seconds, step_ms=step_ms, scalars=scalars)]

    def _learn(self, batch: Batch, rows: Tensor) -> dict[str, float]:
        """Have the diffusion learn from `batch`, and the classifier where there is one."""
        assert self.learner is not None
        step, naming = self.step + 1, self.naming
        if naming is None:
            return self.learner.learn(batch, step, seconds=self.seconds)
        looked = naming.look(batch.x0, self._numbers_of(self.train)[rows], step)
        scalars = self.learner.learn(batch, step, seconds=self.seconds)
        naming.move(looked, step, seconds=self.seconds)
        return scalars | looked.scalars

    def _evaluation(self) -> Iterator[Event]:
        judged = self.evaluate()
        if judged is not None:
            yield judged
        self._judge_naming()
        now = self._remarks()
        for remark in now:
            if remark.kind not in self._remarked:
                yield (Warned if remark.grave else Told)(message=remark.words)
        self._remarked = {remark.kind for remark in now}

    # -- small things --------------------------------------------------------------------

    def _batch_of(self, data: Data, rows: Tensor | slice) -> Batch:
        x0 = self._x0_of(data, rows).to(self.device)
        noise = data.noise[rows].to(self.device) if isinstance(data, Pairs) else None
        if self.vocabulary is None:
            return Batch(x0, None, noise=noise)
        condition = self.encoded(data).condition[rows].trimmed().to(self.device)
        known = data.regions if isinstance(data, Pictures) else None
        regions = None if known is None else known.part(rows).to(self.device)
        return Batch(x0, condition, regions, noise)

    def _x0_of(self, data: Data, rows: Tensor | slice, *, mirrored: bool = False) -> Tensor:
        """[b, ...] what is noised of these rows: points, pixels or latents (of mirrored images)."""
        if self.first is not None and isinstance(data, Pictures):
            return self.first.latents(data, rows, mirrored=mirrored)
        return data.batch(rows)

    def encoded(self, data: Data) -> Encoded:
        """What is said of `data` as numbers; worked out once."""
        assert self.vocabulary is not None
        if data not in self._said:
            self._said[data] = self.vocabulary.encode(data.texts)
        return self._said[data]

    def _numbers_of(self, data: Data) -> Tensor:
        """[n] the classes of `data` as numbers; worked out once."""
        if data not in self._numbers:
            self._numbers[data] = data.numbers_of(self.data.classes)
        return self._numbers[data]

    def _judge_naming(self) -> None:
        """See how well the classes of what is held out are named."""
        if self.naming is not None and len(self.held_out):
            # Not the first ones, which may all be of one class.
            order = torch.randperm(len(self.held_out), generator=torch.Generator().manual_seed(0))
            rows = order[:LOOKED_AT]
            x0, numbers = self._x0_of(self.held_out, rows), self._numbers_of(self.held_out)[rows]
            with torch_at_work():
                self._named = self.naming.judged(x0.to(self.device), numbers, self.config.seed)

    def _texts_shown(self) -> tuple[str, ...]:
        """Captions of held-out images, or the classes in turn, for the samples on the way."""
        if self.vocabulary is None:
            return ()
        if self.vocabulary.classes:
            return self.vocabulary.words
        shown = self.held_out if len(self.held_out) else self.train
        return tuple(shown.texts[: self.config.samples])

    def leave_artifacts(self, *, at_last: bool = False) -> None:
        """Make what somebody waits for, if its time has come."""
        if self.slots.wants(Health) and self._known is not None:
            self.slots.put(self.health())
        due = self.seconds - self.sheet_at >= self.config.sample_seconds or self.step == 1
        if self.slots.wants(Sheet) and (due or at_last):
            self.sheet_at = self.seconds
            self.slots.put(self.sheet())

    def sheet(self) -> Sheet:
        """Samples of the present state; call between two events. InputError before there is one.

        While an autoencoder is learnt they are images and what those come back from it as.
        """
        if self.first is not None and self.first.learner is not None:
            return self.first.sheet(self.step, self.seconds)
        artist, wish = self.artist(), self.wish()
        kept = artist.samples(wish)
        raw = artist.samples(Wish(**{**vars(wish), "averaged": False}))
        self._non_finite = float((~torch.isfinite(torch.cat([kept, raw]))).float().mean())
        return Sheet(
            step=self.step,
            seconds=self.seconds,
            averaged=as_shown(kept),
            raw=as_shown(raw),
            texts=wish.texts,
        )

    def health(self) -> Health:
        """How the run is doing; call between two events. InputError before the first step."""
        if self.learner is None or self._known is None:
            raise InputError(self._nothing_yet())
        return Health(
            step=self.step,
            levels=tuple(self.learner.levels.errors.tolist()),
            untrained=tuple(self._known.untrained.tolist()),
            gradient=self._gradient,
            lag=self._lag(),
            non_finite=self._non_finite,
            deviation=self._known.deviation,
            sentences=tuple(remark.words for remark in self._remarks()),
            naming=None if self.naming is None else self.naming.naming(self._named),
            variance=self._variance(),
        )

    def _variance(self) -> LearntVariance | None:
        assert self.learner is not None
        assert self._known is not None
        shares = self.learner.shares
        if shares is None:
            return None
        return learnt_variance(self.learner.path, shares.errors, self._known.deviation)

    def _remarks(self) -> tuple[Remark, ...]:
        assert self.learner is not None
        assert self._known is not None
        return remarks(
            step=self.step - (self.first.steps if self.first else 0),
            levels=self.learner.levels.errors,
            known=self._known,
            lag=self._lag(),
            non_finite=self._non_finite,
            rate=self.learner.config.rate,
        )

    def _lag(self) -> float:
        """How far the average is behind the weights, over their length."""
        assert self.learner is not None
        with self._changing:
            return self.learner.ema.lag(self.learner.weights)
