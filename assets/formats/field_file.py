"""Radiance fields in .safetensors files, with what they mean in the file's own metadata."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from assets.errors import InputError
from assets.field import SavedField
from assets.files import atomic_write

SUFFIX = ".safetensors"
KEY = "zograscope"
KIND = "radiance field"
VERSION = 1
_LONGEST_HEADER = 100_000_000
"""Bytes; no reader of the format takes more."""


def kind_in(path: Path) -> str:
    """What the card of a .safetensors file says that it holds, from its first bytes alone.

    Empty where there is no card; whoever reads the file says what is wrong with it.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size) if size <= _LONGEST_HEADER else b""
    try:
        card = json.loads(json.loads(header)["__metadata__"][KEY])
        return str(card["kind"])
    except (ValueError, KeyError, TypeError):
        return ""


def write_field(field: SavedField, path: Path) -> None:
    """Write `field` to `path`, whole or not at all; InputError when it cannot be written."""
    card = {"kind": KIND, "version": VERSION, "name": field.name, "about": field.about}
    content = save(field.arrays, metadata={KEY: json.dumps(card)})
    with atomic_write(path) as file:
        file.write(content)


def read_field(path: Path) -> SavedField:
    """The field in `path`.

    Raises InputError with a sentence for files of another kind, of a newer version, and for
    those that are cut off or broken.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            card = json.loads(metadata.get(KEY, "null"))
            names = list(file.keys())
            arrays = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read as a .safetensors file ({error}); it may be cut off, so "
            "copy or export it again"
        ) from error
    if not isinstance(card, dict) or card.get("kind") != KIND:
        raise InputError(
            f"{path.name} holds no radiance field of this program; expected a file written by "
            "Export or by main.py train nerf"
        )
    if card.get("version") != VERSION:
        raise InputError(
            f"{path.name} is of version {card.get('version')}; this program reads version "
            f"{VERSION}, so update it or export the field again"
        )
    return SavedField(name=str(card["name"]), about=card["about"], arrays=arrays)
