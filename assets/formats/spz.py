"""Niantic's packed `.spz`, which is recognised only to say what to bring instead."""

from pathlib import Path
from typing import NoReturn

from assets.errors import InputError


def refuse_spz(path: Path) -> NoReturn:
    """Raise the InputError that names the splat formats that are read."""
    raise InputError(
        f"{Path(path).name} is an .spz file, which is not read; convert it to .ply, "
        ".compressed.ply or .splat first"
    )
