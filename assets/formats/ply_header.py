"""The text at the start of every PLY file, checked before anything is allocated for its body.

Layout: G. Turk, "The PLY Polygon File Format" (1994).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from assets.errors import InputError

MAX_HEADER_BYTES = 256 * 1024
"""Far more than any real header; stops a search for `end_header` in a huge wrong file."""

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")

PlyFormat = Literal["ascii", "binary_little_endian", "binary_big_endian"]
PlyKind = Literal["gaussians", "compressed gaussians", "points", "mesh"]


@dataclass(frozen=True)
class PlyProperty:
    """One named value (or list of values) of every row of an element."""

    name: str
    type: str
    """numpy type code without byte order, such as "f4"."""
    count_type: str | None = None
    """Type of the length that precedes a list, or None for a single value."""


@dataclass(frozen=True)
class PlyElement:
    """A table in the body."""

    name: str
    count: int
    properties: tuple[PlyProperty, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Property names in file order."""
        return tuple(p.name for p in self.properties)

    @property
    def has_lists(self) -> bool:
        """Whether rows differ in length."""
        return any(p.count_type is not None for p in self.properties)

    def least_row_bytes(self, file_format: PlyFormat) -> int:
        """Bytes that a row takes at the least; exactly that many in binary without lists."""
        if file_format == "ascii":
            return 2 * len(self.properties)
        return sum(int((p.count_type or p.type)[1]) for p in self.properties)

    def dtype(self, file_format: PlyFormat) -> np.dtype:
        """Structured numpy type of one binary row; only without lists."""
        order = ">" if file_format == "binary_big_endian" else "<"
        return np.dtype([(p.name, order + p.type) for p in self.properties])


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY file says that it holds."""

    format: PlyFormat
    elements: tuple[PlyElement, ...]
    body_offset: int
    """Bytes from the start of the file to the first row."""
    comments: tuple[str, ...] = ()

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the vertices' properties in file order; empty without vertices."""
        vertex = self.element("vertex")
        return vertex.names if vertex else ()

    @property
    def kind(self) -> PlyKind:
        """What the file is, judged by its property names alone."""
        names = set(self.properties)
        if "packed_position" in names:
            return "compressed gaussians"
        if "f_dc_0" in names or {"scale_0", "rot_0"} <= names:
            return "gaussians"
        face = self.element("face")
        return "mesh" if face is not None and face.count > 0 else "points"

    def element(self, name: str) -> PlyElement | None:
        """The element called `name`, or None."""
        return next((e for e in self.elements if e.name == name), None)


def read_header(path: Path) -> PlyHeader:
    """Read and check the header of the PLY file at `path`.

    Raises InputError with a sentence when the file cannot be opened, is not a PLY file, its
    header is broken, or the file is too short for the rows that it declares.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(MAX_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    lines, body_offset = _header_lines(start, path)
    header = _parse(lines, body_offset, path)
    _check_size(header, size, path)
    return header


def _header_lines(start: bytes, path: Path) -> tuple[list[list[str]], int]:
    if not start:
        raise InputError(f"{path.name} is empty; expected a PLY file")
    if not start.startswith((b"ply\n", b"ply\r")):
        raise InputError(
            f'{path.name} is not a PLY file: it does not begin with "ply"; '
            "check what the file really is"
        )
    end = start.find(b"end_header")
    if end < 0:
        raise InputError(f'The header of {path.name} has no "end_header"; the file is cut off')
    after = start[end + 10 : end + 12]
    newline = 2 if after == b"\r\n" else 1
    text = start[:end].decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    return [line.split() for line in text.split("\n")[1:] if line.strip()], end + 10 + newline


def _parse(lines: Sequence[list[str]], body_offset: int, path: Path) -> PlyHeader:
    file_format: PlyFormat | None = None
    tables: list[tuple[str, int, list[PlyProperty]]] = []
    comments: list[str] = []
    for words in lines:
        match words:
            case ["comment" | "obj_info", *rest]:
                comments.append(" ".join(rest))
            case ["format", ("ascii" | "binary_little_endian" | "binary_big_endian") as name, _]:
                file_format = name
            case ["element", name, count] if (
                count.isascii() and count.isdigit() and len(count) <= 20
            ):
                tables.append((name, int(count), []))
            case ["property", "list", count_type, kind, name] if (
                tables and kind in _TYPES and _TYPES.get(count_type, "f")[0] != "f"
            ):
                tables[-1][2].append(PlyProperty(name, _TYPES[kind], _TYPES[count_type]))
            case ["property", kind, name] if tables and kind in _TYPES:
                tables[-1][2].append(PlyProperty(name, _TYPES[kind]))
            case _:
                line = " ".join(words)[:80]
                raise InputError(f'The header of {path.name} has a line "{line}" that is not PLY')
    if file_format is None:
        known = ", ".join(_FORMATS)
        raise InputError(f"The header of {path.name} names no format; expected one of {known}")
    elements = tuple(PlyElement(name, count, tuple(rows)) for name, count, rows in tables)
    if len({element.name for element in elements}) < len(elements):
        raise InputError(f"The header of {path.name} lists an element twice")
    for element in elements:
        if len(set(element.names)) < len(element.names):
            raise InputError(
                f'The header of {path.name} lists a property of "{element.name}" twice'
            )
        if element.count and not element.properties:
            raise InputError(
                f'The header of {path.name} lists {element.count} rows of "{element.name}" '
                "without any property"
            )
    return PlyHeader(file_format, elements, body_offset, tuple(comments))


def _check_size(header: PlyHeader, size: int, path: Path) -> None:
    """Python integers do not overflow, so a huge count is simply more than the file has."""
    needed = sum(e.count * e.least_row_bytes(header.format) for e in header.elements)
    # The last line of a text body may lack its newline.
    slack = 1 if header.format == "ascii" else 0
    if needed > max(size - header.body_offset, 0) + slack:
        counts = ", ".join(f"{e.count} of {e.name}" for e in header.elements)
        raise InputError(
            f"{path.name} is cut off or its header is wrong: it declares {counts} and so needs "
            f"{needed} bytes after the header, but has {max(size - header.body_offset, 0)}"
        )
