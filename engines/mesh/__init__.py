"""A mesh out of what was learned: its surface taken from fused depth, or from a field's density.

`mesher_of` makes one of whatever an engine leaves. Only the settings and the box are imported
at once, so that help and forms are there quickly.
"""

import importlib
from typing import TYPE_CHECKING, Any

from engines.mesh.box import Box
from engines.mesh.config import MeshConfig

if TYPE_CHECKING:
    from engines.mesh.cloud import mesher_of_cloud
    from engines.mesh.depth import DepthMesher
    from engines.mesh.field import mesher_of_field
    from engines.mesh.forecast import Forecast, Survey
    from engines.mesh.mesher import Mesher
    from engines.mesh.subject import mesher_of

__all__ = [
    "Box",
    "DepthMesher",
    "Forecast",
    "MeshConfig",
    "Mesher",
    "Survey",
    "mesher_of",
    "mesher_of_cloud",
    "mesher_of_field",
]

_LATER = {
    "DepthMesher": "depth",
    "Forecast": "forecast",
    "Mesher": "mesher",
    "Survey": "forecast",
    "mesher_of": "subject",
    "mesher_of_cloud": "cloud",
    "mesher_of_field": "field",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"engines.mesh.{_LATER[name]}"), name)
