"""The numba kernels as differentiable torch operations."""

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from kernels.rasterize.cpu import backward, forward, projection, tiles
from kernels.rasterize.cpu.layout import RANK_LIMIT, RECORD, SUMS, tile_grid
from kernels.threads import balanced_region

GAUSSIANS, TILES = 1024, 4
"""Iterations of loops over Gaussians and over tiles that a thread takes at a time."""
ROUND_PAIRS = 1 << 22
"""Gaussian-tile pairs whose gradients are held at once (40 bytes each); more go in rounds."""
_PAIR_LIMIT = 2**31 - 1

_empty = functools.partial(torch.empty, dtype=torch.float32)
_zeros = functools.partial(torch.zeros, dtype=torch.float32)


class Project(torch.autograd.Function):
    """(means, quats, scales, opacities, probe, view, lens) -> the fields of `Projected`.

    `probe` is [n, 2] or [0, 2]; `view` and `lens` are arrays as the kernel takes them.
    """

    @staticmethod
    def forward(ctx: Any, means, quats, scales, opacities, probe, view, lens):
        count = len(means)
        means2d, conics = np.empty((count, 2), np.float32), np.empty((count, 3), np.float32)
        depths, radii = np.empty(count, np.float32), np.empty(count, np.float32)
        extents = np.empty((count, 2), np.float32)
        with balanced_region(GAUSSIANS):
            projection.project_forward(
                array(means),
                array(quats),
                array(scales),
                array(opacities),
                array(probe),
                view,
                lens,
                means2d,
                conics,
                depths,
                extents,
                radii,
            )
        results = [torch.from_numpy(a) for a in (means2d, conics, depths, extents, radii)]
        ctx.save_for_backward(means, quats, scales, results[1], results[4])
        ctx.camera = (view, lens)
        ctx.mark_non_differentiable(results[3], results[4])
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        means, quats, scales, conics, radii = ctx.saved_tensors
        view, lens = ctx.camera
        results = [
            torch.empty_like(t, memory_format=torch.contiguous_format)
            for t in (means, quats, scales)
        ]
        with balanced_region(GAUSSIANS):
            projection.project_backward(
                array(means),
                array(quats),
                array(scales),
                view,
                lens,
                array(conics),
                array(radii),
                array(grads[0]),
                array(grads[1]),
                array(grads[2]),
                results[0].numpy(),
                results[1].numpy(),
                results[2].numpy(),
            )
        return (*results, None, grads[0] if ctx.needs_input_grad[4] else None, None, None)


class Blend(torch.autograd.Function):
    """(the fields of `Projected`, opacities, colours, background) -> image, depth, alpha."""

    @staticmethod
    def forward(
        ctx: Any, means2d, conics, depths, extents, width, height, opacities, colours, background
    ):
        order = tiles.depth_order(array(depths).view(np.uint32), array(extents))
        if len(order) > RANK_LIMIT:
            raise ValueError(f"{len(order):,} Gaussians are in view; the limit is {RANK_LIMIT:,}")
        records = np.empty((len(order), RECORD), np.float32)
        begins, counts = np.empty(len(order), np.int64), np.empty(len(order), np.int32)
        across, down = tile_grid(width, height)
        places = np.zeros((tiles.CHUNKS, across * down), np.int64)
        with balanced_region(1):
            ends, slots, unsorted = tiles.list_pairs(
                order,
                array(means2d),
                array(conics),
                array(depths),
                array(extents),
                array(opacities),
                array(colours),
                width,
                height,
                records,
                begins,
                counts,
                places,
            )
        tile_starts = tiles.start_lists(places)
        pairs = int(tile_starts[-1])
        if pairs > _PAIR_LIMIT:
            raise ValueError(
                f"{len(order):,} Gaussians cover {pairs:,} tiles; the limit is {_PAIR_LIMIT:,}. "
                "Make the image or the Gaussians smaller"
            )
        entries = np.empty(pairs, np.int32)
        with balanced_region(1):
            tiles.sort_pairs(ends, slots, unsorted, places, entries)
        image, depth = _empty(height, width, 3), _empty(height, width)
        light = np.empty((height, width), np.float32)
        done = np.empty(across * down, np.int32)
        with balanced_region(TILES):
            forward.blend_tiles(
                records,
                tile_starts,
                entries,
                array(background),
                image.numpy(),
                depth.numpy(),
                light,
                done,
            )
        ctx.save_for_backward(conics, opacities, image, depth)
        ctx.lists = (order, records, tile_starts, entries, begins, counts, slots, done, light)
        return image, depth, torch.from_numpy(1.0 - light)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        conics, opacities, image, depth = ctx.saved_tensors
        order, records, tile_starts, entries, begins, counts, slots, done, light = ctx.lists
        totals = np.zeros((len(order), SUMS), np.float32)
        first = 0
        while first < len(tile_starts) - 1:
            offset = tile_starts[first]
            last = int(np.searchsorted(tile_starts, offset + ROUND_PAIRS, side="right")) - 1
            last = max(last, first + 1)
            sums = np.empty((tile_starts[last] - offset, SUMS), np.float32)
            with balanced_region(TILES):
                backward.unblend_tiles(
                    records,
                    tile_starts,
                    entries,
                    done,
                    array(image),
                    array(depth),
                    light,
                    array(grads[0]),
                    array(grads[1]),
                    array(grads[2]),
                    first,
                    last,
                    sums,
                )
            with balanced_region(GAUSSIANS):
                backward.add_up(begins, counts, slots, sums, offset, totals)
            first = last
        count = len(conics)
        means2d_grad, conics_grad = _zeros(count, 2), _zeros(count, 3)
        depths_grad, opacities_grad = _zeros(count), _zeros(count)
        colours_grad = _zeros(count, 3)
        with balanced_region(GAUSSIANS):
            backward.spread(
                order,
                totals,
                array(conics),
                array(opacities),
                means2d_grad.numpy(),
                conics_grad.numpy(),
                depths_grad.numpy(),
                opacities_grad.numpy(),
                colours_grad.numpy(),
            )
        background_grad = None
        if ctx.needs_input_grad[8]:
            background_grad = (grads[0] * torch.from_numpy(light)[:, :, None]).sum((0, 1))
        return (
            means2d_grad,
            conics_grad,
            depths_grad,
            None,
            None,
            None,
            opacities_grad,
            colours_grad,
            background_grad,
        )


def array(tensor: Tensor) -> np.ndarray:
    """The tensor's values as a contiguous array, copied only where they are not."""
    return tensor.detach().contiguous().numpy()
