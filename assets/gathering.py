"""What every reader of posed photos does the same way: collect views, say what was left out."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.lens import Lens, UndistortionMissing
from assets.photos import FilePhoto
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos, View
from assets.undistort import views_through


class Gathering:
    """Views found so far and the photos that gave none, by reason."""

    def __init__(self, name: str, source: Path, notes: Iterable[str] = ()) -> None:
        self.name, self.source = name, source
        self._notes = list(notes)
        self._views: dict[str, list[View]] = {}
        self._left_out: dict[str, list[str]] = {}
        self._listed = 0

    def add(
        self,
        name: str,
        path: Path | None,
        lens: Lens,
        pose: np.ndarray | str,
        *,
        mask: Path | None = None,
    ) -> None:
        """Take one listed photo in, or leave it out for a reason.

        `path` is None where the file is missing, `pose` is camera-to-world [4, 4] or why
        there is none; `mask` is that of the photo as it was taken.
        """
        if name in self._views:
            self.leave_out(name, "listed twice")
        elif path is None:
            self.leave_out(name, "missing")
        elif isinstance(pose, str):
            self.leave_out(name, f"without a usable camera pose (it {pose})")
        elif (problem := lens.problem()) is not None:
            self.leave_out(name, f"taken by a camera with {problem}")
        else:
            photo = FilePhoto(path, lens.width, lens.height)
            try:
                self._views[name] = views_through(lens, name, photo, pose, mask=mask)
            except UndistortionMissing:
                self.leave_out(
                    name,
                    f"taken through a lens of the kind {lens.model}, which only pycolmap can "
                    "straighten, and that is not installed here",
                )
            except InputError:
                self.leave_out(name, "taken through a lens whose distortion leaves nothing of it")
            else:
                self._listed += 1

    def leave_out(self, name: str, reason: str) -> None:
        """Count a listed photo that gives no view; `reason` goes after "because it is"."""
        self._left_out.setdefault(reason, []).append(name)
        self._listed += 1

    def note(self, sentence: str) -> None:
        """Say something about the data set, once."""
        if sentence not in self._notes:
            self._notes.append(sentence)

    def finish(self, points: PointCloud | None, *, looked_in: Path) -> PosedPhotos:
        """The data set; raises InputError where no view is left, saying why."""
        if not self._listed:
            raise InputError(f"{self.source} lists no photo; expected at least one with its camera")
        if not self._views:
            raise InputError(self._all_left_out(looked_in))
        for reason, names in self._left_out.items():
            they_are = "it is" if len(names) == 1 else "they are"
            self.note(
                f"{len(names)} of {self._listed} photos left out because {they_are} {reason}: "
                f"{_some(names)}"
            )
        if len(self._views) == 1:
            self.note("There is only one photo, so depth cannot be learned from it")
        points, bad = _sound(points)
        if bad:
            self.note(f"{bad} points are not finite and were left out")
        views = sorted((v for found in self._views.values() for v in found), key=lambda v: v.name)
        return PosedPhotos(
            name=self.name,
            source=self.source,
            views=tuple(views),
            points=points,
            notes=tuple(self._notes),
        )

    def _all_left_out(self, looked_in: Path) -> str:
        if set(self._left_out) == {"missing"}:
            names = self._left_out["missing"]
            return (
                f"None of the {len(names)} photos that {self.source} lists was found in "
                f"{looked_in}; put them there, for example {names[0]}"
            )
        reasons = "; ".join(
            f"{len(names)} {'is' if len(names) == 1 else 'are'} {reason}"
            for reason, names in self._left_out.items()
        )
        return f"None of the {self._listed} photos that {self.source} lists can be used: {reasons}"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _sound(points: PointCloud | None) -> tuple[PointCloud | None, int]:
    """The finite points, None where there are none, and how many are not finite."""
    if points is None or not len(points):
        return None, 0
    good = np.isfinite(points.positions).all(axis=1)
    bad = int((~good).sum())
    if bad:
        points = PointCloud(points.positions[good], points.colours[good])
    return (points if len(points) else None), bad
