"""What is in a folder of images, before any of them is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.decode import PHOTO_SUFFIXES
from assets.errors import InputError
from engines.diffusion.data.pictures import Said


@dataclass(frozen=True)
class Listed:
    """One image file and what is said of it."""

    path: Path
    name: str
    """As seen from the folder."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The image files of a folder, with classes from its subfolders or captions beside them."""

    folder: Path
    files: tuple[Listed, ...]
    said: Said
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def megabytes(self, size: int) -> float:
        """What the images will need in memory at `size` x `size`, in units of 10**6 bytes."""
        return len(self.files) * 3 * size * size / 1e6


def list_images(folder: Path) -> Listing:
    """The images in `folder` and its subfolders.

    A text file with the name of an image is its caption. Where no image has one, subfolders
    that hold images are classes, if there are at least two. Raises InputError with a sentence
    where there is no image or the folder cannot be read.
    """
    try:
        paths = sorted(_walk(folder))
        within = sorted(path.name for path in folder.iterdir() if _is_folder(path))
    except OSError as error:
        raise InputError(
            f"{folder} cannot be read: {error.strerror or error}; name a folder of images"
        ) from error
    if not paths:
        raise InputError(
            f"{folder} has no images; drop a folder with images, or with one folder of images "
            "for each class"
        )
    names = [path.relative_to(folder).as_posix() for path in paths]
    inside = [name.partition("/")[0] if "/" in name else "" for name in names]
    classes = tuple(sorted(set(inside) - {""}))
    notes: list[str] = []
    if len(paths) == 1:
        notes.append("There is only one image, so the model can only learn it by heart")
    texts = [_caption(path, name, notes) for path, name in zip(paths, names, strict=True)]
    if any(texts):
        said: Said = "captions"
        if missing := texts.count(""):
            notes.append(
                f"{missing} of {len(paths)} images have no caption and are learnt without words"
            )
        classes = ()
    elif len(classes) > 1:
        said, texts = "classes", inside
        notes += _class_notes(inside, [name for name in within if name not in classes])
    else:
        said, classes = "nothing", ()
    files = (Listed(*row) for row in zip(paths, names, texts, strict=True))
    return Listing(
        folder=folder, files=tuple(files), said=said, classes=classes, notes=tuple(notes)
    )


def _walk(folder: Path) -> Iterator[Path]:
    """Image files below `folder`; hidden ones and links to folders are passed over."""
    for path in folder.iterdir():
        if _is_folder(path):
            yield from _walk(path)
        elif path.suffix.lower() in PHOTO_SUFFIXES and path.name[0] != "." and path.is_file():
            yield path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".")


def _caption(path: Path, name: str, notes: list[str]) -> str:
    """The text beside the image as one line; empty where there is none."""
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return ""
    try:
        return " ".join(beside.read_text(encoding="utf-8-sig").split())
    except UnicodeDecodeError:
        notes.append(f"The caption of {name} is no UTF-8 text and is left out")
    except OSError as error:
        notes.append(f"The caption of {name} cannot be read: {error.strerror or error}")
    return ""


def _class_notes(inside: list[str], empty: list[str]) -> Iterator[str]:
    if empty:
        what = "Class" if len(empty) == 1 else "Classes"
        verb = "has" if len(empty) == 1 else "have"
        yield f"{what} {', '.join(empty)} {verb} no images and cannot be learnt"
    if outside := inside.count(""):
        yield (
            f"{outside} of {len(inside)} images lie beside the folders of the classes and are "
            "learnt without a class"
        )
