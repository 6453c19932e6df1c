"""What the child says, as events and artifacts for whoever watches."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assets.camera import Camera
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from engines.artifacts import CameraRig, MatchMatrix
from engines.events import (
    Adjusted,
    Event,
    FeaturesFound,
    PairsMatched,
    Prepared,
    Registered,
    Told,
    Warned,
)
from engines.poses.outcome import Outcome
from engines.poses.process import NONSENSE, ChildDied
from engines.poses.protocol import Bundle, Features, Message, Note, Pairs, Phase, Placed
from engines.slots import Slots

FEATURES, PAIRS, PLACING = "Finding features", "Comparing photos", "Placing photos"


class Translator:
    """Keeps what is known so far of one run of the child."""

    def __init__(self, names: tuple[str, ...], folder: Path, slots: Slots) -> None:
        """`names` of the photos in the order of the job; `folder` is the working folder."""
        self._names, self._folder, self._slots = names, folder, slots
        self._inliers = np.full((len(names), len(names)), -1, dtype=np.int32)
        self._rig: CameraRig | None = None
        self._matrix_is_new = False
        self.registered = 0

    def events(self, message: Message) -> Iterator[Event]:
        """Take `message` in and say it in events. Raises ChildDied for what cannot be."""
        total = len(self._names)
        match message:
            case Phase(phase=phase, done=done, total=steps):
                yield Prepared(phase=phase, done=done, total=steps)
            case Features(photo=photo, count=count, done=done):
                yield FeaturesFound(photo=photo, count=count, done=done, total=message.total)
                yield Prepared(phase=FEATURES, done=done, total=message.total)
            case Pairs(done=done, inliers=inliers):
                self._note(inliers)
                yield PairsMatched(done=done, total=message.total, connected=self.connected)
                yield Prepared(phase=PAIRS, done=done, total=message.total)
            case Placed(photo=photo, registered=registered, points=points, snapshot=snapshot):
                self.registered = registered
                self._look(snapshot)
                yield Registered(photo=photo, registered=registered, total=total, points=points)
                yield Prepared(phase=PLACING, done=registered, total=total)
            case Bundle(registered=registered, points=points, snapshot=snapshot):
                self.registered = registered
                self._look(snapshot)
                yield Adjusted(registered=registered, points=points, error_px=message.error_px)
            case Note(message=words, warn=warn):
                yield Warned(message=words) if warn else Told(message=words)

    def leave_artifacts(self) -> None:
        """Put what somebody waits for and has not been given yet."""
        if self._matrix_is_new and self._slots.wants(MatchMatrix):
            self._put_matrix()
        if self._rig is not None and self._slots.wants(CameraRig):
            self._slots.put(self._rig)
            self._rig = None

    def leave_last(self, outcome: Outcome, result: PosedPhotos) -> None:
        """Put the final artifacts, wanted or not: nobody can ask any more."""
        places = {name: i for i, name in enumerate(self._names)}
        for i, j, count in outcome.pairs:
            self._note([(places[outcome.photos[i]], places[outcome.photos[j]], count)])
        self._put_matrix()
        nothing = PointCloud(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32))
        self._slots.put(
            CameraRig(
                names=tuple(view.name for view in result.views),
                cameras=tuple(view.camera for view in result.views),
                points=result.points or nothing,
            )
        )

    @property
    def connected(self) -> int:
        """Pairs so far that see the same things."""
        return int(np.count_nonzero(self._inliers > 0)) // 2

    def _note(self, inliers: list[tuple[int, int, int]]) -> None:
        for i, j, count in inliers:
            if not (0 <= i < len(self._names) and 0 <= j < len(self._names) and i != j):
                raise ChildDied(NONSENSE)
            self._inliers[i, j] = self._inliers[j, i] = count
        self._matrix_is_new = True

    def _put_matrix(self) -> None:
        self._slots.put(MatchMatrix(names=self._names, inliers=self._inliers.copy()))
        self._matrix_is_new = False

    def _look(self, snapshot: str) -> None:
        if snapshot:
            self._rig = read_snapshot(self._folder / snapshot)


def read_snapshot(path: Path) -> CameraRig | None:
    """The cameras and points that the child left at `path`; None if they cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        names = tuple(str(name) for name in values["names"])
        cameras = tuple(
            Camera(
                width=int(width), height=int(height), fx=float(fx), fy=float(fy), cx=float(cx),
                cy=float(cy), camera_to_world=pose.astype(np.float64),
            )
            for pose, (fx, fy, cx, cy, width, height) in zip(
                values["camera_to_world"], values["intrinsics"], strict=True
            )
        )  # fmt: skip
        points = PointCloud(
            values["points"].astype(np.float32), values["colours"].astype(np.float32)
        )
        return CameraRig(names=names, cameras=cameras, points=points)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
