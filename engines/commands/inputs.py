"""What a person names on the command line, opened and checked to be of the right kind."""

from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import InputError

if TYPE_CHECKING:
    from assets.gaussians import GaussianCloud
    from assets.posed import PosedPhotos, View

SAMPLE = "sample"
"""The word for the bundled scene wherever photos are asked for."""


def posed_photos(data: str) -> "PosedPhotos":
    """The data set that `data` names: a path, or the word "sample".

    Raises InputError when there is something else.
    """
    from assets.open import open_path
    from assets.posed import PosedPhotos

    if data == SAMPLE:
        from assets.samples import sample_scene

        return sample_scene()
    opened = open_path(Path(data))
    if not isinstance(opened, PosedPhotos):
        raise InputError(
            f"{data} holds no photos with cameras; expected a COLMAP folder, a transforms.json, "
            f'a bundle.out or the word "{SAMPLE}"'
        )
    return opened


def gaussians(scene: Path) -> "GaussianCloud":
    """The cloud in the file `scene`; InputError when there is something else."""
    from assets.gaussians import GaussianCloud
    from assets.open import open_path

    opened = open_path(scene)
    if not isinstance(opened, GaussianCloud):
        raise InputError(
            f"{scene} holds no Gaussians; expected a splat file such as .ply, .splat or "
            ".compressed.ply"
        )
    return opened


def view_of(dataset: "PosedPhotos", wanted: str) -> "View":
    """The view with this name or, for a number, at this place in the order of names.

    Raises InputError when there is none.
    """
    by_name = {view.name: view for view in dataset.views}
    if wanted in by_name:
        return by_name[wanted]
    ordered = sorted(dataset.views, key=lambda view: view.name)
    if wanted.isdecimal() and int(wanted) < len(ordered):
        return ordered[int(wanted)]
    raise InputError(
        f"{dataset.name} has no view {wanted}; expected a number from 0 to {len(ordered) - 1} "
        f"or a photo's name such as {ordered[0].name}"
    )
