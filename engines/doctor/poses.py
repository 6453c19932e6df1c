"""What can be told of camera poses once they are found, and of photos that found none."""

from collections.abc import Mapping

from assets.unposed import UnposedPhotos
from engines.doctor.finding import Diagnosis, Finding, Measured
from engines.doctor.grade import diagnosis
from engines.poses.outcome import Outcome


def look_at_poses(
    outcome: Outcome, photos: UnposedPhotos, measured: Mapping[str, Measured]
) -> Diagnosis:
    """Judge what structure from motion made of `photos`; `measured` is what was seen before."""
    good = Finding(
        kind="fine",
        level="good",
        title=f"{len(outcome.registered)} of {len(outcome.photos)} photos have their place",
        words="Nothing was found that stands in the way of learning from them.",
    )
    return diagnosis("poses", [good], total=len(outcome.photos))
