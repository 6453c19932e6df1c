"""The rows of PLY elements as numpy tables, whatever the byte order, text or binary."""

from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from assets.errors import InputError
from assets.formats.ply_header import PlyElement, PlyHeader


def read_tables(path: Path, header: PlyHeader, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The elements called `names` as structured arrays, one field a property.

    Elements that the file lacks are absent. Binary values keep the file's type and byte
    order; text becomes float64. `header` is that of `read_header`, which has checked that
    the file is long enough. Raises InputError for rows of varying length in or before a
    wanted element, and for a body that does not fit the header.
    """
    tables: dict[str, np.ndarray] = {}
    wanted = [e.name for e in header.elements if e.name in names]
    try:
        with path.open("rb") as file:
            file.seek(header.body_offset)
            for element in header.elements:
                if len(tables) == len(wanted):
                    break
                if element.has_lists:
                    raise InputError(
                        f'{path.name} has lists in its element "{element.name}", which a splat '
                        "file does not; open it as a mesh"
                    )
                rows = read_rows(file, header, element, path)
                if element.name in names:
                    tables[element.name] = rows
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return tables


def columns(table: np.ndarray, names: list[str]) -> np.ndarray:
    """[n, len(names)] float32 copy of the fields `names` of a structured `table`."""
    fields = list(table.dtype.names or ())
    kinds = {table.dtype[name] for name in fields}
    index = [fields.index(name) for name in names]
    with np.errstate(over="ignore", invalid="ignore"):
        if len(kinds) == 1 and index == list(range(index[0], index[0] + len(index))):
            # Neighbours of one type are a plain block, several times faster to copy.
            matrix = table.view(kinds.pop()).reshape(len(table), -1)
            return matrix[:, index[0] : index[-1] + 1].astype(np.float32)
        out = np.empty((len(table), len(names)), dtype=np.float32)
        for i, name in enumerate(names):
            out[:, i] = table[name]
    return out


def read_rows(file: BinaryIO, header: PlyHeader, element: PlyElement, path: Path) -> np.ndarray:
    """The rows of one `element` without lists, from where `file` stands; leaves it after them."""
    if header.format != "ascii":
        rows = np.fromfile(file, dtype=element.dtype(header.format), count=element.count)
        if len(rows) < element.count:
            raise InputError(
                f"{path.name} is cut off: {len(rows)} of {element.count} rows of "
                f'"{element.name}" are there'
            )
        return rows
    dtype = np.dtype([(name, "f8") for name in element.names])
    if element.count == 0:
        return np.empty(0, dtype=dtype)
    first = next(file, b"")
    if not first.strip():
        raise InputError(f'{path.name} is cut off: it has no rows of "{element.name}"')
    lines = chain([first], islice(file, element.count - 1))
    try:
        matrix = np.loadtxt(lines, dtype=np.float64, comments=None, ndmin=2)
    except ValueError as error:
        raise InputError(f'Rows of "{element.name}" in {path.name} are broken: {error}') from error
    if matrix.shape != (element.count, len(element.names)):
        raise InputError(
            f'{path.name} should have {element.count} rows of "{element.name}" with '
            f"{len(element.names)} values each, but has {matrix.shape[0]} with {matrix.shape[1]}"
        )
    return np.ascontiguousarray(matrix).view(dtype).reshape(-1)
