"""Which class a kind of field has: for a config that asks for one, and for what was written."""

from typing import Any

import torch
from torch import Tensor

from engines.nerf.config import NerfConfig
from engines.nerf.fields.classic import ClassicField
from engines.nerf.fields.field import Field
from engines.nerf.fields.hashed import HashField
from engines.nerf.fields.voxels import VoxelField

KINDS: dict[str, type[Field]] = {
    "hash": HashField,
    "classic": ClassicField,
    "voxels": VoxelField,
}
"""By the names that `NerfConfig.field` may have."""


def fresh_field(config: NerfConfig, generator: torch.Generator) -> Field:
    """A field of the kind that `config` names, which knows nothing yet; on the CPU."""
    return KINDS[config.field].fresh(config, generator)


def rebuilt_field(
    kind: str, parameters: dict[str, Tensor], other: dict[str, Tensor], about: dict[str, Any]
) -> Field:
    """The field of a `kind` that had these `parameters`, `other()` and `about()`.

    Raises KeyError or ValueError when they do not make one.
    """
    return KINDS[kind].of(parameters, other, about)
