"""What a run leaves to be drawn from, and what its card says."""

from typing import TYPE_CHECKING, Any

from engines.diffusion.artist import Artist
from engines.diffusion.data.pairs import Pairs
from engines.diffusion.saved import SavedModel

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
            "fit": config.fit,
            "flip": config.flip,
            **_origin(engine),
        },
        space=artist.space,
    )


def _origin(engine: "DiffusionEngine") -> dict[str, Any]:
    """Where the model is from, and what it can draw; JSON values."""
    found: dict[str, Any] = {}
    if engine.data.said == "captions":
        captions = list(dict.fromkeys(filter(None, engine.train.texts)))
        found["captions"] = captions[:: -(-len(captions) // CAPTIONS) or 1]
    if isinstance(engine.data, Pairs):
        found["teacher"] = engine.data.name
    return found
