"""How real lenses bend light: every camera model that COLMAP knows, by its name and numbers.

Parameter orders are COLMAP's (https://colmap.github.io/cameras.html). The mathematics is
pycolmap's; it is only imported for lenses that are no pinholes, because that takes a while.
"""

import math
from dataclasses import dataclass

import numpy as np

from assets.errors import InputError


class UndistortionMissing(InputError):
    """Nothing is installed here that knows how a lens bends light."""


@dataclass(frozen=True)
class LensModel:
    """What has to be known of a camera model to read its numbers."""

    id: int
    """COLMAP's number for it in binary files."""
    focals: int
    """1 or 2 focal lengths at the start of the parameters, 0 for panoramas."""
    distortion: int
    """Further parameters after focal lengths and principal point."""
    straight: bool
    """Whether it is a pinhole when all further parameters are 0."""

    @property
    def count(self) -> int:
        """How many parameters it has."""
        return self.focals + 2 + self.distortion


PANORAMA = "EQUIRECTANGULAR"
"""The one model without a focal length; its two parameters are width and height."""

MODELS: dict[str, LensModel] = {
    "SIMPLE_PINHOLE": LensModel(0, 1, 0, True),
    "PINHOLE": LensModel(1, 2, 0, True),
    "SIMPLE_RADIAL": LensModel(2, 1, 1, True),
    "RADIAL": LensModel(3, 1, 2, True),
    "OPENCV": LensModel(4, 2, 4, True),
    "OPENCV_FISHEYE": LensModel(5, 2, 4, False),
    "FULL_OPENCV": LensModel(6, 2, 8, True),
    "FOV": LensModel(7, 2, 1, False),
    "SIMPLE_RADIAL_FISHEYE": LensModel(8, 1, 1, False),
    "RADIAL_FISHEYE": LensModel(9, 1, 2, False),
    "THIN_PRISM_FISHEYE": LensModel(10, 2, 8, False),
    "RAD_TAN_THIN_PRISM_FISHEYE": LensModel(11, 2, 12, False),
    "SIMPLE_DIVISION": LensModel(12, 1, 1, True),
    "DIVISION": LensModel(13, 2, 1, True),
    "SIMPLE_FISHEYE": LensModel(14, 1, 0, False),
    "FISHEYE": LensModel(15, 2, 0, False),
    "EUCM": LensModel(16, 2, 2, False),
    PANORAMA: LensModel(17, 0, 0, False),
}
MODEL_NAMES: dict[int, str] = {model.id: name for name, model in MODELS.items()}


_LARGEST = 2**20
_SHORTEST = 1e-3


@dataclass(frozen=True)
class Lens:
    """A camera model with its numbers, in pixels of a photo of `width` x `height`."""

    model: str
    """A key of `MODELS`."""
    width: int
    height: int
    params: tuple[float, ...]

    @property
    def focal(self) -> tuple[float, float]:
        """(fx, fy) in pixels; not for panoramas."""
        return self.params[0], self.params[MODELS[self.model].focals - 1]

    @property
    def principal(self) -> tuple[float, float]:
        """(cx, cy) in pixels; not for panoramas."""
        first = MODELS[self.model].focals
        return self.params[first], self.params[first + 1]

    @property
    def is_panorama(self) -> bool:
        """Whether it sees all around."""
        return self.model == PANORAMA

    @property
    def is_pinhole(self) -> bool:
        """Whether straight lines stay straight, so that nothing has to be undone."""
        model = MODELS[self.model]
        return model.straight and not any(self.params[model.focals + 2 :])

    def problem(self) -> str | None:
        """Why no photo can be used with it, as words to put after "camera with", or None."""
        if self.width < 1 or self.height < 1:
            return "no width or height"
        if max(self.width, self.height) > _LARGEST:
            return "a width or height that no photo has"
        if len(self.params) != MODELS[self.model].count:
            return f"{len(self.params)} parameters instead of {MODELS[self.model].count}"
        if not all(map(math.isfinite, self.params)):
            return "parameters that are no finite numbers"
        if self.is_panorama:
            return None
        if min(self.focal) < _SHORTEST:
            return "a focal length of 0 or less"
        cx, cy = self.principal
        if not self.is_pinhole and not (0 < cx < self.width and 0 < cy < self.height):
            return "a principal point outside of the photo"
        return None

    def project(self, rays: np.ndarray) -> np.ndarray:
        """[n, 2] float64 pixels of `rays` [n, 3] in camera coordinates; NaN where not seen.

        Raises UndistortionMissing where pycolmap, which knows the models, is not to be had.
        """
        try:
            import pycolmap  # half a second, native
        except ImportError as error:
            raise UndistortionMissing(
                f"Photos of a {self.model} lens cannot be undistorted here, because pycolmap is "
                "not installed; undistort them elsewhere, or install pycolmap"
            ) from error

        camera = pycolmap.Camera(
            model=self.model, width=self.width, height=self.height, params=list(self.params)
        )
        return np.asarray(camera.img_from_cam(np.asarray(rays, dtype=np.float64), False))
