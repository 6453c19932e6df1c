"""Meshes and point clouds in the formats that people have: .glb .gltf .obj .ply .stl."""

from pathlib import Path

from assets.errors import InputError
from assets.formats.mesh_ply import read_ply
from assets.formats.mesh_trimesh import read_gltf, read_obj, read_stl
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl")

_READERS = {
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".obj": read_obj,
    ".ply": read_ply,
    ".stl": read_stl,
}


def read_mesh(path: Path) -> Mesh | PointCloud:
    """The mesh at `path` in world coordinates, or its points where it has no triangles.

    Scenes are flattened; broken triangles are left out and counted in the notes. Raises
    InputError with a sentence for anything that cannot be read.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path.name} is not a mesh; expected one of {', '.join(MESH_SUFFIXES)}")
    return reader(path)
