"""A field that knows nothing yet, placed where the photos look."""

import numpy as np
import torch

from assets.errors import InputError
from engines.nerf.backdrop import Backdrop
from engines.nerf.config import NerfConfig
from engines.nerf.fields import fresh_field
from engines.nerf.occupancy import Occupancy, views_of_cells
from engines.nerf.radiance import Radiance
from engines.nerf.space import Space, space_of
from engines.scene import Scene

SAMPLES_ACROSS = 64
"""Samples across the inner box."""
GROWTH = 1 / 20
"""Samples are at least this part of their distance from the eye."""
NEAR = 0.3
"""Rays begin at this part of the way to the middle of the scene."""
GLANCE = 32
"""Cells along each axis in which it is found out whether photos see the same."""


def start(scene: Scene, config: NerfConfig, generator: torch.Generator) -> Radiance:
    """What a run of `config` on `scene` begins with, on the training device.

    Raises InputError when the cameras see nothing in common.
    """
    space = space_of(
        scene.dataset, scene.frame, box=config.box, reach=config.reach, bounded=scene.has_alpha
    ).to(scene.device)
    _refuse_strangers(scene, space)
    field = fresh_field(config, generator).to(scene.device)
    cameras = [scene.cameras[i] for i in scene.train]
    codes = None
    if config.appearance:
        shape = (len(scene.train), config.appearance)
        codes = torch.zeros(shape, device=scene.device).requires_grad_()
    kind = config.background
    if kind == "auto":
        kind = "random" if scene.has_alpha else "learned"
    side = float((space.inner[1] - space.inner[0]).max())
    middle = space.box.mean(dim=0).cpu().numpy()
    away = min(float(np.linalg.norm(camera.centre - middle)) for camera in cameras)
    stride, occupancy = side / SAMPLES_ACROSS, None
    if field.occupancy:
        occupancy = Occupancy(space, cameras, field.occupancy, stride=stride)
    return Radiance(
        space=space,
        field=field,
        occupancy=occupancy,
        backdrop=Backdrop(kind, scene.device),
        codes=codes,
        stride=stride,
        growth=GROWTH if space.stretch > 1 else 0.0,
        near=NEAR * away,
        away=away,
        coarse_samples=config.coarse_samples,
        fine_samples=config.fine_samples,
    )


def _refuse_strangers(scene: Scene, space: Space) -> None:
    """Raise InputError when no place is seen by two photos."""
    cameras = [scene.cameras[i] for i in scene.train]
    if len(cameras) < 2:
        return
    if int(views_of_cells(space, cameras, GLANCE).max()) < 2:
        raise InputError(
            f"No two of the {len(cameras)} photos of {scene.dataset.name} see the same place, so "
            "nothing can be learnt from them; check that the cameras belong to these photos"
        )
