"""Meshes and point clouds in PLY files, text or binary, with polygons of any size."""

from pathlib import Path

import numpy as np
from PIL import Image

from assets.errors import InputError
from assets.files import atomic_write
from assets.formats.mesh_parts import MeshPart, joined
from assets.formats.ply_header import PlyElement, read_header
from assets.formats.ply_lists import read_faces
from assets.formats.ply_table import columns, read_rows
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

GREY = 0.7
"""sRGB of points whose file gives no colour."""

_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
_COLOUR_NAMES = (("red", "green", "blue"), ("r", "g", "b"))


def read_ply(path: Path) -> Mesh | PointCloud:
    """The mesh in the PLY file at `path`, or its points where it has no faces.

    Raises InputError with a sentence for anything that cannot be read.
    """
    path = Path(path)
    header = read_header(path)
    vertices: np.ndarray | None = None
    vertex_element = header.element("vertex")
    corners, of, singles = np.empty((0, 3), dtype=np.int64), np.empty(0, dtype=np.int64), {}
    face_element: PlyElement | None = None
    try:
        with path.open("rb") as file:
            file.seek(header.body_offset)
            for element in header.elements:
                if element.has_lists:
                    triangles = read_faces(file, header, element, path)
                    if element.name == "face":
                        face_element = element
                        corners, of, singles = triangles
                else:
                    rows = read_rows(file, header, element, path)
                    vertices = rows if element.name == "vertex" else vertices
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if (
        vertices is None
        or vertex_element is None
        or not {"x", "y", "z"} <= set(vertex_element.names)
    ):
        raise InputError(f"{path.name} has no vertices with x, y and z")
    positions = columns(vertices, ["x", "y", "z"])
    colours = _colours(vertices, vertex_element)
    if face_element is None or len(corners) == 0:
        return _points(positions, colours, path)
    image, uvs = _texture(vertices, vertex_element, header.comments, path)
    part = MeshPart(
        vertices=positions,
        faces=corners,
        normals=_normals(vertices, vertex_element),
        colours=colours,
        image=image,
        uvs=uvs,
    )
    face_colours = None if colours is not None else _face_colours(singles, face_element)
    if face_colours is not None:
        part = _coloured_by_face(part, face_colours[of])
    return joined([part], path, weld=True)


def write_pointcloud_ply(cloud: PointCloud, path: Path) -> None:
    """Write `cloud` as binary little-endian PLY with 8-bit colours, whole or not at all."""
    rows = np.empty(len(cloud), dtype=[("position", "<f4", 3), ("colour", "u1", 3)])
    rows["position"] = cloud.positions
    rows["colour"] = _to_bytes(cloud.colours)
    lines = [f"element vertex {len(rows)}"]
    lines += [f"property float {name}" for name in "xyz"]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    with atomic_write(path) as file:
        file.write(_header(lines))
        file.write(rows.tobytes())


def write_mesh_ply(mesh: Mesh, path: Path) -> None:
    """Write `mesh` as binary little-endian PLY with normals, whole or not at all.

    Colours are kept with 8 bits at the vertices. A texture is not: give a mesh whose
    colours already hold it.
    """
    vertices = np.empty(
        len(mesh.vertices), dtype=[("place", "<f4", 3), ("normal", "<f4", 3), ("colour", "u1", 3)]
    )
    vertices["place"], vertices["normal"] = mesh.vertices, mesh.normals
    vertices["colour"] = _to_bytes(mesh.colours)
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    lines = [f"element vertex {len(vertices)}"]
    lines += [f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    with atomic_write(path) as file:
        file.write(_header(lines))
        file.write(vertices.tobytes())
        file.write(faces.tobytes())


def _header(lines: list[str]) -> bytes:
    start = ["ply", "format binary_little_endian 1.0"]
    return ("\n".join([*start, *lines, "end_header"]) + "\n").encode("ascii")


def _points(positions: np.ndarray, colours: np.ndarray | None, path: Path) -> PointCloud:
    good = np.asarray(np.isfinite(positions).all(axis=1))
    if not good.any():
        raise InputError(f"{path.name} holds no points with finite positions")
    if colours is None:
        colours = np.full((len(positions), 3), GREY, dtype=np.float32)
    bad = len(good) - int(good.sum())
    notes = (f"{bad} points in {path.name} were left out: not finite",) if bad else ()
    return PointCloud(positions[good], colours[good], notes)


def _colours(table: np.ndarray, element: PlyElement) -> np.ndarray | None:
    """[n, 3] float32 sRGB in [0, 1]: whole numbers are of 255, real ones of 1."""
    names = next((n for n in _COLOUR_NAMES if set(n) <= set(element.names)), None)
    if names is None:
        return None
    kind = next(p.type for p in element.properties if p.name == names[0])
    return _scaled(columns(table, list(names)), kind)


def _face_colours(singles: dict[str, np.ndarray], element: PlyElement) -> np.ndarray | None:
    names = next((n for n in _COLOUR_NAMES if set(n) <= set(singles)), None)
    if names is None:
        return None
    kind = next(p.type for p in element.properties if p.name == names[0])
    return _scaled(np.stack([singles[n] for n in names], axis=1), kind)


def _scaled(colours: np.ndarray, kind: str) -> np.ndarray:
    if kind[0] != "f":
        bits = 8 * int(kind[1]) - (kind[0] == "i")
        colours = colours / (2.0 ** min(bits, 16) - 1 if bits > 8 else 255.0)
    return np.clip(np.nan_to_num(colours), 0.0, 1.0).astype(np.float32)


def _normals(table: np.ndarray, element: PlyElement) -> np.ndarray | None:
    names = ["nx", "ny", "nz"]
    if not set(names) <= set(element.names):
        return None
    normals = columns(table, names)
    return normals if np.any(normals) else None


def _texture(
    table: np.ndarray, element: PlyElement, comments: tuple[str, ...], path: Path
) -> tuple[Image.Image | None, np.ndarray | None]:
    """The image that a `TextureFile` comment names (as MeshLab writes it), with coordinates."""
    names = next((n for n in _UV_NAMES if set(n) <= set(element.names)), None)
    files = [line.split(maxsplit=1)[1] for line in comments if line.startswith("TextureFile ")]
    if names is None or not files:
        return None, None
    try:
        with Image.open(path.parent / files[0]) as image:
            return image.convert("RGB"), columns(table, list(names))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None, None


def _coloured_by_face(part: MeshPart, colours: np.ndarray) -> MeshPart:
    """The part with three vertices of its own for every face, so that each keeps its colour."""
    index = np.clip(part.faces.reshape(-1), 0, len(part.vertices) - 1)
    return MeshPart(
        vertices=part.vertices[index],
        faces=np.where(
            ((part.faces >= 0) & (part.faces < len(part.vertices))).all(axis=1, keepdims=True),
            np.arange(len(index)).reshape(-1, 3),
            -1,
        ),
        normals=None if part.normals is None else part.normals[index],
        colours=np.repeat(colours, 3, axis=0),
    )


def _to_bytes(colours: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(colours * 255), 0, 255).astype(np.uint8)
