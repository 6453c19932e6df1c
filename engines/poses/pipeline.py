"""Structure from motion from the first photo to the last adjustment, step by step."""

import os
import time
from pathlib import Path

import pycolmap

from engines.poses.attempts import attempt
from engines.poses.features import find_features
from engines.poses.job import Job
from engines.poses.matching import match_pairs
from engines.poses.pairing import choose_pairs
from engines.poses.plan import plan_of
from engines.poses.polish import polish
from engines.poses.protocol import Done, Stuck
from engines.poses.reasons import likely_reason
from engines.poses.register import register_photos
from engines.poses.result import outcome_of, write_model
from engines.poses.snapshot import forget_snapshot
from engines.poses.talk import Talk


def find_poses(folder: Path, job: Job, talk: Talk) -> None:
    """Do all of `job` in the working folder and tell `talk` how it goes; ends in Done or Stuck."""
    threads = job.threads or os.cpu_count() or 1
    pycolmap.set_random_seed(job.config.seed)
    plan = plan_of(job.config, job, threads=threads)
    forget_snapshot(folder)
    ids = register_photos(folder, job)
    names = {image: photo.name for image, photo in zip(ids, job.photos, strict=True)}
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    features = find_features(folder, job, ids, plan, talk)
    seconds["features"] = time.perf_counter() - started

    started = time.perf_counter()
    pairs = choose_pairs(folder, ids, plan, talk)
    inliers = match_pairs(folder, ids, pairs, plan, talk, seed=job.config.seed)
    seconds["matching"] = time.perf_counter() - started

    started = time.perf_counter()
    tried = attempt(folder, job, ids, plan, inliers, talk)
    models, inliers = tried.models, tried.inliers
    if models:
        models[0] = polish(models[0], folder, names, plan, talk)
    seconds["mapping"] = time.perf_counter() - started
    write_model(folder, models[0] if models else None)
    outcome_of(
        job,
        ids,
        plan,
        features=features,
        inliers=inliers,
        models=models,
        steps_down=tried.steps_down,
        seconds=seconds,
    ).write(folder)
    if models:
        talk.say(Done())
    else:
        talk.say(Stuck(message=likely_reason(folder, ids, features, inliers)))
