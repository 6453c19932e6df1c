"""Places photos one after the other, or all at once, and triangulates what they see."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pycolmap

from engines.poses.job import DATABASE, IMAGES, Job
from engines.poses.plan import Plan
from engines.poses.protocol import Phase, Placed
from engines.poses.snapshot import write_snapshot
from engines.poses.talk import Talk

PHASE = "Placing photos"


@dataclass(frozen=True, kw_only=True)
class Easing:
    """How much is asked of photos before they may take their place; 1 is the usual."""

    angle_degrees: float = 16.0
    """Between the rays of the first two photos, at least."""
    first_inliers: int = 100
    pose_inliers: int = 30
    pose_share: float = 0.25
    pair_inliers: int = 15
    first: tuple[int, int] | None = None
    """Image ids of the two photos to begin with."""


def map_photos(
    folder: Path,
    job: Job,
    names: Mapping[int, str],
    plan: Plan,
    easing: Easing,
    talk: Talk,
) -> list[pycolmap.Reconstruction]:
    """Models of photos that hold together, the largest first; there may be none.

    `names` are those of the photos by image id, in the job's order.
    """
    talk.say(Phase(phase=PHASE, done=0, total=len(names)))
    if job.config.mapper == "global":
        models = _place_at_once(folder, job, plan, easing)
    else:
        models = _place_in_turn(folder, job, names, plan, easing, talk)
    return sorted(models, key=lambda model: (-model.num_reg_images(), -model.num_points3D()))


def _place_in_turn(
    folder: Path,
    job: Job,
    names: Mapping[int, str],
    plan: Plan,
    easing: Easing,
    talk: Talk,
) -> list[pycolmap.Reconstruction]:
    manager = pycolmap.ReconstructionManager()
    with pycolmap.Database.open(folder / DATABASE) as database:
        pipeline = pycolmap.IncrementalPipeline(
            incremental_options(folder, job, plan, easing), database, manager
        )
    placed: set[int] = set()

    def tell() -> None:
        if not manager.size():
            return
        model = manager.get(manager.size() - 1)
        there = set(model.reg_image_ids())
        new = [image for image in there if image not in placed]
        placed.clear()
        placed.update(there)
        for number, image in enumerate(new, start=1):
            snapshot = write_snapshot(folder, model, names) if talk.take_look() else ""
            talk.say(
                Placed(
                    photo=names.get(image, ""),
                    registered=len(there) - len(new) + number,
                    points=model.num_points3D(),
                    snapshot=snapshot,
                )
            )

    for moment in (
        pycolmap.IncrementalPipelineCallback.INITIAL_IMAGE_PAIR_REG_CALLBACK,
        pycolmap.IncrementalPipelineCallback.NEXT_IMAGE_REG_CALLBACK,
        pycolmap.IncrementalPipelineCallback.LAST_IMAGE_REG_CALLBACK,
    ):
        pipeline.add_callback(moment, tell)
    pipeline.run()
    return [pycolmap.Reconstruction(manager.get(index)) for index in range(manager.size())]


def _place_at_once(
    folder: Path, job: Job, plan: Plan, easing: Easing
) -> list[pycolmap.Reconstruction]:
    options = pycolmap.GlobalPipelineOptions()
    options.image_names = [photo.file for photo in job.photos]
    options.num_threads = plan.threads
    options.random_seed = job.config.seed
    options.min_num_matches = easing.pair_inliers
    options.mapper.global_positioning.use_gpu = False
    options.mapper.bundle_adjustment.ceres.use_gpu = False
    with tempfile.TemporaryDirectory(dir=folder, prefix="models-") as scratch:
        found = pycolmap.global_mapping(folder / DATABASE, folder / IMAGES, scratch, options)
    return list(found.values())


def incremental_options(
    folder: Path, job: Job, plan: Plan, easing: Easing
) -> pycolmap.IncrementalPipelineOptions:
    """COLMAP's options, with all limits in pixels for photos of the size at hand."""
    error_px = plan.error_px / plan.scale
    options = pycolmap.IncrementalPipelineOptions()
    options.image_names = [photo.file for photo in job.photos]
    options.image_path = folder / IMAGES
    options.num_threads = plan.threads
    options.random_seed = job.config.seed
    options.min_num_matches = easing.pair_inliers
    options.min_model_size = 3
    if easing.first is not None:
        options.init_image_id1, options.init_image_id2 = easing.first
        options.multiple_models = False  # or each model would begin with this pair again
    options.mapper.init_max_error = error_px
    options.mapper.init_min_tri_angle = easing.angle_degrees
    options.mapper.init_min_num_inliers = easing.first_inliers
    options.mapper.abs_pose_max_error = 2 * error_px
    options.mapper.abs_pose_min_num_inliers = easing.pose_inliers
    options.mapper.abs_pose_min_inlier_ratio = easing.pose_share
    options.mapper.filter_max_reproj_error = error_px
    options.triangulation.merge_max_reproj_error = error_px
    options.triangulation.complete_max_reproj_error = error_px
    return options
