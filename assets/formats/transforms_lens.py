"""The camera that an entry of a transforms.json speaks of, in whichever words it does."""

import math
from collections.abc import Callable
from typing import Any

from assets.lens import PANORAMA, Lens

_FOCALS = ("fl_x", "fl_y", "camera_angle_x", "camera_angle_y")
_STRAIGHT = {
    "": (),
    "PINHOLE": (),
    "SIMPLE_PINHOLE": (),
    "SIMPLE_RADIAL": ("k1",),
    "RADIAL": ("k1", "k2"),
    "OPENCV": ("k1", "k2", "p1", "p2", "k3"),
    "FULL_OPENCV": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
"""Which coefficients count for each camera model with straight edges; none is OpenCV's."""
_FISHEYE = ("k1", "k2", "k3", "k4")


def lens_of(
    common: dict[str, Any], frame: dict[str, Any], stored_size: Callable[[], tuple[int, int]]
) -> Lens | str:
    """The lens of one `frame`, whose own words go before those in `common`.

    `stored_size` gives the photo's (width, height) and is only asked where the file does
    not say. Answers with words to put after "because it is" where there is no such lens.
    """
    if any(key in frame for key in _FOCALS):
        common = {key: value for key, value in common.items() if key not in _FOCALS}
    words = {**common, **frame}
    model = str(words.get("camera_model") or "").upper()
    if words.get("is_fisheye"):
        model = "OPENCV_FISHEYE"
    if model not in _STRAIGHT and model not in ("OPENCV_FISHEYE", PANORAMA):
        return f'taken by a camera of the model "{model[:40]}", which is not read'
    try:
        if "w" in words and "h" in words:
            width, height = round(float(words["w"])), round(float(words["h"]))
        else:
            width, height = stored_size()
        if model == PANORAMA:
            return Lens(PANORAMA, width, height, (float(width), float(height)))
        focal = _focal(words, width, height)
        if focal is None:
            return "without a focal length (fl_x or camera_angle_x)"
        cx = float(words.get("cx", width / 2))
        cy = float(words.get("cy", height / 2))
        if model == "OPENCV_FISHEYE":
            bends = [float(words.get(key) or 0.0) for key in _FISHEYE]
            return Lens(model, width, height, (*focal, cx, cy, *bends))
        counted = _STRAIGHT[model] or _STRAIGHT["OPENCV"] * (not model)
        bends = {key: float(words.get(key) or 0.0) for key in counted}
    except (TypeError, ValueError, OverflowError):
        return "taken by a camera whose numbers cannot be read"
    name, keys = _smallest(bends)
    return Lens(name, width, height, (*focal, cx, cy, *(bends.get(key, 0.0) for key in keys)))


def _smallest(bends: dict[str, float]) -> tuple[str, tuple[str, ...]]:
    """The simplest camera model that has all coefficients that are not 0, and their order."""
    used = {key for key, value in bends.items() if value}
    if not used:
        return "PINHOLE", ()
    if used <= {"k1", "k2", "p1", "p2"}:
        return "OPENCV", ("k1", "k2", "p1", "p2")
    return "FULL_OPENCV", _STRAIGHT["FULL_OPENCV"]


def _focal(words: dict[str, Any], width: int, height: int) -> tuple[float, float] | None:
    """(fx, fy) in pixels from lengths or from angles of view in radians."""
    fx = float(words["fl_x"]) if "fl_x" in words else _from_angle(words, "camera_angle_x", width)
    fy = float(words["fl_y"]) if "fl_y" in words else _from_angle(words, "camera_angle_y", height)
    if fx is None and fy is None:
        return None
    if fx is None or fy is None:
        fx = fy = fx if fx is not None else fy
    return (fx, fy) if fx is not None and fy is not None else None


def _from_angle(words: dict[str, Any], key: str, size: int) -> float | None:
    if key not in words:
        return None
    half = float(words[key]) / 2
    return 0.5 * size / math.tan(half) if 0 < half < math.pi / 2 else 0.0
