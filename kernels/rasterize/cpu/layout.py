"""How the CPU kernels lay out their work: tiles, packed Gaussians, entries of tile lists.

A tile has 16 x 16 pixels in two halves of 8 columns, one vector register wide each; a
Gaussian is drawn into the halves that it reaches, over the rows that it reaches.

Alpha matters only between 1/255 and 1, so all kernels work with its logarithm to the base 256
(`level`, from -1 to 0): alpha = (2^level)^8, and 2^level on [-1, 0] is a short polynomial,
which keeps whole rows in vector registers where a call of exp would not.
"""

import math

import numpy as np

from kernels.rasterize.types import ALPHA_MAX, ALPHA_MIN, TRANSMITTANCE_MIN

TILE = 16
"""Pixels along a tile's side."""
HALF = 8
"""Columns of half a tile."""
PIXELS = TILE * TILE

# One record per visible Gaussian, nearest first. With d the offset of a pixel from the mean,
# level = TOP - (U_X dx + U_Y dy)^2 - (V_Y dy)^2: the Cholesky factor of the conic keeps needles
# exact where the conic itself would cancel.
MEAN_X, MEAN_Y, U_X, U_Y, V_Y, TOP, RED, GREEN, BLUE, DEPTH, REACH_Y, LEAN, RECORD = range(13)
"""Columns of a record and their number. REACH_Y is half the height of the footprint, LEAN the
dy at which it reaches furthest to the right (and -LEAN to the left)."""

LEVEL_SCALE = np.float32(math.sqrt(1.0 / (2.0 * math.log(256.0))))
"""Turns a Mahalanobis distance into the square root of a level."""
LEVEL_MIN = np.float32(math.log(ALPHA_MIN, 256.0))
LEVEL_MAX = np.float32(math.log(ALPHA_MAX, 256.0))
LIGHT_MIN = np.float32(TRANSMITTANCE_MIN)

# An entry of a tile's list is 4 * rank + (1 if the left half is reached) + (2 if the right).
LEFT, RIGHT = 1, 2

# Sums that a Gaussian collects in a tile, s being alpha times the gradient of alpha.
SUM_R, SUM_G, SUM_B, SUM_Z, SUM_1, SUM_X, SUM_Y, SUM_XX, SUM_XY, SUM_YY, SUMS = range(11)

OPTIONS = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # Everything that helps vectorisation but the promise that there is no NaN or infinity.
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}
