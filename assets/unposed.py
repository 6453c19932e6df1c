"""Photos whose cameras are not known yet: what most people have."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from assets.photos import Photo


@dataclass(frozen=True, eq=False, kw_only=True)
class Shot:
    """One photo as it lies on the disk, and what is known of how it was taken."""

    name: str
    """File name relative to the folder of the set, with "/"; the shots of a set differ in it."""
    photo: Photo
    """Upright: a rotation in the EXIF data is carried out."""
    path: Path
    mask: Path | None = None
    """A picture of the same shape, black where the photo is to be ignored."""
    focal_px: float | None = None
    """Focal length in pixels of the upright photo according to EXIF."""
    camera: str = ""
    """Maker, model and focal length according to EXIF: equal words, equal lens."""


@dataclass(frozen=True, eq=False, kw_only=True)
class UnposedPhotos:
    """A set of photos, or the frames that were chosen from a video."""

    name: str
    """Short title for people, usually the folder's name."""
    source: Path
    """The folder or the video that a person brought in."""
    views: tuple[Shot, ...]
    """All photos that can be opened, sorted by name."""
    ordered: bool = False
    """Neighbours were taken one after the other: frames of a video, or numbered names."""
    left_out: frozenset[str] = frozenset()
    """Names of photos that a person does not want to be used."""
    notes: tuple[str, ...] = field(default=())
    """Sentences on what was skipped or assumed while reading, each said once."""

    @property
    def kept(self) -> tuple[Shot, ...]:
        """The photos to use."""
        return tuple(shot for shot in self.views if shot.name not in self.left_out)

    def without(self, names: Iterable[str]) -> "UnposedPhotos":
        """The same set with exactly the photos called `names` left out."""
        return replace(self, left_out=frozenset(names))


@dataclass(frozen=True, kw_only=True)
class Video:
    """A film of a scene; frames are chosen from it before anything else."""

    name: str
    source: Path
    width: int
    """Pixels of an upright frame."""
    height: int
    fps: float
    seconds: float
