"""What a person can set about learning Gaussians; every number of the method is here."""

from dataclasses import dataclass
from typing import Annotated, Literal

from engines.common_settings import (
    Device,
    Downscale,
    EvaluateEvery,
    HoldoutEvery,
    PhotoCache,
    Seed,
    Steps,
    TimeLimit,
)
from engines.settings import Setting, check


@dataclass(frozen=True, kw_only=True)
class SplatConfig:
    """Settings of one splat run; the defaults suit a few thousand steps on a laptop.

    Numbers follow Kerbl et al. 2023 ("3D Gaussian Splatting") unless said otherwise; where
    0 stands for "automatic", `Schedule` derives the value from the number of steps.
    """

    steps: Steps = 3_000
    seconds: TimeLimit = 0.0
    downscale: Downscale = 0
    strategy: Annotated[
        Literal["default", "mcmc"],
        Setting(
            "default clones, splits and prunes by gradient; mcmc moves faint Gaussians onto "
            "visible ones and adds noise (Kheradmand et al. 2024)"
        ),
    ] = "default"
    grow_gradient: Annotated[
        float,
        Setting(
            "Clone or split above this view-space gradient, averaged over views, in halves "
            "of the image",
            low=1e-6,
            high=0.1,
            step=5e-5,
            label="Densify above",
        ),
    ] = 0.0002
    refine_until: Annotated[
        int,
        Setting(
            "Last step at which Gaussians are added or removed, 0 for automatic",
            low=0,
            high=1_000_000,
            step=100,
            label="Densify until step",
            zero="auto",
        ),
    ] = 0
    split_scale: Annotated[
        float,
        Setting(
            "Gaussians larger than this part of the scene are split, smaller ones cloned",
            unit="x scene",
            low=1e-4,
            high=1,
            step=0.005,
            label="Split above scale",
        ),
    ] = 0.01
    prune_opacity: Annotated[
        float,
        Setting(
            "Remove Gaussians fainter than this",
            low=0,
            high=0.5,
            step=0.001,
            label="Prune opacity",
        ),
    ] = 0.005
    sh_degree: Annotated[
        int,
        Setting(
            "Highest degree of view-dependent colour, raised over time",
            low=0,
            high=3,
            label="SH degree",
        ),
    ] = 3
    ssim_weight: Annotated[
        float,
        Setting(
            "Share of the structural term in the loss, the rest is L1",
            low=0,
            high=1,
            step=0.05,
            label="D-SSIM weight",
        ),
    ] = 0.2
    max_gaussians: Annotated[
        int,
        Setting(
            "Hard cap on the number of Gaussians",
            low=100,
            high=20_000_000,
            step=10_000,
            label="Most Gaussians",
        ),
    ] = 300_000
    holdout: HoldoutEvery = 8
    seed: Seed = 0
    device: Device = "auto"
    evaluate_every: EvaluateEvery = 0
    refine_from: Annotated[
        int,
        Setting(
            "First step at which Gaussians may be added or removed, 0 for automatic",
            low=0,
            high=1_000_000,
            step=100,
            tier="advanced",
            label="Densify from step",
            zero="auto",
        ),
    ] = 0
    refine_every: Annotated[
        int,
        Setting(
            "Steps between two refinements",
            low=1,
            high=10_000,
            step=10,
            tier="advanced",
            label="Densify every",
        ),
    ] = 100
    prune_scale: Annotated[
        float,
        Setting(
            "Remove Gaussians larger than this part of the scene once opacities were reset",
            unit="x scene",
            low=1e-3,
            high=100,
            step=0.05,
            tier="advanced",
            label="Prune above scale",
        ),
    ] = 0.1
    reset_every: Annotated[
        int,
        Setting(
            "Steps between two opacity resets while refining",
            low=100,
            high=1_000_000,
            step=500,
            tier="advanced",
            label="Opacity reset every",
        ),
    ] = 3_000
    sh_every: Annotated[
        int,
        Setting(
            "Steps after which the colour degree rises by one, 0 for automatic",
            low=0,
            high=1_000_000,
            step=100,
            tier="advanced",
            label="SH degree every",
            zero="auto",
        ),
    ] = 0
    lr_means: Annotated[
        float,
        Setting(
            "Learning rate of positions at the start, in scene sizes",
            low=0,
            high=1,
            step=1e-5,
            tier="advanced",
            label="Rate: positions",
        ),
    ] = 1.6e-4
    lr_means_final: Annotated[
        float,
        Setting(
            "Learning rate of positions at the end, in scene sizes",
            low=0,
            high=1,
            step=1e-6,
            tier="advanced",
            label="Rate: positions, final",
        ),
    ] = 1.6e-6
    lr_scales: Annotated[
        float,
        Setting(
            "Learning rate of log-scales",
            low=0,
            high=1,
            step=1e-3,
            tier="advanced",
            label="Rate: scales",
        ),
    ] = 5e-3
    lr_quats: Annotated[
        float,
        Setting(
            "Learning rate of rotations",
            low=0,
            high=1,
            step=1e-4,
            tier="advanced",
            label="Rate: rotations",
        ),
    ] = 1e-3
    lr_opacities: Annotated[
        float,
        Setting(
            "Learning rate of opacity logits",
            low=0,
            high=1,
            step=1e-2,
            tier="advanced",
            label="Rate: opacities",
        ),
    ] = 5e-2
    lr_colours: Annotated[
        float,
        Setting(
            "Learning rate of base colours; the view-dependent part learns at a twentieth of it",
            low=0,
            high=1,
            step=5e-4,
            tier="advanced",
            label="Rate: colours",
        ),
    ] = 2.5e-3
    start_count: Annotated[
        int,
        Setting(
            "Random Gaussians to start from where the data set has no points",
            low=10,
            high=5_000_000,
            step=1_000,
            tier="advanced",
            label="Random start",
        ),
    ] = 10_000
    background: Annotated[
        Literal["auto", "black", "white", "random"],
        Setting(
            "What lies behind everything; auto is random for photos with transparency and "
            "black otherwise",
            tier="advanced",
        ),
    ] = "auto"
    photo_memory_mb: PhotoCache = 1_024

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Schedule:
    """The moments of a run, with every "automatic" resolved."""

    config: SplatConfig

    @property
    def refine_from(self) -> int:
        """First refinement: 500 in the paper's 30,000 steps, sooner in short runs."""
        return self.config.refine_from or max(
            self.config.refine_every, min(500, self.config.steps // 15)
        )

    @property
    def refine_until(self) -> int:
        """Last refinement: half of the run, as in the paper, at most step 15,000."""
        return self.config.refine_until or min(15_000, self.config.steps // 2)

    @property
    def sh_every(self) -> int:
        """Steps a colour degree is held before the next: 1,000 in 30,000 steps, as in the paper."""
        return self.config.sh_every or max(1, min(1_000, self.config.steps // 30))

    @property
    def evaluate_every(self) -> int:
        """Steps between two evaluations: about ten in a run."""
        return self.config.evaluate_every or max(50, self.config.steps // 10)

    def sh_degree(self, step: int) -> int:
        """Colour degree in use at `step`."""
        return min(self.config.sh_degree, step // self.sh_every)

    def lr_means(self, step: int) -> float:
        """Rate of the positions at `step`: exponential from the first to the last."""
        first, last = self.config.lr_means, self.config.lr_means_final
        if min(first, last) <= 0:
            return first
        return first * (last / first) ** min(1.0, step / self.config.steps)

    def refines(self, step: int) -> bool:
        """Whether the population is refined after `step`."""
        return (
            self.refine_from <= step <= self.refine_until and step % self.config.refine_every == 0
        )

    def resets(self, step: int) -> bool:
        """Whether opacities are reset after `step`; never where no refinement follows."""
        return 0 < step < self.refine_until and step % self.config.reset_every == 0
