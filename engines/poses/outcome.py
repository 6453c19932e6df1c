"""What came out of structure from motion, as far as a judgement on it needs to know."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.errors import InputError
from assets.files import atomic_write_json

FILE_NAME = "outcome.json"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One photo that has a place."""

    name: str
    centre: tuple[float, float, float]
    forward: tuple[float, float, float]
    up: tuple[float, float, float]
    points: int
    """Triangulated points that it sees."""
    depth: float
    """Median distance to them along its axis; 0 where it sees none."""
    error_px: float
    """Mean reprojection error in pixels as matched."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A camera of the model."""

    model: str
    """COLMAP's name, such as "SIMPLE_RADIAL"."""
    width: int
    height: int
    parameters: tuple[float, ...]
    photos: int
    """How many photos it took."""
    focal_px: float
    exif_focal_px: float | None
    """What EXIF said, if it said something."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All there is to know of a finished run. Names are those of the photos."""

    photos: tuple[str, ...]
    """All that were used, in the order of the match matrix."""
    features: dict[str, int]
    pairs: tuple[tuple[int, int, int], ...]
    """(i, j, inliers) of all pairs that were compared, i < j."""
    models: tuple[tuple[str, ...], ...]
    """Groups that hold together, the largest first; the first is the result, and may be empty."""
    placements: tuple[Placement, ...]
    lenses: tuple[Lens, ...]
    points: int
    error_px: float
    """Mean reprojection error in pixels of the photos at the size at which they were matched."""
    error_full_px: float
    """The same in pixels of the photos at full size."""
    steps_down: tuple[str, ...] = ()
    """What was made easier before it worked, a sentence each."""
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    """Time that features, matching and mapping took."""

    @property
    def registered(self) -> frozenset[str]:
        """Photos that have a place."""
        return frozenset(placement.name for placement in self.placements)

    def write(self, folder: Path) -> None:
        """Leave it in the working folder."""
        atomic_write_json(folder / FILE_NAME, dataclasses.asdict(self))


def read_outcome(folder: Path) -> Outcome:
    """The outcome that lies in `folder`; raises InputError when there is none or it is broken."""
    path = folder / FILE_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["placements"] = tuple(
            Placement(**{key: _tupled(item) for key, item in one.items()})
            for one in values["placements"]
        )
        values["lenses"] = tuple(
            Lens(**{key: _tupled(item) for key, item in one.items()}) for one in values["lenses"]
        )
        return Outcome(**{key: _tupled(item) for key, item in values.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); delete that file and find the poses again"
        ) from error


def _tupled(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
