"""Leaves the result in the working folder: a COLMAP model and what is to be known of it."""

from pathlib import Path

import numpy as np
import pycolmap

from assets.files import atomic_folder
from engines.poses.job import SPARSE, Job
from engines.poses.matching import Inliers
from engines.poses.outcome import Lens, Outcome, Placement
from engines.poses.plan import Plan, scale_of


def write_model(folder: Path, model: pycolmap.Reconstruction | None) -> None:
    """Have `model`, or nothing, as sparse/0, and no other model beside it."""
    with atomic_folder(folder / SPARSE) as fresh:
        if model is not None:
            (fresh / "0").mkdir()
            model.write(fresh / "0")


def outcome_of(
    job: Job,
    ids: list[int],
    plan: Plan,
    *,
    features: list[int],
    inliers: Inliers,
    models: list[pycolmap.Reconstruction],
    steps_down: tuple[str, ...],
    seconds: dict[str, float],
) -> Outcome:
    """All that is to be known of a finished run; `models` has the result first."""
    photos = dict(zip(ids, job.photos, strict=True))
    groups = _groups({image: photo.name for image, photo in photos.items()}, models)
    placements, lenses, error, error_full, points = (), (), 0.0, 0.0, 0
    if models:
        model = models[0]
        errors = errors_by_photo(model)
        scales = {image: scale_of(plan, job.cameras[photos[image].camera]) for image in errors}
        counts = {image: len(values) for image, values in errors.items()}
        total = max(1, sum(counts.values()))
        error_full = sum(float(values.sum()) for values in errors.values()) / total
        error = sum(float(v.sum()) * scales[image] for image, v in errors.items()) / total
        points = model.num_points3D()
        placements = tuple(
            _placement(model, image, photos[image].name, errors[image] * scales[image])
            for image in ids
            if image in errors
        )
        lenses = _lenses(job, model, ids)
    return Outcome(
        photos=tuple(photo.name for photo in job.photos),
        features={p.name: count for p, count in zip(job.photos, features, strict=True)},
        pairs=tuple((i, j, count) for (i, j), count in sorted(inliers.items())),
        models=groups,
        placements=placements,
        lenses=lenses,
        points=points,
        error_px=error,
        error_full_px=error_full,
        steps_down=steps_down,
        seconds=seconds,
    )


def _groups(
    names: dict[int, str], models: list[pycolmap.Reconstruction]
) -> tuple[tuple[str, ...], ...]:
    """Photos of each model that no larger one has; one photo alone is no group."""
    left = set(names)
    groups = []
    for model in models:
        group = left & set(model.reg_image_ids())
        if len(group) > 1:
            left -= group
            groups.append(tuple(sorted(names[image] for image in group)))
    return tuple(groups)


def errors_by_photo(model: pycolmap.Reconstruction) -> dict[int, np.ndarray]:
    """Reprojection errors [k] in pixels at full size of every registered photo's points."""
    errors = {}
    for image_id in model.reg_image_ids():
        image = model.images[image_id]
        seen = [point for point in image.points2D if point.has_point3D()]
        if not seen:
            errors[image_id] = np.zeros(0)
            continue
        xyz = np.array([model.points3D[point.point3D_id].xyz for point in seen])
        local = _local(image, xyz)
        projected = model.cameras[image.camera_id].img_from_cam(local)
        errors[image_id] = np.linalg.norm(
            np.asarray(projected) - np.array([point.xy for point in seen]), axis=1
        )
    return errors


def _local(image: pycolmap.Image, xyz: np.ndarray) -> np.ndarray:
    """World points [k, 3] as the photo's camera sees them."""
    pose = image.cam_from_world().matrix()
    return xyz @ pose[:, :3].T + pose[:, 3]


def _placement(
    model: pycolmap.Reconstruction, image_id: int, name: str, errors_px: np.ndarray
) -> Placement:
    image = model.images[image_id]
    pose = image.cam_from_world().inverse().matrix()
    xyz = np.array(
        [model.points3D[p.point3D_id].xyz for p in image.points2D if p.has_point3D()]
    ).reshape(-1, 3)
    depths = _local(image, xyz)[:, 2]
    return Placement(
        name=name,
        centre=_three(pose[:, 3]),
        forward=_three(pose[:, 2]),
        up=_three(-pose[:, 1]),
        points=len(xyz),
        depth=float(np.median(depths)) if len(depths) else 0.0,
        error_px=float(errors_px.mean()) if len(errors_px) else 0.0,
    )


def _three(vector: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z


def _lenses(job: Job, model: pycolmap.Reconstruction, ids: list[int]) -> tuple[Lens, ...]:
    """The cameras of the model, those with most photos first."""
    exif = {image: job.cameras[p.camera].focal_px for image, p in zip(ids, job.photos, strict=True)}
    taken: dict[int, list[int]] = {}
    for image in model.reg_image_ids():
        taken.setdefault(model.images[image].camera_id, []).append(image)
    lenses = [
        Lens(
            model=model.cameras[camera].model_name,
            width=model.cameras[camera].width,
            height=model.cameras[camera].height,
            parameters=tuple(float(value) for value in model.cameras[camera].params),
            photos=len(images),
            focal_px=float(model.cameras[camera].mean_focal_length()),
            exif_focal_px=exif.get(images[0]),
        )
        for camera, images in taken.items()
    ]
    return tuple(sorted(lenses, key=lambda lens: -lens.photos))
