"""Whether the lenses that were found can be real, and how well everything fits together."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from engines.doctor.finding import Finding
from engines.poses.outcome import Lens, Outcome

_SHORTEST, _LONGEST = 0.4, 4.0
"""Focal lengths over the longer side that ordinary cameras have, phones' wide lens included."""
_EXIF_OFF = 0.2
"""Relative difference to EXIF from which on one of them is wrong."""
_BENT = 0.35
"""Largest share by which the distortion moves a corner before it is doubted."""
_OFF_CENTRE = 0.1
"""Share of a side by which the principal point may lie beside the centre."""
_LENSES_OFF = 0.1
"""Relative difference of focal lengths that should be equal."""
_LARGE_PX, _HUGE_PX = 1.5, 3.0

_DISTORTION = {
    "SIMPLE_RADIAL": (3, 1),
    "RADIAL": (3, 2),
    "OPENCV": (4, 2),
    "FULL_OPENCV": (4, 2),
}
"""By COLMAP's model: where the radial terms are among the parameters, and how many."""
_ONE_FOCAL = ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "SIMPLE_RADIAL_FISHEYE")


def lens_findings(lenses: Sequence[Lens]) -> list[Finding]:
    """What is odd about the lenses of the model, one finding at most of each kind."""
    found = [_focal(lenses), _exif(lenses), _distortion(lenses), _centre(lenses), _several(lenses)]
    return [finding for finding in found if finding is not None]


def error_finding(outcome: Outcome) -> Finding | None:
    """On a large mean reprojection error."""
    if outcome.error_px < _LARGE_PX or not outcome.registered:
        return None
    return Finding(
        kind="error",
        level="warn",
        title=f"Points miss their photos by {outcome.error_px:.1f} pixels on average",
        words="Below 1 pixel is usual; more comes from things that moved, a lens that was "
        "zoomed, or blurred photos"
        if outcome.error_px < _HUGE_PX
        else "Below 1 pixel is usual, so the places cannot be relied on",
        advice="Leave out photos with other zoom or with things that moved",
    )


def _focal(lenses: Sequence[Lens]) -> Finding | None:
    for lens in lenses:
        share = lens.focal_px / max(lens.width, lens.height, 1)
        if not _SHORTEST <= share <= _LONGEST:
            return Finding(
                kind="focal_length",
                level="warn",
                title="The focal length found is not likely",
                words=f"It is {share:.2f} times the longer side, where cameras have 0.5 to 3, "
                "which happens when the photos show too little depth",
                advice="Take photos from more different distances and directions",
            )
    return None


def _exif(lenses: Sequence[Lens]) -> Finding | None:
    for lens in lenses:
        told = lens.exif_focal_px
        if told and abs(lens.focal_px / told - 1.0) > _EXIF_OFF:
            return Finding(
                kind="focal_exif",
                level="warn",
                title="The focal length found differs from what EXIF says",
                words=f"Found were {lens.focal_px:.0f} pixels, EXIF says {told:.0f}; photos that "
                "were cropped or show little depth lead to that",
                advice="Use photos as they came from the camera, not cropped",
            )
    return None


def _distortion(lenses: Sequence[Lens]) -> Finding | None:
    for lens in lenses:
        if (moved := corner_shift(lens)) > _BENT:
            return Finding(
                kind="distortion",
                level="warn",
                title="The lens seems to bend the picture very much",
                words=f"Corners are moved by {moved:.0%}, which only fisheye lenses do, or poses "
                "that are wrong",
                advice="Take more photos with the subject also near the corners, or use a lens "
                "that is less wide",
            )
    return None


def _centre(lenses: Sequence[Lens]) -> Finding | None:
    for lens in lenses:
        at = 1 if lens.model in _ONE_FOCAL else 2
        if len(lens.parameters) < at + 2:
            continue
        off = max(
            abs(lens.parameters[at] / lens.width - 0.5),
            abs(lens.parameters[at + 1] / lens.height - 0.5),
        )
        if off > _OFF_CENTRE:
            return Finding(
                kind="principal_point",
                level="note",
                title="The middle of the lens lies beside the middle of the photos",
                words=f"It is off by {off:.0%} of a side, as in photos that were cropped",
                advice="Use photos as they came from the camera, not cropped",
            )
    return None


def _several(lenses: Sequence[Lens]) -> Finding | None:
    """Lenses that nothing tells apart and that came out different."""
    alike: dict[tuple, list[Lens]] = defaultdict(list)
    for lens in lenses:
        exif = None if lens.exif_focal_px is None else round(lens.exif_focal_px)
        alike[(lens.width, lens.height, exif)].append(lens)
    for group in alike.values():
        focal = np.array([lens.focal_px for lens in group])
        if len(group) > 1 and (spread := float(focal.max() / max(focal.min(), 1e-9))) > (
            1 + _LENSES_OFF
        ):
            return Finding(
                kind="lenses_differ",
                level="note",
                title="Photos of one size got different lenses",
                words=f"Their focal lengths differ by a factor of {spread:.2f}, although sizes "
                "and EXIF data agree",
                advice="Set Lens to shared if you did not zoom",
            )
    return None


def corner_shift(lens: Lens) -> float:
    """How far the radial distortion moves a corner, as a share of its distance to the centre."""
    place = _DISTORTION.get(lens.model)
    if place is None or lens.focal_px <= 0:
        return 0.0
    start, count = place
    squared = (lens.width**2 + lens.height**2) / (2.0 * lens.focal_px) ** 2
    terms = lens.parameters[start : start + count]
    return abs(sum(k * squared ** (i + 1) for i, k in enumerate(terms)))
