"""Rasterising on the processor: numba kernels under torch's autograd."""

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from kernels.rasterize.cpu import backward, forward, projection, tiles
from kernels.rasterize.cpu.layout import RECORD, SUMS
from kernels.rasterize.types import Projected, Rasterized
from kernels.threads import balanced_region, parallel_region

ROUND_PAIRS = 1 << 22
"""Gaussian-tile pairs whose gradients are held at once; more are done in rounds."""


def project(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    *,
    world_to_camera: Tensor,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    width: int,
    height: int,
    probe: Tensor | None = None,
    near: float = 0.01,
) -> Projected:
    """See `kernels.rasterize.project`."""
    view = _array(world_to_camera[:3])
    lens = np.array([fx, fy, cx, cy, width, height, near], dtype=np.float32)
    if probe is None:
        probe = means.new_zeros(0, 2)
    means2d, conics, depths, extents = _Project.apply(
        means, quats, scales, opacities, probe, view, lens
    )
    return Projected(
        means2d=means2d,
        conics=conics,
        depths=depths,
        extents=extents,
        width=width,
        height=height,
    )


def blend(
    projected: Projected,
    opacities: Tensor,
    colours: Tensor,
    *,
    background: Tensor | None = None,
) -> Rasterized:
    """See `kernels.rasterize.blend`."""
    if background is None:
        background = colours.new_zeros(3)
    image, depth, alpha = _Blend.apply(
        projected.means2d,
        projected.conics,
        projected.depths,
        opacities,
        colours,
        background,
        projected.extents,
        projected.width,
        projected.height,
    )
    return Rasterized(image, depth, alpha, projected.radii)


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx, means, quats, scales, opacities, probe, view, lens):
        count = len(means)
        inputs = [_array(t) for t in (means, quats, scales, opacities, probe)]
        outputs = [np.empty((count, 2), np.float32), np.empty((count, 3), np.float32)]
        outputs += [np.empty(count, np.float32), np.empty((count, 2), np.float32)]
        with parallel_region():
            projection.project_forward(*inputs, view, lens, *outputs)
        ctx.kept = (*inputs[:3], view, lens, outputs[1], outputs[3])
        results = tuple(torch.from_numpy(array) for array in outputs)
        ctx.mark_non_differentiable(results[3])
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx, means2d_grad, conics_grad, depths_grad, _):
        count = len(means2d_grad)
        grads = [np.empty((count, size), np.float32) for size in (3, 4, 3)]
        incoming = [_array(g) for g in (means2d_grad, conics_grad, depths_grad)]
        with parallel_region():
            projection.project_backward(*ctx.kept, *incoming, *grads)
        means, quats, scales = (torch.from_numpy(grad) for grad in grads)
        probe = means2d_grad if ctx.needs_input_grad[4] else None
        return means, quats, scales, None, probe, None, None


class _Blend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, means2d, conics, depths, opacities, colours, background, extents, width, height
    ):
        flat = [_array(t) for t in (means2d, conics, depths, extents, opacities, colours)]
        means2d, conics, depths, extents, opacities, colours = flat
        background = _array(background)
        order = tiles.depth_order(depths.view(np.uint32), extents)
        records = np.empty((len(order), RECORD), np.float32)
        counts = np.empty(len(order), np.int32)
        image = np.empty((height, width, 3), np.float32)
        depth, light = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
        with parallel_region():
            places = tiles.count_pairs(order, *flat, width, height, records, counts)
        tile_starts, pair_starts = tiles.start_lists(places, counts)
        entries = np.empty(tile_starts[-1], np.int32)
        slots = np.empty(tile_starts[-1], np.int32)
        done = np.empty(len(tile_starts) - 1, np.int32)
        with parallel_region():
            tiles.fill_lists(records, counts, pair_starts, places, width, height, entries, slots)
        with balanced_region(4):
            forward.blend_tiles(
                records, tile_starts, entries, background, image, depth, light, done
            )
        ctx.lists = (order, pair_starts, slots, conics, opacities)
        ctx.drawn = (records, tile_starts, entries, done, image, depth, light)
        return torch.from_numpy(image), torch.from_numpy(depth), torch.from_numpy(1.0 - light)

    @staticmethod
    @once_differentiable
    def backward(ctx, image_grad, depth_grad, alpha_grad):
        order, pair_starts, slots, conics, opacities = ctx.lists
        tile_starts, light = ctx.drawn[1], ctx.drawn[-1]
        incoming = [_array(g) for g in (image_grad, depth_grad, alpha_grad)]
        totals = np.zeros((len(order), SUMS), np.float32)
        first = 0
        while first < len(tile_starts) - 1:
            last = np.searchsorted(tile_starts, tile_starts[first] + ROUND_PAIRS, "right") - 1
            last = max(last, first + 1)
            offset = tile_starts[first]
            sums = np.empty((tile_starts[last] - offset, SUMS), np.float32)
            with balanced_region(4):
                backward.unblend_tiles(*ctx.drawn, *incoming, first, last, sums)
            with parallel_region():
                backward.add_up(pair_starts, slots, sums, offset, totals)
            first = last
        count = len(conics)
        grads = [np.zeros((count, k), np.float32) for k in (2, 3, 1, 1, 3)]
        with parallel_region():
            backward.spread(order, totals, conics, opacities, *grads)
        means2d, conics, depths, opacities, colours = (torch.from_numpy(grad) for grad in grads)
        background = None
        if ctx.needs_input_grad[5]:
            background = (image_grad * torch.from_numpy(light)[:, :, None]).sum((0, 1))
        return means2d, conics, depths[:, 0], opacities[:, 0], colours, background, None, None, None


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()
