"""Instant NGP: a multiresolution hash grid and two tiny networks (Mueller et al. 2022)."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from engines.nerf.config import NerfConfig
from engines.nerf.fields.field import Field, exponential
from kernels.hashgrid import GridLayout, grid_layout, hash_encode
from kernels.mlp import mlp
from kernels.sphericalharmonics import basis

COARSEST, FINEST = 16, 1024
"""Cells of the first and of the last level along each axis."""
HIDDEN = 32
RATE = 3e-2
LATENT = 16
"""Numbers that the density network hands on; the first of them is the density."""
DEGREE = 3
"""Of the harmonics in which the colour network sees the direction."""


class HashField(Field):
    """sigma = exp(first output of a network on the encoding); colour by another network."""

    kind = "hash"
    samples: ClassVar[dict[str, int]] = {"cpu": 3 << 13, "cuda": 1 << 18}
    occupancy = 128
    local = frozenset({"table"})
    decay = 0.2

    def __init__(
        self, parameters: dict[str, Tensor], rates: dict[str, float], *, layout: GridLayout
    ) -> None:
        super().__init__(parameters, rates)
        self.layout = layout

    @classmethod
    def fresh(cls, config: NerfConfig, generator: torch.Generator) -> "HashField":
        """A field that knows nothing yet."""
        finest, hidden = config.finest or FINEST, config.hidden or HIDDEN
        layout = grid_layout(
            levels=config.levels,
            coarsest=min(COARSEST, finest),
            finest=finest,
            table_size=1 << config.table_size,
        )
        seen = LATENT + (DEGREE + 1) ** 2 + config.appearance
        shapes = {
            "density/0": (hidden, config.levels * config.features),
            "density/1": (LATENT, hidden),
            "colour/0": (hidden, seen),
            "colour/1": (hidden, hidden),
            "colour/2": (3, hidden),
        }
        table = torch.rand(layout.rows, config.features, generator=generator) - 0.5
        parameters = {"table": table * 2e-4}
        for name, (rows, columns) in shapes.items():
            spread = (6 / (rows + columns)) ** 0.5
            weight = torch.rand(rows, columns, generator=generator)
            parameters[name] = (weight * 2 - 1) * spread
        return cls(parameters, dict.fromkeys(parameters, config.rate or RATE), layout=layout)

    @classmethod
    def of(
        cls, parameters: dict[str, Tensor], other: dict[str, Tensor], about: dict[str, Any]
    ) -> "HashField":
        """See `Field.of`."""
        del other
        layout = GridLayout(
            resolutions=tuple(about["resolutions"]), offsets=tuple(about["offsets"])
        )
        if len(parameters["table"]) != layout.rows:
            raise ValueError(f"table has {len(parameters['table'])} rows, not {layout.rows}")
        return cls(parameters, dict.fromkeys(parameters, float(about["rate"])), layout=layout)

    def about(self) -> dict[str, Any]:
        """See `Field.about`."""
        return {
            "resolutions": list(self.layout.resolutions),
            "offsets": list(self.layout.offsets),
            "rate": self.rates["table"],
        }

    def density(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `Field.density`."""
        encoded = hash_encode(places, self.parameters["table"], layout=self.layout)
        latent = mlp(encoded, self._weights("density", 2))
        return exponential(latent[:, 0]), latent

    def colour(
        self, features: Tensor, directions: Tensor, rays: Tensor, codes: Tensor | None
    ) -> Tensor:
        """See `Field.colour`."""
        seen = basis(directions, DEGREE)
        if codes is not None:
            seen = torch.cat([seen, codes], dim=1)
        inputs = torch.cat([features, seen[rays]], dim=1)
        return torch.sigmoid(mlp(inputs, self._weights("colour", 3)))

    def _weights(self, network: str, count: int) -> list[Tensor]:
        return [self.parameters[f"{network}/{i}"] for i in range(count)]
