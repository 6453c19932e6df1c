"""Why no photo found a place, in words that somebody who takes photos can act on."""

from pathlib import Path
from statistics import median

import numpy as np
import pycolmap

from engines.poses.job import DATABASE
from engines.poses.matching import Inliers, linked_groups

_FEW_POINTS = 80
"""With fewer points in a photo, there is next to nothing on it."""
_SAME_PX = 0.002
"""Points of two photos that are the same picture have moved by less, in longest sides."""
_TURNED = (
    pycolmap.TwoViewGeometryConfiguration.PANORAMIC.value,
    pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC.value,
)


def likely_reason(folder: Path, ids: list[int], features: list[int], inliers: Inliers) -> str:
    """One sentence on what is the matter and one on what to do, from what was measured.

    `features` are the points of each photo, `inliers` the matches by pair of places.
    """
    points = median(features)
    connected = [pair for pair, count in inliers.items() if count]
    if points < _FEW_POINTS:
        return (
            f"These photos show hardly anything that can be recognised again: {points:.0f} points "
            "in a photo, where several hundred are usual. Blank walls, shiny or blurred surfaces "
            "have none: put something with a pattern into the scene and take sharp photos"
        )
    if not connected:
        return (
            "No two of these photos show enough of the same things. Take photos that overlap by "
            "two thirds, with small steps between them, and all of one scene"
        )
    same, turned = _looks(folder, ids, connected)
    if same > 0.5:
        return (
            "The photos are nearly the same picture: nothing moved between them. Walk around what "
            "you photograph and take photos from different places"
        )
    if turned > 0.5:
        return (
            "The camera turned but did not move, or all that is seen is flat, so nothing tells how "
            "far away things are. Take a step to the side between photos, and have things at "
            "different distances in view"
        )
    groups = linked_groups(len(ids), inliers)
    if len(groups) > 1 and len(groups[1]) > 2:
        sizes = " and ".join(str(len(group)) for group in groups[:3])
        return (
            f"The photos fall into groups of {sizes} that show different things. Drop photos of "
            "one place at a time, or take more photos in between"
        )
    share = len(connected) / max(1, len(inliers))
    return (
        f"The photos overlap too little: {share:.0%} of the pairs show the same things. Take more "
        "photos, with smaller steps between them"
    )


def _looks(folder: Path, ids: list[int], pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """Shares of `pairs` that are the same picture, and that tell of no step to the side."""
    same = turned = 0
    with pycolmap.Database.open(folder / DATABASE) as database:
        for i, j in pairs:
            one, two = database.read_image(ids[i]), database.read_image(ids[j])
            geometry = database.read_two_view_geometry(ids[i], ids[j])
            camera = database.read_camera(one.camera_id)
            matches = np.asarray(geometry.inlier_matches)
            first = database.read_keypoints(one.image_id)[matches[:, 0], :2]
            second = database.read_keypoints(two.image_id)[matches[:, 1], :2]
            moved = np.linalg.norm(first - second, axis=1)
            same += bool(np.median(moved) < _SAME_PX * max(camera.width, camera.height))
            turned += geometry.config in _TURNED
    return same / len(pairs), turned / len(pairs)
