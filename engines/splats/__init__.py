"""Gaussian splatting: learns a cloud of 3D Gaussians from posed photos.

Only the settings are imported at once: help and forms are made from them, and torch, which
the rest needs, takes seconds to import.
"""

import importlib
from typing import TYPE_CHECKING, Any

from engines.splats.config import Schedule, SplatConfig

if TYPE_CHECKING:
    from engines.splats.source import CloudSource
    from engines.splats.train import SplatEngine

__all__ = ["CloudSource", "Schedule", "SplatConfig", "SplatEngine"]

_LATER = {"CloudSource": "engines.splats.source", "SplatEngine": "engines.splats.train"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
