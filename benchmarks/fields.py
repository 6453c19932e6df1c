"""How long the kernels of radiance fields take beside the plain torch that defines them.

    python -m benchmarks.fields [--points 262144] [--rounds 3] [--threads 1]

The hash grid has 16 levels from 16 to 1024 cells and 2 features; its points lie along rays, 64 to
a ray, as they do in training. Those of the voxel grid do so too, as far as they lie in cells that
have a corner; about a fifth of the corners of 128^3 cells have a row, those of a thick shell. Rays
are marched through a box in the middle of which there is a hollow ball, and through the same box
filled; then through both with cells stretched by 4, with samples that grow by 0.004, and with
both. Compositing takes 64 samples a ray. Networks have the sizes that follow a hash grid, for
density and for colour. Times as in `benchmarks.small_kernels`; the plain ones take seconds. Beside
other work, compare on one thread: torch's threads wait for each other, which makes the ratio look
better than it is.
"""

import argparse
import platform
from collections.abc import Callable
from itertools import pairwise

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.small_kernels import in_turn
from kernels import composite, hashgrid, mlp, raymarch, voxelgrid
from kernels.composite import reference as composite_reference
from kernels.hashgrid import reference as hash_reference
from kernels.mlp import reference as mlp_reference
from kernels.raymarch import reference as march_reference
from kernels.stretch import from_unit
from kernels.threads import core_count, threading_layer, use_threads
from kernels.voxelgrid import reference as voxel_reference

SAMPLES = 64
"""Points along each ray."""
NETWORKS = ((32, 64, 16), (32, 64, 64, 3), (48, 64, 64, 3))
"""Widths of small networks, from their inputs to their outputs."""


def encoding(n: int, table_size: int, *, by_points: bool, rounds: int) -> list[float]:
    """hash_encode and the gradient of its table, or of table and points: ours, the definition."""
    layout = hashgrid.grid_layout(levels=16, coarsest=16, finest=1024, table_size=table_size)
    ends = torch.rand(2, n // SAMPLES, 1, 3)
    along = torch.linspace(0, 1, SAMPLES)[:, None]
    points = torch.lerp(ends[0], ends[1], along).reshape(-1, 3).requires_grad_(by_points)
    table = torch.randn(layout.rows, 2, requires_grad=True)
    pull = torch.randn(len(points), 2 * layout.levels)

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            points.grad = table.grad = None
            twin.hash_encode(points, table, layout=layout).backward(pull)

        return run

    return in_turn(job(hashgrid), job(hash_reference), rounds=rounds)


def sparse_grid(resolution: int) -> Tensor:
    """Corners of which those of a shell in the middle have rows, a fifth of all."""
    axis = torch.linspace(-1, 1, resolution + 1)
    from_middle = (axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2).sqrt()
    shell = (from_middle - 0.865).abs() < 0.085
    corners = torch.full(shell.shape, -1, dtype=torch.int32)
    corners[shell] = torch.arange(int(shell.sum()), dtype=torch.int32)
    return corners


def interpolation(n: int, features: int, *, by_points: bool, rounds: int) -> list[float]:
    """trilinear and the gradient of its table, or of table and points: ours, the definition."""
    corners = sparse_grid(128)
    cells = torch.nn.functional.max_pool3d((corners >= 0).float()[None], 2, stride=1)[0] > 0
    ends = torch.rand(2, 8 * n // SAMPLES, 1, 3)
    points = torch.lerp(*ends, torch.linspace(0, 1, SAMPLES)[:, None]).reshape(-1, 3)
    points = points[cells[(points * 128).long().clamp(max=127).unbind(dim=1)]][:n].clone()
    points.requires_grad_(by_points)
    table = torch.randn(int(corners.max()) + 1, features, requires_grad=True)
    pull = torch.randn(len(points), features)

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            points.grad = table.grad = None
            twin.trilinear(points, table, corners).backward(pull)

        return run

    return in_turn(job(voxelgrid), job(voxel_reference), rounds=rounds)


def smoothing(k: int, features: int, *, rounds: int) -> list[float]:
    """total_variation of k neighbouring cells and its gradient: ours, the definition."""
    corners = sparse_grid(128)
    cells = (corners >= 0).nonzero()[:k]
    table = torch.randn(int(corners.max()) + 1, features, requires_grad=True)

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            table.grad = None
            twin.total_variation(table, corners, cells).backward()

        return run

    return in_turn(job(voxelgrid), job(voxel_reference), rounds=rounds)


def marching(
    n: int,
    resolution: int,
    *,
    filled: bool,
    rounds: int,
    stretch: float = 1.0,
    growth: float = 0.0,
) -> list[float]:
    """march n rays through a cube of two units in 512 steps or less: ours, the definition."""
    box = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
    centres = (torch.arange(resolution) + 0.5) / resolution
    places = from_unit(torch.cartesian_prod(centres, centres, centres), box, stretch)
    from_middle = places.norm(dim=1)
    cells = ((from_middle - 0.5).abs() < 0.04).view(resolution, resolution, resolution)
    origins = torch.nn.functional.normalize(torch.randn(n, 3), dim=1) * 3
    targets = torch.rand(n, 3) * 1.6 - 0.8
    directions = torch.nn.functional.normalize(targets - origins, dim=1)
    jitter = torch.rand(n)

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            twin.march(
                origins,
                directions,
                box,
                cells | filled,
                step=12**0.5 / 512,
                jitter=jitter,
                stretch=stretch,
                growth=growth,
            )

        return run

    return in_turn(job(raymarch), job(march_reference), rounds=rounds)


def compositing(n: int, *, rounds: int) -> list[float]:
    """composite and distortion, forward and backward: ours, the definition."""
    rays = n // SAMPLES
    sigma = (torch.rand(n) * 3).requires_grad_()
    colour = torch.rand(n, 3, requires_grad=True)
    edges = torch.linspace(0, 6, SAMPLES + 1)
    t_start, t_end = edges[:-1].repeat(rays), edges[1:].repeat(rays)
    offsets = torch.arange(rays + 1) * SAMPLES

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            sigma.grad = colour.grad = None
            seen = twin.composite(sigma, colour, t_start, t_end, offsets)
            spread = twin.distortion(seen.weights, t_start, t_end, offsets)
            (seen.colour.sum() + seen.depth.sum() + spread.sum()).backward()

        return run

    return in_turn(job(composite), job(composite_reference), rounds=rounds)


def network(n: int, widths: tuple[int, ...], *, rounds: int) -> list[float]:
    """mlp and the gradients of inputs and weights: ours, the definition."""
    inputs = torch.randn(n, widths[0], requires_grad=True)
    weights = [
        (torch.randn(outer, inner) / inner**0.5).requires_grad_()
        for inner, outer in pairwise(widths)
    ]
    pull = torch.randn(n, widths[-1])

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            for tensor in (inputs, *weights):
                tensor.grad = None
            twin.mlp(inputs, weights).backward(pull)

        return run

    return in_turn(job(mlp), job(mlp_reference), rounds=rounds)


def main() -> None:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1 << 18)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=core_count())
    options = parser.parse_args()
    n, rounds = options.points, options.rounds
    threads = use_threads(options.threads)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    table = Table(
        title=f"Milliseconds; {platform.machine()}, {threads} threads, {threading_layer()}, "
        f"torch {torch.__version__}"
    )
    for heading in ("operation", "ours", "ours, processor", "plain torch", "ratio"):
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    rays = n // SAMPLES
    rows = {
        **{
            f"hash grid and gradient, {n:,}, table {size:,}": encoding(
                n, size, by_points=False, rounds=rounds
            )
            for size in (1 << 15, 1 << 17, 1 << 19)
        },
        "the same, table 131,072, points too": encoding(n, 1 << 17, by_points=True, rounds=rounds),
        **{
            f"voxel grid and gradient, {n // 2:,}, {features} features": interpolation(
                n // 2, features, by_points=False, rounds=rounds
            )
            for features in (28, 27, 1)
        },
        "the same, 28 features, points too": interpolation(
            n // 2, 28, by_points=True, rounds=rounds
        ),
        **{
            f"total variation, 50,000 cells, {features} features": smoothing(
                50_000, features, rounds=rounds
            )
            for features in (28, 1)
        },
        **{
            f"march, {rays:,} rays, 128^3, {what}{how}": marching(
                rays, 128, filled=what == "full", rounds=rounds, stretch=stretch, growth=growth
            )
            for how, stretch, growth in (
                ("", 1.0, 0.0),
                (", stretched", 4.0, 0.0),
                (", growing", 1.0, 0.004),
                (", both", 4.0, 0.004),
            )
            for what in ("hollow", "full")
        },
        f"composite, distortion, gradient, {n:,}": compositing(n, rounds=rounds),
        **{
            f"network {' - '.join(map(str, widths))} and gradients, {n:,}": network(
                n, widths, rounds=rounds
            )
            for widths in NETWORKS
        },
    }
    for name, (ours, processor, plain) in rows.items():
        table.add_row(name, *(f"{t:.1f}" for t in (ours, processor, plain, plain / ours)))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
