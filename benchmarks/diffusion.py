"""How fast a diffusion model learns and draws, and how near a learnt score is to the true one.

    python -m benchmarks.diffusion [--steps 60] [--rounds 5] [--toy-seconds 60]

The default model learns the bundled shapes for some steps; then it draws 16 samples in 20 steps,
plainly, with guidance, and with attention written down: softmax alone, and all three stages.
Whatever is compared is run in turn. The toy is the mixture of Gaussians, whose score is known at
every noise level: the error of the learnt one over its norm, over points that are as likely as the
path makes them.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console

from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.artist import Wish
from engines.diffusion.capture import STAGES, Capture
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.targets import Denoiser
from engines.diffusion.toys import ring_of_gaussians
from engines.events import Stepped
from kernels.threads import leave_cores_to_kernels

WARM = 10
"""Steps that are not counted."""
POINTS = 4_000


def speed(steps: int, rounds: int, console: Console) -> None:
    """Steps a second and the time of 16 samples."""
    config = DiffusionConfig(steps=steps + WARM, evaluate_every=1_000_000, sample_seconds=1e6)
    engine = DiffusionEngine(make_shapes(2_000).pictures, config)
    times = [event.step_ms for event in engine.run() if isinstance(event, Stepped)][WARM:]
    middle = statistics.median(times)
    console.print(f"training: {middle:.1f} ms a step, {1e3 / middle:.1f} steps/s")
    artist, caption = engine.artist(), ("a red circle left of a blue square",)

    def draws(guidance: float, stages: tuple = ()) -> Callable[[], None]:
        wish = Wish(count=16, texts=caption, steps=20, guidance=guidance)

        def run() -> None:
            capture = Capture(stages=frozenset(stages)) if stages else None
            for _ in artist.draw(wish, capture=capture):
                pass

        return run

    jobs = {
        "16 samples, 20 steps": draws(0.0),
        "the same, guided": draws(1.0),
        "the same, attention after the softmax": draws(0.0, ("softmax",)),
        "the same, all stages of attention": draws(0.0, STAGES),
    }
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    plain = statistics.median(next(iter(seconds.values())))
    for name, each in seconds.items():
        middle = statistics.median(each)
        console.print(f"{name}: {middle:.3f} s, {middle / plain - 1:+.0%}")


def toy(seconds: float, console: Console) -> None:
    """Error of the learnt score of the mixture by noise level."""
    config = DiffusionConfig(steps=1_000_000, seconds=seconds, evaluate_every=1_000_000)
    engine = DiffusionEngine(data_of(Source.named("mixture"), config), config)
    for _ in engine.run():
        pass
    console.print(f"mixture: {engine.step:,} steps in {engine.seconds:.0f} s")
    ring, artist = ring_of_gaussians(), engine.artist()
    generator = torch.Generator().manual_seed(9)
    for tenth in range(1, 10):
        t = torch.tensor(tenth / 10, dtype=torch.float64)
        x0 = ring.sample(POINTS, generator).places
        noise = torch.randn(POINTS, 2, generator=generator)
        x = artist.path.noised(x0, noise, t.float().expand(POINTS))
        seen = Denoiser(artist.averaged, artist.path, artist.target)(x, t)
        learnt = -seen.eps / float(artist.path.at(t)[1])
        true = ring.score(x, t.float(), artist.path)
        console.print(f"t = {float(t):.1f}: {float((learnt - true).norm() / true.norm()):.1%}")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--toy-seconds", type=float, default=60, help="0 leaves the toy out")
    given = parser.parse_args()
    leave_cores_to_kernels()
    console = Console()
    speed(given.steps, given.rounds, console)
    if given.toy_seconds:
        toy(given.toy_seconds, console)


if __name__ == "__main__":
    main()
