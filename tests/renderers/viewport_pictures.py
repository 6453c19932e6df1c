"""What the tests of the viewport look at: its picture, and cameras to put in it."""

import numpy as np

from assets.camera import Camera, look_at
from renderers.frusta import CameraMark

UP = np.array([0.0, -1.0, 0.0])


def screen(viewport) -> np.ndarray:
    """[h, w, 3] of what the widget shows now."""
    image = viewport.native.grabFramebuffer()
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    # The image owns its pixels: copy them before it goes.
    pixels = np.frombuffer(image.constBits(), np.uint8).copy()
    return pixels.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width(), :3]


def is_plain(picture: np.ndarray) -> bool:
    return bool(np.ptp(picture, axis=(0, 1)).max() <= 1)


def marks_around(camera: Camera) -> list[CameraMark]:
    """Two cameras side by side, in front of `camera` and looking away from it."""
    thumbnail = np.full((24, 32, 3), 0.8, dtype=np.float32)
    poses = [look_at(np.array([x, 0, 2.0]), np.array([x, 0, 9.0]), UP) for x in (-1.0, 1.0)]
    return [CameraMark(camera=camera.moved(p), thumbnail=thumbnail, name=str(p)) for p in poses]
