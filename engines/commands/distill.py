"""Teaching a diffusion model to draw in few steps, without a window: a model in, a student out."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.commands.diffusion import TrainDiffusion
from engines.commands.progress import RunProgress, say
from engines.events import Prepared

if TYPE_CHECKING:
    from engines.diffusion import DiffusionEngine
    from engines.diffusion.teaching import Compared, Teaching
    from engines.diffusion.train import Data

SHOWN = 16
"""Images of each kind in the picture."""


@dataclass(frozen=True, kw_only=True)
class Distill(TrainDiffusion):
    """A run whose data are drawn by a teacher; the rest is as `TrainDiffusion`."""

    teaching: "Teaching | None" = None
    """None only with `resume`."""
    captions: Path | None = None
    """A text with a caption on each line to draw for."""

    def _data(self) -> "Data | None":
        from engines.diffusion.checkpoint import source_of
        from engines.diffusion.teaching import make_pairs

        teaching = self.teaching
        if self.resume is not None:
            teaching = source_of(self.resume).teaching
            if teaching is None:
                raise InputError(
                    f"The run in {self.resume} has no teacher; go on with it by train diffusion"
                )
        elif teaching is not None and self.captions is not None:
            teaching = dataclasses.replace(teaching, captions=read_captions(self.captions))
        if teaching is None:
            raise InputError("Name the model that teaches, or a checkpoint to resume")
        with RunProgress(steps=1) as progress:
            return make_pairs(
                teaching,
                progress=lambda done, total: progress.show(
                    Prepared(phase="The teacher draws", done=done, total=total)
                ),
            )

    def _facts(self, engine: "DiffusionEngine") -> dict[str, Any]:
        if engine.learner is None:
            return {"distilled": None}
        found = _compared(engine)
        figures = {who: found.apart(who) for who in ("teacher", "student")}
        for who, apart in figures.items():
            steps = ", ".join(f"{value:.4f} in {k}" for k, value in apart.items())
            say(f"Mean squared difference of the {who} from what the teacher drew: {steps}")
        return {
            "distilled": {
                who: {str(k): value for k, value in apart.items()} for who, apart in figures.items()
            }
        }

    def _write_samples(self, engine: "DiffusionEngine", path: Path) -> None:
        from engines.diffusion.teaching import write_comparison

        most = None if engine.data.points else SHOWN
        write_comparison(path, _compared(engine, most), engine.data.name)


def _compared(engine: "DiffusionEngine", most: int | None = None) -> "Compared":
    from engines.diffusion.data.pairs import Pairs
    from engines.diffusion.teaching import COMPARED, compared

    pairs = engine.held_out if len(engine.held_out) else engine.train
    assert isinstance(pairs, Pairs)
    return compared(pairs, engine.artist(), most=most or COMPARED)


def read_captions(path: Path) -> tuple[str, ...]:
    """The lines of a text that are not empty; InputError where there are none to be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as a text ({error}); name one with a caption on each line"
        ) from error
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise InputError(f"{path} is empty; write a caption on each line")
    return found
