"""A run on disk, complete enough to go on bit for bit.

The folder holds `checkpoint.json` (settings, counters, history, where the photos are),
`state.safetensors` (parameters, Adam moments, rows, random state) and `lineage.npz`.
"""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from assets.errors import InputError
from assets.files import atomic_folder
from assets.open import open_path
from assets.posed import PosedPhotos
from engines import events
from engines.checkpoints import FILE_NAME, read_about
from engines.poses import job
from engines.splats.config import SplatConfig
from engines.splats.lineage import Lineage
from engines.splats.model import PARAMETERS, GaussianModel

if TYPE_CHECKING:
    from engines.splats.train import SplatEngine

VERSION = 1


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
    about = {
        "version": VERSION,
        "engine": "splats",
        "config": dataclasses.asdict(engine.config),
        "step": engine.step,
        "seconds": engine.seconds,
        "order": engine.order,
        "views": [view.name for view in engine.scene.views],
        "dataset": str(engine.dataset.source.resolve()),
        "history": [event.to_json() for event in engine.history],
    }
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

    about = _read_about(folder)
    try:
        tensors = load_file(folder / "state.safetensors")
        with np.load(folder / "lineage.npz") as file:
            births, deaths = file["births"], file["deaths"]
        parameters = {name: tensors[f"parameter/{name}"] for name in PARAMETERS}
        rows = {n.removeprefix("row/"): t for n, t in tensors.items() if n.startswith("row/")}
        config = config or config_of(folder)
        if dataset is None:
            dataset = _posed_photos(Path(about["dataset"]))
        engine = SplatEngine(dataset, config)
        engine.history = [_event(saved) for saved in about["history"]]
        engine.step, engine.seconds = int(about["step"]), float(about["seconds"])
        engine.order = [int(i) for i in about["order"]]
        engine.generator.set_state(tensors["random"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(
            f"The checkpoint in {folder} is incomplete or broken ({error}); resume from another one"
        ) from error
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
    engine.expected_views = list(about["views"])
    return engine


def config_of(folder: Path) -> SplatConfig:
    """The settings of the run whose checkpoint is in `folder`.

    Raises InputError with a sentence when there is none or it is broken.
    """
    about = _read_about(folder)
    try:
        return SplatConfig(**about["config"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The settings in the checkpoint {folder} cannot be used ({error}); resume from "
            "another one"
        ) from error


def _read_about(folder: Path) -> dict:
    about = read_about(folder)
    if about.get("engine") != "splats":
        raise InputError(f"{folder} is not a checkpoint of a splat run")
    if about.get("version") != VERSION:
        raise InputError(
            f"The checkpoint in {folder} has version {about.get('version')}; this "
            f"program reads version {VERSION}"
        )
    return about


def _posed_photos(source: Path) -> PosedPhotos:
    opened = open_path(source)
    if not isinstance(opened, PosedPhotos):
        raise InputError(
            f"{source} no longer holds the posed photos of this run; name their folder"
        )
    if all((source / name).is_file() for name in (job.FILE_NAME, job.DATABASE)):
        # Their poses were found here; files may be called something else.
        return replace(opened, views=job.called_as_before(opened, source))
    return opened


def _event(saved: dict) -> events.Event:
    fields = dict(saved)
    kind = getattr(events, fields.pop("kind"))
    return kind(**fields)
