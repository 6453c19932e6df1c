"""Meshes in glTF, OBJ and STL files, parsed by trimesh and flattened into one.

The loaders of `trimesh.exchange` are called below the `Trimesh` class: they say whether the
file had normals, and keep colours at full depth.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assets.colour import linear_to_srgb
from assets.errors import InputError
from assets.formats.mesh_parts import MeshPart, joined
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

_COMPRESSED = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_mesh_quantization": "quantised",
}


def read_gltf(path: Path) -> Mesh:
    """The default scene of the `.glb` or `.gltf` at `path` as one mesh in world coordinates.

    Raises InputError with a sentence for anything that cannot be read.
    """
    from trimesh.exchange.gltf import load_glb, load_gltf
    from trimesh.resolvers import FilePathResolver

    data = _bytes_of(path)
    is_binary = data.startswith(b"glTF")
    _check_gltf(data, is_binary, path)
    loader = load_glb if is_binary else load_gltf
    resolver = FilePathResolver(str(path), allow_anywhere=True)
    try:
        scene = loader(io.BytesIO(data), resolver=resolver)
        parts = _placed(scene)
    except Exception as error:  # broken files make trimesh raise nearly anything
        raise _broken(path, "glTF", error) from error
    return joined(parts, path)


def read_obj(path: Path) -> Mesh | PointCloud:
    """The triangles in the `.obj` at `path`, with the textures that its materials name.

    Raises InputError with a sentence for anything that cannot be read.
    """
    from trimesh.exchange.obj import load_obj
    from trimesh.resolvers import FilePathResolver

    data = _bytes_of(path)
    resolver = FilePathResolver(str(path), allow_anywhere=True)
    try:
        loaded = load_obj(io.BytesIO(data), resolver=resolver)
        if "vertices" in loaded:
            return _points_of(loaded, path)
        parts = [_part(kwargs, linear=False) for kwargs in loaded["geometry"].values()]
    except InputError:
        raise
    except Exception as error:  # as above
        raise _broken(path, "OBJ", error) from error
    return joined(parts, path, weld=True)


def read_stl(path: Path) -> Mesh:
    """The triangles in the `.stl` at `path`, binary or text, drawn faceted.

    Raises InputError with a sentence for anything that cannot be read.
    """
    from trimesh.exchange.stl import load_stl

    data = _bytes_of(path)
    try:
        loaded = load_stl(io.BytesIO(data))
        geometry = loaded.get("geometry", {"only": loaded})
        parts = [
            MeshPart(
                vertices=np.asarray(kwargs["vertices"], dtype=np.float32).reshape(-1, 3),
                faces=np.asarray(kwargs["faces"], dtype=np.int64).reshape(-1, 3),
            )
            for kwargs in geometry.values()
        ]
    except Exception as error:  # as above
        raise _broken(path, "STL", error) from error
    return joined(parts, path, flat=True)


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if not data:
        raise InputError(f"{path.name} is empty; expected a mesh")
    return data


def _broken(path: Path, kind: str, error: Exception) -> InputError:
    detail = str(error).strip().splitlines()
    reason = f" ({detail[0][:120]})" if detail else ""
    return InputError(f"{path.name} is cut off or no {kind} file{reason}")


def _check_gltf(data: bytes, is_binary: bool, path: Path) -> None:
    """Refuse what would come out wrong, and counts that the file cannot have."""
    try:
        if is_binary:
            length = int.from_bytes(data[12:16], "little")
            header = json.loads(data[20 : 20 + length])
        else:
            header = json.loads(data)
        needed = set(header.get("extensionsRequired", []))
        counts = [
            int(accessor["count"])
            for accessor in header.get("accessors", [])
            if "bufferView" not in accessor
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(path, "glTF", error) from error
    for extension, word in _COMPRESSED.items():
        if extension in needed:
            raise InputError(
                f"{path.name} is compressed ({word}), which is not read; save it without "
                "compression"
            )
    if sum(counts) > 16 * len(data):
        raise InputError(f"{path.name} declares more values than it can hold; the file is broken")


def _placed(scene: dict[str, Any]) -> list[MeshPart]:
    """Every geometry at every place where the scene's graph has it."""
    parents = {edge["frame_to"]: edge for edge in scene["graph"]}
    order = {name: i for i, name in enumerate(scene["geometry"])}
    drawn = [edge for edge in scene["graph"] if edge.get("geometry") in order]
    parts = []
    for edge in sorted(drawn, key=lambda edge: order[edge["geometry"]]):
        kwargs = scene["geometry"][edge["geometry"]]
        if "faces" not in kwargs:
            continue
        matrix, above, seen = np.eye(4), edge, set()
        while above is not None and above["frame_to"] not in seen:
            seen.add(above["frame_to"])
            matrix = np.asarray(above.get("matrix", np.eye(4)), dtype=np.float64) @ matrix
            above = parents.get(above["frame_from"])
        parts.append(_moved(_part(kwargs, linear=True), matrix))
    return parts


def _moved(part: MeshPart, matrix: np.ndarray) -> MeshPart:
    """The part under an affine `matrix` [4, 4]; a mirrored one keeps its outside."""
    with np.errstate(over="ignore", invalid="ignore"):
        vertices = part.vertices @ matrix[:3, :3].T + matrix[:3, 3]
        # The cofactor matrix turns normals rightly, even where a scale is zero.
        rows = matrix[:3, :3]
        cofactor = np.stack([np.cross(rows[(i + 1) % 3], rows[(i + 2) % 3]) for i in range(3)])
        mirrored = np.linalg.det(rows) < 0
        normals = part.normals
        if normals is not None:
            normals = normals @ cofactor.T * (-1.0 if mirrored else 1.0)
        return MeshPart(
            vertices=vertices.astype(np.float32),
            faces=part.faces[:, ::-1] if mirrored else part.faces,
            normals=normals,
            colours=part.colours,
            image=part.image,
            uvs=part.uvs,
        )


def _part(kwargs: dict[str, Any], *, linear: bool) -> MeshPart:
    """One geometry of trimesh's loaders; `linear` where the file's colours are (glTF)."""
    vertices = np.asarray(kwargs["vertices"], dtype=np.float32).reshape(-1, 3)
    visual = kwargs.get("visual")
    material = getattr(visual, "material", None)
    colours = kwargs.get("vertex_colors")
    if colours is None and visual is not None:
        colours = getattr(visual, "vertex_attributes", {}).get("color")
    if colours is not None:
        colours = _fractions(np.asarray(colours))[:, :3]
        if len(colours) != len(vertices):
            colours = None
    uvs = getattr(visual, "uv", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    if uvs is None or len(uvs) != len(vertices):
        image, uvs = None, None
    if isinstance(image, Image.Image):
        image.load()  # here, where a broken image still becomes a sentence
    factor = getattr(material, "baseColorFactor", None)
    if factor is None and image is None:
        # An OBJ's Kd beside a texture is often 0 or 0.8 by default; only alone is it a colour.
        factor = getattr(material, "diffuse", None) if not linear else None
    tint = None if factor is None else _fractions(np.asarray(factor))[:3]
    if tint is not None and not np.all(tint == 1.0):
        colours = np.broadcast_to(tint, vertices.shape) * (1.0 if colours is None else colours)
    if colours is not None and linear:
        colours = linear_to_srgb(colours)
    normals = kwargs.get("vertex_normals")
    return MeshPart(
        vertices=vertices,
        faces=_triangles(np.asarray(kwargs["faces"])),
        normals=None if normals is None else np.asarray(normals),
        colours=colours,
        image=image if isinstance(image, Image.Image) else None,
        uvs=None if uvs is None else np.asarray(uvs, dtype=np.float32)[:, :2],
    )


def _triangles(faces: np.ndarray) -> np.ndarray:
    """[t, 3] int64 fans of polygons [f, corners]."""
    faces = faces.astype(np.int64)
    fan = [faces[:, [0, i, i + 1]] for i in range(1, faces.shape[1] - 1)]
    return np.stack(fan, axis=1).reshape(-1, 3)


def _points_of(loaded: dict[str, Any], path: Path) -> PointCloud:
    positions = np.asarray(loaded["vertices"], dtype=np.float32).reshape(-1, 3)
    good = np.isfinite(positions).all(axis=1)
    if not good.any():
        raise InputError(f"{path.name} holds no points with finite positions")
    colours = loaded.get("vertex_colors")
    if colours is None:
        colours = np.full(positions.shape, 0.7)
    colours = np.clip(_fractions(np.asarray(colours))[:, :3], 0.0, 1.0)
    return PointCloud(positions[good], colours[good].astype(np.float32))


def _fractions(colours: np.ndarray) -> np.ndarray:
    """Colours as real numbers of 1, whatever whole-number type they were stored with."""
    if colours.dtype.kind in "iu":
        return colours / float(np.iinfo(colours.dtype).max)
    return np.nan_to_num(colours.astype(np.float64))
