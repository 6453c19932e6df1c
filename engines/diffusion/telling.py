"""What is said before a run: what will be learnt, and what will not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from engines.diffusion.data.pairs import Pairs
from engines.diffusion.memory import Forecast, amount_of
from engines.diffusion.words import unread_notes

if TYPE_CHECKING:
    from engines.diffusion.train import DiffusionEngine


def notes_of(engine: "DiffusionEngine") -> Iterator[str]:
    """Sentences on what will not be learnt from, or not be judged by."""
    yield from engine.data.notes
    if engine.config.holdout and not len(engine.held_out) and len(engine.train) > 1:
        yield (
            f"{len(engine.train):,} images are too few to hold any of them out, so nothing will "
            "tell whether they are learnt by heart"
        )
    if engine.config.places == "learned" and engine.network_config().kind in ("unet", "points"):
        yield "Only a transformer has place embeddings to learn, so none are"
    if engine.vocabulary is not None:
        read = [engine.encoded(part) for part in (engine.train, engine.held_out)]
        yield from unread_notes(read, engine.vocabulary)


def about(engine: "DiffusionEngine") -> str:
    """How much learns from how much, in a sentence."""
    what = "points" if engine.data.points else "images"
    words = ""
    if engine.vocabulary is not None:
        kind = "classes" if engine.vocabulary.classes else "words"
        words = f" with {len(engine.vocabulary.words)} {kind}"
    if isinstance(engine.data, Pairs):
        what = f"pairs of noise and {what} of the teacher {engine.data.name}"
    held = f", {len(engine.held_out):,} held out" if len(engine.held_out) else ""
    count = engine.amount["parameters"]
    number = len(engine.train)
    if number == 1:
        what = "point" if engine.data.points else "image"
    learn = f"{count:,} weights learn {number:,} {what}{words}{held}"
    return f"{learn}; {memory_words(engine.needs(), engine.device)}"


def memory_words(needs: Forecast, device: torch.device) -> str:
    """What a run will take in memory at its height, for people."""
    gpu = "GPU " if device.type == "cuda" else ""
    return f"weights and steps take about {amount_of(needs.total)} of {gpu}memory"
