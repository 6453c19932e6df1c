"""Diffusion: learns to draw images like those it is shown, and can be looked into.

Only the settings are imported at once: help and forms are made from them, and torch, which
the rest needs, takes seconds to import.
"""

import importlib
from typing import TYPE_CHECKING, Any

from engines.diffusion.config import DiffusionConfig, Schedule

if TYPE_CHECKING:
    from engines.diffusion.artist import Artist
    from engines.diffusion.train import DiffusionEngine

__all__ = ["Artist", "DiffusionConfig", "DiffusionEngine", "Schedule"]

_LATER = {"Artist": "engines.diffusion.artist", "DiffusionEngine": "engines.diffusion.train"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
