"""The tiny true scene of the engine's tests as a folder that commands can be given."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.engines.conftest import make_dataset

TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


def write_photos(folder: Path, count: int = 9) -> Path:
    """`count` photos of 40x30 with a transforms.json (cameras look down -z)."""
    folder.mkdir(parents=True)
    frames = []
    for view in make_dataset(count).views:
        camera = view.camera
        pixels = np.round(view.photo.load(camera.width, camera.height) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / view.name)
        pose = camera.camera_to_world @ TO_OPENGL
        frames.append({"file_path": view.name, "transform_matrix": pose.tolist()})
    lens = {"fl_x": 40.0, "fl_y": 40.0, "cx": 20.0, "cy": 15.0, "w": 40, "h": 30}
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    return folder
