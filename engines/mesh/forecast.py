"""How much memory a mesh will take, said before the work starts."""

from collections.abc import Sequence

from assets.camera import Camera
from assets.errors import InputError
from engines.mesh.box import Grid
from engines.mesh.views import BYTES_PER_PIXEL

BYTES_PER_VERTEX = 420
"""Vertices, their two faces, keys and copies while a mesh is put together; measured."""
LAYERS = 3.0
"""Surface in a box, counted in its three visible sides; more is rare."""


def forecast_bytes(cameras: Sequence[Camera], grid: Grid) -> int:
    """Bytes that depth maps and the mesh are likely to take on top of what is there."""
    pixels = sum(camera.width * camera.height for camera in cameras)
    x, y, z = grid.cells
    vertices = LAYERS * (x * y + y * z + z * x)
    return round(2 * BYTES_PER_PIXEL * pixels + BYTES_PER_VERTEX * vertices)


def refuse_beyond(limit_mb: int, cameras: Sequence[Camera], grid: Grid, resolution: int) -> None:
    """Raise InputError when more than `limit_mb` is forecast, with a resolution that would do."""
    needed = forecast_bytes(cameras, grid) / 2**20
    if needed <= limit_mb:
        return
    # Both parts grow with the square of the resolution, but depth no finer than the photos.
    fits = max(16, int(0.95 * resolution * (limit_mb / needed) ** 0.5))
    raise InputError(
        f"A mesh of {resolution} cells along the box is likely to need {needed:,.0f} MB, "
        f"and the limit is {limit_mb:,} MB; try a resolution of {fits} or fewer views, or raise "
        "the limit"
    )
