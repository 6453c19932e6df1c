"""The sample on disk: an ordinary posed data set in the cache folder, made when it is missing.

It is written as anybody's photos would be (`transforms.json`, `images/`, `points.ply`) and
read back through the same reader, so it proves the whole way from a drop to a result.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import InputError
from assets.files import atomic_folder, atomic_write_json
from assets.posed import PosedPhotos

if TYPE_CHECKING:
    import numpy as np

    from assets.camera import Camera
    from assets.samples.render import Studio

FOLDER = "Still life"
_RECEIPT = "sample.json"
_POINTS = 5000


def sample_scene(
    cache_dir: Path | None = None, *, progress: Callable[[float], None] | None = None
) -> PosedPhotos:
    """The bundled still life: 30 photos of 320 x 240 with exact poses and 5,000 points.

    Takes a few seconds the first time and none afterwards. `cache_dir` defaults to the
    platform's cache folder. `progress` is called with the share done, from 0 to 1, and may
    raise to cancel. Raises InputError when it can be written nowhere.
    """
    from assets.open import open_path

    folder = sample_folder(cache_dir, progress=progress)
    photos = open_path(folder)
    if not isinstance(photos, PosedPhotos):
        raise InputError(f"The sample in {folder} is damaged; delete that folder and try again")
    return photos


def sample_folder(
    cache_dir: Path | None = None, *, progress: Callable[[float], None] | None = None
) -> Path:
    """The folder that holds the sample, complete and of this version; see `sample_scene`."""
    places = [cache_dir] if cache_dir else [cache_folder(), spare_folder()]
    for place in places:
        if _is_complete(place / FOLDER):
            return place / FOLDER
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
            _make(place / FOLDER, progress or (lambda _share: None))
        except (OSError, InputError) as error:
            # Another process may have made it meanwhile; else the next place gets its turn.
            if not _is_complete(place / FOLDER):
                if place == places[-1]:
                    raise InputError(f"The sample could not be saved: {error}") from error
                continue
        return place / FOLDER
    raise AssertionError("unreachable: the last place either returns or raises")


def cache_folder() -> Path:
    """The program's folder in the platform's cache; it need not exist yet."""
    if sys.platform == "win32":
        wished = [os.environ.get("LOCALAPPDATA", "")]
    elif sys.platform == "darwin":
        wished = [os.path.expanduser("~/Library/Caches")]
    else:
        wished = [os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")]
    # A relative path would depend on the working folder; without a home "~" stays as it is.
    base = next((place for place in wished if os.path.isabs(place)), None)
    return Path(base) / "zograscope" if base else spare_folder()


def spare_folder() -> Path:
    """Where to keep things for a while if the cache cannot be written; need not exist yet."""
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"zograscope-{owner}"


def _version() -> str:
    """A fingerprint of the code that makes the scene: changed paint, new pictures."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_complete(folder: Path) -> bool:
    """Whether `folder` holds every file of this version, none of them cut off."""
    try:
        receipt = json.loads((folder / _RECEIPT).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in receipt["sizes"]}
        return receipt["version"] == _version() and sizes == receipt["sizes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _make(folder: Path, progress: Callable[[float], None]) -> None:
    from assets.samples.render import studio
    from assets.samples.viewpoints import viewpoints

    progress(0.0)
    scene, cameras = studio(), viewpoints()
    with atomic_folder(folder) as part:
        (part / "images").mkdir()
        _take_photos(scene, cameras, part, progress)
        atomic_write_json(part / "transforms.json", _transforms(cameras))
        files = [path for path in sorted(part.rglob("*")) if path.is_file()]
        sizes = {path.relative_to(part).as_posix(): path.stat().st_size for path in files}
        atomic_write_json(part / _RECEIPT, {"version": _version(), "sizes": sizes})
    progress(1.0)


def _take_photos(
    scene: "Studio", cameras: "list[Camera]", folder: Path, progress: Callable[[float], None]
) -> None:
    import numpy as np

    from assets.formats.mesh_ply import write_pointcloud_ply
    from assets.pointcloud import PointCloud

    found = []
    # numpy lets other threads run, so two take about half the time.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(_take_one, scene, camera, folder / _photo_name(i), seed=i)
            for i, camera in enumerate(cameras)
        ]
        try:
            for i, job in enumerate(jobs):
                found.append(job.result())
                progress(0.2 + 0.75 * (i + 1) / len(jobs))
        finally:
            for job in jobs:
                job.cancel()
    positions, colours = (np.concatenate(parts) for parts in zip(*found, strict=True))
    keep = np.random.default_rng(0).permutation(len(positions))[:_POINTS]
    write_pointcloud_ply(PointCloud(positions[keep], colours[keep]), folder / "points.ply")


def _take_one(
    scene: "Studio", camera: "Camera", path: Path, *, seed: int
) -> "tuple[np.ndarray, np.ndarray]":
    """Save one photo; return points [n, 3] on what it shows and their colours [n, 3]."""
    import numpy as np
    from PIL import Image

    from assets.samples.render import OVERSAMPLING, photograph

    shot = photograph(scene, camera)
    pixels = np.rint(shot.image * 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, format="PNG", compress_level=4)
    # As structure from motion would: many points on things, few on a smooth wall.
    rng = np.random.default_rng(seed)
    likely = np.where(shot.items.reshape(-1) >= 0, 1.0, 0.12)
    count = -(-_POINTS // 25)
    chosen = rng.choice(len(likely), size=count, replace=False, p=likely / likely.sum())
    row, column = np.divmod(chosen, shot.items.shape[1])
    colours = shot.image[row // OVERSAMPLING, column // OVERSAMPLING]
    return shot.points[row, column], colours


def _transforms(cameras: "list[Camera]") -> dict:
    """The data set as nerfstudio writes it: OpenGL poses (x right, y up, z back)."""
    first = cameras[0]
    frames = [
        {
            "file_path": _photo_name(i),
            "transform_matrix": (camera.camera_to_world * (1, -1, -1, 1)).tolist(),
        }
        for i, camera in enumerate(cameras)
    ]
    return {
        "camera_model": "OPENCV",
        "w": first.width,
        "h": first.height,
        "fl_x": first.fx,
        "fl_y": first.fy,
        "cx": first.cx,
        "cy": first.cy,
        "ply_file_path": "points.ply",
        "frames": frames,
    }


def _photo_name(index: int) -> str:
    return f"images/frame_{index:02d}.png"
