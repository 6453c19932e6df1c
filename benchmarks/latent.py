"""What it costs to learn and draw among latents instead of among pixels.

    python -m benchmarks.latent [--steps 20] [--rounds 3] [--factor 4] [--networks "unet laptop"]

Each network learns the bundled shapes (32x32) both ways, one step of each in turn, so that whatever
else the machine does slows both; then each draws 16 samples in 20 steps, in turn again, decoding
included. The autoencoder is learnt for as many steps as the networks: long enough to tell its time,
not what it comes to.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.artist import Wish
from engines.diffusion.data.shapes.source import make_shapes
from engines.events import Stepped
from kernels.threads import leave_cores_to_kernels

WARM = 3
"""Steps that are not counted."""
IMAGES = 256


def steps_of(engine: DiffusionEngine, key: str) -> Iterator[float]:
    """Milliseconds of the steps whose scalars have this key, once the first few are over."""
    seen = 0
    for event in engine.run():
        if isinstance(event, Stepped) and key in event.scalars:
            seen += 1
            if seen > WARM:
                yield event.step_ms


def both_ways(
    network: str, factor: int, steps: int, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Median milliseconds of a step and seconds of 16 samples, by what was learnt."""
    count = steps + WARM
    common = {"network": network, "evaluate_every": 1_000_000, "autoencoder": 0.5}
    data = make_shapes(IMAGES).pictures
    engines = {
        "pixels": DiffusionEngine(data, DiffusionConfig(steps=count, **common)),
        "latents": DiffusionEngine(
            data, DiffusionConfig(steps=2 * count, latent=str(factor), **common)
        ),
    }
    times = {"autoencoder": list(first_steps(engines["latents"], count))}
    going = {name: steps_of(engine, "loss") for name, engine in engines.items()}
    times |= {name: [] for name in engines}
    for _ in range(steps):
        for name, turn in going.items():
            times[name].append(next(turn))
    wish = Wish(count=16, steps=20)

    def drawing(engine: DiffusionEngine) -> Callable[[], object]:
        artist = engine.artist()
        return lambda: artist.samples(wish)

    drawn: dict[str, list[float]] = {name: [] for name in engines}
    draws = {name: drawing(engine) for name, engine in engines.items()}
    for turn in range(rounds + 1):
        for name, draw in draws.items():
            began = time.perf_counter()
            draw()
            if turn:
                drawn[name].append(time.perf_counter() - began)
    return (
        {name: statistics.median(each) for name, each in times.items()},
        {name: statistics.median(each) for name, each in drawn.items()},
    )


def first_steps(engine: DiffusionEngine, count: int) -> Iterator[float]:
    """Milliseconds of the `count` steps in which the autoencoder is learnt."""
    going = engine.run()
    for event in going:
        if isinstance(event, Stepped):
            if event.step > WARM:
                yield event.step_ms
            if event.step == count:
                going.close()
                return


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--factor", type=int, default=4, choices=(2, 4))
    parser.add_argument("--networks", nargs="+", default=["dit laptop", "unet laptop"])
    given = parser.parse_args()
    leave_cores_to_kernels()
    console = Console()
    for network in given.networks:
        steps, drawn = both_ways(network, given.factor, given.steps, given.rounds)
        for name in ("pixels", "latents"):
            console.print(
                f"{network}, {name}: {steps[name]:.0f} ms a step, {1e3 / steps[name]:.1f} steps/s; "
                f"16 samples in 20 steps {drawn[name]:.2f} s"
            )
        console.print(
            f"{network}: latents take {steps['latents'] / steps['pixels']:.2f} of the time of a "
            f"step and {drawn['latents'] / drawn['pixels']:.2f} of that of samples; a step of the "
            f"autoencoder {steps['autoencoder']:.0f} ms"
        )


if __name__ == "__main__":
    main()
