"""Everything an engine can tell while it runs, as small frozen facts.

Events arrive all and in order. They are cheap: numbers and words only, never a tensor.
What is big (clouds, images) goes through `engines.slots` instead.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; `kind` in the saved form is the class name."""

    def to_json(self) -> dict:
        """Plain dict for the `history` of a report."""
        return {"kind": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Prepared(Event):
    """A part of the preparation is done; drives the progress bar before the first step."""

    phase: str
    """What is going on, for people: "Reading photos"."""
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Stepped(Event):
    """One training step is done."""

    step: int
    """Steps done so far, this one included."""
    seconds: float
    """Training time so far, without pauses and evaluation."""
    step_ms: float
    scalars: Mapping[str, float] = field(default_factory=dict)
    """Named values for the curves; on CUDA only given on steps that read them back."""


@dataclass(frozen=True, kw_only=True)
class Refined(Event):
    """The population of Gaussians changed; counts by cause."""

    step: int
    cloned: int = 0
    split: int = 0
    """Parents split; each leaves two children and goes."""
    pruned_opacity: int = 0
    pruned_scale: int = 0
    relocated: int = 0
    """Dead Gaussians moved onto live ones (MCMC)."""
    added: int = 0
    """New Gaussians sampled from live ones (MCMC)."""
    total: int
    capped: bool = False
    """Growth was cut short by the largest allowed count."""


@dataclass(frozen=True, kw_only=True)
class Marked(Event):
    """A moment worth a line across the curves, such as "opacity reset"."""

    step: int
    label: str


@dataclass(frozen=True, kw_only=True)
class Evaluated(Event):
    """Views were rendered and compared with their photos."""

    step: int
    seconds: float
    split: str
    """"train" or "holdout"."""
    psnr: float
    """Mean over views, dB."""
    ssim: float
    views: Mapping[str, float]
    """PSNR in dB by view name."""


@dataclass(frozen=True, kw_only=True)
class Judged(Event):
    """Held-out images were noised and what was said of them compared with the truth."""

    step: int
    seconds: float
    loss: float
    """Mean squared error of the target, at noise levels drawn once and for all as in training."""
    images: int


@dataclass(frozen=True, kw_only=True)
class Reconstructed(Event):
    """Images went through an autoencoder and were compared with what came back."""

    step: int
    seconds: float
    loss: float
    """Mean absolute difference, of pixels in [-1, 1]."""
    psnr: float
    """Mean over images, dB."""
    images: int
    """How many; held-out ones where there are any."""


@dataclass(frozen=True, kw_only=True)
class StageBegan(Event):
    """A run of several stages begins one of them, or goes on with it."""

    step: int
    name: str
    """What is learnt in it, for people: "autoencoder"."""
    number: int
    """From 1."""
    count: int
    """How many stages the run has."""


@dataclass(frozen=True, kw_only=True)
class Diagnosed(Event):
    """The photos, or the poses that came out, were looked at by the doctor."""

    stage: str
    """"photos" or "poses"."""
    grade: str
    """"A" (fine) to "D" (not likely to work)."""
    findings: tuple[str, ...]
    """One sentence each, the gravest first."""


@dataclass(frozen=True, kw_only=True)
class FeaturesFound(Event):
    """Points that may be found again in other photos were looked for in one photo."""

    photo: str
    count: int
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class PairsMatched(Event):
    """Some more pairs of photos were compared."""

    done: int
    """Pairs compared so far."""
    total: int
    connected: int
    """Pairs so far that turned out to see the same things."""


@dataclass(frozen=True, kw_only=True)
class Registered(Event):
    """One more photo has found its place."""

    photo: str
    registered: int
    """Photos with a place so far."""
    total: int
    points: int


@dataclass(frozen=True, kw_only=True)
class Adjusted(Event):
    """All cameras and points were moved so that they fit together best (bundle adjustment)."""

    registered: int
    points: int
    error_px: float
    """Mean reprojection error in pixels of the photos at the size at which they were matched."""


@dataclass(frozen=True, kw_only=True)
class Posed(Event):
    """Where the photos were taken from is known."""

    registered: int
    total: int
    points: int
    error_px: float
    """Mean reprojection error in pixels of the photos at the size at which they were matched."""
    models: tuple[int, ...]
    """Photos in each group that holds together, the largest first; the first is the result."""


@dataclass(frozen=True, kw_only=True)
class Told(Event):
    """Something worth knowing that is no cause for worry; a sentence."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something a person should know that does not stop the run; a sentence."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The run came to its planned end."""

    step: int
    seconds: float
    reason: str
    """Why it ended: "3,000 steps done", "120 s are over"."""


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """The run cannot go on; the last good state is kept."""

    step: int
    message: str
    """What happened, what was expected and what to do."""
