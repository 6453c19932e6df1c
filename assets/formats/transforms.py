"""Posed photos from a transforms.json: instant-ngp's, nerfstudio's and Blender's dialects.

Poses are OpenGL camera-to-world (x right, y up, z back) and stay in the file's own frame;
nerfstudio's `applied_transform` has been applied to poses and points already.
"""

import json
from pathlib import Path
from typing import Any

from assets.decode import photo_size
from assets.errors import InputError
from assets.formats.meshes import read_mesh
from assets.formats.transforms_lens import lens_of
from assets.gathering import Gathering
from assets.mesh import Mesh
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.poses import from_opengl

FILE_NAMES = ("transforms.json", "transforms_train.json")
"""What such a file is called, in the order in which it is looked for in a folder."""

_SUFFIXES = ("", ".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG", ".webp")
_MOST_BYTES = 512 * 2**20


def read_transforms(path: Path) -> PosedPhotos:
    """The data set that the JSON file at `path` describes.

    Photos that are missing or have no usable pose are left out and counted in the notes.
    Raises InputError where the file is not valid, lists nothing or no photo is left.
    """
    document = read_json(path)
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list):
        raise InputError(
            f'{path} has no list of "frames"; expected a transforms.json with photos and poses'
        )
    common = {key: value for key, value in document.items() if key != "frames"}
    gathering = Gathering(path.resolve().parent.name, path)
    listed = [frame for frame in frames if _is_complete(frame)]
    for _ in range(len(frames) - len(listed)):
        gathering.leave_out("an entry", "without file_path or transform_matrix")
    places = [frame["file_path"].replace("\\", "/") for frame in listed]
    for frame, place, name in zip(listed, places, _short(places), strict=True):
        _add(gathering, name, path.parent, _photo_at(path.parent, place), common, frame)
    _note_missing_masks(path.parent, listed, gathering)
    _note_other_splits(path, gathering)
    return gathering.finish(_points(common, path.parent, gathering), looked_in=path.parent)


def read_json(path: Path) -> Any:
    """What the JSON file at `path` holds; raises InputError with the line of a mistake."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is larger than {_MOST_BYTES // 2**20} MB; check what it is")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path} is not valid JSON: {error.msg} in line {error.lineno}, column "
            f"{error.colno}; mend the file or export it again"
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not a JSON text file; check what it is") from error


def _is_complete(frame: Any) -> bool:
    return (
        isinstance(frame, dict)
        and isinstance(frame.get("file_path"), str)
        and bool(frame["file_path"].strip())
        and frame.get("transform_matrix") is not None
    )


def _add(
    gathering: Gathering,
    name: str,
    folder: Path,
    photo: Path | None,
    common: dict,
    frame: dict[str, Any],
) -> None:
    if photo is None:
        gathering.leave_out(name, "missing")
        return
    try:
        lens = lens_of(common, frame, lambda: photo_size(photo))
    except InputError:
        gathering.leave_out(name, "not a photo that can be read")
        return
    if isinstance(lens, str):
        gathering.leave_out(name, lens)
    else:
        mask = _mask_at(folder, frame)
        gathering.add(name, photo, lens, from_opengl(frame["transform_matrix"]), mask=mask)


def _photo_at(folder: Path, place: str) -> Path | None:
    """The file meant by `file_path`, whose ending Blender leaves off; None where there is none."""
    for suffix in _SUFFIXES:
        try:
            if (path := folder / (place + suffix)).is_file():
                return path
        except (OSError, ValueError):  # a name that the system does not allow
            return None
    return None


def _mask_at(folder: Path, frame: dict[str, Any]) -> Path | None:
    """The file that `mask_path` means; None where there is none."""
    place = frame.get("mask_path")
    if not isinstance(place, str) or not place.strip():
        return None
    return _photo_at(folder, place.replace("\\", "/"))


def _note_missing_masks(folder: Path, listed: list[dict[str, Any]], gathering: Gathering) -> None:
    wanted = [frame for frame in listed if frame.get("mask_path")]
    missing = sum(_mask_at(folder, frame) is None for frame in wanted)
    if missing:
        gathering.note(
            f"{missing} of {len(wanted)} masks were not found, so those photos are used whole"
        )


def _short(places: list[str]) -> list[str]:
    """The paths without "./" and the folders that all of them share."""
    parts = [[part for part in place.split("/") if part not in ("", ".")] for place in places]
    shared = 0
    while parts and all(len(p) > shared + 1 and p[shared] == parts[0][shared] for p in parts):
        shared += 1
    return ["/".join(p[shared:]) for p in parts]


def _note_other_splits(path: Path, gathering: Gathering) -> None:
    others = [f"transforms_{split}.json" for split in ("train", "val", "test")]
    beside = [name for name in others if name != path.name and (path.parent / name).is_file()]
    if path.name in others and beside:
        gathering.note(f"Only {path.name} is used; {' and '.join(beside)} left aside")


def _points(common: dict, folder: Path, gathering: Gathering) -> PointCloud | None:
    """The point cloud that the file names; one that cannot be read is not worth failing for."""
    place = common.get("ply_file_path")
    if not isinstance(place, str) or not place:
        return None
    try:
        found = read_mesh(folder / place)
    except InputError as error:
        gathering.note(f"The points of the data set are not used: {error}")
        return None
    if isinstance(found, Mesh):
        return PointCloud(found.vertices, found.colours)
    return found
