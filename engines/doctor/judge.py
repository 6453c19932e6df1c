"""From what was measured of photos to findings: blurred, too dark, empty, said twice."""

from collections.abc import Mapping

import numpy as np

from engines.doctor.finding import Finding
from engines.doctor.measure import Look
from engines.doctor.words import photos_are, some, them

_BLURRED = 0.5
"""Below this share of what the sharper photos of the set have, a photo is blurred; real sets
of sharp photos go down to 0.59, a blur of 3 pixels in a photo of 1920 comes to 0.46."""
_SHARP_PERCENTILE = 75
"""Where the sharper photos are, so that even many blurred ones are found out."""
_SOFT = 0.2
"""Sharpness below which all photos of a set are soft."""
_BLANK = 0.05
_DARK_STOPS, _BRIGHT_STOPS = -1.15, 1.15
_WASHED_STOPS, _WASHED = 0.5, 0.07
"""A photo is also too bright if it lost this much to white, and is this much brighter."""
_ALIKE = 8
_SPREAD_STOPS = 2.0
_BLACK_SET, _WHITE_SET = 0.06, 0.4
_FEWEST = 3
"""Photos it takes to say what is common among them."""

Looks = Mapping[str, Look]


def blank_names(looks: Looks) -> list[str]:
    """Photos with next to nothing on them, the emptiest first."""
    names = [name for name, look in looks.items() if look.texture < _BLANK]
    return sorted(names, key=lambda name: looks[name].texture)


def judge(looks: Looks, copies: Mapping[str, str], *, film: bool = False) -> list[Finding]:
    """Everything that can be said of the pictures; `copies` names the original of each copy.

    Frames of a `film` repeat each other where the camera rested, which is nobody's fault.
    """
    blank = blank_names(looks)
    clear = {name: look for name, look in looks.items() if name not in set(blank)}
    found = [
        _blank(blank, len(looks)),
        *_blur(clear),
        *_exposure(clear),
        _spread(clear),
        _duplicates(copies, len(looks), film=film),
    ]
    return [finding for finding in found if finding is not None]


def _blank(names: list[str], total: int) -> Finding | None:
    if not names:
        return None
    mostly = 2 * len(names) > total
    return Finding(
        kind="blank",
        level="bad" if mostly else "warn",
        title=f"{photos_are(len(names), 'have')} almost nothing on {them(len(names))}",
        words="Photos are placed by the details that they share, and a plain wall or a black "
        "picture has none",
        advice="Photograph something with a pattern, or put patterned things beside it"
        if mostly
        else f"Leave {them(len(names))} out",
        photos=tuple(names),
        may_go=not mostly,
    )


def _blur(looks: Looks) -> list[Finding]:
    if len(looks) < _FEWEST:
        return []
    sharpness = {name: look.measured.sharpness for name, look in looks.items()}
    usual = float(np.percentile(list(sharpness.values()), _SHARP_PERCENTILE))
    if usual < _SOFT:
        return [
            Finding(
                kind="soft",
                level="warn",
                title="The photos are blurred, all of them",
                words="None of them has fine detail, so few points can be found again in others",
                advice="Clean the lens, give it more light and hold the camera still",
                photos=tuple(sorted(sharpness, key=lambda name: sharpness[name])),
            )
        ]
    names = [name for name, value in sharpness.items() if value < _BLURRED * usual]
    if not names:
        return []
    names.sort(key=lambda name: sharpness[name])
    return [
        Finding(
            kind="blur",
            level="warn",
            title=f"{photos_are(len(names))} blurred",
            words=f"{them(len(names), 'They have', 'It has')} less than half of the sharpness of "
            "the others, and what is learned from blurred photos becomes blurred",
            advice=f"Leave {them(len(names))} out, or take {them(len(names))} again",
            photos=tuple(names),
            may_go=True,
        )
    ]


def _exposure(looks: Looks) -> list[Finding]:
    """Photos that are darker or brighter than the rest, and than those of the same things."""
    if len(looks) < _FEWEST:
        return []
    names = list(looks)
    stops = np.array([look.stops for look in looks.values()])
    white = np.array([look.white for look in looks.values()])
    off = _nearer_to_zero(stops - np.median(stops), stops - _among_alike(looks, stops))
    washed = (white - np.median(white) > _WASHED) & (off > _WASHED_STOPS)
    found = []
    for word, wrong in (
        ("dark", off < _DARK_STOPS),
        ("bright", (off > _BRIGHT_STOPS) | washed),
    ):
        chosen = sorted(np.flatnonzero(wrong), key=lambda i: -abs(off[i]))
        if chosen:
            found.append(
                Finding(
                    kind="exposure",
                    level="warn",
                    title=f"{photos_are(len(chosen))} much too {word}",
                    words=f"{them(len(chosen), 'They are', 'It is')} "
                    f"{'darker' if word == 'dark' else 'brighter'} than the rest by up to "
                    f"{abs(off[chosen[0]]):.1f} stops, and one thing cannot have two brightnesses",
                    advice=f"Leave {them(len(chosen))} out, and lock the exposure next time",
                    photos=tuple(names[i] for i in chosen),
                    may_go=True,
                )
            )
    return found


def _among_alike(looks: Looks, stops: np.ndarray) -> np.ndarray:
    """[n] median stops of the photos that look most alike, apart from brightness."""
    gists = np.stack([look.gist for look in looks.values()])
    medians = np.empty(len(gists))
    count = min(_ALIKE, len(gists) - 1)
    for i, gist in enumerate(gists):
        alike = gists @ gist
        alike[i] = -np.inf
        medians[i] = np.median(stops[np.argpartition(-alike, count - 1)[:count]])
    return medians


def _nearer_to_zero(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What both agree on at least; 0 where they have different signs."""
    return np.where(one * other > 0, np.sign(one) * np.minimum(np.abs(one), np.abs(other)), 0.0)


def _spread(looks: Looks) -> Finding | None:
    """On the light of the set as a whole."""
    if not looks:
        return None
    if float(np.median([look.measured.brightness for look in looks.values()])) < _BLACK_SET:
        return Finding(
            kind="darkness",
            level="warn",
            title="The photos are very dark",
            words="Details drown in noise where there is hardly any light",
            advice="Give it more light, or expose longer with the camera on a stand",
        )
    if float(np.median([look.white for look in looks.values()])) > _WHITE_SET:
        return Finding(
            kind="washed_out",
            level="warn",
            title="Large parts of the photos are white",
            words="Where everything is white there is nothing to learn from",
            advice="Expose shorter, so that bright parts keep their colours",
        )
    stops = np.array([look.stops for look in looks.values()])
    low, high = np.percentile(stops, (10, 90))
    if len(looks) < _FEWEST or high - low < _SPREAD_STOPS:
        return None
    off = stops - np.median(stops)
    order = [i for i in np.argsort(-np.abs(off)) if abs(off[i]) > 0.5 * _SPREAD_STOPS]
    names = list(looks)
    return Finding(
        kind="exposure_spread",
        level="warn",
        title="The exposure differs from photo to photo",
        words=f"Most photos lie within {high - low:.1f} stops, and the same thing should be "
        "equally bright in all of them",
        advice="Lock exposure and white balance before the first photo",
        photos=tuple(names[i] for i in order),
    )


def _duplicates(copies: Mapping[str, str], total: int, *, film: bool) -> Finding | None:
    if not copies:
        return None
    names = list(copies)
    of = list(dict.fromkeys(copies.values()))
    return Finding(
        kind="duplicates",
        level="warn" if not film and 3 * len(names) > total else "note",
        title=f"{photos_are(len(names), 'repeat')} another one",
        words=f"{them(len(names), 'They show', 'It shows')} from the same spot what "
        f"{some(of)} {them(len(of), 'show', 'shows')}, which adds work and no knowledge",
        advice=f"Leave {them(len(names))} out",
        photos=tuple(names),
        may_go=total - len(names) >= _FEWEST,
    )
