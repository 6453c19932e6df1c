"""Posed photos from COLMAP, in the folder layouts that people have."""

from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.formats import colmap_binary, colmap_text
from assets.formats.colmap_model import ColmapModel, ColmapPoints, model_suffix
from assets.gathering import Gathering
from assets.masks import MaskFolders
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.poses import from_world_to_camera, rotation_from_quaternion

_MODEL_PLACES = (".", "sparse", "colmap/sparse", "distorted/sparse")
_PHOTO_PLACES = ("images", "input", "photos", "rgb", "images_2", "images_4", "images_8", ".")
"""Where photos lie beside a model; the shrunk ones only serve where nothing else is there."""
_READERS = {".bin": colmap_binary, ".txt": colmap_text}


def find_models(folder: Path) -> list[Path]:
    """The model folders in a data set's `folder`, or `folder` itself; the nearest kind only."""
    for place in _MODEL_PLACES:
        base = folder / place
        if model_suffix(base):
            return [base]
        if base.is_dir():
            numbered = [d for d in base.iterdir() if d.name.isdigit() and model_suffix(d)]
            if numbered:
                return sorted(numbered, key=lambda d: int(d.name))
    return []


def read_colmap(folder: Path) -> PosedPhotos:
    """The data set at `folder`, which holds a model or is one.

    Of several models the one with the most photos is taken. Photos that cannot be used are
    left out and counted in the notes. Raises InputError where the model's files are missing
    or broken or no photo is left.
    """
    models = find_models(folder)
    if not models:
        raise InputError(
            f"{folder} has no COLMAP model; expected cameras.bin and images.bin (or .txt) in it "
            "or in sparse/0"
        )
    model = max(models, key=_count_images)
    parsed = read_model(model)
    notes = []
    if len(models) > 1:
        notes.append(
            f"There are {len(models)} models; the largest, {model.name}, with "
            f"{len(parsed.images)} photos was taken"
        )
    if parsed.points is None:
        notes.append("The model has no points3D file, so there are no points to start from")
    root = root_of(model)
    names = [image.name.replace("\\", "/") for image in parsed.images]
    photos = _photo_folder(model, root, names)
    places = dict.fromkeys((folder, root, photos))  # links may lead away from `folder`
    masks = MaskFolders([base / MaskFolders.NAME for base in places])
    gathering = Gathering(root.name, folder, notes)
    for name, image in zip(names, parsed.images, strict=True):
        lens = parsed.cameras.get(image.camera_id)
        if lens is None:
            gathering.leave_out(name, "taken by a camera that the model does not have")
            continue
        path = photos / name
        rotation = rotation_from_quaternion(image.quaternion)
        pose = from_world_to_camera(rotation, image.translation)
        found = path if path.is_file() else None
        gathering.add(name, found, lens, pose, mask=masks.of(name))
    return gathering.finish(_point_cloud(parsed.points), looked_in=photos)


def read_model(folder: Path) -> ColmapModel:
    """The model whose files lie directly in `folder`; raises InputError with a sentence."""
    suffix = model_suffix(folder)
    if suffix is None:
        raise InputError(f"{folder} has no COLMAP model; expected cameras.bin and images.bin")
    for stem in ("cameras", "images"):
        if not (folder / (stem + suffix)).is_file():
            raise InputError(
                f"{folder} has no {stem}{suffix}; a COLMAP model needs cameras{suffix} and "
                f"images{suffix}, copy it again"
            )
    reader = _READERS[suffix]
    points = folder / f"points3D{suffix}"
    return ColmapModel(
        cameras=reader.read_cameras(folder / f"cameras{suffix}"),
        images=reader.read_images(folder / f"images{suffix}"),
        points=reader.read_points(points) if points.is_file() else None,
    )


def _count_images(model: Path) -> int:
    suffix = model_suffix(model) or ".bin"
    return _READERS[suffix].count_images(model / f"images{suffix}")


def root_of(model: Path) -> Path:
    """The data set's folder above `model`: skips numbers and the names of model folders.

    One of such a name that has photos in images/ is a data set all the same.
    """
    root = model.resolve()
    while root.name.isdigit() or root.name in ("sparse", "colmap", "distorted"):
        if root.parent == root or (root / _PHOTO_PLACES[0]).is_dir():
            break
        root = root.parent
    return root


def _photo_folder(model: Path, root: Path, names: list[str]) -> Path:
    """The folder that has the most of `names`, the customary places first."""
    beside = [base / place for place in _PHOTO_PLACES for base in dict.fromkeys((root, model))]
    found = [sum((folder / name).is_file() for name in names) for folder in beside]
    return beside[int(np.argmax(found))]


def _point_cloud(points: ColmapPoints | None) -> PointCloud | None:
    if points is None:
        return None
    with np.errstate(over="ignore"):
        positions = points.positions.astype(np.float32)
    return PointCloud(positions, points.colours.astype(np.float32) / 255)
