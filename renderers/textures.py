"""Pictures on the graphics card that may be replaced more often than they are drawn."""

from typing import Any

import numpy as np
from vispy import gloo


class LateTexture:
    """Uploads the newest picture when it is drawn.

    vispy queues every upload until the program that uses it is drawn; a hidden window or
    layer would pile them up.
    """

    def __init__(self, **options: Any) -> None:
        self._options = {"interpolation": "linear", "wrapping": "clamp_to_edge", **options}
        self._texels: np.ndarray | None = None
        self._texture: gloo.Texture2D | None = None

    def set(self, texels: np.ndarray) -> None:
        """Make `texels` [h, w, channels] what is drawn from now on."""
        self._texels = texels

    def uploaded(self) -> gloo.Texture2D:
        """The texture as it is to be drawn now; something must have been set before."""
        if self._texels is not None:
            if self._texture is None:
                self._texture = gloo.Texture2D(self._texels, **self._options)
            else:
                self._texture.set_data(self._texels)
            self._texels = None
        assert self._texture is not None
        return self._texture


def as_bytes(image: np.ndarray) -> np.ndarray:
    """`image`, uint8 or float in [0, 1], as uint8."""
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    return (np.clip(np.nan_to_num(image), 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
