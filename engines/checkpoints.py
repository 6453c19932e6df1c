"""What a folder in which a run was saved says of itself, whichever engine wrote it."""

import json
from pathlib import Path

from assets.errors import InputError

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
