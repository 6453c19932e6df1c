"""Photos as the viewport needs them: one large, or all of them small. Jobs for other threads."""

import numpy as np

from app.jobs import Job
from assets.errors import InputError
from assets.posed import View
from assets.thumbnails import thumbnail
from assets.unposed import Shot

THUMBNAIL_PX = 96


def loaded(view: View, longest_px: int) -> np.ndarray:
    """The photo of `view`, [h, w, 3], no longer than `longest_px`; raises InputError."""
    width, height = view.camera.width, view.camera.height
    share = min(1.0, longest_px / max(width, height))
    return view.photo.load(max(1, round(width * share)), max(1, round(height * share)))


def thumbnails(views: tuple[View, ...] | tuple[Shot, ...], job: Job) -> list[np.ndarray | None]:
    """A small picture of every photo, None for those that cannot be read."""
    found: list[np.ndarray | None] = []
    for view in views:
        job.check()
        try:
            found.append(thumbnail(view, THUMBNAIL_PX))
        except InputError:  # the run tells why
            found.append(None)
    return found
