"""Names that COLMAP's lists of pairs can hold, in which a space ends a name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

import pycolmap

from engines.poses.job import DATABASE

_MARK = "plain:"


@contextmanager
def plain_names(folder: Path, ids: list[int]) -> Iterator[list[str]]:
    """Names in the database of `ids` while the block runs, free of spaces.

    Photos whose own name has some are called something else meanwhile.
    """
    names = []
    with pycolmap.Database.open(folder / DATABASE) as database:
        for image_id in ids:
            image = database.read_image(image_id)
            if quote(image.name) != image.name:
                image.name = _MARK + quote(image.name)
                database.update_image(image)
            names.append(image.name)
    try:
        yield names
    finally:
        restore_names(folder)


def restore_names(folder: Path) -> None:
    """Call all photos by their own names again, after a crash too."""
    with pycolmap.Database.open(folder / DATABASE) as database:
        for image in database.read_all_images():
            if image.name.startswith(_MARK):
                image.name = unquote(image.name.removeprefix(_MARK))
                database.update_image(image)
