"""How long the small kernels take beside the plain torch or numpy that defines them.

    python -m benchmarks.small_kernels [--gaussians 50000] [--width 270] [--height 480]

Times are medians in milliseconds on all cores, kernel and definition measured in turn, so that
what else the machine does meanwhile falls on both alike. The processor's own time for ours, over
all cores, is what a machine without other work would share out among them.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from kernels import adam, depthsort, sphericalharmonics, ssim
from kernels.adam import cuda as adam_torch
from kernels.adam import reference as adam_reference
from kernels.depthsort import reference as sort_reference
from kernels.sphericalharmonics import reference as colour_reference
from kernels.ssim import reference as ssim_reference
from kernels.threads import core_count, threading_layer

ROUNDS = 15


def in_turn(
    ours: Callable[[], object], *others: Callable[[], object], rounds: int = ROUNDS
) -> list[float]:
    """Median milliseconds of ours, of the processor's time for it, and of each other job.

    Each is called once before, which does not count.
    """
    jobs = (ours, *others)
    times: list[list[float]] = [[] for _ in range(len(jobs) + 1)]
    for job in jobs:
        job()
    for _ in range(rounds):
        for index, job in enumerate(jobs):
            begun, spent = time.perf_counter(), time.process_time()
            job()
            taken = time.perf_counter() - begun
            if index == 0:
                times[0].append(taken * 1e3)
                times[1].append((time.process_time() - spent) * 1e3)
            else:
                times[index + 1].append(taken * 1e3)
    return [statistics.median(each) for each in times]


def loss_and_gradient(height: int, width: int) -> list[float]:
    """photometric_loss, forward and backward: ours, the definition."""
    target = torch.rand(height, width, 3)
    image = torch.rand(height, width, 3, requires_grad=True)

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            image.grad = None
            twin.photometric_loss(image, target)[0].backward()

        return run

    return in_turn(job(ssim), job(ssim_reference))


def colours(n: int, degree: int) -> list[float]:
    """spherical_harmonics, forward and backward: ours, the definition."""
    constant = torch.randn(n, 1, 3, requires_grad=True)
    rest = torch.randn(n, 15, 3, requires_grad=True)
    directions = torch.randn(n, 3, requires_grad=True)
    visible = torch.rand(n) < 0.7
    pull = torch.randn(n, 3)

    def job(evaluate) -> Callable[[], None]:
        def run() -> None:
            constant.grad = rest.grad = directions.grad = None
            evaluate((constant, rest), directions, degree=degree, visible=visible).backward(pull)

        return run

    return in_turn(
        job(sphericalharmonics.spherical_harmonics), job(colour_reference.spherical_harmonics)
    )


def colours_of_view(n: int) -> list[float]:
    """colours_of_view of degree 3."""
    rng = np.random.default_rng(0)
    sh = rng.normal(size=(n, 16, 3)).astype(np.float32)
    means = rng.normal(size=(n, 3)).astype(np.float32)
    return in_turn(lambda: sphericalharmonics.colours_of_view(sh, means, np.zeros(3)))


def optimiser(n: int) -> list[float]:
    """adam_step on all six parameters of n Gaussians: ours, torch's fused."""
    shapes = [(n, 3), (n, 4), (n, 3), (n,), (n, 1, 3), (n, 15, 3)]
    states = [[torch.rand(shape) for _ in range(4)] for shape in shapes]

    def job(twin) -> Callable[[], None]:
        def run() -> None:
            for state in states:
                twin.adam_step(*state, step=7, learning_rate=1e-3)

        return run

    return in_turn(job(adam), job(adam_torch))


def finite(n: int) -> list[float]:
    """all_finite on the gradients of n Gaussians (59 numbers each): ours, the definition."""
    gradients = [torch.rand(n, width) for width in (3, 4, 3, 1, 3, 45)]
    return in_turn(
        lambda: adam.all_finite(*gradients), lambda: adam_reference.all_finite(*gradients)
    )


def sort(n: int) -> list[float]:
    """depth_order of n depths: ours, the definition."""
    depths = np.random.default_rng(0).normal(5, 2, n).astype(np.float32)
    return in_turn(
        lambda: depthsort.depth_order(depths), lambda: sort_reference.depth_order(depths)
    )


def main() -> None:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gaussians", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=270)
    parser.add_argument("--height", type=int, default=480)
    options = parser.parse_args()
    n, width, height = options.gaussians, options.width, options.height
    table = Table(
        title=f"Milliseconds; {platform.machine()}, {core_count()} cores, {threading_layer()}, "
        f"torch {torch.__version__}"
    )
    for heading in ("operation", "ours", "ours, processor", "plain torch or numpy"):
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    rows: dict[str, list[float]] = {
        f"loss and gradient, {width} x {height}": loss_and_gradient(height, width),
        **{f"colours and gradient, {n:,}, degree {d}": colours(n, d) for d in (0, 1, 3)},
        "colours of a view, 200,000, degree 3": colours_of_view(200_000),
        f"Adam, {n:,} Gaussians (plain: torch's fused)": optimiser(n),
        f"all gradients finite, {n:,}": finite(n),
        "depth order, 1,000,000": sort(1_000_000),
    }
    for name, times in rows.items():
        table.add_row(name, *(f"{t:.2f}" for t in times))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
