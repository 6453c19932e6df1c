"""Gradients of blending: once more front to back, with what lies behind known from the result.

Let v be the gradient of the loss by a Gaussian's weight at a pixel (its colour and depth dotted
with the pixel's gradients), and `behind` the sum of weight times v over all that lies behind
it, background included: the whole sum follows from the finished pixel, and each Gaussian takes
its share away. Then d loss / d alpha = light before it * v - behind / (1 - alpha).

Every Gaussian's sums are written per tile and added up afterwards in a fixed order, so that a
result does not depend on which thread came first.
"""

import numba
import numpy as np
from numba import prange

from kernels.rasterize.cpu.forward import BATCH, fetch, reached, start_tile
from kernels.rasterize.cpu.layout import (
    BLUE,
    DEPTH,
    GREEN,
    LEVEL_MAX,
    LEVEL_MIN,
    LIGHT_MIN,
    MEAN_X,
    MEAN_Y,
    OPTIONS,
    PLANE,
    RECORD,
    RED,
    SUM_1,
    SUM_B,
    SUM_G,
    SUM_R,
    SUM_X,
    SUM_XX,
    SUM_XY,
    SUM_Y,
    SUM_YY,
    SUM_Z,
    SUMS,
    TILE_X,
    TILE_Y,
    TOP,
    U_X,
    U_Y,
    V_Y,
    tile_grid,
)
from kernels.rasterize.cpu.power import alpha_of

_ZERO = np.float32(0.0)
# Planes of a tile after its transmittance.
_X, _Y, _BEHIND, _BY_RED, _BY_GREEN, _BY_BLUE, _BY_DEPTH = (
    np.uint64(k * PLANE) for k in range(1, 8)
)


@numba.njit(parallel=True, **OPTIONS)
def unblend_tiles(
    records,
    tile_starts,
    entries,
    done,
    image,
    depth,
    light,
    image_grad,
    depth_grad,
    alpha_grad,
    first_tile,
    last_tile,
    sums,
):
    """Collect each Gaussian's sums in each tile of a range of tiles.

    Args:
        records, tile_starts, entries: as given to `blend_tiles`.
        done, image, depth, light: as it filled them.
        image_grad, depth_grad, alpha_grad: of the loss, shaped as image, depth and depth.
        first_tile, last_tile: the range, without its last.
        sums: [pairs of the range, SUMS] float32, filled in the order of `entries`.
    """
    height, width = depth.shape
    _, tiles_y = tile_grid(width, height)
    offset = tile_starts[first_tile]
    for tile in prange(first_tile, last_tile):
        x, y = tile // tiles_y * TILE_X, tile % tiles_y * TILE_Y
        columns, rows = min(width - x, TILE_X), min(height - y, TILE_Y)
        state = start_tile(8, columns, rows)
        for row in range(rows):
            for column in range(columns):
                k = row * TILE_X + column
                by_z, by_alpha = depth_grad[y + row, x + column], alpha_grad[y + row, x + column]
                left = light[y + row, x + column]
                behind = by_z * depth[y + row, x + column] - by_alpha * left
                for c in range(3):
                    by_colour = image_grad[y + row, x + column, c]
                    behind += by_colour * image[y + row, x + column, c]
                    state[k + (c + 4) * PLANE] = by_colour
                state[k + 3 * PLANE] = behind
                state[k + 7 * PLANE] = by_z
        begin, stop, end = tile_starts[tile], tile_starts[tile] + done[tile], tile_starts[tile + 1]
        batch = np.empty((BATCH, RECORD), np.float32)
        for seen in range(begin, stop, BATCH):
            for j in range(fetch(batch, records, entries, seen, stop)):
                _collect(sums, seen + j - offset, state, batch, j, entries[seen + j], x, y)
        for slot in range(stop, end):
            for k in range(SUMS):
                sums[slot - offset, k] = _ZERO


@numba.njit(**OPTIONS)
def _collect(sums, slot, state, batch, j, entry, x, y):
    first, end = reached(entry)
    u_x, u_y, v_y = batch[j, U_X], batch[j, U_Y], batch[j, V_Y]
    from_x, from_y = np.float32(x) - batch[j, MEAN_X], np.float32(y) - batch[j, MEAN_Y]
    top, depth = batch[j, TOP], batch[j, DEPTH]
    red, green, blue = batch[j, RED], batch[j, GREEN], batch[j, BLUE]
    r = g = b = z = one = sx = sy = sxx = sxy = syy = _ZERO
    for k in range(first, end):
        dx, dy = state[k + _X] + from_x, state[k + _Y] + from_y
        u, v = u_x * dx + u_y * dy, v_y * dy
        level = top - u * u - v * v
        alpha = alpha_of(level)
        before = state[k]
        after = before - before * alpha
        hit = level >= LEVEL_MIN
        used = hit & (after > LIGHT_MIN)
        weight = before * alpha if used else _ZERO
        state[k] = after if used else (-abs(before) if hit else before)
        by_r, by_g, by_b = state[k + _BY_RED], state[k + _BY_GREEN], state[k + _BY_BLUE]
        by_z = state[k + _BY_DEPTH]
        value = by_r * red + by_g * green + by_b * blue + by_z * depth
        behind = state[k + _BEHIND] - weight * value
        state[k + _BEHIND] = behind
        steep = weight * (value - behind / after)
        slope = steep if used & (level <= LEVEL_MAX) else _ZERO
        slope_x, slope_y = slope * dx, slope * dy
        r += weight * by_r
        g += weight * by_g
        b += weight * by_b
        z += weight * by_z
        one += slope
        sx += slope_x
        sy += slope_y
        sxx += slope_x * dx
        sxy += slope_x * dy
        syy += slope_y * dy
    sums[slot, SUM_R], sums[slot, SUM_G], sums[slot, SUM_B], sums[slot, SUM_Z] = r, g, b, z
    sums[slot, SUM_1], sums[slot, SUM_X], sums[slot, SUM_Y] = one, sx, sy
    sums[slot, SUM_XX], sums[slot, SUM_XY], sums[slot, SUM_YY] = sxx, sxy, syy


@numba.njit(parallel=True, **OPTIONS)
def add_up(begins, counts, slots, sums, offset, totals):
    """Add to each Gaussian's `totals` [v, SUMS] its sums in a range of tiles.

    `sums` begins with the entry at `offset`; pairs outside the range are left out.
    """
    for r in prange(totals.shape[0]):
        for pair in range(begins[r], begins[r] + counts[r]):
            slot = slots[pair] - offset
            if 0 <= slot < sums.shape[0]:
                for k in range(SUMS):
                    totals[r, k] += sums[slot, k]


@numba.njit(parallel=True, **OPTIONS)
def spread(
    order,
    totals,
    conics,
    opacities,
    means2d_grad,
    conics_grad,
    depths_grad,
    opacities_grad,
    colours_grad,
):
    """Turn `totals` [v, SUMS] into gradients of what was blended, all [n, ...] and zero before."""
    for r in prange(order.shape[0]):
        i = order[r]
        x, y = totals[r, SUM_X], totals[r, SUM_Y]
        xx, xy, yy = conics[i, 0], conics[i, 1], conics[i, 2]
        means2d_grad[i, 0] = xx * x + xy * y
        means2d_grad[i, 1] = xy * x + yy * y
        conics_grad[i, 0] = np.float32(-0.5) * totals[r, SUM_XX]
        conics_grad[i, 1] = -totals[r, SUM_XY]
        conics_grad[i, 2] = np.float32(-0.5) * totals[r, SUM_YY]
        depths_grad[i] = totals[r, SUM_Z]
        opacities_grad[i] = totals[r, SUM_1] / opacities[i]
        colours_grad[i, 0] = totals[r, SUM_R]
        colours_grad[i, 1] = totals[r, SUM_G]
        colours_grad[i, 2] = totals[r, SUM_B]
