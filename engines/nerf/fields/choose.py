"""The field that a config asks for."""

import torch

from engines.nerf.config import NerfConfig
from engines.nerf.fields.field import Field
from engines.nerf.fields.hashed import HashField

KINDS: dict[str, type] = {"hash": HashField}


def fresh_field(config: NerfConfig, generator: torch.Generator) -> Field:
    """A field of the kind that `config` names, which knows nothing yet; on the CPU."""
    return KINDS[config.field].fresh(config, generator)
