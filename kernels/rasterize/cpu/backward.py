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

from kernels.rasterize.cpu.forward import reached_rows, start_tile
from kernels.rasterize.cpu.layout import (
    BLUE,
    DEPTH,
    GREEN,
    HALF,
    LEVEL_MAX,
    LEVEL_MIN,
    LIGHT_MIN,
    MEAN_X,
    MEAN_Y,
    OPTIONS,
    PIXELS,
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
    TILE,
    TOP,
    U_X,
    U_Y,
    V_Y,
)
from kernels.rasterize.cpu.power import alpha_of

_CENTRE = np.float32(0.5)
_ZERO = np.float32(0.0)
_COLUMNS = np.uint64(HALF)
_PLANE = np.uint64(PIXELS)
_SIDE = np.uint64(PIXELS // 2)


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
    tiles_x = (width + TILE - 1) // TILE
    offset = tile_starts[first_tile]
    for tile in prange(first_tile, last_tile):
        x, y = tile % tiles_x * TILE, tile // tiles_x * TILE
        columns, rows = min(width - x, TILE), min(height - y, TILE)
        state = start_tile(6, columns, rows)
        for row in range(rows):
            for column in range(columns):
                k = column // HALF * (PIXELS // 2) + row * HALF + column % HALF
                by_z, by_alpha = depth_grad[y + row, x + column], alpha_grad[y + row, x + column]
                left = light[y + row, x + column]
                whole = by_z * depth[y + row, x + column] - by_alpha * left
                for c in range(3):
                    by_colour = image_grad[y + row, x + column, c]
                    whole += by_colour * image[y + row, x + column, c]
                    state[k + (c + 2) * PIXELS] = by_colour
                state[k + PIXELS] = whole
                state[k + 5 * PIXELS] = by_z
        lanes = np.empty(7 * HALF, np.float32)
        begin, stop, end = tile_starts[tile], tile_starts[tile] + done[tile], tile_starts[tile + 1]
        for slot in range(begin, stop):
            _collect(sums[slot - offset], lanes, state, records, entries[slot], x, y)
        for slot in range(stop, end):
            sums[slot - offset] = _ZERO


@numba.njit(**OPTIONS)
def _collect(sums, lanes, state, records, entry, x, y):
    record = records[entry >> 2]
    red, green, blue, depth = record[RED], record[GREEN], record[BLUE], record[DEPTH]
    u_x, u_y, v_y, top = record[U_X], record[U_Y], record[V_Y], record[TOP]
    first, end = reached_rows(record, y)
    for k in range(SUMS):
        sums[k] = _ZERO
    for half in range(2):
        if not (entry >> half) & 1:
            continue
        for k in range(np.uint64(7) * _COLUMNS):
            lanes[k] = _ZERO
        dx = np.float32(x + half * HALF) + _CENTRE - record[MEAN_X]
        for row in range(first, end):
            dy = np.float32(np.int64(row) + y) + _CENTRE - record[MEAN_Y]
            u = u_x * dx + u_y * dy
            v = v_y * dy
            summit = top - v * v
            base = np.uint64(half) * _SIDE + row * _COLUMNS
            for k in range(_COLUMNS):
                across = u + u_x * np.float32(k)
                level = summit - across * across
                alpha = alpha_of(level)
                here = base + k
                before = state[here]
                after = before - before * alpha
                hit = level >= LEVEL_MIN
                used = hit & (after > LIGHT_MIN)
                weight = before * alpha if used else _ZERO
                state[here] = after if used else (-abs(before) if hit else before)
                by_r, by_g = (
                    state[here + np.uint64(2) * _PLANE],
                    state[here + np.uint64(3) * _PLANE],
                )
                by_b, by_z = (
                    state[here + np.uint64(4) * _PLANE],
                    state[here + np.uint64(5) * _PLANE],
                )
                value = by_r * red + by_g * green + by_b * blue + by_z * depth
                behind = state[here + _PLANE] - weight * value
                state[here + _PLANE] = behind
                steep = weight * (value - behind / after)
                slope = steep if used & (level <= LEVEL_MAX) else _ZERO
                lanes[k] += weight * by_r
                lanes[k + _COLUMNS] += weight * by_g
                lanes[k + np.uint64(2) * _COLUMNS] += weight * by_b
                lanes[k + np.uint64(3) * _COLUMNS] += weight * by_z
                lanes[k + np.uint64(4) * _COLUMNS] += slope
                lanes[k + np.uint64(5) * _COLUMNS] += slope * dy
                lanes[k + np.uint64(6) * _COLUMNS] += slope * (dy * dy)
        _add_lanes(sums, lanes, dx)


@numba.njit(**OPTIONS)
def _add_lanes(sums, lanes, dx):
    r = g = b = z = one = sx = sy = sxx = sxy = syy = _ZERO
    for k in range(_COLUMNS):
        x = dx + np.float32(k)
        slope, by_y = lanes[k + np.uint64(4) * _COLUMNS], lanes[k + np.uint64(5) * _COLUMNS]
        r += lanes[k]
        g += lanes[k + _COLUMNS]
        b += lanes[k + np.uint64(2) * _COLUMNS]
        z += lanes[k + np.uint64(3) * _COLUMNS]
        one += slope
        sx += slope * x
        sxx += slope * x * x
        sy += by_y
        sxy += by_y * x
        syy += lanes[k + np.uint64(6) * _COLUMNS]
    sums[SUM_R] += r
    sums[SUM_G] += g
    sums[SUM_B] += b
    sums[SUM_Z] += z
    sums[SUM_1] += one
    sums[SUM_X] += sx
    sums[SUM_Y] += sy
    sums[SUM_XX] += sxx
    sums[SUM_XY] += sxy
    sums[SUM_YY] += syy


@numba.njit(parallel=True, **OPTIONS)
def add_up(pair_starts, slots, sums, offset, totals):
    """Add to each Gaussian's `totals` [v, SUMS] its sums in a range of tiles.

    `sums` begins with the entry at `offset`; pairs outside the range are left out.
    """
    for r in prange(totals.shape[0]):
        for pair in range(pair_starts[r], pair_starts[r + 1]):
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
        depths_grad[i, 0] = totals[r, SUM_Z]
        opacities_grad[i, 0] = totals[r, SUM_1] / opacities[i]
        colours_grad[i, 0] = totals[r, SUM_R]
        colours_grad[i, 1] = totals[r, SUM_G]
        colours_grad[i, 2] = totals[r, SUM_B]
