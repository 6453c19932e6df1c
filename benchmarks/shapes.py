"""How well captions are followed by a model of the bundled shapes, and where its words point.

    python -m benchmarks.shapes [--seconds 900] [--out MODEL.safetensors] [--model MODEL]

Trains the default model on the shapes for that long, or reads a MODEL that has. Then 200 samples
of captions that were kept from training are judged by the rules of
`engines.diffusion.data.shapes.judge`, at several guidances. For the pointing game, true images of
such captions are led to noise along the probability-flow ODE (as DDIM does, backwards); the heat
map of a word is its share of the cross-attention, over all layers, heads and steps, and points
where it is highest. Chance is the share of the image that the word's own thing covers.
"""

import argparse
import itertools
from pathlib import Path

import torch
from rich.console import Console

from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Capture
from engines.diffusion.data.pictures import to_bytes, to_network
from engines.diffusion.data.shapes.judge import judge
from engines.diffusion.data.shapes.source import Shapes, make_shapes
from engines.diffusion.maps import word_maps
from engines.diffusion.saved import read_model, write_model
from engines.events import Judged
from kernels.threads import leave_cores_to_kernels

GUIDANCES = (0.0, 1.0, 2.0, 3.0, 5.0)
AT_ONCE = 50
FIRST, LAST, INVERSIONS = 0.05, 0.95, 12
"""Noise levels between which images are led to noise, and in how many steps."""


def trained(seconds: float, out: Path | None, console: Console) -> Artist:
    """The default model after `seconds` of training, written to `out` as well."""
    config = DiffusionConfig(steps=1_000_000, seconds=seconds, evaluate_every=1_000)
    engine = DiffusionEngine(make_shapes().pictures, config)
    for event in engine.run():
        if isinstance(event, Judged):
            console.print(f"{event.seconds:.0f} s, step {event.step:,}: loss {event.loss:.4f}")
    if out:
        write_model(engine.saved_model(), out)
    return engine.artist()


def followed(artist: Artist, shapes: Shapes, guidance: float, steps: int) -> list[float]:
    """Shares of samples with the right colours, shapes, both, and all right."""
    texts, right = shapes.pictures.texts, torch.zeros(4)
    for first in range(0, len(texts), AT_ONCE):
        some = texts[first : first + AT_ONCE]
        wish = Wish(count=len(some), texts=some, steps=steps, guidance=guidance, seed=first)
        images = to_bytes(artist.samples(wish)).permute(0, 2, 3, 1).numpy()
        for image, text in zip(images, some, strict=True):
            found = judge(image, text)
            both = found.colours and found.shapes
            right += torch.tensor([found.colours, found.shapes, both, found.right])
    return (right / len(texts)).tolist()


def pointing(artist: Artist, shapes: Shapes) -> tuple[float, float, int]:
    """Share of words that point at their own thing, that of chance, and how many words."""
    texts = shapes.pictures.texts
    wish = Wish(count=len(texts), texts=texts)
    capture = Capture()
    denoise = artist.denoiser(wish, capture=capture)
    x, way = to_network(shapes.pictures.images), torch.linspace(FIRST, LAST, INVERSIONS + 1)
    start, _ = artist.path.at(way[0])
    x = start * x
    for t, after in itertools.pairwise(way):
        seen = denoise(x, t)
        a, s = artist.path.at(after)
        x = a * seen.x0 + s * seen.eps
    items = [item for item in capture.chosen() if item.kind != "self"]
    hits, chances = [], []
    for row in range(len(texts)):
        size = tuple(shapes.pictures.images.shape[-2:])
        heat = word_maps(items, row, size=size)
        for number, (_, mask) in enumerate(shapes.word_masks(row)):
            if mask is not None:
                hits.append(mask.reshape(-1)[int(heat[number].argmax())])
                chances.append(mask.mean())
    return sum(hits) / len(hits), sum(chances) / len(chances), len(hits)


@torch.no_grad()
def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, help="where to write the model that was trained")
    given = parser.parse_args()
    leave_cores_to_kernels()
    console = Console()
    if given.model:
        artist = Artist.of(read_model(given.model))
    else:
        with torch.enable_grad():
            artist = trained(given.seconds, given.out, console)
    held_out = make_shapes(200, held_out=True)
    for guidance in GUIDANCES:
        colours, kinds, both, right = followed(artist, held_out, guidance, given.steps)
        console.print(
            f"guidance {guidance:g}: colours {colours:.1%}, shapes {kinds:.1%}, both {both:.1%}, "
            f"all right {right:.1%}"
        )
    share, chance, words = pointing(artist, held_out)
    console.print(f"{share:.1%} of {words} words point at their own thing; chance {chance:.1%}")


if __name__ == "__main__":
    main()
