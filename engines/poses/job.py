"""What the process that finds the poses is asked to do: one file in the working folder.

The working folder is a standard COLMAP project. Whoever starts the process has put upright
photos into images/, masks into masks/ (the photo's file name with ".png" behind it, black
where the photo is to be ignored) and this job into job.json. The process leaves
database.db, sparse/0 and outcome.json.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assets.errors import InputError
from assets.files import atomic_write_json
from assets.posed import PosedPhotos, View
from assets.unposed import Shot
from engines.poses.config import PosesConfig

FILE_NAME = "job.json"
IMAGES, MASKS, SPARSE, DATABASE = "images", "masks", "sparse", "database.db"
SNAPSHOT = "snapshot.npz"


@dataclass(frozen=True, kw_only=True)
class JobCamera:
    """A lens that one photo or several were taken with."""

    width: int
    """Pixels of the upright photos."""
    height: int
    focal_px: float | None = None
    """According to EXIF, in pixels of the upright photo."""


@dataclass(frozen=True, kw_only=True)
class JobPhoto:
    """One photo to place."""

    name: str
    """Name of the shot: what messages and the outcome call it."""
    file: str
    """Relative to images/, with "/"; may differ from `name` in its ending."""
    camera: int
    """Which of the job's cameras took it."""
    masked: bool = False
    """There is a mask at masks/`file`.png."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """All photos that are to be used, in the order of the match matrix, and the settings."""

    photos: tuple[JobPhoto, ...]
    """Sorted by name."""
    cameras: tuple[JobCamera, ...]
    config: PosesConfig
    ordered: bool = False
    """Neighbours were taken one after the other."""
    threads: int = 0
    """Native threads to use; 0 is one for each core."""

    def write(self, folder: Path) -> None:
        """Leave it in the working folder."""
        atomic_write_json(folder / FILE_NAME, dataclasses.asdict(self))


def job_of(
    shots: Sequence[Shot],
    config: PosesConfig,
    *,
    files: Mapping[str, str] | None = None,
    masked: frozenset[str] = frozenset(),
    ordered: bool = False,
    threads: int = 0,
) -> Job:
    """The job for `shots`, with photos of one lens brought together.

    Args:
        shots: the photos to use; put in order of their names.
        config: its `intrinsics` says who shares a lens: "auto" those of equal size whose EXIF
            data agree, "shared" all of equal size, "separate" nobody.
        files: name in images/ by name of the shot, where the two differ.
        masked: names of shots with a mask in masks/.
        ordered: neighbours in order of names were taken one after the other.
        threads: native threads to use; 0 is one for each core.
    """
    cameras: dict[tuple, JobCamera] = {}
    photos = []
    for shot in sorted(shots, key=lambda shot: shot.name):
        size = (shot.photo.width, shot.photo.height)
        match config.intrinsics:
            case "shared":
                key = size
            case "separate":
                key = (shot.name,)
            case _:
                focal = None if shot.focal_px is None else round(shot.focal_px)
                key = (*size, shot.camera, focal)
        if key not in cameras:
            cameras[key] = JobCamera(width=size[0], height=size[1], focal_px=shot.focal_px)
        photos.append(
            JobPhoto(
                name=shot.name,
                file=(files or {}).get(shot.name, shot.name),
                camera=list(cameras).index(key),
                masked=shot.name in masked,
            )
        )
    return Job(
        photos=tuple(photos),
        cameras=tuple(cameras.values()),
        config=config,
        ordered=ordered,
        threads=threads,
    )


def read_job(folder: Path) -> Job:
    """The job that lies in `folder`; raises InputError when there is none or it is broken."""
    path = folder / FILE_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["photos"] = tuple(JobPhoto(**photo) for photo in values["photos"])
        values["cameras"] = tuple(JobCamera(**camera) for camera in values["cameras"])
        values["config"] = PosesConfig(**values["config"])
        return Job(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); delete that file and find the poses again"
        ) from error


def called_as_before(found: PosedPhotos, folder: Path) -> tuple[View, ...]:
    """The views of the result in the working folder, by the names that the job gave photos.

    Files may be called something else. Raises InputError as `read_job` does.
    """
    names = {photo.file: photo.name for photo in read_job(folder).photos}
    views = [replace(view, name=names.get(view.name, view.name)) for view in found.views]
    return tuple(sorted(views, key=lambda view: view.name))
