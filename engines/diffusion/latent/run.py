"""How a run goes through its first stage, from the first step to the latents of all images."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assets.errors import InputError
from engines.diffusion.latent.stage import FirstStage
from engines.diffusion.memory import check_room, free_bytes
from engines.diffusion.telling import memory_words, notes_of
from engines.events import Event, Failed, Marked, Prepared, StageBegan, Warned
from engines.training import train

if TYPE_CHECKING:
    from engines.diffusion.train import DiffusionEngine


def learn_latents(run: "DiffusionEngine", first: FirstStage) -> Iterator[Event]:
    """The autoencoder to its end, then the latents of all images."""
    if first.space is None:
        yield from _begin(run, first)
        went_well = yield from train(
            run,
            lambda: (first.reconstructed(run.step, run.seconds),),
            is_over=lambda: first.is_done(run.step, run.seconds),
        )
        if not went_well:
            return
        try:
            first.end(run.step, run.seconds)
        except InputError as error:
            yield Failed(step=run.step, message=str(error))
            return
        yield first.verdict()
        yield Marked(step=run.step, label="diffusion")
        run.sheet_at = -math.inf  # samples, as soon as there is what draws them
    for done, total in first.encode():
        yield Prepared(phase="Encoding the images", done=done, total=total)
    yield StageBegan(step=run.step, name="diffusion", number=2, count=2)


def _begin(run: "DiffusionEngine", first: FirstStage) -> Iterator[Event]:
    if first.learner is None:
        yield Prepared(phase="Making the autoencoder", done=0, total=1)
        stages = first.forecast(run.batch, run.device.type), run.needs()
        for needs in stages:
            check_room(needs, free_bytes(run.device))
        first.ready(run.device, run.generator)
        for note in notes_of(run):
            yield Warned(message=note)
        most = max(stages, key=lambda needs: needs.total)
        yield first.plan(memory_words(most, run.device))
        yield Prepared(phase="Making the autoencoder", done=1, total=1)
    yield StageBegan(step=run.step, name="autoencoder", number=1, count=2)
