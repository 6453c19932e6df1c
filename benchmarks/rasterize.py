"""How long rasterising takes on this machine: medians for the sizes that training meets.

    python -m benchmarks.rasterize [--threads N] [--repeats N]

The scene is made up: Gaussians on a bumpy sphere, sized so that they overlap about as much as
those of a captured scene at the start of training and after it has grown.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from kernels.backend import backend
from kernels.rasterize import blend, project, warm_up
from kernels.threads import core_count, use_threads


@dataclass(frozen=True)
class Case:
    """A number of Gaussians on an image of a size in pixels."""

    count: int
    width: int
    height: int


CASES = (Case(10_800, 270, 480), Case(50_000, 270, 480), Case(50_000, 512, 512))


class Drawing:
    """One scene and camera, drawn again and again."""

    def __init__(self, case: Case) -> None:
        random = torch.Generator().manual_seed(0)
        normal = torch.randn(case.count, 3, generator=random)
        direction = normal / normal.norm(dim=1, keepdim=True)
        bumps = 1.0 + 0.2 * torch.sin(direction * 9.0).sum(dim=1, keepdim=True)
        spacing = 2.0 / case.count**0.5
        shape = torch.exp(0.5 * torch.randn(case.count, 3, generator=random))
        self.means = (bumps * direction).requires_grad_()
        self.quats = torch.randn(case.count, 4, generator=random).requires_grad_()
        self.scales = (spacing * shape).requires_grad_()
        opacities = torch.sigmoid(1.5 * torch.randn(case.count, generator=random) - 1.0)
        self.opacities = opacities.requires_grad_()
        self.colours = torch.rand(case.count, 3, generator=random).requires_grad_()
        self.probe = torch.zeros(case.count, 2, requires_grad=True)
        self.pull = torch.randn(case.height, case.width, 3, generator=random)
        view = torch.eye(4)
        view[2, 3] = 3.0
        focal = 1.2 * min(case.width, case.height)
        self.camera = {
            "world_to_camera": view,
            "fx": focal,
            "fy": focal,
            "cx": case.width / 2,
            "cy": case.height / 2,
            "width": case.width,
            "height": case.height,
        }

    def forward(self) -> torch.Tensor:
        """Project and blend; the image."""
        projected = project(
            self.means,
            self.quats,
            self.scales,
            self.opacities,
            probe=self.probe,
            **self.camera,
        )
        return blend(projected, self.opacities, self.colours).image

    def both(self) -> None:
        """Forward, and backward to every parameter."""
        self.forward().backward(self.pull)


def median_ms(task: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Medians over `repeats` runs after two more: wall clock, and processor time of all threads."""
    wall, busy = [], []
    for k in range(repeats + 2):
        began, began_busy = time.perf_counter(), time.process_time()
        task()
        if k >= 2:
            wall.append((time.perf_counter() - began) * 1e3)
            busy.append((time.process_time() - began_busy) * 1e3)
    return statistics.median(wall), statistics.median(busy)


def main() -> None:
    """Print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=core_count())
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    threads = use_threads(arguments.threads)
    torch.set_num_threads(1)
    began = time.perf_counter()
    warm_up()
    ready = time.perf_counter() - began
    say = sys.stdout.write
    say(f"{platform.processor() or platform.machine()}, {backend().summary}, ")
    say(f"{backend().threading_layer}, {threads} threads; kernels ready in {ready:.1f} s\n")
    say("gaussians    image  forward ms  forward+backward ms  processor ms\n")
    for case in CASES:
        drawing = Drawing(case)
        forward, _ = median_ms(drawing.forward, arguments.repeats)
        both, busy = median_ms(drawing.both, arguments.repeats)
        say(
            f"{case.count:9,} {case.width:4}x{case.height:<4} {forward:10.1f} "
            f"{both:20.1f} {busy:13.1f}\n"
        )


if __name__ == "__main__":
    main()
