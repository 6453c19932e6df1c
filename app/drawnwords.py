"""How a drawing is told in words: its sampler by name, its settings, how far it came."""

from typing import TYPE_CHECKING

from app.widgets.figures import number

if TYPE_CHECKING:
    from app.drawing import Drawing
    from engines.diffusion.artist import Wish

SAMPLER_NAMES = {
    "dpmpp_2m": "DPM++ 2M",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "euler": "Euler",
    "heun": "Heun",
    "midpoint": "Midpoint",
    "euler_maruyama": "Euler-Maruyama",
}


def words_of(wish: "Wish") -> str:
    """How something is drawn: "DDIM, eta 0.5, 20 steps, guidance 1, seed 0".

    Guidance is named where there is a caption or class to be guided towards.
    """
    by_classifier = wish.classifier_guidance
    eta = f", eta {number(wish.eta)}" if wish.sampler == "ddim" and wish.eta else ""
    noise = f", {wish.noise} noise" if wish.sampler == "ddpm" and wish.noise != "auto" else ""
    told = any(wish.texts) and (wish.guidance or not by_classifier)
    guidance = f", guidance {number(wish.guidance)}" if told else ""
    if by_classifier:
        guidance += f", classifier guidance {number(by_classifier)}"
    name = SAMPLER_NAMES.get(wish.sampler, wish.sampler)
    return f"{name}{eta}{noise}, {wish.steps} steps{guidance}, seed {wish.seed}"


def progress_of(drawing: "Drawing") -> str:
    """How far it is or how far it came: "Step 3 of 20", "Stopped at step 3 of 20".

    Empty for one that is whole.
    """
    if drawing.done:
        return ""
    # An image to start from leaves the first steps out.
    steps = drawing.artist.steps_of(drawing.order.wish)
    return f"{'Stopped at step' if drawing.stopped else 'Step'} {len(drawing.strokes)} of {steps}"
