"""What somebody dropped: decided from names and the first bytes of files, quickly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

from assets.decode import PHOTO_SUFFIXES
from assets.errors import InputError
from assets.formats import bundler, colmap, field_file, transforms
from assets.formats.colmap_model import model_suffix
from assets.formats.meshes import MESH_SUFFIXES
from assets.formats.photo_folder import PHOTO_FOLDERS
from assets.formats.ply_header import read_header
from assets.video import VIDEO_SUFFIXES

_GEOMETRY = frozenset({*MESH_SUFFIXES, ".splat", ".spz", field_file.SUFFIX})
_COLMAP_FILE = re.compile(r"(cameras|images|points3D|rigs|frames)\.(bin|txt)", re.IGNORECASE)
_SPLIT_FILE = "transforms_{}.json"
_LOOKED_AT = 10_000
"""Entries of a folder that are looked at before it is judged."""
_TEXTS_READ, _TEXT_BYTES = 8, 400
"""Of texts beside photos, how many are read to tell captions from figures, and how much."""


class Kind(StrEnum):
    """What can be brought in; the values are words for people."""

    POSED_PHOTOS = "posed photos"
    GAUSSIANS = "Gaussians"
    FIELD = "radiance field"
    MODEL = "diffusion model"
    MESH = "mesh"
    POINTS = "point cloud"
    CHECKPOINT = "checkpoint"
    PHOTOS = "photos without poses"
    VIDEO = "video"
    CLASSES = "photos by class"
    CAPTIONED = "photos with captions"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Found:
    """What a path is."""

    kind: Kind
    path: Path
    """What to read: the file, the data set's folder or the checkpoint's folder."""
    title: str
    """Short name for people."""
    format: str = ""
    """Such as "COLMAP" or "PLY"; empty where there is none to speak of."""
    problem: str = ""
    """Why it cannot be opened, as a sentence with what to do; empty where it can."""


def identify(path: Path) -> Found:
    """What `path` is. Never raises for what is found there: see `Found.problem`."""
    path = Path(path)
    try:
        if path.is_dir():
            return _folder(path)
        if path.exists():
            return _file(path)
        return _unknown(path, f"{path} does not exist; check the name")
    except InputError as error:
        return _unknown(path, str(error))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return _unknown(path, f"{path} cannot be opened ({reason}); check its permissions")


def _unknown(path: Path, problem: str) -> Found:
    return Found(Kind.UNKNOWN, path, path.name or str(path), problem=problem)


def _file(path: Path) -> Found:
    suffix, title, folder = path.suffix.lower(), path.name, path.parent
    in_folder = folder.resolve().name
    if path.name == "checkpoint.json":
        return Found(Kind.CHECKPOINT, folder, in_folder)
    if suffix == ".ply":
        return _ply(path)
    if suffix in (".splat", ".spz"):
        return Found(Kind.GAUSSIANS, path, title, suffix[1:])
    if suffix == field_file.SUFFIX:
        is_model = field_file.kind_in(path) == Kind.MODEL
        return Found(Kind.MODEL if is_model else Kind.FIELD, path, title, "safetensors")
    if suffix in MESH_SUFFIXES:
        return Found(Kind.MESH, path, title, suffix[1:].upper())
    if suffix == ".json":
        return Found(Kind.POSED_PHOTOS, path, in_folder, "transforms.json")
    if _COLMAP_FILE.fullmatch(path.name) and model_suffix(folder):
        return Found(Kind.POSED_PHOTOS, folder, colmap.root_of(folder).name, "COLMAP")
    if suffix == ".out" or _is_bundle(path):
        return Found(Kind.POSED_PHOTOS, path, in_folder, "Bundler")
    if suffix in PHOTO_SUFFIXES:
        problem = f"{path} is a single photo; drop the folder with all photos of the scene"
        return Found(Kind.PHOTOS, path, title, problem=problem)
    if suffix in VIDEO_SUFFIXES:
        return Found(Kind.VIDEO, path, title, suffix[1:].upper())
    return _unknown(
        path,
        f"{path} is of no kind that is read; expected a folder of photos, a video, a .ply, "
        ".splat, .safetensors, .glb, .obj or .stl file",
    )


def _ply(path: Path) -> Found:
    kind = read_header(path).kind
    if kind == "compressed gaussians":
        return Found(Kind.GAUSSIANS, path, path.name, "compressed PLY")
    kinds = {"gaussians": Kind.GAUSSIANS, "mesh": Kind.MESH, "points": Kind.POINTS}
    return Found(kinds[kind], path, path.name, "PLY")


def _is_bundle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(bundler.HEADER)) == bundler.HEADER.encode()


def _folder(folder: Path, *, depth: int = 2) -> Found:
    known = _data_set(folder)
    if known is not None:
        return known
    entries = sorted(
        path for path in islice(folder.iterdir(), _LOOKED_AT) if not path.name.startswith(".")
    )
    if not entries:
        return _unknown(folder, f"{folder} is empty; drop a folder with photos of a scene")
    photos = [p for p in entries if p.suffix.lower() in PHOTO_SUFFIXES]
    geometry = [p for p in entries if p.suffix.lower() in _GEOMETRY and p.is_file()]
    if geometry and len(geometry) >= len(photos):
        if len(geometry) == 1:
            return _file(geometry[0])
        return _unknown(folder, _several(folder, "files to look at", [p.name for p in geometry]))
    if photos:
        found = _without_poses(folder)
        captioned = not found.problem and _have_captions(photos)
        return replace(found, kind=Kind.CAPTIONED) if captioned else found
    nested = _nested(folder, [p for p in entries if p.is_dir()], depth)
    videos = [p for p in entries if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file()]
    if nested.kind is Kind.UNKNOWN and videos:
        if len(videos) == 1:
            return _file(videos[0])
        return _unknown(folder, _several(folder, "videos", [p.name for p in videos]))
    return nested


def _data_set(folder: Path) -> Found | None:
    """A run's checkpoint or posed photos in `folder`; the nearest COLMAP model goes first."""
    title = folder.resolve().name
    if (folder / "checkpoint.json").is_file():
        return Found(Kind.CHECKPOINT, folder, title)
    models = colmap.find_models(folder)
    has_transforms = [folder / n for n in transforms.FILE_NAMES if (folder / n).is_file()]
    if models and not (has_transforms and "colmap" in models[0].relative_to(folder).parts):
        return Found(Kind.POSED_PHOTOS, folder, colmap.root_of(models[0]).name, "COLMAP")
    if has_transforms:
        return Found(Kind.POSED_PHOTOS, has_transforms[0], title, "transforms.json")
    for place in ("bundle.out", "bundle/bundle.out"):
        if (folder / place).is_file():
            return Found(Kind.POSED_PHOTOS, folder / place, title, "Bundler")
    trained = list(folder.glob("point_cloud/iteration_*/point_cloud.ply"))
    if trained:
        return _ply(max(trained, key=lambda p: (len(p.parent.name), p.parent.name)))
    return None


def _nested(folder: Path, inside: list[Path], depth: int) -> Found:
    """What a folder of folders is."""
    if depth > 0:
        known = [found for found in map(_data_set, inside) if found is not None]
        if len(known) == 1:
            return known[0]
        if known:
            return _unknown(folder, _several(folder, "data sets", [f.title for f in known]))
        if len(inside) == 1:
            return _folder(inside[0], depth=depth - 1)
    with_photos = [child for child in inside if next(_photos_in(child), None) is not None]
    if any(child.name.lower() in PHOTO_FOLDERS for child in with_photos):
        return _without_poses(folder)
    if len(with_photos) >= 2:
        problem = (
            f"{folder} has photos in {len(with_photos)} folders by class, from which diffusion "
            "learns; for a scene drop a folder with photos of one scene instead"
        )
        return Found(Kind.CLASSES, folder, folder.resolve().name, problem=problem)
    return _unknown(
        folder, f"{folder} has nothing that is read; expected photos of a scene or a video"
    )


def _without_poses(folder: Path) -> Found:
    """Plain photos, unless they are a part of something that is better opened whole."""
    problem = ""
    above = _data_set(folder.resolve().parent)
    if above is not None and above.kind is Kind.POSED_PHOTOS:
        problem = f"{folder} is a part of a posed data set; drop {folder.resolve().parent} instead"
    return Found(Kind.PHOTOS, folder, folder.resolve().name, problem=problem)


def _have_captions(photos: list[Path]) -> bool:
    """Most photos have a text of the same name beside them, and it is words.

    Labels of detectors and matrices of cameras lie beside photos in the same way, as figures.
    """
    texts = [text for photo in photos if (text := photo.with_suffix(".txt")).is_file()]
    if 2 * len(texts) < len(photos):
        return False
    some = texts[:: max(1, len(texts) // _TEXTS_READ)][:_TEXTS_READ]
    return 2 * sum(map(_is_words, some)) >= len(some)


def _is_words(path: Path) -> bool:
    """The text can be read and has more letters than digits."""
    try:
        with path.open("rb") as file:
            begin = file.read(_TEXT_BYTES).decode("utf-8", errors="ignore")
    except OSError:
        return False
    letters, digits = sum(map(str.isalpha, begin)), sum(map(str.isdigit, begin))
    return letters > digits


def _photos_in(folder: Path) -> Iterator[Path]:
    entries = islice(folder.iterdir(), _LOOKED_AT)
    return (entry for entry in entries if entry.suffix.lower() in PHOTO_SUFFIXES)


def _several(folder: Path, what: str, names: list[str]) -> str:
    some = ", ".join(names[:4]) + (" and more" if len(names) > 4 else "")
    return f"{folder} has {len(names)} {what} ({some}); drop one of them"
