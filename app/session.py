"""What is open: photos, results from files, meshes and points; and how it comes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.imagesets import (
    DiffusionModel,
    ImageSet,
    bundled,
    folder_of,
    image_folder,
    only_images,
    read_model_file,
)
from app.jobs import Job, Jobs
from app.memory import Memory
from assets.errors import InputError
from assets.field import SavedField
from assets.formats.photo_folder import photos_from_files
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.open import Found, Kind, identify, read_found
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video

Result = GaussianCloud | SavedField | DiffusionModel
"""What a run leaves behind."""
Asset = PosedPhotos | UnposedPhotos | Video | ImageSet | Result | Mesh | PointCloud
_LEARNT_AS_IMAGES = frozenset({Kind.POSED_PHOTOS, Kind.PHOTOS, Kind.VIDEO, Kind.UNKNOWN})
"""What is a scene, or nothing, for other engines."""
_IMAGES = frozenset({Kind.CLASSES, Kind.CAPTIONED})
"""What is to be learnt from as images, whatever is chosen."""


@dataclass(frozen=True)
class Opened:
    """One thing that was read."""

    path: Path | None
    """Where from; None for the bundled sample."""
    asset: Asset


@dataclass(frozen=True)
class Arrival:
    """What one drop or one command brought."""

    opened: tuple[Opened, ...]
    checkpoints: tuple[Path, ...]
    """Folders in which a run was saved; an engine has to read them."""
    problems: tuple[str, ...]
    """A sentence for each path that could not be read."""


class Session(QObject):
    """Reads off the window's thread and tells what arrived; others decide what becomes of it."""

    arrived = Signal(object)
    """An `Arrival`."""
    failed = Signal(str, str)
    """Reading broke down unexpectedly: a sentence and the traceback."""
    changed = Signal()
    """Something else is open than before."""

    def __init__(self, jobs: Jobs, memory: Memory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._memory = jobs, memory
        self._reading: Job | None = None
        self.photos: UnposedPhotos | Video | None = None
        """What cameras are found for; stays along with the data set that comes of it."""
        self.dataset: PosedPhotos | None = None
        self.images: ImageSet | None = None
        """What diffusion learns from; there are no photos then."""
        self.result: Result | None = None
        """What was learnt elsewhere, from a file; that of a run belongs to its engine."""
        self.result_name = ""
        """What to call it, empty where there is none."""
        self.meshes: list[Mesh] = []
        self.clouds_of_points: list[PointCloud] = []

    # -- coming in -----------------------------------------------------------------------------

    @property
    def is_opening(self) -> bool:
        """Something is being read."""
        return self._reading is not None and not self._reading.cancelled

    def open(
        self, paths: Sequence[Path], *, learns: Literal["scenes", "images"] | None = None
    ) -> None:
        """Read all of `paths`; `arrived` tells of them together.

        A folder tells by itself whether it is a scene or images to learn to draw, unless it is
        said here what is to be learnt from it.
        """
        title = paths[0].name if len(paths) == 1 else f"{len(paths)} items"
        self._start(f"Opening {title}", lambda job: _read_all(paths, job, learns))

    def open_bundled(self, name: str) -> None:
        """Have images or points that the program makes itself, see `imagesets.BUNDLED`."""
        images = bundled(name)
        self._start(f"Opening {images.name}", lambda _: Arrival((Opened(None, images),), (), ()))

    def open_sample(self) -> None:
        """Make the bundled sample scene."""
        self._start(
            "Making the sample scene",
            lambda _: Arrival((Opened(None, _sample()),), (), ()),
        )

    def cancel(self) -> None:
        """Stop reading; what was being read does not arrive."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
            self.changed.emit()

    def _start(self, title: str, work) -> None:
        self.cancel()
        self._reading = self._jobs.start(title, work, done=self._arrive, failed=self._fail)
        self.changed.emit()

    def _arrive(self, arrival: Arrival) -> None:
        self._reading = None
        for opened in arrival.opened:
            if opened.path is not None:
                self._memory.remember(opened.path)
        for folder in arrival.checkpoints:
            self._memory.remember(folder)
        self.arrived.emit(arrival)
        self.changed.emit()

    def _fail(self, sentence: str, details: str) -> None:
        self._reading = None
        self.failed.emit(sentence, details)
        self.changed.emit()

    # -- being there ---------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Nothing is open."""
        return (
            self.dataset is None
            and self.photos is None
            and self.images is None
            and self.result is None
            and not self.meshes
            and not self.clouds_of_points
        )

    def set_photos(self, photos: UnposedPhotos | Video | None) -> None:
        """Photos whose cameras are to be found, in place of others."""
        self.photos = photos
        if photos is not None:
            self.images = None
        self.changed.emit()

    def set_dataset(self, dataset: PosedPhotos | None) -> None:
        """Photos to train on, in place of others."""
        self.dataset = dataset
        if dataset is not None:
            self.images = None
        self.changed.emit()

    def set_images(self, images: ImageSet | None) -> None:
        """Images to learn to draw, or none, in place of others and of photos."""
        self.images, self.dataset, self.photos = images, None, None
        self.changed.emit()

    @property
    def has_data(self) -> bool:
        """There is something to learn from."""
        return bool(self.dataset or self.photos or self.images)

    @property
    def name(self) -> str:
        """Of what there is to learn from; empty where there is nothing."""
        opened = self.dataset or self.photos or self.images
        return opened.name if opened is not None else ""

    @property
    def title(self) -> str:
        """Of what is on show; a model file is named itself, whatever else is open."""
        if isinstance(self.result, DiffusionModel):
            return self.result_name
        return self.name or self.result_name

    def set_result(self, result: Result | None, name: str = "") -> None:
        """Gaussians or a field of a file, in place of others."""
        self.result, self.result_name = result, name
        self.changed.emit()

    def add(self, asset: Mesh | PointCloud) -> None:
        """Show a mesh or points along with what is there."""
        if isinstance(asset, Mesh):
            self.meshes.append(asset)
        else:
            self.clouds_of_points.append(asset)
        self.changed.emit()

    def exchange(self, old: Mesh | None, new: Mesh) -> None:
        """Show a mesh in place of another one, if that is still there."""
        self.meshes = [mesh for mesh in self.meshes if mesh is not old] + [new]
        self.changed.emit()

    def close(self) -> None:
        """Close everything."""
        self.cancel()
        self.photos = self.dataset = self.images = self.result = None
        self.result_name = ""
        self.meshes, self.clouds_of_points = [], []
        self.changed.emit()

    def points(self, *, with_photos: bool) -> PointCloud | None:
        """All points that are open as one cloud; those of the photos only if asked for."""
        clouds = list(self.clouds_of_points)
        if with_photos and self.dataset is not None and self.dataset.points is not None:
            clouds.append(self.dataset.points)
        if not clouds:
            return None
        return PointCloud(
            np.concatenate([cloud.positions for cloud in clouds]),
            np.concatenate([cloud.colours for cloud in clouds]),
        )


def described(path: Path) -> str:
    """What `path` is, for people, while it hovers: "Posed photos"."""
    kind = str(identify(path).kind)
    return kind[0].upper() + kind[1:]


def _is_photo(path: Path) -> bool:
    return path.is_file() and identify(path).kind is Kind.PHOTOS


def _sample() -> PosedPhotos:
    from assets.samples import sample_scene

    return sample_scene()


def _read_all(paths: Sequence[Path], job: Job, learns: str | None) -> Arrival:
    if len(paths) > 1 and all(_is_photo(path) for path in paths):
        if learns == "images":
            return Arrival((), (), (f"Drop the folder {paths[0].parent}, not its images",))
        return Arrival((Opened(None, photos_from_files(paths)),), (), ())
    opened: list[Opened] = []
    checkpoints: list[Path] = []
    problems: list[str] = []
    for done, path in enumerate(paths):
        job.check()
        if len(paths) > 1:
            job.report(done, len(paths))
        found = identify(path)
        if found.kind is Kind.CHECKPOINT:
            checkpoints.append(found.path)
            continue
        try:
            opened.append(Opened(path, _read(found, learns)))
        except InputError as error:
            problems.append(str(error))
    return Arrival(tuple(opened), tuple(checkpoints), tuple(problems))


def _read(found: Found, learns: str | None) -> Asset:
    if found.kind is Kind.MODEL:
        return read_model_file(found.path)
    if found.kind in _IMAGES and learns != "scenes":
        return image_folder(found.path)
    if learns == "images" and found.kind in _LEARNT_AS_IMAGES:
        if found.path.is_dir() or found.kind is Kind.POSED_PHOTOS:
            return image_folder(folder_of(found.path))
        if found.path.exists():
            raise only_images(found.path)
    return read_found(found)
