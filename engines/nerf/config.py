"""What a person can set about learning a radiance field; every number of the methods is here."""

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
class NerfConfig:
    """Settings of one run; the defaults suit a minute or two on a laptop.

    Where 0 stands for "automatic", the value follows from the field, the photos or the device.
    """

    field: Annotated[
        Literal["hash", "classic", "voxels"],
        Setting(
            "hash is a grid of features with small networks (Instant NGP), classic one large "
            "network with positional encoding (NeRF), voxels a sparse grid without any network "
            "(Plenoxels)"
        ),
    ] = "hash"
    steps: Steps = 3_000
    seconds: TimeLimit = 0.0
    downscale: Downscale = 0
    samples: Annotated[
        int,
        Setting(
            "Places looked at in one step; as many rays are taken as give about so many, 0 for "
            "automatic",
            low=0,
            high=1 << 24,
            step=4_096,
            label="Samples a step",
            zero="auto",
        ),
    ] = 0
    table_size: Annotated[
        int,
        Setting(
            "Rows of a level of the hash grid, as a power of two; more hold finer detail",
            low=10,
            high=24,
            label="Table size 2^",
        ),
    ] = 16
    finest: Annotated[
        int,
        Setting(
            "Cells of the finest level along each axis, of hash and voxels; 0 for automatic",
            low=0,
            high=8_192,
            step=64,
            label="Finest grid",
            zero="auto",
        ),
    ] = 0
    appearance: Annotated[
        int,
        Setting(
            "Numbers a photo has of its own for light and exposure, which may then be blended; "
            "0 for none",
            low=0,
            high=64,
            label="Appearance code",
            zero="none",
        ),
    ] = 0
    background: Annotated[
        Literal["auto", "black", "white", "random", "learned"],
        Setting(
            "What lies behind everything; auto is random for photos with transparency and "
            "otherwise learned, a colour for every direction"
        ),
    ] = "auto"
    distortion: Annotated[
        float,
        Setting(
            "Weight of the loss that draws the weights along a ray together (Mip-NeRF 360)",
            low=0,
            high=10,
            step=0.001,
            label="Distortion weight",
        ),
    ] = 0.001
    holdout: HoldoutEvery = 8
    seed: Seed = 0
    device: Device = "auto"
    box: Annotated[
        tuple[float, ...],
        Setting(
            "What the photos are about: a box given by its low corner x y z, then its high "
            "corner x y z, in units of the scene; without it the box follows from cameras and "
            "points",
            tier="advanced",
        ),
    ] = ()
    reach: Annotated[
        float,
        Setting(
            "How much larger than that box everything that can be seen is, 0 for automatic",
            low=0,
            high=64,
            step=1,
            tier="advanced",
            label="Surroundings",
            zero="auto",
        ),
    ] = 0.0
    evaluate_every: EvaluateEvery = 0
    levels: Annotated[
        int,
        Setting(
            "Grids of the hash encoding, from coarse to fine",
            low=1,
            high=24,
            tier="advanced",
            label="Hash levels",
        ),
    ] = 8
    features: Annotated[
        int,
        Setting(
            "Features a level of the hash grid has",
            low=1,
            high=8,
            tier="advanced",
            label="Features a level",
        ),
    ] = 4
    hidden: Annotated[
        int,
        Setting(
            "Width of the networks, 0 for automatic: 32 with a hash grid, 256 classic",
            low=0,
            high=1_024,
            step=16,
            tier="advanced",
            label="Network width",
            zero="auto",
        ),
    ] = 0
    coarse_samples: Annotated[
        int,
        Setting(
            "Even samples along a ray of the classic field",
            low=2,
            high=1_024,
            step=8,
            tier="advanced",
        ),
    ] = 32
    fine_samples: Annotated[
        int,
        Setting(
            "Further samples of the classic field where the first found something",
            low=0,
            high=1_024,
            step=8,
            tier="advanced",
        ),
    ] = 32
    smoothness: Annotated[
        float,
        Setting(
            "Weight of the total variation of voxels, which keeps neighbours alike",
            low=0,
            high=10,
            step=1e-4,
            tier="advanced",
            label="Total variation",
        ),
    ] = 1e-3
    rate: Annotated[
        float,
        Setting(
            "Learning rate at the start, 0 for the field's own",
            low=0,
            high=1,
            step=1e-3,
            tier="advanced",
            label="Rate",
            zero="auto",
        ),
    ] = 0.0
    rate_final: Annotated[
        float,
        Setting(
            "Learning rate at the end, as a share of the one at the start",
            low=1e-4,
            high=1,
            step=0.01,
            tier="advanced",
            label="Rate, final share",
        ),
    ] = 0.03
    photo_memory_mb: PhotoCache = 512

    def __post_init__(self) -> None:
        check(self)
        if self.box and len(self.box) != 6:
            raise ValueError(
                f"Box has {len(self.box)} numbers; expected six: the low corner x y z, then the "
                "high corner x y z"
            )
        if any(low >= high for low, high in zip(self.box[:3], self.box[3:], strict=True)):
            raise ValueError(
                f"Box {' '.join(f'{v:g}' for v in self.box)} has no inside; give its low corner "
                "first, then its high corner"
            )


@dataclass(frozen=True)
class Schedule:
    """The moments of a run, with every "automatic" resolved."""

    config: NerfConfig

    @property
    def evaluate_every(self) -> int:
        """Steps between two evaluations: about ten in a run."""
        return self.config.evaluate_every or max(50, self.config.steps // 10)

    def rate(self, first: float, step: int, seconds: float = 0.0) -> float:
        """A learning rate that begins at `first`: exponential decay over the run.

        The run is over after its steps or after its time, whichever is used up sooner; `seconds`
        are those of training so far.
        """
        done = step / self.config.steps
        if self.config.seconds:
            done = max(done, seconds / self.config.seconds)
        return first * self.config.rate_final ** min(1.0, done)
