"""Whatever an engine leaves, and the way in which it becomes a mesh."""

from collections.abc import Sequence

from assets.camera import Camera
from assets.gaussians import GaussianCloud
from engines.mesh.cloud import mesher_of_cloud
from engines.mesh.config import MeshConfig
from engines.mesh.density import DensityField
from engines.mesh.field import mesher_of_field
from engines.mesh.mesher import Mesher


def mesher_of(
    thing: GaussianCloud | DensityField, cameras: Sequence[Camera] | None, config: MeshConfig
) -> Mesher:
    """What makes a mesh of `thing` (input frame), seen from `cameras` or else from all around.

    Raises InputError for an empty cloud or a device that is not there.
    """
    if isinstance(thing, GaussianCloud):
        return mesher_of_cloud(thing, cameras, config)
    return mesher_of_field(thing, cameras, config)
