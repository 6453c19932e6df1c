"""The field that a config or a file asks for."""

from typing import Any

import torch
from torch import Tensor

from engines.nerf.config import NerfConfig
from engines.nerf.fields.field import Field
from engines.nerf.fields.hashed import HashField

KINDS: dict[str, type[Field]] = {"hash": HashField}


def fresh_field(config: NerfConfig, generator: torch.Generator) -> Field:
    """A field of the kind that `config` names, which knows nothing yet; on the CPU."""
    return KINDS[config.field].fresh(config, generator)


def rebuilt_field(
    kind: str, parameters: dict[str, Tensor], other: dict[str, Tensor], about: dict[str, Any]
) -> Field:
    """The field that had these parameters, other tensors and words about it.

    Raises KeyError or ValueError when they do not make one.
    """
    return KINDS[kind].of(parameters, other, about)
