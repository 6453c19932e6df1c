"""All that makes a picture of a scene: field, occupied space, background and light of photos."""

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engines.nerf.backdrop import Backdrop
from engines.nerf.fields import Field
from engines.nerf.occupancy import Occupancy
from engines.nerf.space import Space

BACKDROP_RATE, CODE_RATE = 5e-2, 1e-2
"""Learning rates of background and appearance at the start."""


@dataclass(eq=False, kw_only=True)
class Radiance:
    """A scene in the normalised frame, as it is learnt or as a copy to be looked at."""

    space: Space
    field: Field
    occupancy: Occupancy | None
    """None for a field that finds out by itself where to look."""
    backdrop: Backdrop
    codes: Tensor | None
    """[photos, e] appearance of each training photo, or None."""
    stride: float
    """Length of the samples near the eye, normalised."""
    growth: float
    """By how much samples grow with distance."""
    near: float
    """Rays begin here, normalised: nothing is closer to a lens."""
    away: float
    """How far the middle of the scene is from the nearest eye, normalised."""
    coarse_samples: int = 64
    fine_samples: int = 64
    """Along each ray, for fields without occupied space."""

    @property
    def parameters(self) -> dict[str, Tensor]:
        """Everything that is learnt, by name."""
        found = {f"field/{name}": p for name, p in self.field.parameters.items()}
        found |= {f"backdrop/{name}": p for name, p in self.backdrop.parameters.items()}
        return found if self.codes is None else found | {"codes": self.codes}

    @property
    def rates(self) -> dict[str, float]:
        """Learning rate of each parameter at the start."""
        found = {f"field/{name}": rate for name, rate in self.field.rates.items()}
        found |= {f"backdrop/{name}": BACKDROP_RATE for name in self.backdrop.parameters}
        return found if self.codes is None else found | {"codes": CODE_RATE}

    @property
    def device(self) -> torch.device:
        """Where all of it lies."""
        return self.space.box.device

    def code_of(self, photo: int | None) -> Tensor | None:
        """[e] the appearance of a training photo, or of all of them on average."""
        if self.codes is None:
            return None
        return self.codes[photo] if photo is not None else self.codes.mean(dim=0)

    def density(self, points: Tensor) -> Tensor:
        """[n] density per normalised unit at `points` [n, 3]; 0 outside the space."""
        box = self.space.box
        inside = ((points >= box[0]) & (points <= box[1])).all(dim=1)
        return torch.where(inside, self.field.density(self.space.to_unit(points))[0], 0.0)

    def density_known(self, points: Tensor) -> Tensor:
        """[n] what is remembered of the density at `points` [n, 3], for next to nothing."""
        assert self.occupancy is not None, "only for fields that keep track of occupied space"
        return self.occupancy.density_at(self.space.to_unit(points))

    def snapshot(self) -> "Radiance":
        """A copy that stays as it is, without gradients."""

        def still(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: t.detach().clone() for name, t in tensors.items()}

        field, backdrop = copy.copy(self.field), copy.copy(self.backdrop)
        field.parameters = still(field.parameters)
        backdrop.parameters = still(backdrop.parameters)
        occupancy = copy.copy(self.occupancy)
        if occupancy is not None:
            occupancy.cells, occupancy.density = occupancy.cells.clone(), occupancy.density.clone()
        codes = None if self.codes is None else self.codes.detach().clone()
        return replace(self, field=field, backdrop=backdrop, occupancy=occupancy, codes=codes)
