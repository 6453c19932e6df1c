"""A run on disk, complete enough to go on bit for bit.

The folder holds `checkpoint.json` (settings, counters, history, where the photos are) and
`state.safetensors` (field, occupied space, Adam moments, random state).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from assets.errors import InputError
from assets.files import atomic_folder
from assets.posed import PosedPhotos
from engines.checkpoints import (
    FILE_NAME,
    about_run,
    broken,
    config_in,
    go_on,
    photos_of,
    read_run,
    under,
)
from engines.nerf.config import NerfConfig
from engines.nerf.learner import Learner
from engines.nerf.saved import about_of, radiance_of, tensors_of

if TYPE_CHECKING:
    from engines.nerf.train import NerfEngine

NAME, VERSION = "nerf", 1


def save(engine: "NerfEngine", folder: Path) -> None:
    """Write the run's present state to `folder`, replacing an older checkpoint there.

    Raises InputError when there is nothing to save yet or the folder cannot be written.
    """
    learner = engine.learner
    if learner is None:
        raise InputError("The run has no field yet, so there is nothing to save; start it first")
    tensors = {f"radiance/{n}": t for n, t in tensors_of(learner.radiance).items()}
    tensors |= {f"first/{name}": moment for name, moment in learner.first.items()}
    tensors |= {f"second/{name}": moment for name, moment in learner.second.items()}
    tensors["random"] = engine.generator.get_state()
    about = about_run(engine, name=NAME, version=VERSION)
    about |= {"radiance": about_of(learner.radiance), "rays": learner.rays}
    with atomic_folder(folder) as place:
        content = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
        save_file(content, place / "state.safetensors")
        (place / FILE_NAME).write_text(json.dumps(about), encoding="utf-8")


def load(
    folder: Path, dataset: PosedPhotos | None = None, config: NerfConfig | None = None
) -> "NerfEngine":
    """An engine that goes on where the checkpoint in `folder` was written.

    The photos are looked for where they were, unless `dataset` is given. Settings are the
    checkpoint's, unless `config` is given. Raises InputError with a sentence when a file is
    missing or broken, or the photos are not those of the run.
    """
    from engines.nerf.train import NerfEngine

    about = _read(folder)
    try:
        tensors = load_file(folder / "state.safetensors")
        config = config or config_in(about, folder, NerfConfig)
        engine = NerfEngine(photos_of(about) if dataset is None else dataset, config)
        go_on(engine, about)
        device = engine.device
        inside = _under(tensors, "radiance/", torch.device("cpu"))
        radiance = radiance_of(about["radiance"], inside, device)
        learner = Learner(radiance, config, engine.generator)
        learner.first = _under(tensors, "first/", device)
        learner.second = _under(tensors, "second/", device)
        learner.rays = int(about["rays"])
        if learner.first.keys() != radiance.parameters.keys():
            raise ValueError("its moments are not those of its parameters")
        engine.generator.set_state(tensors["random"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise broken(folder, error) from error
    engine.learner = learner
    return engine


def config_of(folder: Path) -> NerfConfig:
    """The settings of the run whose checkpoint is in `folder`.

    Raises InputError with a sentence when there is none or it is broken.
    """
    return config_in(_read(folder), folder, NerfConfig)


def _read(folder: Path) -> dict:
    return read_run(folder, name=NAME, version=VERSION, words="NeRF run")


def _under(
    tensors: dict[str, torch.Tensor], prefix: str, device: torch.device
) -> dict[str, torch.Tensor]:
    return {name: tensor.to(device) for name, tensor in under(tensors, prefix).items()}
