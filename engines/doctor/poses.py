"""What can be told of camera poses once they are found, and of photos that found none."""

from collections.abc import Mapping

from assets.unposed import UnposedPhotos
from engines.doctor.finding import Diagnosis, Finding, Measured
from engines.doctor.geometry import baseline_finding, hole_finding, look_around, shaky_finding
from engines.doctor.grade import diagnosis
from engines.doctor.groups import group_findings
from engines.doctor.lenses import error_finding, lens_findings
from engines.doctor.unplaced import placed_finding, unplaced
from engines.doctor.words import photos_are, them
from engines.poses.outcome import Outcome


def look_at_poses(
    outcome: Outcome, photos: UnposedPhotos, measured: Mapping[str, Measured]
) -> Diagnosis:
    """Judge what structure from motion made of `photos`; `measured` is what was seen before.

    Findings name photos as `photos` does. `measured` may be empty or lack photos.
    """
    around = look_around(outcome.placements)
    found = [
        placed_finding(outcome),
        *unplaced(outcome, measured),
        *group_findings(outcome),
        baseline_finding(outcome.placements),
        hole_finding(around) if around is not None else None,
        *lens_findings(outcome.lenses),
        error_finding(outcome),
        shaky_finding(outcome.placements, outcome.error_px),
        _unused(outcome, photos),
    ]
    return diagnosis(
        "poses",
        [finding for finding in found if finding is not None],
        total=len(outcome.photos),
        holes=around.counts if around is not None else (),
    )


def _unused(outcome: Outcome, photos: UnposedPhotos) -> Finding | None:
    """Photos that were wanted and did not even take part."""
    taken = set(outcome.photos)
    names = [shot.name for shot in photos.kept if shot.name not in taken]
    if not names:
        return None
    return Finding(
        kind="unused",
        level="note",
        title=f"{photos_are(len(names), 'were')} not used",
        words="The files could not be read, or were brought in after the poses were found",
        advice=f"Copy {them(len(names))} from the camera again, or find the poses again",
        photos=tuple(names),
    )
