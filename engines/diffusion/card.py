"""What a run leaves to be drawn from, and what its card says."""

from typing import TYPE_CHECKING, Any

from engines.diffusion.artist import Artist
from engines.diffusion.data.pairs import Pairs
from engines.diffusion.saved import SavedModel
from engines.events import Judged
from engines.report import finite

if TYPE_CHECKING:
    from engines.diffusion.train import DiffusionEngine

CAPTIONS = 500
"""Captions that a model file keeps to say what it can draw."""


def saved_model_of(engine: "DiffusionEngine", artist: Artist) -> SavedModel:
    """What `artist`, the present state of the run, is written to a file as."""
    config, data = engine.config, engine.data
    return SavedModel(
        name=data.name,
        network=artist.averaged,
        vocabulary=engine.vocabulary,
        classifier=artist.classifier,
        diffusion={
            "path": config.path,
            "target": config.target,
            "drop": config.drop,
            "taught": isinstance(data, Pairs),
        },
        trained={
            "steps": engine.step,
            "seconds": round(engine.seconds, 1),
            "images": len(engine.train),
            "batch": engine.batch,
            **_settings(engine),
            **_judged(engine),
            **_origin(engine),
        },
        space=artist.space,
    )


def _settings(engine: "DiffusionEngine") -> dict[str, Any]:
    """What another run would have to be told to learn alike; JSON values.

    Every "automatic" is resolved, where the network to be taught is already there.
    """
    config = engine.config if engine.learner is None else engine.learner.config
    names = ("rate", "weighting", "timing", "shift", "fit", "flip", "seed")
    found = {name: getattr(config, name) for name in names}
    if isinstance(engine.data, Pairs):  # the images are those that the teacher learnt from
        teacher = engine.data.teacher.trained
        found |= {name: teacher.get(name) for name in ("fit", "flip")}
    return found


def _judged(engine: "DiffusionEngine") -> dict[str, Any]:
    """The last look at held-out images; nothing where there was none. JSON values."""
    looks = [event for event in engine.history if isinstance(event, Judged)]
    if not looks:
        return {}
    last = looks[-1]
    return finite({"held_out": {"images": last.images, "loss": last.loss, "step": last.step}})


def _origin(engine: "DiffusionEngine") -> dict[str, Any]:
    """Where the model is from, and what it can draw; JSON values."""
    found: dict[str, Any] = {}
    if engine.data.said == "captions":
        captions = list(dict.fromkeys(filter(None, engine.train.texts)))
        found["captions"] = captions[:: -(-len(captions) // CAPTIONS) or 1]
    if isinstance(engine.data, Pairs):
        found["teacher"] = engine.data.name
    return found
