"""How well and how fast camera poses are found on this machine, preset by preset.

    python -m benchmarks.poses [--presets fast balanced thorough] [--sets sample fox kermit]
                               [--data FOLDER] [--seed N]

FOLDER holds the photo sets fox (with its transforms.json) and kermit; the sample scene needs
none. Every run starts from nothing and is the whole of it: from looking at the photos to the
posed result. Errors against known cameras are medians after one similarity.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from assets.formats.photo_folder import read_photo_folder
from assets.open import open_path
from assets.posed import PosedPhotos
from assets.samples import sample_scene
from assets.unposed import UnposedPhotos
from engines.events import Failed
from engines.poses.accuracy import pose_errors
from engines.poses.config import PosesConfig
from engines.poses.engine import PosesEngine

PRESETS = ("fast", "balanced", "thorough")
SETS = ("sample", "kermit", "fox")
HEAD = (
    f"{'set':8}{'preset':10}{'placed':>9}{'points':>8}{'error px':>10}{'full size':>11}"
    f"{'rotation':>10}{'centre':>9}{'seconds':>9}   features, matching, placing"
)


def photos_of(name: str, data: Path) -> tuple[UnposedPhotos, Mapping[str, np.ndarray]]:
    """The plain photos of a set, and its known poses by stem, if there are any."""
    if name == "sample":
        scene = sample_scene()
        return read_photo_folder(Path(scene.views[0].photo.path).parent), _poses(scene)
    if name == "fox":
        known = open_path(data / "fox")
        assert isinstance(known, PosedPhotos)
        return read_photo_folder(data / "fox" / "images"), _poses(known)
    return read_photo_folder(data / name), {}


def measure(name: str, preset: str, data: Path, seed: int) -> str:
    """One row of the table."""
    photos, known = photos_of(name, data)
    with tempfile.TemporaryDirectory() as folder:
        config = PosesConfig(preset=preset, seed=seed)  # pyright: ignore[reportArgumentType]
        engine = PosesEngine(photos, config, folder=Path(folder) / "work")
        started = time.perf_counter()
        events = list(engine.run())
        seconds = time.perf_counter() - started
    row = f"{name:8}{preset:10}"
    if isinstance(events[-1], Failed) or engine.result is None or engine.outcome is None:
        return f"{row} failed: {getattr(events[-1], 'message', events[-1])}"
    outcome = engine.outcome
    placed = f"{len(outcome.placements)}/{len(outcome.photos)}"
    row += f"{placed:>9}{outcome.points:>8}{outcome.error_px:>10.3f}{outcome.error_full_px:>11.3f}"
    if known:
        errors = pose_errors(_poses(engine.result), known)
        row += f"{errors.rotation_degrees:>9.3f}°{errors.centre_share:>9.3%}"
    else:
        row += f"{'':>19}"
    parts = ", ".join(f"{outcome.seconds[key]:.1f}" for key in ("features", "matching", "mapping"))
    return f"{row}{seconds:>9.1f}   {parts}"


def _poses(dataset: PosedPhotos) -> dict[str, np.ndarray]:
    return {Path(view.name).stem: view.camera.camera_to_world for view in dataset.views}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=PRESETS, choices=PRESETS)
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    say = sys.stdout.write
    say(HEAD + "\n")
    for name in options.sets:
        for preset in options.presets:
            say(measure(name, preset, options.data, options.seed) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
