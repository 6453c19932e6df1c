"""What can be said to `distill` on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from engines.commands.options import (
    CHECKPOINT,
    REPORT,
    RESUME,
    UsageError,
    config_from,
    options_of,
)
from engines.diffusion.config import GUIDANCE, PAIRS

_BASIC = ("steps", "seconds", "batch", "rate", "seed", "device")
_REST = (
    *("precision", "ema", "warmup", "rate_final", "decay", "clip", "holdout", "evaluate_every"),
    *("samples", "sample_steps"),
)
"""The settings of a student's run; the others follow from its teacher."""


def distill(defaults: Any) -> Callable[..., int]:
    """The command `distill`; options that are not given have the values of `defaults`."""
    basic = options_of(defaults, only=_BASIC, title="How the student learns")
    rest = options_of(defaults, only=_REST, title="What rarely needs a change")

    def command(
        model: Annotated[
            Positional[Path | None],
            arg(
                metavar="[MODEL]",
                help="The diffusion model (.safetensors) that teaches; with --resume found again "
                "by itself",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        *,
        out: Annotated[
            Path, arg(metavar="STUDENT", help="Where to write the student's .safetensors")
        ],
        pairs: Annotated[
            int, arg(help="How many samples the teacher draws to be learnt from")
        ] = PAIRS,
        teacher_sampler: Annotated[
            Literal["dpmpp_2m", "ddim", "euler", "heun", "midpoint"],
            arg(help="How the teacher draws them"),
        ] = "dpmpp_2m",
        teacher_steps: Annotated[int, arg(help="In how many steps")] = 20,
        guidance: Annotated[
            float,
            arg(help="w of (1 + w) conditional - w unconditional in what the teacher draws"),
        ] = GUIDANCE,
        captions: Annotated[
            Path | None,
            arg(
                metavar="FILE.txt",
                help="Captions to draw for, one on each line; without, those that the model's file "
                "keeps, and its classes",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        grid: Annotated[
            Path | None,
            arg(
                metavar="GRID.png",
                help="Where to write a picture of both from the same noise in 1, 2 and 4 steps",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        report: Annotated[Path | None, REPORT] = None,
        checkpoint: Annotated[Path | None, CHECKPOINT] = None,
        resume: Annotated[Path | None, RESUME] = None,
        settings: OmitArgPrefixes[Annotated[Any, arg(constructor=basic)]],
        advanced: OmitArgPrefixes[Annotated[Any, arg(constructor=rest)]],
    ) -> int:
        config = config_from(defaults, settings, advanced)
        if model is None and resume is None:
            raise UsageError("Name the model that teaches: distill MODEL --out STUDENT")
        from engines.commands.distill import Distill
        from engines.diffusion.teaching import Teaching

        teaching = None
        if model is not None:
            teaching = Teaching(
                model=model,
                pairs=pairs,
                sampler=teacher_sampler,
                steps=teacher_steps,
                guidance=guidance,
                seed=config.seed,
            )
        return Distill(
            data=None,
            teaching=teaching,
            captions=captions,
            out=out,
            config=config,
            report=report,
            checkpoint=checkpoint,
            resume=resume,
            grid=grid,
        ).run()

    return command
