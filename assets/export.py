"""Taking a result away: written by its suffix, then read back before anyone relies on it."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from assets.errors import InputError
from assets.field import SavedField
from assets.formats.field_file import SUFFIX, read_field, write_field
from assets.formats.gaussian_ply import write_gaussian_ply
from assets.formats.mesh_ply import write_pointcloud_ply
from assets.formats.mesh_write import write_glb, write_obj, write_ply, write_stl
from assets.formats.meshes import read_mesh
from assets.formats.ply_header import read_header
from assets.formats.splat import ROW, write_splat
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

SPLAT_SUFFIXES = (".ply", ".splat")
FIELD_SUFFIXES = (SUFFIX,)
MESH_SUFFIXES = (".glb", ".obj", ".ply", ".stl")
POINT_SUFFIXES = (".ply",)

_Write = TypeVar("_Write", bound=Callable[..., None])


def export(asset: GaussianCloud | SavedField | Mesh | PointCloud, path: Path) -> None:
    """Write `asset` to `path` in the format of its suffix and check what arrived.

    An existing file is replaced only when the new one is complete. Raises InputError with a
    sentence for a suffix that does not fit the asset, an empty asset, a place that cannot be
    written to, and a file that does not read back with the same counts.
    """
    path = Path(path)
    match asset:
        case GaussianCloud():
            _export_gaussians(asset, path)
        case SavedField():
            write_to = _writer(path, {SUFFIX: write_field}, "a radiance field")
            write_to(asset, path)
            _check(len(read_field(path).arrays), len(asset.arrays), "arrays", path)
        case PointCloud():
            write_points = _writer(path, {".ply": write_pointcloud_ply}, "a point cloud")
            _refuse_empty(len(asset), "points")
            write_points(asset, path)
            _check(_vertex_count(path), len(asset), "points", path)
        case Mesh():
            writers = {".glb": write_glb, ".obj": write_obj, ".ply": write_ply, ".stl": write_stl}
            write = _writer(path, writers, "a mesh")
            _refuse_empty(len(asset.faces), "triangles")
            write(asset, path)
            back = read_mesh(path)
            found = len(back.faces) if isinstance(back, Mesh) else 0
            _check(found, len(asset.faces), "triangles", path)


def _export_gaussians(cloud: GaussianCloud, path: Path) -> None:
    if path.name.lower().endswith(".compressed.ply"):
        raise InputError(
            "Compressed .ply files are read but not written; save as .ply or .splat instead"
        )
    writers = {".ply": write_gaussian_ply, ".splat": write_splat}
    write = _writer(path, writers, "a cloud of Gaussians")
    _refuse_empty(len(cloud), "Gaussians")
    write(cloud, path)
    if path.suffix.lower() == ".ply":
        found = _vertex_count(path)
    else:
        found = path.stat().st_size // ROW.itemsize
    _check(found, len(cloud), "Gaussians", path)


def _writer(path: Path, writers: dict[str, _Write], what: str) -> _Write:
    writer = writers.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(writers)
        given = f'"{path.suffix}"' if path.suffix else "a name without a suffix"
        raise InputError(f"{what.capitalize()} cannot be saved as {given}; use one of {known}")
    return writer


def _refuse_empty(count: int, what: str) -> None:
    if count == 0:
        raise InputError(f"There are no {what} to save yet")


def _vertex_count(path: Path) -> int:
    vertex = read_header(path).element("vertex")
    return vertex.count if vertex else 0


def _check(found: int, expected: int, what: str, path: Path) -> None:
    if found != expected:
        raise InputError(
            f"{path.name} does not read back as it was written: {found} of {expected} {what}; "
            "save it again somewhere else"
        )
