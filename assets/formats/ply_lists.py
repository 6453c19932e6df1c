"""Rows of varying length in PLY files: the corners of faces."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from assets.errors import InputError
from assets.formats.ply_header import PlyElement, PlyHeader


def read_faces(
    file: BinaryIO, header: PlyHeader, element: PlyElement, path: Path
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Triangles of a PLY `element` with lists, from where `file` stands; leaves it after them.

    Returns corners [t, 3] int64 (a polygon becomes a fan), the row [t] that each triangle
    came from, and the single values of each row by name, [rows] float64. Elements that
    have lists but no corners (such as `vertex_indices`) give no triangles. Raises InputError
    when the body does not fit the header.
    """
    if element.count == 0:
        lists, singles = {}, {}
    elif header.format == "ascii":
        lists, singles = _text_rows(file, element, path)
    else:
        lists, singles = _binary_rows(file, header, element, path)
    corners = np.empty((0, 3), dtype=np.int64)
    rows = np.empty(0, dtype=np.int64)
    for length, (of_rows, polygons) in lists.items():
        if length < 3:
            continue
        first = np.broadcast_to(polygons[:, :1], (len(polygons), length - 2))
        fan = np.stack([first, polygons[:, 1:-1], polygons[:, 2:]], axis=2)
        corners = np.concatenate([corners, fan.reshape(-1, 3)])
        rows = np.concatenate([rows, np.repeat(of_rows, length - 2)])
    order = np.argsort(rows, kind="stable")
    return corners[order], rows[order], singles


_Lists = dict[int, tuple[np.ndarray, np.ndarray]]
"""Rows by their number of corners: (which rows [m], their corners [m, length])."""


def _corner_list(element: PlyElement) -> str | None:
    lists = [p.name for p in element.properties if p.count_type is not None]
    return next((name for name in lists if name in ("vertex_indices", "vertex_index")), None)


def _cut_off(element: PlyElement, path: Path) -> InputError:
    return InputError(f'{path.name} is cut off or broken within its "{element.name}" rows')


def _binary_rows(
    file: BinaryIO, header: PlyHeader, element: PlyElement, path: Path
) -> tuple[_Lists, dict[str, np.ndarray]]:
    start = file.tell()
    data = np.frombuffer(file.read(), dtype=np.uint8)
    order = ">" if header.format == "binary_big_endian" else "<"
    table = _even_rows(data, order, element)
    if table is not None:
        file.seek(start + table.nbytes)
        name = _corner_list(element)
        singles = _singles(table, element)
        if name is None:
            return {}, singles
        polygons = table[name].astype(np.int64).reshape(len(table), -1)
        return {polygons.shape[1]: (np.arange(len(table)), polygons)}, singles
    return _uneven_rows(file, start, data, order, element, path)


def _even_rows(data: np.ndarray, order: str, element: PlyElement) -> np.ndarray | None:
    """All rows as one table when every list is as long as in the first row, else None."""
    fields: list[tuple] = []
    offset = 0
    for p in element.properties:
        kind = np.dtype(order + p.type)
        if p.count_type is None:
            fields.append((p.name, kind))
            offset += kind.itemsize
            continue
        count_kind = np.dtype(order + p.count_type)
        if offset + count_kind.itemsize > len(data):
            return None
        length = int(data[offset : offset + count_kind.itemsize].view(count_kind)[0])
        if length < 0 or length * kind.itemsize > len(data):
            return None
        fields += [(f"# {p.name}", count_kind), (p.name, kind, (length,))]
        offset += count_kind.itemsize + length * kind.itemsize
    dtype = np.dtype(fields)
    if element.count * dtype.itemsize > len(data):
        return None
    table = data[: element.count * dtype.itemsize].view(dtype)
    for name in dtype.names or ():
        if name.startswith("# ") and (table[name] != table[name][0]).any():
            return None
    return table


def _singles(table: np.ndarray, element: PlyElement) -> dict[str, np.ndarray]:
    names = [p.name for p in element.properties if p.count_type is None]
    return {name: table[name].astype(np.float64) for name in names}


def _uneven_rows(
    file: BinaryIO, start: int, data: np.ndarray, order: str, element: PlyElement, path: Path
) -> tuple[_Lists, dict[str, np.ndarray]]:
    """Row by row, for faces that mix triangles with other polygons."""
    blob = data.tobytes()
    byte_order = "big" if order == ">" else "little"
    wanted = _corner_list(element)
    found: dict[int, tuple[list[int], list[int]]] = {}
    places: dict[str, list[int]] = {p.name: [] for p in element.properties if not p.count_type}
    kind = np.dtype("u1")
    offset = 0
    for row in range(element.count):
        for p in element.properties:
            length = 1
            if p.count_type is not None:
                end = offset + int(p.count_type[1])
                length = int.from_bytes(blob[offset:end], byte_order, signed=p.count_type[0] == "i")
                offset = end
                if p.name == wanted:
                    kind = np.dtype(order + p.type)
                    rows, starts = found.setdefault(length, ([], []))
                    rows.append(row)
                    starts.append(offset)
            else:
                places[p.name].append(offset)
            offset += length * int(p.type[1])
            if length < 0 or offset > len(blob):
                raise _cut_off(element, path)
    file.seek(start + offset)
    lists = {}
    for length, (rows, starts) in found.items():
        lists[length] = (np.array(rows), _gathered(data, starts, length, kind).astype(np.int64))
    singles = {}
    for p in element.properties:
        if p.count_type is None:
            one = _gathered(data, places[p.name], 1, np.dtype(order + p.type))
            singles[p.name] = one[:, 0].astype(np.float64)
    return lists, singles


def _gathered(data: np.ndarray, starts: list[int], length: int, kind: np.dtype) -> np.ndarray:
    """[len(starts), length] values of `kind` that begin at byte offsets `starts`."""
    index = np.array(starts, dtype=np.int64)[:, None] + np.arange(length * kind.itemsize)
    return np.ascontiguousarray(data[index]).view(kind)


def _text_rows(
    file: BinaryIO, element: PlyElement, path: Path
) -> tuple[_Lists, dict[str, np.ndarray]]:
    wanted = _corner_list(element)
    found: dict[int, tuple[list[int], list[list[int]]]] = {}
    values: dict[str, list[float]] = {p.name: [] for p in element.properties if not p.count_type}
    try:
        for row in range(element.count):
            words = next(file).split()
            for p in element.properties:
                if p.count_type is None:
                    values[p.name].append(float(words.pop(0)))
                    continue
                length = int(words.pop(0))
                if length < 0 or length > len(words):
                    raise _cut_off(element, path)
                if p.name == wanted:
                    rows, polygons = found.setdefault(length, ([], []))
                    rows.append(row)
                    polygons.append([int(word) for word in words[:length]])
                del words[:length]
    except (StopIteration, ValueError, IndexError) as error:
        raise _cut_off(element, path) from error
    # Corners beyond 64 bits are no corners; -1 marks them as broken.
    lists = {
        length: (np.array(rows), np.array(np.clip(polygons, -1, 2**62), dtype=np.int64))
        for length, (rows, polygons) in found.items()
    }
    return lists, {name: np.array(column) for name, column in values.items()}
