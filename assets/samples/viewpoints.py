"""Where the sample's photographs are taken from: a walk around the table, looking down."""

import numpy as np

from assets.camera import Camera, look_at

WIDTH, HEIGHT = 320, 240
FIELD_OF_VIEW = np.radians(46.0)
"""Across the width."""
TARGET = np.array([-0.08, -0.02, 0.50])
HOLDOUT_EVERY = 8


def viewpoints() -> list[Camera]:
    """30 cameras on a dome. Every 8th, which is held out by custom, has neighbours all round."""
    rings = [(20.0, 4.7, 9), (37.0, 4.6, 10), (56.0, 4.4, 7)]
    walk = [
        (360.0 * (i + 0.5 * (ring % 2)) / count, elevation, distance)
        for ring, (elevation, distance, count) in enumerate(rings)
        for i in range(count)
    ]
    held_out = [(290.0 + 90.0 * i, 30.0, 4.6) for i in range(4)]
    places = []
    for first in held_out:
        places.append(first)
        places += walk[: HOLDOUT_EVERY - 1]
        walk = walk[HOLDOUT_EVERY - 1 :]
    return [_camera(*place) for place in places]


def _camera(azimuth: float, elevation: float, distance: float) -> Camera:
    """A camera `distance` from the middle; angles in degrees."""
    a, e = np.radians((azimuth, elevation))
    away = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    focal = 0.5 * WIDTH / np.tan(0.5 * FIELD_OF_VIEW)
    return Camera(
        width=WIDTH, height=HEIGHT, fx=focal, fy=focal, cx=0.5 * WIDTH, cy=0.5 * HEIGHT,
        camera_to_world=look_at(TARGET + distance * away, TARGET, np.array([0.0, 0.0, 1.0])),
    )  # fmt: skip
