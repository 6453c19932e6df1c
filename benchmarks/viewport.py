"""What a frame of the viewport takes on this machine, and whether the window stays alive.

Run from the project's folder, under xvfb-run where there is no display:

    python -m benchmarks.viewport [FILE] [--counts 20000 50000 150000] [--size 960 720]

FILE is a splat file; without one, random Gaussians in a ball are drawn. For each count:
the whole picture at full size (all its portions), the worker's order, and while orbiting,
and while a new cloud comes every 0.3 s, the time of each turn of the event loop.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assets.gaussians import GaussianCloud


def ball(count: int) -> GaussianCloud:
    """Random Gaussians that cover a ball about four times over, whatever their number."""
    rng = np.random.default_rng(0)
    size = 0.08 * (20_000 / count) ** 0.5
    return GaussianCloud(
        means=(0.6 * rng.normal(size=(count, 3))).astype(np.float32),
        quats=rng.normal(size=(count, 4)).astype(np.float32),
        log_scales=rng.normal(np.log(0.5 * size), 0.5, (count, 3)).astype(np.float32),
        logit_opacities=rng.normal(0.5, 1.5, count).astype(np.float32),
        sh=rng.normal(size=(count, 16, 3)).astype(np.float32) * 0.3,
    )


def turns(viewport, application, seconds: float, act: Callable[[int], None]) -> np.ndarray:
    """Milliseconds of every turn of the event loop at 30 Hz; `act` gets the turn's number."""
    found, last, end = [], time.perf_counter(), time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        act(len(found))
        viewport.tick(start - last)
        last = start
        application.processEvents()
        found.append(1e3 * (time.perf_counter() - start))
        time.sleep(max(0.0, 1 / 30 - 1e-3 * found[-1]))
    return np.array(found)


def measure(viewport, application, cloud: GaussianCloud) -> str:
    """One row of the table."""

    def settle() -> None:
        idle = 0
        while idle < 3:
            turns(viewport, application, 0.05, lambda _: None)
            idle = 0 if viewport.busy else idle + 1

    viewport.show_gaussians(cloud)
    viewport.reset_view(animate=False)
    settle()
    layers, sorts, cpu = [], [], []
    for _ in range(5):
        used = time.process_time()
        viewport.grid_visible = not viewport.grid_visible
        settle()
        cpu.append(1e3 * (time.process_time() - used))
        layers.append(viewport.stats.layer_ms)

    def turn(_: int) -> None:
        viewport.orbit(6.0, 0.0)
        sorts.append(viewport.stats.sort_ms)

    turning = turns(viewport, application, 4.0, turn)
    coarse = viewport.stats
    settle()
    learning = turns(
        viewport,
        application,
        4.0,
        lambda i: viewport.show_gaussians(cloud.selected(np.s_[:])) if i % 10 == 0 else None,
    )
    figures = [np.median(layers), np.median(cpu), np.median(sorts)]
    for times in (turning, learning):
        figures += [np.median(times), np.percentile(times, 95), times.max()]
    row = f"{len(cloud):>9,}" + "".join(f"{value:>9.0f}" for value in figures)
    return f"{row}   {coarse.drawn:,} at {coarse.scale:g}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--counts", nargs="+", type=int, default=[20_000, 50_000, 150_000])
    parser.add_argument("--size", nargs=2, type=int, default=[960, 720])
    options = parser.parse_args()

    from app.launch import make_application

    application = make_application(sys.argv[:1])
    from assets.open import open_path
    from renderers.canvas import Viewport
    from renderers.glsl import renderer_name

    whole = open_path(options.file) if options.file is not None else None
    viewport = Viewport(tuple(options.size))
    out = sys.stdout.write
    out(f"{renderer_name()}, {options.size[0]} x {options.size[1]}, milliseconds\n")
    out(f"{'':>9}{'full size':>9}{'its CPU':>9}{'order':>9}")
    out(f"{'orbit':>9}{'p95':>9}{'worst':>9}{'learn':>9}{'p95':>9}{'worst':>9}   orbiting\n")
    viewport.native.show()
    try:
        for count in options.counts:
            if isinstance(whole, GaussianCloud):
                picked = np.random.default_rng(0).permutation(len(whole))[:count]
                cloud = whole.selected(np.sort(picked))
            else:
                cloud = ball(count)
            out(measure(viewport, application, cloud) + "\n")
    finally:
        viewport.close()


if __name__ == "__main__":
    main()
