"""Have every kernel ready before the first step: the first start on a machine compiles them."""

import importlib
from collections.abc import Iterator, Mapping

SPLATS = {
    "rasterize": "rasteriser",
    "sphericalharmonics": "spherical harmonics",
    "ssim": "structural similarity",
    "adam": "optimiser",
    "depthsort": "depth sort",
}
"""What learning and drawing Gaussians needs: folders of this package and what people call them."""
FIELDS = {
    "hashgrid": "hash grid",
    "raymarch": "ray marching",
    "thinning": "thinning of samples",
    "densitygrid": "density grid",
    "composite": "volume rendering",
    "mlp": "small networks",
    "voxelgrid": "voxel grid",
}
"""The same for radiance fields."""


def warm_up(operations: Mapping[str, str] = SPLATS) -> Iterator[tuple[str, int, int]]:
    """Compile the CPU kernels of `operations`, or load them from numba's cache.

    Yields the name of the operation about to be loaded, how many are done and how many there
    are; last of all "all", with both numbers equal.
    """
    total = len(operations)
    for done, (folder, name) in enumerate(operations.items()):
        yield name, done, total
        importlib.import_module(f"kernels.{folder}").warm_up()
    yield "all", total, total
