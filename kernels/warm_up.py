"""Have every kernel ready before the first step: the first start on a machine compiles them."""

import importlib
from collections.abc import Iterator, Mapping

import torch

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


CPU = torch.device("cpu")
ALWAYS_CPU = ("depthsort",)
"""What the viewport needs, wherever training goes on."""


def warm_up(
    operations: Mapping[str, str] = SPLATS, *, device: torch.device = CPU
) -> Iterator[tuple[str, int, int]]:
    """Compile the CPU kernels of `operations`, or load them from numba's cache.

    Where training goes on on another `device`, only those are that run on the CPU all the same.

    Yields the name of the operation about to be loaded, how many are done and how many there
    are; last of all "all", with both numbers equal.
    """
    if device != CPU:
        operations = {folder: operations[folder] for folder in ALWAYS_CPU if folder in operations}
    total = len(operations)
    for done, (folder, name) in enumerate(operations.items()):
        yield name, done, total
        importlib.import_module(f"kernels.{folder}").warm_up()
    yield "all", total, total
