"""Ask for memory before it is needed: rows lie anywhere, and waiting would be most of the work."""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from kernels.voxelgrid.cells import MODE

AHEAD = 8
"""How many points before it is its turn a point's rows are asked for."""

# Unsigned indices spare the compiler the question whether one is negative.
_LINE, _1 = np.uint64(16), np.uint64(1)


@njit(**MODE)
def prefetch_row(table, begin, width):
    """Have the processor fetch the `width` numbers of a flat float32 `table` from `begin` on."""
    for f in range(np.uint64(0), width, _LINE):
        _prefetch(table, begin + f)  # pyright: ignore[reportCallIssue]
    _prefetch(table, begin + width - _1)  # pyright: ignore[reportCallIssue]


@intrinsic
def _prefetch(_, array, index):
    """The processor's hint for array[index], which numba has no name for."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        hint = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
            "llvm.prefetch.p0",
        )
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        # To be read, kept in all caches, data.
        builder.call(hint, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate
