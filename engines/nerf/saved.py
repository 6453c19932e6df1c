"""A radiance as arrays and plain numbers: for files, and for going on with a run."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from assets.errors import InputError
from assets.field import SavedField
from assets.frame import Normalisation
from engines.checkpoints import under
from engines.nerf.backdrop import Backdrop
from engines.nerf.fields import rebuilt_field
from engines.nerf.occupancy import Occupancy
from engines.nerf.radiance import Radiance
from engines.nerf.space import Space

NUMBERS = ("stride", "growth", "near", "away", "coarse_samples", "fine_samples")
"""What a radiance is besides its parts."""


def saved(
    radiance: Radiance, frame: Normalisation, *, name: str, photos: tuple[str, ...] = ()
) -> SavedField:
    """`radiance` with the `frame` it lives in; `photos` are those whose appearance is known."""
    about = about_of(radiance) | {
        "frame": {"centre": frame.centre.tolist(), "scale": frame.scale},
        "photos": list(photos),
    }
    arrays = {name: t.detach().cpu().numpy() for name, t in tensors_of(radiance).items()}
    return SavedField(name=name, about=about, arrays=arrays)


def loaded(
    field: SavedField, device: torch.device
) -> tuple[Radiance, Normalisation, tuple[str, ...]]:
    """The radiance in `field`, its frame, and the photos whose appearance is known.

    Raises InputError when something is missing or does not fit.
    """
    try:
        tensors = {name: torch.from_numpy(array.copy()) for name, array in field.arrays.items()}
        radiance = radiance_of(field.about, tensors, device)
        frame = field.about["frame"]
        place = Normalisation(np.array(frame["centre"], dtype=np.float64), float(frame["scale"]))
        return radiance, place, tuple(field.about["photos"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"The radiance field {field.name} is incomplete or broken ({error}); export it again"
        ) from error


def about_of(radiance: Radiance) -> dict[str, Any]:
    """Plain numbers and words that belong to the tensors of `tensors_of`."""
    occupancy = radiance.occupancy
    return {
        "field": radiance.field.kind,
        "field_about": radiance.field.about(),
        "stretch": radiance.space.stretch,
        "backdrop": radiance.backdrop.kind,
        "recovered": None if occupancy is None else occupancy.recovered,
        **{name: getattr(radiance, name) for name in NUMBERS},
    }


def tensors_of(radiance: Radiance) -> dict[str, Tensor]:
    """All that `radiance` holds, learnt or not."""
    tensors = {name: p.detach() for name, p in radiance.parameters.items()}
    tensors |= {f"other/{name}": t for name, t in radiance.field.other().items()}
    tensors["box"] = radiance.space.box
    if radiance.occupancy is not None:
        tensors["occupancy/density"] = radiance.occupancy.density
        tensors["occupancy/seen"] = radiance.occupancy.seen
        tensors["occupancy/cells"] = radiance.occupancy.cells
    return tensors


def radiance_of(
    about: dict[str, Any], tensors: dict[str, Tensor], device: torch.device
) -> Radiance:
    """The inverse of `about_of` and `tensors_of`, on `device`, with gradients.

    Raises KeyError or ValueError when something is missing or does not fit.
    """

    def placed(prefix: str) -> dict[str, Tensor]:
        return {name: tensor.to(device) for name, tensor in under(tensors, prefix).items()}

    space = Space(tensors["box"].to(device), float(about["stretch"]))
    field = rebuilt_field(about["field"], placed("field/"), placed("other/"), about["field_about"])
    backdrop = Backdrop(about["backdrop"], device)
    learnt = placed("backdrop/")
    backdrop.parameters = {name: learnt[name].requires_grad_() for name in backdrop.parameters}
    occupancy = None
    if "occupancy/density" in tensors:
        grid = placed("occupancy/")
        resolution = len(grid["density"])
        occupancy = Occupancy(space, (), resolution, stride=float(about["stride"]))
        occupancy.restore(grid["density"], grid["seen"], grid["cells"], int(about["recovered"]))
    codes = tensors.get("codes")
    return Radiance(
        space=space,
        field=field,
        occupancy=occupancy,
        backdrop=backdrop,
        codes=None if codes is None else codes.to(device).requires_grad_(),
        **{name: about[name] for name in NUMBERS},
    )
