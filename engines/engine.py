"""The contract between what learns and whoever lets it learn.

A run is a generator: the caller decides after every event whether to go on. A thread in
the app, a progress bar on the command line and a test all drive the very same one.
Closing the generator stops the run and leaves the engine in its last good state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from assets.camera import Camera
from engines.artifacts import FieldRay, SplatRay
from engines.events import Event
from engines.slots import Slots


@dataclass(frozen=True, eq=False, kw_only=True)
class RenderedView:
    """What an engine draws of a camera when it is asked to."""

    camera: Camera
    image: np.ndarray
    """[h, w, 3] float32 sRGB in [0, 1]."""
    depth: np.ndarray
    """[h, w] float32 expected distance along the camera's z; 0 where nothing is."""
    alpha: np.ndarray
    """[h, w] float32 opacity accumulated along the ray."""
    whole: bool = True
    """Drawn at this size everywhere; otherwise a part of it is still enlarged or empty."""

    @property
    def pixels(self) -> int:
        """How sharp it is where it is drawn: its size."""
        return self.depth.size


class Renders(Protocol):
    """Something that draws what a camera sees."""

    def render(self, camera: Camera, budget_ms: float | None = None) -> RenderedView:
        """The view of `camera` (input frame), at a lower resolution if `budget_ms` is short."""
        ...


class RenderSource(Protocol):
    """Something that only an engine can draw; asked off the UI thread, newest camera wins."""

    @property
    def modes(self) -> tuple[str, ...]:
        """What it can show of itself, the first by default: "colour", "depth", "normals"..."""
        ...

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        """The view of `camera` (input frame), at a lower resolution if `budget_ms` is short."""
        ...

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        """Better and better views of `camera`, the last of them in full.

        Something comes at least every tenth of a second or so where it takes long, so that who
        asked may close the iterator because another camera is wanted by now.
        """
        ...

    def probe(self, camera: Camera, x: float, y: float) -> FieldRay | SplatRay:
        """What made the pixel that holds (x, y), in pixels of `camera`."""
        ...


@runtime_checkable
class Adjustable(Protocol):
    """A `RenderSource` of a field that can be seen in another light, or cut elsewhere."""

    photos: tuple[str, ...]
    """Photos whose light it knows; may be none."""
    box: np.ndarray
    """[2, 3] corners of what can be cut, in the input frame."""

    def lit_as(self, first: str | None, second: str | None, share: float) -> RenderSource:
        """In the light of `first`, blended with that of `second` by `share`; None is the mean."""
        ...

    def cut_at(self, axis: int | None, share: float) -> RenderSource:
        """With its slice across `axis`, `share` of the way through `box`; None: facing the eye."""
        ...


class Engine(Protocol):
    """One run of one method on one data set."""

    slots: Slots
    step: int
    """Steps done."""

    def run(self) -> Iterator[Event]:
        """Prepare and train; yields events and returns at the end, on failure or at its limit.

        Running it again after it ended or was closed goes on from the last good state.
        """
        ...

    def save_checkpoint(self, folder: Path) -> None:
        """Write everything needed to go on as if never interrupted; call between two events."""
        ...

    def source(self) -> RenderSource:
        """A view of the present state that may be rendered while training goes on."""
        ...
