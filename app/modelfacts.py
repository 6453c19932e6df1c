"""What the file of a diffusion model says of itself, in words for people."""

from typing import TYPE_CHECKING, Any

from app.imagesets import DiffusionModel
from app.widgets.figures import count

if TYPE_CHECKING:
    from engines.diffusion.networks.config import NetworkConfig

SOME = 4
"""Words that are named; of more there is the number."""
KINDS = {
    "dit": "Transformer (DiT)",
    "mmdit": "Two streams (MM-DiT)",
    "unet": "U-Net",
    "points": "MLP of points",
}
PATHS = {"linear": "Linear (DDPM)", "cosine": "Cosine (DDPM)", "flow": "Flow"}
TARGETS = {"noise": "noise", "x0": "x0", "v": "v", "velocity": "velocity"}


def facts_of(model: DiffusionModel) -> dict[str, str]:
    """By name of the fact; what a file does not tell is left out."""
    saved = model.saved
    config, about, trained = saved.network.config, saved.diffusion, saved.trained
    path, target = str(about.get("path", "")), str(about.get("target", ""))
    found = {
        "File": model.path.name if model.path is not None else "",
        "Network": _network(config),
        "Weights": count(model.weights),
        "Draws": _drawn(saved.shape),
        "Latent space": f"Sides {saved.space.factor} times shorter" if saved.space else "",
        "Path, target": f"{PATHS.get(path, path)}, {TARGETS.get(target, target)}",
        "Learnt from": _data(saved.name, trained, len(saved.shape) == 1),
        "Steps trained": count(trained["steps"]) if "steps" in trained else "",
        "Teacher": str(trained.get("teacher", "")),
        "Classifier": "Names noisy classes" if saved.classifier is not None else "",
    }
    vocabulary = saved.vocabulary
    if vocabulary is not None:
        words = vocabulary.words
        some = ", ".join(words[:SOME])
        more = f" and {len(words) - SOME:,} more" if len(words) > SOME else ""
        found["Classes" if vocabulary.classes else "Words"] = f"{some}{more}"
    return {name: words for name, words in found.items() if words}


def _network(config: "NetworkConfig") -> str:
    kind = KINDS.get(config.kind, config.kind)
    blocks = f"{config.depth} block{'s' * (config.depth != 1)}"
    return f"{kind}, {blocks}, width {config.features}"


def _drawn(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return "Points in the plane"
    colours = "Grey images" if shape[0] == 1 else "Images"
    return f"{colours} of {shape[2]} x {shape[1]} px"


def _data(name: str, trained: dict[str, Any], points: bool) -> str:
    number = trained.get("images")
    if not isinstance(number, int):
        return name
    what = "pairs" if "teacher" in trained else "points" if points else "images"
    return f"{name}, {count(number)} {what[:-1] if number == 1 else what}"
