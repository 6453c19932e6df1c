"""The hash encoding on an NVIDIA GPU: torch's own operators, as nerfacc has no kernel for it.

Nothing here is faster than the definition, and a GPU has not run it yet.
"""

from torch import Tensor

from kernels.hashgrid import reference
from kernels.hashgrid.layout import GridLayout


def hash_encode(positions: Tensor, table: Tensor, *, layout: GridLayout) -> Tensor:
    """[n, levels * f] features; see `kernels.hashgrid.hash_encode`."""
    return reference.hash_encode(positions, table, layout=layout)
