"""Cameras that were found before: a splat fits only those with which it was learnt."""

from dataclasses import replace
from pathlib import Path

from assets.errors import InputError
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video
from engines.poses.job import Job, called_as_before, read_job
from engines.poses.outcome import read_outcome
from engines.poses.workspace import folders_of


def is_done(folder: Path, job: Job) -> bool:
    """Whether `folder` holds the result of exactly this job, whole and sound."""
    try:
        return (
            read_job(folder) == job
            and bool(read_outcome(folder).placements)
            and bool(read_found(folder, "").views)
        )
    except InputError:
        return False


def read_found(folder: Path, name: str) -> PosedPhotos:
    """The result in the working folder, its views called as the photos are.

    Raises InputError where there is none or it is damaged.
    """
    from assets.formats.colmap import read_colmap

    found = read_colmap(folder)
    return replace(found, name=name, views=called_as_before(found, folder))


def found_before(source: UnposedPhotos | Video) -> PosedPhotos | None:
    """What the last run for these photos found, with whatever settings; None where none did."""
    for folder in folders_of(source):
        try:
            if read_outcome(folder).placements:
                return read_found(folder, source.name)
        except InputError:
            continue
    return None
