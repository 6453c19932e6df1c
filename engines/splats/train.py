"""The splat engine: learns Gaussians from posed photos (Kerbl et al. 2023, algorithm 1)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from assets.errors import InputError
from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos
from engines.artifacts import Population
from engines.events import (
    Evaluated,
    Event,
    Failed,
    Marked,
    Prepared,
    Stepped,
    Told,
    Warned,
)
from engines.quality import Quality, judge, psnr
from engines.scene import Scene
from engines.slots import Slots
from engines.splats.config import Schedule, SplatConfig
from engines.splats.density import CloneAndSplit
from engines.splats.lineage import Birth, Lineage
from engines.splats.mcmc import MonteCarlo
from engines.splats.model import GaussianModel
from engines.splats.render import CloudTensors, render
from engines.splats.source import CloudSource
from engines.splats.start import start_from_points, start_points
from engines.training import finished, recorded, train
from kernels.adam import all_finite
from kernels.backend import resolve_device
from kernels.ssim import photometric_loss
from kernels.warm_up import warm_up

STRATEGIES = {"default": CloneAndSplit, "mcmc": MonteCarlo}


class SplatEngine:
    """One run: photos in, Gaussians out. See `engines.engine.Engine` for the contract."""

    def __init__(self, dataset: PosedPhotos, config: SplatConfig) -> None:
        self.dataset, self.config = dataset, config
        self.schedule = Schedule(config)
        self.device = resolve_device(config.device)
        self.slots = Slots()
        self.step = 0
        self.seconds = 0.0
        """Training time so far, without preparation, pauses and evaluation."""
        self.history: list[Event] = []
        """Every event of the run so far, those before a resume included."""
        self.lineage = Lineage()
        self.scene = Scene(dataset, config, self.device)
        self.model: GaussianModel | None = None
        self.generator = torch.Generator().manual_seed(config.seed)
        self.order: list[int] = []
        """Training views still to come in this round."""
        self.expected_views: list[str] | None = None
        """Names of the views a resumed run had, in its order."""
        self._strategy: CloneAndSplit | MonteCarlo | None = None
        self._changing = threading.Lock()

    # -- what others ask for -------------------------------------------------------------

    @property
    def normalisation(self) -> Normalisation:
        """The frame in which the run works."""
        return self.scene.frame

    @property
    def amount(self) -> dict[str, int]:
        """How much was learnt so far."""
        return {} if self.model is None else {"gaussians": len(self.model)}

    @property
    def held_out(self) -> set[int]:
        """Indices into `dataset.views` that the run does not train on."""
        names = {self.scene.views[i].name for i in self.scene.held_out}
        return {i for i, view in enumerate(self.dataset.views) if view.name in names}

    def cloud(self) -> GaussianCloud:
        """The present Gaussians in the input's frame; may be called from any thread.

        Raises InputError before the run has any.
        """
        if self.model is None:
            raise InputError("The run has no Gaussians yet; start it first")
        with self._changing:
            return self.model.cloud(self.scene.frame)

    def source(self) -> CloudSource:
        """The exact view of the present state; `CloudSource.update` gives it a newer one."""
        return CloudSource(self.cloud(), self.device, lineage=self.lineage)

    def population(self) -> Population:
        """The present Gaussians as density control sees them."""
        model, strategy = self._ready()
        with self._changing, torch.no_grad():
            gradients = strategy.gradients().cpu().numpy().astype(np.float32)
            if "seen" in model.rows:
                gradients[model.rows["seen"].cpu().numpy() == 0] = np.nan
            clones = isinstance(strategy, CloneAndSplit)
            return Population(
                step=self.step,
                opacities=model.opacities().detach().cpu().numpy(),
                scales=model.largest_scales().cpu().numpy(),
                gradients=gradients,
                grow_gradient=self.config.grow_gradient if clones else float("nan"),
                split_scale=self.config.split_scale,
                prune_opacity=self.config.prune_opacity,
            )

    def evaluate(self, split: str) -> Evaluated | None:
        """Judge the "train" or "holdout" views as they are now; None where there are none."""
        scene = self.scene
        chosen = scene.train if split == "train" else scene.held_out
        if not chosen or self.model is None:
            return None
        background = self._background(train=False)
        by_name = {scene.views[i].name: i for i in chosen}

        def pair(name: str) -> tuple[Tensor, Tensor]:
            index = by_name[name]
            drawn = render(
                self._tensors(),
                scene.cameras[index],
                background=background,
                sh_degree=self.schedule.sh_degree(self.step),
            )
            return drawn.image, scene.target(index, background)

        quality: Quality = judge(by_name, pair, lambda name: scene.weights(by_name[name]))
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
        from engines.splats.checkpoint import save

        save(self, folder)

    @classmethod
    def resume(
        cls, folder: Path, dataset: PosedPhotos | None = None, config: SplatConfig | None = None
    ) -> "SplatEngine":
        """The run of a checkpoint; `config` may lengthen it or change how it goes on."""
        from engines.splats.checkpoint import load

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
            for name, done, total in warm_up(device=self.device):
                yield Prepared(phase=f"Loading kernels: {name}", done=done, total=total)
            for note in self.dataset.notes:
                yield Warned(message=note)
            yield from self.scene.prepare()
            self.scene.check_views(self.expected_views)
        if self.model is None:
            yield Prepared(phase="Placing Gaussians", done=0, total=1)
            yield Told(message=self._place_gaussians())
            yield Prepared(phase="Placing Gaussians", done=1, total=1)
        if self._strategy is None:
            self._strategy = STRATEGIES[self.config.strategy](
                self.model, self.lineage, self.schedule, self.generator
            )
        self.leave_artifacts()

    def _place_gaussians(self) -> str:
        points, origin = start_points(self.dataset, self.scene.frame, self.config)
        kind = STRATEGIES[self.config.strategy]
        parameters = start_from_points(
            points,
            sh_degree=self.config.sh_degree,
            opacity=kind.start_opacity,
            scale_factor=kind.start_scale,
        )
        ids = self.lineage.bear(len(points), step=0, cause=Birth.START)
        with self._changing:
            self.model = GaussianModel(
                {name: p.to(self.device) for name, p in parameters.items()},
                {"id": torch.from_numpy(ids).to(self.device)},
            )
        return f"Starts from {len(points):,} Gaussians at {origin}"

    def advance(self) -> list[Event]:
        """Learn from one photo, and add or remove Gaussians where it is time."""
        model, strategy = self._ready()
        events: list[Event] = [self._train_step(model, strategy)]
        if isinstance(events[0], Failed):
            return events
        began = time.perf_counter()
        with self._changing:
            if self.schedule.refines(self.step):
                events.append(strategy.refine(self.step))
            if self.config.strategy == "default" and self.schedule.resets(self.step):
                strategy.reset_opacities()
                events.append(Marked(step=self.step, label="opacity reset"))
        self.seconds += time.perf_counter() - began
        return events

    def _train_step(
        self, model: GaussianModel, strategy: CloneAndSplit | MonteCarlo
    ) -> Stepped | Failed:
        began = time.perf_counter()
        index = self._next_view()
        camera = self.scene.cameras[index]
        background = self._background(train=True)
        target, weights = self.scene.target(index, background), self.scene.weights(index)
        degree = self.schedule.sh_degree(self.step)
        probe = torch.zeros(len(model), 2, device=self.device, requires_grad=True)
        drawn = render(
            self._tensors(), camera, sh_degree=degree, background=background, probe=probe
        )
        loss, l1, dssim = photometric_loss(
            drawn.image, target, ssim_weight=self.config.ssim_weight, weights=weights
        )
        penalty = strategy.penalty()
        if penalty is not None:
            loss = loss + penalty
        loss.backward()
        gradients = [p.grad for p in model.parameters.values() if p.grad is not None]
        if not bool(torch.isfinite(loss)) or not all_finite(*gradients):
            for parameter in model.parameters.values():
                parameter.grad = None
            return Failed(
                step=self.step,
                message=(
                    f"The loss became non-finite at step {self.step + 1:,} on photo "
                    f"{self.scene.views[index].name}; the state of step {self.step:,} is kept. "
                    "Lower the learning rates or check this photo and its camera"
                ),
            )
        rates = self._rates()
        with self._changing:
            if probe.grad is not None:
                strategy.observe(probe.grad, drawn.radii, camera.width, camera.height)
            model.optimise(self.step + 1, rates, degree)
            strategy.after_step(self.step + 1, rates["means"])
            self.step += 1
        elapsed = time.perf_counter() - began
        self.seconds += elapsed
        return Stepped(
            step=self.step,
            seconds=self.seconds,
            step_ms=elapsed * 1e3,
            scalars={
                "loss": float(loss.detach()),
                "l1": float(l1),
                "dssim": float(dssim),
                "psnr": psnr(drawn.image.detach().clamp(0, 1), target, weights),
                "gaussians": len(model),
                "lr/means": rates["means"],
                "sh_degree": degree,
            },
        )

    def _evaluations(self, split: str) -> Iterator[Event]:
        evaluated = self.evaluate(split)
        if evaluated is not None:
            yield evaluated

    # -- small things --------------------------------------------------------------------

    def _ready(self) -> tuple[GaussianModel, CloneAndSplit | MonteCarlo]:
        if self.model is None or self._strategy is None:
            raise RuntimeError("the run is not prepared yet")
        return self.model, self._strategy

    def _tensors(self) -> CloudTensors:
        model = self.model
        assert model is not None
        return CloudTensors(
            model["means"],
            model["quats"],
            model.scales(),
            model.opacities(),
            model["sh0"],
            model["sh_rest"],
        )

    def _rates(self) -> dict[str, float]:
        config = self.config
        return {
            "means": self.schedule.lr_means(self.step),
            "quats": config.lr_quats,
            "log_scales": config.lr_scales,
            "logit_opacities": config.lr_opacities,
            "sh0": config.lr_colours,
            "sh_rest": config.lr_colours / 20,
        }

    def _background(self, *, train: bool) -> Tensor:
        choice = self.config.background
        if choice == "auto":
            choice = "random" if self.scene.has_alpha else "black"
        if choice == "random":
            if not train:
                return torch.ones(3, device=self.device)
            return torch.rand(3, generator=self.generator).to(self.device)
        return torch.full((3,), float(choice == "white"), device=self.device)

    def _next_view(self) -> int:
        if not self.order:
            shuffled = torch.randperm(len(self.scene.train), generator=self.generator)
            self.order = [self.scene.train[i] for i in shuffled.tolist()]
        return self.order.pop()

    def leave_artifacts(self) -> None:
        """Make what somebody waits for."""
        if self.slots.wants(GaussianCloud):
            self.slots.put(self.cloud())
        if self.slots.wants(Population):
            self.slots.put(self.population())
