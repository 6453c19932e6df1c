"""Have every kernel ready before the first step: the first start on a machine compiles them."""

import importlib
from collections.abc import Iterator

OPERATIONS = {
    "rasterize": "rasteriser",
    "sphericalharmonics": "spherical harmonics",
    "ssim": "structural similarity",
    "adam": "optimiser",
    "depthsort": "depth sort",
    "hashgrid": "hash grid",
    "raymarch": "ray marching",
    "composite": "volume rendering",
}
"""What people call the folders of this package."""


def warm_up() -> Iterator[tuple[str, int, int]]:
    """Compile the CPU kernels of all operations, or load them from numba's cache.

    Yields the name of the operation about to be loaded, how many are done and how many there
    are; last of all "all", with both numbers equal.
    """
    total = len(OPERATIONS)
    for done, (folder, name) in enumerate(OPERATIONS.items()):
        yield name, done, total
        importlib.import_module(f"kernels.{folder}").warm_up()
    yield "all", total, total
