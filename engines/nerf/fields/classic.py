"""NeRF: one large network that is asked everywhere, and a second one that says where to look.

Mildenhall et al. 2020, "NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis",
section 5 and appendix A. Other than there, density is a softplus, which cannot die as ReLU can,
and places are those of the stretched unit cube.
"""

import copy
import math
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import linear, relu, softplus

from engines.nerf.config import NerfConfig
from engines.nerf.fields.field import Field
from kernels.threads import torch_at_work

PLACE_BANDS, DIRECTION_BANDS = 10, 4
"""Frequencies of the positional encoding (equation 4): L there."""
LAYERS, SKIP = 8, 5
"""Layers of the trunk, and after which of them it is shown the place once more."""
HIDDEN = 256
RATE = 1e-3
THIN = -4.0
"""Bias of the density at the start: light must reach all of the scene, or fog is learnt before the
lenses, where every photo can have its own."""
CROWDED = 10.0
"""Densities are in units of this: the normalised scene is about 1 large, and walls are thin."""


class ClassicField(Field):
    """sigma from eight layers on the encoded place; colour from one more on the direction too."""

    kind = "classic"
    samples: ClassVar[dict[str, int]] = {"cpu": 3 << 11, "cuda": 1 << 18}
    judged: ClassVar[dict[str, int]] = {"cpu": 1 << 13, "cuda": 1 << 20}
    occupancy = 0

    _network = "fine"

    @classmethod
    def fresh(cls, config: NerfConfig, generator: torch.Generator) -> "ClassicField":
        """A field that knows nothing yet."""
        hidden = config.hidden or HIDDEN
        seen = _width(DIRECTION_BANDS) + config.appearance
        shapes = {"density": (1, hidden), "bottleneck": (hidden, hidden)}
        for layer in range(LAYERS):
            below = hidden if layer else 0
            shown = _width(PLACE_BANDS) if layer in (0, SKIP) else 0
            shapes[f"trunk/{layer}"] = hidden, below + shown
        shapes["colour/0"] = max(1, hidden // 2), hidden + seen
        shapes["colour/1"] = 3, max(1, hidden // 2)
        parameters = {}
        for network in ("coarse", "fine"):
            for name, (rows, columns) in shapes.items():
                spread = math.sqrt((6 if name.startswith("trunk") else 3) / columns)
                weight = (torch.rand(rows, columns, generator=generator) * 2 - 1) * spread
                parameters[f"{network}/{name}/weight"] = weight
                bias = THIN if name == "density" else 0.0
                parameters[f"{network}/{name}/bias"] = torch.full((rows,), bias)
        return cls.of(parameters, {}, {"rate": config.rate or RATE})

    @classmethod
    def of(
        cls, parameters: dict[str, Tensor], other: dict[str, Tensor], about: dict[str, Any]
    ) -> "ClassicField":
        """See `Field.of`."""
        del other
        return cls(parameters, dict.fromkeys(parameters, float(about["rate"])))

    def about(self) -> dict[str, Any]:
        """See `Field.about`."""
        return {"rate": next(iter(self.rates.values()))}

    @property
    def coarse(self) -> "ClassicField | None":
        """The same with the other network; it shares the parameters."""
        if self._network == "coarse":
            return None
        other = copy.copy(self)
        other._network = "coarse"
        return other

    def density(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """See `Field.density`."""
        with self.at_work():
            shown = encoded(places * 2 - 1, PLACE_BANDS)
            x = relu(self._layer("trunk/0", shown))
            for layer in range(1, LAYERS):
                x = torch.cat([x, shown], dim=1) if layer == SKIP else x
                x = relu(self._layer(f"trunk/{layer}", x))
            sigma = CROWDED * softplus(self._layer("density", x)[:, 0])
            return sigma, self._layer("bottleneck", x)

    def colour(
        self, features: Tensor, directions: Tensor, rays: Tensor, codes: Tensor | None
    ) -> Tensor:
        """See `Field.colour`."""
        with self.at_work():
            seen = encoded(directions, DIRECTION_BANDS)
            if codes is not None:
                seen = torch.cat([seen, codes], dim=1)
            x = torch.cat([features, seen[rays]], dim=1)
            return torch.sigmoid(self._layer("colour/1", relu(self._layer("colour/0", x))))

    def at_work(self) -> AbstractContextManager:
        """See `Field.at_work`: the layers are torch's own."""
        return torch_at_work()

    def _layer(self, name: str, x: Tensor) -> Tensor:
        prefix = f"{self._network}/{name}"
        return linear(x, self.parameters[f"{prefix}/weight"], self.parameters[f"{prefix}/bias"])


def encoded(x: Tensor, bands: int) -> Tensor:
    """[n, 3 + 6 bands]: x [n, 3] in [-1, 1], then sin and cos of 2^k pi x (equation 4)."""
    scales = math.pi * 2.0 ** torch.arange(bands, device=x.device, dtype=x.dtype)
    angles = (x[:, None, :] * scales[:, None]).flatten(1)
    return torch.cat([x, torch.sin(angles), torch.cos(angles)], dim=1)


def _width(bands: int) -> int:
    return 3 + 6 * bands
