"""What the doctor can tell from the headers of photos alone: how many, how large, which lens."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

from assets.decode import same_shape
from assets.unposed import Shot
from engines.doctor.finding import Finding, Level
from engines.doctor.words import photos_are, some, them

Key = TypeVar("Key", bound=Hashable)

FEWEST, FEW, ENOUGH = 3, 8, 20
"""Below the first nothing can work, below the second little, from the third on all is well."""


def count_finding(different: int, total: int) -> Finding | None:
    """On how many photos there are to work with; `different` are readable and no copies."""
    if different >= ENOUGH:
        return None
    level: Level = "bad" if different < FEWEST else "warn" if different < FEW else "note"
    what = "photo" if different == 1 else "photos"
    only = f"Only {different} different {what}" if different < total else f"Only {different} {what}"
    why = {
        "bad": f"Depth is seen by comparing photos, which takes at least {FEWEST} from "
        "different places",
        "warn": "So few photos rarely overlap enough to find all their places",
        "note": "They may well do for one side of a thing, but leave little to learn from",
    }[level]
    return Finding(
        kind="few",
        level=level,
        title=only,
        words=why,
        advice="Take 30 to 100 photos, moving a small step between one and the next",
    )


def header_findings(shots: Sequence[Shot], *, film: bool = False) -> list[Finding]:
    """All that sizes and EXIF data give reason to say; frames of a film have none."""
    if not shots:
        return []
    found = [_sizes(shots), _orientations(shots), _lenses(shots), None if film else _focal(shots)]
    return [finding for finding in found if finding is not None]


def _sizes(shots: Sequence[Shot]) -> Finding | None:
    """Other sizes than most have; turned photos count as equal."""
    sizes = [_sides(shot) for shot in shots]
    others, common = _others(shots, sizes)
    if not others:
        return None
    odd = [shot for shot in others if not same_shape(*_sides(shot), *common)]
    most = f"{common[0]}x{common[1]}"
    if odd:
        return Finding(
            kind="sizes",
            level="warn",
            title=f"{photos_are(len(others), 'have')} another size",
            words=f"Most have {most} pixels; photos of another shape were cropped or taken with "
            "another camera, whose lens must be found from fewer photos",
            advice="Use photos as they came from one camera, not cropped",
            photos=tuple(shot.name for shot in [*odd, *(s for s in others if s not in odd)]),
        )
    return Finding(
        kind="sizes",
        level="note",
        title=f"{photos_are(len(others), 'have')} another size",
        words=f"Most have {most} pixels; each size is treated as a lens of its own",
        advice="Use all photos at the size at which they were taken",
        photos=tuple(shot.name for shot in others),
    )


def _orientations(shots: Sequence[Shot]) -> Finding | None:
    wide = [shot.photo.width >= shot.photo.height for shot in shots]
    tall = [shot.photo.width <= shot.photo.height for shot in shots]
    if all(wide) or all(tall):
        return None
    others, common_is_wide = _others(shots, wide)
    return Finding(
        kind="orientation",
        level="note",
        title=f"{photos_are(len(others))} "
        + ("upright, the rest sideways" if common_is_wide else "sideways, the rest upright"),
        words="Both work together, as long as the camera was turned and not the photo cropped",
        advice="Keep the camera one way round where you can",
        photos=tuple(shot.name for shot in others),
    )


def _lenses(shots: Sequence[Shot]) -> Finding | None:
    """Another camera or another zoom than most, where EXIF tells."""
    known = [shot for shot in shots if shot.camera]
    if not known:
        return None
    others, common = _others(known, [shot.camera for shot in known])
    if not others:
        return None
    return Finding(
        kind="lens",
        level="note",
        title=f"{photos_are(len(others), 'were')} taken with another lens or zoom",
        words=f"Most were taken with {common}; every lens must be found from its own photos",
        advice="Stay with one camera and do not zoom",
        photos=tuple(shot.name for shot in others),
    )


def _focal(shots: Sequence[Shot]) -> Finding | None:
    without = [shot.name for shot in shots if shot.focal_px is None]
    if not without:
        return None
    everyone = len(without) == len(shots)
    return Finding(
        kind="focal",
        level="note",
        title="No photo tells its focal length"
        if everyone
        else f"{photos_are(len(without), 'do')} not tell {them(len(without), 'their', 'its')} "
        "focal length",
        words="It is found from the photos themselves, which works as a rule"
        + ("" if everyone else f": {some(without)}"),
        advice="Use the files as the camera wrote them; messengers and editors drop such data",
        photos=() if everyone else tuple(without),
    )


def _sides(shot: Shot) -> tuple[int, int]:
    """The longer and the shorter side."""
    return (
        max(shot.photo.width, shot.photo.height),
        min(shot.photo.width, shot.photo.height),
    )


def _others(shots: Sequence[Shot], keys: Sequence[Key]) -> tuple[list[Shot], Key]:
    """The shots whose key is not the most frequent one, and that one; needs one at least."""
    common = Counter(keys).most_common(1)[0][0]
    return [shot for shot, key in zip(shots, keys, strict=True) if key != common], common
