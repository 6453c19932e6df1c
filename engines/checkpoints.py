"""What a folder in which a run was saved says of itself, whichever engine wrote it."""

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from assets.errors import InputError
from assets.open import open_path
from assets.posed import PosedPhotos
from engines import events
from engines.poses import job

C = TypeVar("C")
T = TypeVar("T")

FILE_NAME = "checkpoint.json"


def read_about(folder: Path) -> dict:
    """Everything in the checkpoint's `checkpoint.json`; nothing heavy is read.

    Raises InputError with a sentence when there is none or it is broken.
    """
    path = folder / FILE_NAME
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{folder} holds no checkpoint ({error.strerror or error}); expected a "
            "folder written by a run"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path} is not valid JSON ({error}); resume from another checkpoint"
        ) from error
    if not isinstance(about, dict):
        raise InputError(f"{path} is not what a run writes; resume from another checkpoint")
    return about


def engine_of(folder: Path) -> str:
    """Which engine can go on with the run in `folder`: "splats", "nerf", "" if it does not say.

    Raises InputError as `read_about` does.
    """
    return str(read_about(folder).get("engine", ""))


def about_run(engine: Any, *, name: str, version: int) -> dict[str, Any]:
    """What every engine that learns from posed photos says of its run; JSON values."""
    return {
        "version": version,
        "engine": name,
        "config": dataclasses.asdict(engine.config),
        "step": engine.step,
        "seconds": engine.seconds,
        "views": [view.name for view in engine.scene.views],
        "dataset": str(engine.dataset.source.resolve()),
        "history": [event.to_json() for event in engine.history],
    }


def read_run(folder: Path, *, name: str, version: int, words: str) -> dict[str, Any]:
    """What `about_run` said in `folder`; `words` is what such a run is called: "splat run".

    Raises InputError for another engine's checkpoint or another version, and as `read_about`.
    """
    about = read_about(folder)
    if about.get("engine") != name:
        raise InputError(f"{folder} is not a checkpoint of a {words}")
    if about.get("version") != version:
        raise InputError(
            f"The checkpoint in {folder} has version {about.get('version')}; this "
            f"program reads version {version}"
        )
    return about


def config_in(about: dict[str, Any], folder: Path, kind: type[C]) -> C:
    """The settings of the run that `about` tells of; InputError when they cannot be used."""
    try:
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in about["config"].items()}
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The settings in the checkpoint {folder} cannot be used ({error}); resume from "
            "another one"
        ) from error


def photos_of(about: dict[str, Any]) -> PosedPhotos:
    """The photos that the run learnt from, from where they were; InputError if they are not."""
    source = Path(about["dataset"])
    opened = open_path(source)
    if not isinstance(opened, PosedPhotos):
        raise InputError(
            f"{source} no longer holds the posed photos of this run; name their folder"
        )
    if all((source / name).is_file() for name in (job.FILE_NAME, job.DATABASE)):
        # Their poses were found here; files may be called something else.
        return dataclasses.replace(opened, views=job.called_as_before(opened, source))
    return opened


def events_of(about: dict[str, Any]) -> list[events.Event]:
    """What happened in the run that `about` tells of; raises as `config_in` would for others."""
    return [_event(saved) for saved in about["history"]]


def go_on(engine: Any, about: dict[str, Any]) -> None:
    """Have `engine` stand where `about_run` was written."""
    engine.history = events_of(about)
    engine.step, engine.seconds = int(about["step"]), float(about["seconds"])
    engine.expected_views = list(about["views"])


def under(tensors: dict[str, T], prefix: str) -> dict[str, T]:
    """Those of a state whose names begin with `prefix`, by the rest of their names."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def broken(folder: Path, error: Exception) -> InputError:
    """The sentence for a checkpoint in which something is missing or does not fit."""
    return InputError(
        f"The checkpoint in {folder} is incomplete or broken ({error}); resume from another one"
    )


def _event(saved: dict) -> events.Event:
    fields = dict(saved)
    kind = getattr(events, fields.pop("kind"))
    return kind(**fields)
