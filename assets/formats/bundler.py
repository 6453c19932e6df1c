"""Posed photos from Bundler's bundle.out (version 0.3).

Format: https://www.cs.cornell.edu/~snavely/bundler/bundler-v0.4-manual.html. Its cameras
look down -z with y up; lengths are pixels from the centre of the photo, and the distortion
1 + k1 r^2 + k2 r^4 is COLMAP's RADIAL model.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assets.decode import PHOTO_SUFFIXES, photo_size
from assets.errors import InputError
from assets.gathering import Gathering
from assets.lens import Lens
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.poses import from_world_to_camera

HEADER = "# Bundle file v0.3"
"""The first line of every such file."""

_FLIP = np.array([1.0, -1.0, -1.0])
_LISTS = ("list.txt", "list_keys.txt", "pictures.txt")
_LISTED = re.compile(
    rf"(.*?(?:{'|'.join(map(re.escape, sorted(PHOTO_SUFFIXES)))}))(?:\s|$)", re.IGNORECASE
)
_CAMERA, _LEAST_POINT = 15, 7


@dataclass(frozen=True, eq=False)
class Bundle:
    """The numbers of a bundle file."""

    cameras: np.ndarray
    """[n, 5, 3] float64: (f, k1, k2), three rows of R, t; x_camera = R x + t."""
    positions: np.ndarray
    """[m, 3] float64."""
    colours: np.ndarray
    """[m, 3] float64 in 0 to 255."""
    sightings: np.ndarray
    """[s, 4] float64 of all tracks: point, camera, x, y from the photo's centre, y up."""


def read_bundler(path: Path) -> PosedPhotos:
    """The data set that the file at `path` describes.

    Photos come from a list beside it or, where there is none, from the sorted photos of its
    folder, matched by order. Raises InputError where the file is broken, the photos cannot
    be matched or none is left.
    """
    bundle = read_bundle(path)
    photos, assumed = _photos(path, len(bundle.cameras))
    gathering = Gathering(path.resolve().parent.name, path)
    if assumed:
        gathering.note(
            "There is no list.txt, so photos were matched with cameras by the order of their names"
        )
    names = _names(photos)
    for name, photo, (lens_row, *rotation, translation) in zip(
        names, photos, bundle.cameras, strict=True
    ):
        focal, k1, k2 = map(float, lens_row)
        if focal == 0:
            gathering.leave_out(name, "without a camera (its focal length is 0)")
            continue
        if not photo.is_file():
            gathering.leave_out(name, "missing")
            continue
        try:
            width, height = photo_size(photo)
        except InputError:
            gathering.leave_out(name, "not a photo that can be read")
            continue
        lens = Lens("RADIAL", width, height, (focal, width / 2, height / 2, k1, k2))
        pose = from_world_to_camera(_FLIP[:, None] * np.array(rotation), _FLIP * translation)
        gathering.add(name, photo, lens, pose)
    with np.errstate(over="ignore"):
        points = PointCloud(
            bundle.positions.astype(np.float32),
            np.clip(bundle.colours / 255, 0.0, 1.0).astype(np.float32),
        )
    return gathering.finish(points, looked_in=path.parent)


def read_bundle(path: Path) -> Bundle:
    """The numbers in the file at `path`; raises InputError where it is cut off or no bundle."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if not text.strip():
        raise InputError(f"{path} is empty; expected a Bundler file, copy it again")
    first, _, body = text.lstrip().partition("\n")
    if first.strip() != HEADER:
        raise InputError(f'{path} does not begin with "{HEADER}"; expected a Bundler file')
    try:
        numbers = np.array(body.split(), dtype=np.float64)
    except ValueError as error:
        raise InputError(
            f"{path} has something that is no number ({error}); copy it again"
        ) from error
    counts = numbers[:2]
    if len(counts) < 2 or not all(0 <= c < 2**40 and c == int(c) for c in counts):
        raise InputError(f"{path} does not say how many cameras and points it has; copy it again")
    cameras, points = int(counts[0]), int(counts[1])
    if cameras * _CAMERA + points * _LEAST_POINT > len(numbers) - 2:
        raise _cut_off(path, cameras, points)
    end = 2 + cameras * _CAMERA
    heads, sightings = _points(numbers, end, points)
    if heads is None or sightings is None:
        raise _cut_off(path, cameras, points)
    return Bundle(numbers[2:end].reshape(cameras, 5, 3), heads[:, :3], heads[:, 3:], sightings)


def _points(
    numbers: np.ndarray, at: int, count: int
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Positions with colours [count, 6] and sightings [s, 4], or None where numbers run out."""
    heads = np.empty((count, 6))
    tracks = []
    for i in range(count):
        if at + _LEAST_POINT > len(numbers):
            return None, None
        heads[i] = numbers[at : at + 6]
        length = numbers[at + 6]
        at += _LEAST_POINT
        if not 0 <= length <= (len(numbers) - at) / 4:
            return None, None
        track = numbers[at : at + 4 * int(length)].reshape(-1, 4)
        at += track.size
        tracks.append(np.column_stack([np.full(len(track), float(i)), track[:, [0, 2, 3]]]))
    return heads, np.concatenate(tracks) if tracks else np.empty((0, 4))


def _cut_off(path: Path, cameras: int, points: int) -> InputError:
    return InputError(
        f"{path} is cut off or damaged: it promises {cameras} cameras and {points} points, but "
        "does not hold them; copy it again"
    )


def _photos(path: Path, count: int) -> tuple[list[Path], bool]:
    """The photo of each camera, and whether that is only assumed from the order of names."""
    folders = (path.parent, path.resolve().parent.parent)
    for folder in folders:
        for name in _LISTS:
            if (folder / name).is_file():
                listed = _listed(folder / name)
                if len(listed) == count:
                    return listed, False
    found = 0
    for folder in (folders[0], folders[0] / "images", folders[1], folders[1] / "images"):
        photos = _photos_in(folder)
        if len(photos) == count:
            return photos, True
        found = found or len(photos)
    raise InputError(
        f"{path} has {count} cameras, but there are {found} photos beside it and no list.txt "
        "that says which is which; put list.txt with one photo a line beside it"
    )


def _photos_in(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES)
    except OSError:
        return []


def _listed(list_file: Path) -> list[Path]:
    """The photos in a list; after the name each line may have a number and a focal length."""
    try:
        lines = list_file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    photos = []
    for line in filter(None, map(str.strip, lines)):
        name = _LISTED.match(line)
        photos.append(list_file.parent / (name[1] if name else line))
    return photos


def _names(photos: list[Path]) -> list[str]:
    """File names, or with their folder where that alone is not unique."""
    names = [photo.name for photo in photos]
    if len(set(names)) == len(names):
        return names
    return [f"{photo.parent.name}/{photo.name}" for photo in photos]
