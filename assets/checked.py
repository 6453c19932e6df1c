"""Whether every photo of a data set can be read, found out before anything relies on it."""

from collections.abc import Callable
from dataclasses import replace

from assets.errors import InputError
from assets.posed import PosedPhotos


def checked(
    dataset: PosedPhotos, progress: Callable[[int, int], None] | None = None
) -> PosedPhotos:
    """`dataset` without the photos that cannot be read to their end, which a note counts.

    Every file is decoded once at the least size that is possible; `progress` is called with
    (done, total) after each and may raise to stop. Raises InputError where no photo is left.
    """
    total, good, broken = len(dataset.views), [], []
    for done, view in enumerate(dataset.views, start=1):
        try:
            view.photo.load(max(1, view.photo.width // 8), max(1, view.photo.height // 8))
            good.append(view)
        except InputError as error:
            broken.append(str(error))
        if progress is not None:
            progress(done, total)
    if not broken:
        return dataset
    if not good:
        raise InputError(f"None of the {total} photos of {dataset.name} can be read. {broken[0]}")
    more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
    note = (
        f"{len(broken)} of {total} photos left out because they cannot be read: {broken[0]}{more}"
    )
    return replace(dataset, views=tuple(good), notes=(*dataset.notes, note))
