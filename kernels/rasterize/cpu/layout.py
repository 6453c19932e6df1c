"""How the CPU kernels lay out their work: tiles, packed Gaussians, entries of tile lists.

A tile has 8 x 32 pixels: as many as the usual 16 x 16, but small Gaussians leave fewer idle
lanes in a vector register that holds one or two rows of it. The result does not depend on it.

Alpha matters only between 1/255 and 1, so all kernels work with its logarithm to the base 256
(`level`, from -1 to 0): alpha = (2^level)^8, and 2^level on [-1, 0] is a short polynomial,
which keeps whole rows in vector registers where a call of exp would not.
"""

import math

import numba
import numpy as np

from kernels.rasterize.types import ALPHA_MAX, ALPHA_MIN, TRANSMITTANCE_MIN

TILE_X, TILE_Y = 8, 32
PIXELS = TILE_X * TILE_Y
PLANE = PIXELS + 16
"""Distance of a tile's planes; were it a divisor of 4096 bytes, loads would wait for stores."""

# Columns of a record, one for each visible Gaussian, nearest first. With d the offset of a
# pixel from the mean, level = TOP - (U_X dx + U_Y dy)^2 - (V_Y dy)^2: the Cholesky factor of
# the conic keeps needles exact where the conic itself would cancel.
MEAN_X, MEAN_Y, U_X, U_Y, V_Y, TOP, RED, GREEN, BLUE, DEPTH, RECORD = range(11)

LEVEL_SCALE = np.float32(math.sqrt(1.0 / (2.0 * math.log(256.0))))
"""Turns a Mahalanobis distance into the square root of a level."""
LEVEL_MIN = np.float32(math.log(ALPHA_MIN, 256.0))
LEVEL_MAX = np.float32(math.log(ALPHA_MAX, 256.0))
LIGHT_MIN = np.float32(TRANSMITTANCE_MIN)

# An entry of a tile's list packs a rank with the rows reached, counted in twos because the
# widest registers hold two rows: rank * 256 + first pair of rows * 16 + last pair of rows.
RANK_SHIFT = 8
RANK_LIMIT = 1 << (31 - RANK_SHIFT)

# Sums that a Gaussian collects in a tile, s being alpha times the gradient of alpha, and x and
# y being counted from the Gaussian's mean.
SUM_R, SUM_G, SUM_B, SUM_Z, SUM_1, SUM_X, SUM_Y, SUM_XX, SUM_XY, SUM_YY, SUMS = range(11)

OPTIONS = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # Everything that helps vectorisation but the promise that there is no NaN or infinity.
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


@numba.njit(**OPTIONS)
def tile_grid(width, height):
    """Number of tiles across and down; they are numbered column by column."""
    return (width + TILE_X - 1) // TILE_X, (height + TILE_Y - 1) // TILE_Y
