"""Cameras and points in mid-work, as a file that the engine shows."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pycolmap

from assets.files import atomic_write
from engines.poses.job import SNAPSHOT

_MOST_POINTS = 200_000


def write_snapshot(folder: Path, model: pycolmap.Reconstruction, names: Mapping[int, str]) -> str:
    """Write the present model; gives the file's name in `folder`.

    The file holds names [n], camera_to_world [n, 4, 4] (OpenCV), intrinsics [n, 6] (fx, fy,
    cx, cy, width, height), points [m, 3] float32 and colours [m, 3] float32 in [0, 1], sRGB.
    `names` are those of the photos by image id.
    """
    places = [image for image in model.reg_image_ids() if image in names]
    poses, lenses = [], []
    for image_id in places:
        image = model.images[image_id]
        pose = np.eye(4)
        pose[:3] = image.cam_from_world().inverse().matrix()
        poses.append(pose)
        lenses.append(pinhole_of(model.cameras[image.camera_id]))
    points = list(model.points3D.values())[:_MOST_POINTS]
    with atomic_write(folder / SNAPSHOT) as file:
        np.savez(
            file,
            names=np.array([names[image] for image in places], dtype=np.str_),
            camera_to_world=np.array(poses).reshape(-1, 4, 4),
            intrinsics=np.array(lenses).reshape(-1, 6),
            points=np.array([point.xyz for point in points], dtype=np.float32).reshape(-1, 3),
            colours=np.array([point.color for point in points], dtype=np.float32).reshape(-1, 3)
            / 255,
        )
    return SNAPSHOT


def pinhole_of(camera: pycolmap.Camera) -> tuple[float, float, float, float, int, int]:
    """fx, fy, cx, cy, width and height, without regard to distortion."""
    return (
        camera.focal_length_x,
        camera.focal_length_y,
        camera.principal_point_x,
        camera.principal_point_y,
        camera.width,
        camera.height,
    )


def forget_snapshot(folder: Path) -> None:
    """Remove what is left of an earlier run."""
    with contextlib.suppress(OSError):
        (folder / SNAPSHOT).unlink()
