"""Looks for points in photos that may be found again in others (SIFT, Lowe 2004)."""

from pathlib import Path

import pycolmap

from engines.poses.job import DATABASE, IMAGES, MASKS, Job, JobCamera
from engines.poses.plan import Plan, scale_of
from engines.poses.protocol import Features, Phase
from engines.poses.talk import Talk

PHASE = "Finding features"
_TINY_PX = 32
"""The shorter side from which on points are looked for, in pixels as matched."""


def find_features(folder: Path, job: Job, ids: list[int], plan: Plan, talk: Talk) -> list[int]:
    """Points of every photo, into the database; gives how many, in the job's order.

    What an earlier run found stays. A photo that cannot be read or is too small has none.
    """
    counts = _counts(folder, ids)
    for index, photo in enumerate(job.photos):
        if _is_tiny(job.cameras[photo.camera], plan):
            counts[index] = 0
    missing = [index for index, count in enumerate(counts) if count is None]
    total = len(ids)
    talk.say(Phase(phase=PHASE, done=total - len(missing), total=total))
    done = total - len(missing)
    for batch in _batches(job, missing, 2 * plan.threads):
        reader = pycolmap.ImageReaderOptions()
        if job.photos[batch[0]].masked:
            reader.mask_path = folder / MASKS
        pycolmap.extract_features(
            folder / DATABASE,
            folder / IMAGES,
            image_names=[job.photos[index].file for index in batch],
            reader_options=reader,
            extraction_options=_options(plan),
            device=pycolmap.Device.cpu,
        )
        found = _counts(folder, [ids[index] for index in batch])
        for index, count in zip(batch, found, strict=True):
            done += 1
            counts[index] = count or 0
            talk.say(
                Features(photo=job.photos[index].name, count=count or 0, done=done, total=total)
            )
    return [count or 0 for count in counts]


def _is_tiny(camera: JobCamera, plan: Plan) -> bool:
    """Whether next to nothing is left of a photo as matched; some bring COLMAP down."""
    return min(camera.width, camera.height) * scale_of(plan, camera) < _TINY_PX


def _counts(folder: Path, ids: list[int]) -> list[int | None]:
    """How many points each photo has; None where nobody looked yet."""
    with pycolmap.Database.open(folder / DATABASE) as database:
        return [
            database.num_keypoints_for_image(image) if database.exists_keypoints(image) else None
            for image in ids
        ]


def _batches(job: Job, indices: list[int], size: int) -> list[list[int]]:
    """Photos with and without masks apart, because COLMAP wants all masks or none."""
    batches = []
    for masked in (False, True):
        group = [index for index in indices if job.photos[index].masked is masked]
        batches += [group[start : start + size] for start in range(0, len(group), size)]
    return batches


def _options(plan: Plan) -> pycolmap.FeatureExtractionOptions:
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = plan.threads
    options.use_gpu = False
    options.max_image_size = plan.photo_size
    options.sift.max_num_features = plan.features
    options.sift.first_octave = plan.first_octave
    options.sift.peak_threshold = plan.peak_threshold
    options.sift.edge_threshold = plan.edge_threshold
    options.sift.estimate_affine_shape = plan.slanted
    options.sift.domain_size_pooling = plan.slanted
    return options
