"""What a person names on the command line, opened and checked to be of the right kind."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import InputError

if TYPE_CHECKING:
    from assets.field import SavedField
    from assets.gaussians import GaussianCloud
    from assets.posed import PosedPhotos, View
    from assets.unposed import UnposedPhotos, Video

SAMPLE = "sample"
"""The word for the bundled scene wherever photos are asked for."""
_POSED = f'a COLMAP folder, a transforms.json, a bundle.out or the word "{SAMPLE}"'


def posed_photos(data: str) -> "PosedPhotos":
    """The data set that `data` names: a path, or the word "sample".

    Photos whose cameras were found before come with those. Raises InputError when there is
    something else.
    """
    from assets.posed import PosedPhotos
    from assets.unposed import UnposedPhotos, Video

    opened = _opened(data)
    if isinstance(opened, PosedPhotos):
        return opened
    if isinstance(opened, UnposedPhotos | Video):
        from engines.poses.found import found_before

        found = found_before(opened)
        if found is not None:
            return found
        raise InputError(
            f"{data} holds photos without cameras; find those first with: "
            f"main.py poses {data} --out DIR, then name DIR"
        )
    raise InputError(f"{data} holds no photos with cameras; expected {_POSED}")


def any_photos(data: str) -> "PosedPhotos | UnposedPhotos | Video":
    """The photos that `data` names, with cameras or without: a path, or the word "sample".

    Raises InputError when there is something else.
    """
    from assets.posed import PosedPhotos
    from assets.unposed import UnposedPhotos, Video

    opened = _opened(data)
    if isinstance(opened, PosedPhotos | UnposedPhotos | Video):
        return opened
    raise InputError(
        f"{data} holds no photos; expected a folder of photos or a video, or with cameras {_POSED}"
    )


def _opened(data: str) -> object:
    from assets.open import open_path

    if data == SAMPLE:
        from assets.samples import sample_scene

        return sample_scene()
    return open_path(Path(data))


def unposed_photos(data: str) -> "UnposedPhotos | Video":
    """The photos or the video that `data` names, for which cameras are to be found.

    Cameras that are known already are not looked at. Raises InputError when there is
    something else.
    """
    from assets.formats.photo_folder import read_photo_folder
    from assets.open import Kind, identify, read_found
    from assets.unposed import UnposedPhotos, Video

    if data == SAMPLE:
        from assets.samples.store import sample_folder

        return read_photo_folder(sample_folder())
    path = Path(data)
    found = identify(path)
    if not found.problem and found.kind in (Kind.PHOTOS, Kind.CAPTIONED, Kind.VIDEO):
        opened = read_found(found)
        assert isinstance(opened, UnposedPhotos | Video)
        return opened
    if os.path.isdir(path):  # unlike `Path.is_dir` never an error
        return read_photo_folder(path)
    raise InputError(found.problem or f"{data} holds no photos; expected a folder or a video")


def learnt_scene(scene: Path) -> "GaussianCloud | SavedField":
    """What was learnt, from the file `scene`: Gaussians or a radiance field.

    Raises InputError when there is something else.
    """
    from assets.field import SavedField
    from assets.gaussians import GaussianCloud
    from assets.open import open_path

    opened = open_path(scene)
    if isinstance(opened, GaussianCloud | SavedField):
        return opened
    raise InputError(
        f"{scene} holds nothing that was learnt; expected Gaussians (.ply, .splat, "
        ".compressed.ply) or a radiance field (.safetensors)"
    )


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
