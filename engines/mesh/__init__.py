"""A mesh out of what was learned: depth from many sides, fused, and its surface taken.

`Mesher` works for everything that can draw itself with depth (`engines.engine.Renders`).
Only the settings and the box are imported at once, so that help and forms are there quickly.
"""

import importlib
from typing import TYPE_CHECKING, Any

from engines.mesh.box import Box
from engines.mesh.config import MeshConfig

if TYPE_CHECKING:
    from engines.mesh.cloud import mesher_of_cloud
    from engines.mesh.mesher import Mesher

__all__ = ["Box", "MeshConfig", "Mesher", "mesher_of_cloud"]

_LATER = {"Mesher": "engines.mesh.mesher", "mesher_of_cloud": "engines.mesh.cloud"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
