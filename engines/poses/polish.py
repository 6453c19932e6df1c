"""The last adjustments: only points that fit, and a fuller lens where the photos can tell it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pycolmap

from engines.poses.job import IMAGES
from engines.poses.plan import Plan
from engines.poses.protocol import Bundle
from engines.poses.snapshot import write_snapshot
from engines.poses.talk import Talk

_ROUNDS = 3
_TIGHT = 3.0
"""Points that are off by more than this many times the median go."""
_LEAST_PX = 1.0
"""But none that is off by less, in pixels as matched."""
_LOSS_PX = 0.5
"""Scale of the Cauchy loss at least, in pixels as matched."""
_ENOUGH = 20
"""Photos of one lens from which more than its focal length and one coefficient can be told."""
_CENTRE_GAIN, _LENS_GAIN = 0.004, 0.02
"""Share by which the error must fall for a free principal point and for a fuller lens."""
_MIN_ANGLE = 1.5
"""Degrees between the rays of a point, at least."""
FULL_LENS = "OPENCV"


def polish(
    model: pycolmap.Reconstruction,
    folder: Path,
    names: Mapping[int, str],
    plan: Plan,
    talk: Talk,
) -> pycolmap.Reconstruction:
    """Adjust all of `model` until it fits as well as it can; gives the better model.

    The loss is Cauchy's, so that the few wrong matches that are left have no say, and after
    each round the points that fit worst go.
    """

    def tell(now: pycolmap.Reconstruction) -> None:
        snapshot = write_snapshot(folder, now, names) if talk.take_look() else ""
        talk.say(
            Bundle(
                registered=now.num_reg_images(),
                points=now.num_points3D(),
                error_px=_error_px(now) * plan.scale,
                snapshot=snapshot,
            )
        )

    model.extract_colors_for_all_images(folder / IMAGES)
    for _ in range(_ROUNDS):
        _adjust(model, plan)
        _drop_misfits(model, plan)
        tell(model)
    well_seen = _well_seen(model)
    if not well_seen:
        return model
    for ease, gain in ((_free_centre, _CENTRE_GAIN), (_fuller_lens, _LENS_GAIN)):
        trial = _tried(model, plan, ease, well_seen)
        if _error_px(trial) < (1.0 - gain) * _error_px(model):
            model = trial
            _drop_misfits(model, plan)
            tell(model)
    return model


def _tried(
    model: pycolmap.Reconstruction,
    plan: Plan,
    ease: Callable[[pycolmap.Camera], None],
    cameras: set[int],
) -> pycolmap.Reconstruction:
    """A copy of `model`, adjusted again with more freedom for the lenses in `cameras`."""
    trial = pycolmap.Reconstruction(model)
    for camera in cameras:
        ease(trial.cameras[camera])
    _adjust(trial, plan, free_centres=cameras)
    return trial


def _free_centre(_camera: pycolmap.Camera) -> None:
    """The lens as it is; only its principal point may move."""


def _fuller_lens(camera: pycolmap.Camera) -> None:
    """Two focal lengths, two radial and two tangential coefficients."""
    if camera.model_name == "SIMPLE_RADIAL":
        focal, x, y, bend = camera.params
        camera.model = pycolmap.CameraModelId.OPENCV
        camera.params = [focal, focal, x, y, bend, 0.0, 0.0, 0.0]


def _adjust(
    model: pycolmap.Reconstruction, plan: Plan, *, free_centres: set[int] | None = None
) -> None:
    """Bundle adjustment of everything."""
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.ceres.solver_options.num_threads = plan.threads
    options.ceres.solver_options.max_num_iterations = 50
    options.ceres.solver_options.function_tolerance = 1e-6
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    median = _median_px(model)
    options.ceres.loss_function_scale = max(_LOSS_PX / plan.scale, median)
    options.refine_principal_point = bool(free_centres)
    pycolmap.bundle_adjustment(model, options)
    model.update_point_3d_errors()


def _drop_misfits(model: pycolmap.Reconstruction, plan: Plan) -> None:
    """Take away what is farther off than the rest."""
    limit_px = max(_LEAST_PX / plan.scale, _TIGHT * _median_px(model))
    limit_px = min(limit_px, plan.error_px / plan.scale)
    pycolmap.ObservationManager(model).filter_all_points3D(limit_px, _MIN_ANGLE)
    model.update_point_3d_errors()


def _well_seen(model: pycolmap.Reconstruction) -> set[int]:
    """Cameras that took many photos."""
    counts: dict[int, int] = {}
    for image in model.reg_image_ids():
        camera = model.images[image].camera_id
        counts[camera] = counts.get(camera, 0) + 1
    return {camera for camera, count in counts.items() if count >= _ENOUGH}


def _error_px(model: pycolmap.Reconstruction) -> float:
    """Mean reprojection error over all points, in pixels at full size."""
    return float(model.compute_mean_reprojection_error())


def _median_px(model: pycolmap.Reconstruction) -> float:
    """Median over points of their mean reprojection error, in pixels at full size."""
    model.update_point_3d_errors()
    errors = [point.error for point in model.points3D.values()]
    return float(np.median(errors)) if errors else 0.0
