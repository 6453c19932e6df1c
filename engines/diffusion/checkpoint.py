"""A run on disk, complete enough to go on bit for bit.

The folder holds `checkpoint.json` (settings, counters, history, where the images are) and
`state.safetensors` (weights, their average, AdamW's moments, random state).
"""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from assets.errors import InputError
from assets.files import atomic_folder
from engines.checkpoints import FILE_NAME, broken, config_in, events_of, read_run, under
from engines.diffusion.config import DiffusionConfig
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.descent import give_moments, moments_of

if TYPE_CHECKING:
    from engines.diffusion.train import Data, DiffusionEngine

NAME, VERSION = "diffusion", 1
FIXED = (
    "network",
    "places",
    "size",
    "fit",
    "path",
    "target",
    "variance",
    "latent",
    "holdout",
    "seed",
    "classifier",
    "classes",
)
"""Settings that make a run what it is; others may change when it goes on.

Another fit would go on with other images; another share or seed would learn from images that were
held out before.
"""


def save(engine: "DiffusionEngine", folder: Path) -> None:
    """Write the run's present state to `folder`, replacing an older checkpoint there.

    Raises InputError when there is nothing to save yet or the folder cannot be written.
    """
    learner, first = engine.learner, engine.first
    if not engine.has_begun:
        raise InputError("The run has no model yet, so there is nothing to save; start it first")
    tensors = {"random": engine.generator.get_state()}
    if learner is not None:
        tensors |= {f"network/{n}": t for n, t in learner.network.state_dict().items()}
        tensors |= {f"ema/{n}": t for n, t in learner.ema.network.state_dict().items()}
        tensors |= moments_of(learner.optimiser, "optimiser/")
        tensors["levels"] = learner.levels.errors
        if learner.shares is not None:
            tensors["shares"] = learner.shares.errors
    if (naming := engine.naming) is not None:
        tensors |= {f"classifier/network/{n}": t for n, t in naming.network.state_dict().items()}
        tensors |= moments_of(naming.optimiser, "classifier/optimiser/")
        tensors["classifier/accuracy"] = naming.accuracy.errors
        tensors["classifier/random"] = naming.generator.get_state()
    latent: dict[str, Any] = {}
    if first is not None:
        latent["latent"], weights = first.state()
        tensors |= {f"autoencoder/{name}": tensor for name, tensor in weights.items()}
    about = {
        "version": VERSION,
        "engine": NAME,
        "config": dataclasses.asdict(engine.config),
        "step": engine.step,
        "seconds": engine.seconds,
        "ema_step": None if learner is None else learner.ema.step,
        "images": len(engine.data),
        "vocabulary": _words_of(engine),
        "dataset": engine.data.source.about() if engine.data.source else None,
        "history": [event.to_json() for event in engine.history],
        **latent,
    }
    with atomic_folder(folder) as place:
        content = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
        save_file(content, place / "state.safetensors")
        (place / FILE_NAME).write_text(json.dumps(about), encoding="utf-8")


def load(
    folder: Path, data: "Data | None" = None, config: DiffusionConfig | None = None
) -> "DiffusionEngine":
    """An engine that goes on where the checkpoint in `folder` was written.

    The images are looked for where they were, unless `data` is given. Settings are the
    checkpoint's, unless `config` is given. Raises InputError with a sentence when a file is
    missing or broken, or the images are not those of the run.
    """
    from engines.diffusion.train import DiffusionEngine

    about = _read(folder)
    try:
        tensors = load_file(folder / "state.safetensors")
        before = config_in(about, folder, DiffusionConfig)
        config = config or before
        _check_same(before, config, folder)
        if data is None:
            data = data_of(Source.of(about["dataset"]), config)
        if len(data) != int(about["images"]):
            raise InputError(
                f"{data.name} has {len(data):,} images and the run in {folder} learnt from "
                f"{int(about['images']):,}; name the folder that it learnt from"
            )
        engine = DiffusionEngine(data, config)
        if "vocabulary" in about and about["vocabulary"] != _words_of(engine):
            raise InputError(
                f"The captions or classes of {data.name} are not those that the run in {folder} "
                "learnt; make them what they were, or start a new run"
            )
        engine.history = events_of(about)
        engine.step, engine.seconds = int(about["step"]), float(about["seconds"])
        if engine.first is not None:
            inside = under(tensors, "autoencoder/")
            engine.first.restore(about["latent"], inside, engine.device, engine.generator)
        if about["ema_step"] is not None:
            learner = engine.ready()
            learner.network.load_state_dict(under(tensors, "network/"))
            learner.ema.network.load_state_dict(under(tensors, "ema/"))
            learner.ema.step = int(about["ema_step"])
            learner.levels.errors = tensors["levels"]
            if learner.shares is not None:
                learner.shares.errors = tensors["shares"]
            give_moments(learner.optimiser, under(tensors, "optimiser/"))
        if (naming := engine.naming) is not None:
            naming.network.load_state_dict(under(tensors, "classifier/network/"))
            give_moments(naming.optimiser, under(tensors, "classifier/optimiser/"))
            naming.accuracy.errors = tensors["classifier/accuracy"]
            naming.generator.set_state(tensors["classifier/random"])
        engine.generator.set_state(tensors["random"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if isinstance(error, InputError):
            raise
        raise broken(folder, error) from error
    return engine


def config_of(folder: Path) -> DiffusionConfig:
    """The settings of the run whose checkpoint is in `folder`.

    Raises InputError with a sentence when there is none or it is broken.
    """
    return config_in(_read(folder), folder, DiffusionConfig)


def source_of(folder: Path) -> Source:
    """Where the data of the run in `folder` came from; InputError as `config_of`."""
    try:
        return Source.of(_read(folder)["dataset"])
    except (KeyError, TypeError) as error:
        raise broken(folder, error) from error


def _words_of(engine: "DiffusionEngine") -> dict[str, Any] | None:
    """What the numbers of the tokens stand for, as JSON values."""
    return None if engine.vocabulary is None else engine.vocabulary.about()


def _read(folder: Path) -> dict[str, Any]:
    return read_run(folder, name=NAME, version=VERSION, words="diffusion run")


def _check_same(before: DiffusionConfig, now: DiffusionConfig, folder: Path) -> None:
    for name in FIXED:
        was, wanted = getattr(before, name), getattr(now, name)
        if was != wanted:
            raise InputError(
                f"The run in {folder} began with {name} {was}, which cannot become {wanted} on the "
                "way; leave it out to go on, or start a new run"
            )
