"""The one door through which everything is brought in: a path goes in, an asset comes out."""

from pathlib import Path

from assets.errors import InputError
from assets.field import SavedField
from assets.formats.bundler import read_bundler
from assets.formats.colmap import read_colmap
from assets.formats.compressed_ply import read_compressed_ply
from assets.formats.field_file import read_field
from assets.formats.gaussian_ply import read_gaussian_ply
from assets.formats.meshes import read_mesh
from assets.formats.photo_folder import photos_from_files, read_photo_folder
from assets.formats.splat import read_splat
from assets.formats.spz import refuse_spz
from assets.formats.transforms import read_transforms
from assets.gaussians import GaussianCloud
from assets.identify import Found, Kind, identify
from assets.mesh import Mesh
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video
from assets.video import open_video

__all__ = ["Found", "Kind", "identify", "open_path", "photos_from_files", "read_found"]

Asset = PosedPhotos | UnposedPhotos | Video | GaussianCloud | SavedField | Mesh | PointCloud


def open_path(path: Path) -> Asset:
    """Whatever `path` holds. Raises InputError with a sentence where it cannot be opened."""
    return read_found(identify(path))


def read_found(found: Found) -> Asset:
    """The asset that `identify` found. Raises InputError as `open_path` does."""
    if found.problem:
        raise InputError(found.problem)
    try:
        return _read(found)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{found.path} cannot be read: {reason}") from error


def _read(found: Found) -> Asset:
    match found.kind, found.format:
        case Kind.POSED_PHOTOS, "COLMAP":
            return read_colmap(found.path)
        case Kind.POSED_PHOTOS, "transforms.json":
            return read_transforms(found.path)
        case Kind.POSED_PHOTOS, "Bundler":
            return read_bundler(found.path)
        case Kind.GAUSSIANS, "PLY":
            return read_gaussian_ply(found.path)
        case Kind.GAUSSIANS, "compressed PLY":
            return read_compressed_ply(found.path)
        case Kind.GAUSSIANS, "splat":
            return read_splat(found.path)
        case Kind.GAUSSIANS, "spz":
            return refuse_spz(found.path)
        case Kind.FIELD, _:
            return read_field(found.path)
        case ((Kind.MESH | Kind.POINTS), _):
            return read_mesh(found.path)
        case ((Kind.PHOTOS | Kind.CAPTIONED), _):
            return read_photo_folder(found.path)
        case Kind.VIDEO, _:
            return open_video(found.path)
        case Kind.MODEL, _:
            raise InputError(
                f"{found.path} is a diffusion model, which draws images; open it in the window, or "
                "name it to main.py sample"
            )
        case Kind.CHECKPOINT, _:
            raise InputError(
                f"{found.path} is the checkpoint of a run; resume the run from it, or open the "
                "data set or file that you want to see"
            )
    raise InputError(f"{found.path} cannot be opened; expected photos, Gaussians or a mesh")
