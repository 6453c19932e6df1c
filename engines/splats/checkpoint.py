"""A run on disk, complete enough to go on bit for bit.

The folder holds `checkpoint.json` (settings, counters, history, where the photos are),
`state.safetensors` (parameters, Adam moments, rows, random state) and `lineage.npz`.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
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
)
from engines.splats.config import SplatConfig
from engines.splats.lineage import Lineage
from engines.splats.model import PARAMETERS, GaussianModel

if TYPE_CHECKING:
    from engines.splats.train import SplatEngine

NAME, VERSION = "splats", 1


def save(engine: "SplatEngine", folder: Path) -> None:
    """Write the run's present state to `folder`, replacing an older checkpoint there.

    Raises InputError when there is nothing to save yet or the folder cannot be written.
    """
    model = engine.model
    if model is None:
        raise InputError(
            "The run has no Gaussians yet, so there is nothing to save; start it first"
        )
    tensors = {f"row/{name}": row for name, row in model.rows.items()}
    for name in PARAMETERS:
        tensors[f"parameter/{name}"] = model[name].detach()
        tensors[f"first/{name}"] = model.first[name]
        tensors[f"second/{name}"] = model.second[name]
    tensors["random"] = engine.generator.get_state()
    about = about_run(engine, name=NAME, version=VERSION) | {"order": engine.order}
    with atomic_folder(folder) as place:
        save_file(
            {name: t.cpu().contiguous() for name, t in tensors.items()}, place / "state.safetensors"
        )
        with (place / "lineage.npz").open("wb") as file:
            np.savez(file, births=engine.lineage.all_births(), deaths=engine.lineage.all_deaths())
        (place / FILE_NAME).write_text(json.dumps(about), encoding="utf-8")


def load(
    folder: Path, dataset: PosedPhotos | None = None, config: SplatConfig | None = None
) -> "SplatEngine":
    """An engine that goes on where the checkpoint in `folder` was written.

    The photos are looked for where they were, unless `dataset` is given. Settings are the
    checkpoint's, unless `config` is given. Raises InputError with a sentence when a file is
    missing or broken, or the photos are not those of the run.
    """
    from engines.splats.train import SplatEngine

    about = _read(folder)
    try:
        tensors = load_file(folder / "state.safetensors")
        with np.load(folder / "lineage.npz") as file:
            births, deaths = file["births"], file["deaths"]
        parameters = {name: tensors[f"parameter/{name}"] for name in PARAMETERS}
        rows = {n.removeprefix("row/"): t for n, t in tensors.items() if n.startswith("row/")}
        config = config or config_in(about, folder, SplatConfig)
        if dataset is None:
            dataset = photos_of(about)
        engine = SplatEngine(dataset, config)
        go_on(engine, about)
        engine.order = [int(i) for i in about["order"]]
        engine.generator.set_state(tensors["random"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise broken(folder, error) from error
    device = engine.device
    model = GaussianModel(
        {name: p.to(device) for name, p in parameters.items()},
        {name: row.to(device) for name, row in rows.items()},
    )
    for name in PARAMETERS:
        model.first[name] = tensors[f"first/{name}"].to(device)
        model.second[name] = tensors[f"second/{name}"].to(device)
    engine.model = model
    engine.lineage = Lineage(births=[births], deaths=[deaths], next_id=len(births))
    return engine


def config_of(folder: Path) -> SplatConfig:
    """The settings of the run whose checkpoint is in `folder`.

    Raises InputError with a sentence when there is none or it is broken.
    """
    return config_in(_read(folder), folder, SplatConfig)


def _read(folder: Path) -> dict:
    return read_run(folder, name=NAME, version=VERSION, words="splat run")
