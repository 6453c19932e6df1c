"""Radiance fields: learns density and colour at every place from posed photos.

Only the settings are imported at once: help and forms are made from them, and torch, which
the rest needs, takes seconds to import.
"""

import importlib
from typing import TYPE_CHECKING, Any

from engines.nerf.config import NerfConfig, Schedule

if TYPE_CHECKING:
    from engines.nerf.source import FieldSource
    from engines.nerf.train import NerfEngine

__all__ = ["FieldSource", "NerfConfig", "NerfEngine", "Schedule"]

_LATER = {"FieldSource": "engines.nerf.source", "NerfEngine": "engines.nerf.train"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
