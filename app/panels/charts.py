"""Which charts tell how a run is doing: a row of them for each kind of thing that is learnt."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.widgets.figures import count, number, percent


@dataclass(frozen=True)
class Curve:
    """One line of a chart."""

    key: str
    """Name of the series."""
    colour: str
    """A field of the theme."""
    words: str = "{}"
    """How its latest figure is said: "train {}"."""
    smooth: bool = False
    """Whether it is noisy enough to be smoothed."""
    dots: bool = False
    """Whether its points are rare enough to be shown."""


@dataclass(frozen=True)
class ChartSpec:
    """What a chart shows."""

    title: str
    curves: tuple[Curve, ...]
    figure: Callable[[float], str] = number
    may_log: bool = True
    """Whether a logarithmic axis makes sense."""
    help: str = ""
    """What is measured, with its unit; the tooltip of the title."""
    rare: bool = False
    """Only some runs tell of it, so it is left out until one does."""


def decibels(value: float) -> str:
    """With one decimal."""
    return f"{value:.1f}" if math.isfinite(value) else "none"


def share(value: float) -> str:
    """In percent."""
    return percent(value, 1.0)


def power(value: float) -> str:
    """With two digits and as few more as can be: "9.6e-5"."""
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}e{int(exponent)}" if math.isfinite(value) else "none"


LOSS = ChartSpec(
    "Loss",
    (Curve("loss", "mark", smooth=True),),
    help="What training makes smaller, on the photo of each step",
)
PSNR = ChartSpec(
    "PSNR",
    (
        Curve("psnr", "good", "train {}", smooth=True),
        Curve("holdout/psnr", "split", "held out {}", dots=True),
    ),
    figure=decibels,
    may_log=False,
    help="Likeness to the photos in dB, more is better: on the photo of each step, and "
    "the mean over the held-out photos",
)
SPLAT_CHARTS = (
    LOSS,
    PSNR,
    ChartSpec(
        "Gaussians",
        (Curve("gaussians", "clone"),),
        figure=count,
        help="How many there are after each step",
    ),
    ChartSpec(
        "Learning rate",
        (Curve("lr/means", "label"),),
        figure=power,
        help="Of the positions, in scene sizes",
    ),
)
FIELD_CHARTS = (
    replace(LOSS, help="What training makes smaller, on the rays of each step"),
    replace(
        PSNR,
        help="Likeness to the photos in dB, more is better: on the rays of each step, and "
        "the mean over the held-out photos",
    ),
    ChartSpec(
        "Samples per ray",
        (Curve("samples_per_ray", "clone", smooth=True),),
        help="Places looked at along a ray on average; fewer once empty space is known",
    ),
    ChartSpec(
        "Learning rate",
        (Curve("lr", "label"),),
        figure=power,
        help="Size of a step of Adam for each parameter",
    ),
)
DIFFUSION_CHARTS = (
    ChartSpec(
        "Loss",
        (
            Curve("loss", "mark", "train {}", smooth=True),
            Curve("holdout/loss", "split", "held out {}", dots=True),
        ),
        help="Mean squared error of what the network predicts: on the images of each step, and "
        "on held-out ones, whose noise levels are always the same. No level counts more than "
        "another, as some may for the gradient",
    ),
    ChartSpec(
        "Autoencoder",
        (
            Curve("autoencoder", "mark", "train {}", smooth=True),
            Curve("holdout/autoencoder", "split", "held out {}", dots=True),
        ),
        help="Mean absolute difference between images in [-1, 1] and what they come back as from "
        "their latents: of the images of each step, and of held-out ones",
        rare=True,
    ),
    ChartSpec(
        "Variational bound",
        (Curve("vlb", "good", smooth=True),),
        help="How far each step back is from the best that is possible, in nats of each number, "
        "summed over a way of 20 steps; what learnt variances make smaller",
        rare=True,
    ),
    ChartSpec(
        "Classifier",
        (Curve("classifier/accuracy", "good", smooth=True),),
        figure=share,
        may_log=False,
        help="Share of noisy images or points, of any noise level, whose class it names rightly",
        rare=True,
    ),
    ChartSpec(
        "Gradient norm",
        (Curve("gradient", "clone", smooth=True),),
        help="Length of the gradient of all weights before it is clipped",
    ),
    ChartSpec(
        "Learning rate",
        (Curve("lr", "label"),),
        figure=power,
        help="Size of a step of AdamW for each weight",
    ),
)
