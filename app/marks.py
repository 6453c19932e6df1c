"""The cameras in the viewport and their colours: by use, or by how well their photos are met."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from renderers.canvas import Viewport
from renderers.colours import BLUE, VIOLET, error_colours
from renderers.frusta import CameraMark


class Marks:
    """Keeps one mark a photo and sends the viewport what has changed."""

    def __init__(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self.all: list[CameraMark] = []
        self.chosen: int | None = None
        """The one that stands out."""
        self._held_out: set[int] = set()
        self._errors: Mapping[str, float] | None = None
        """PSNR in dB by photo while cameras are coloured by it."""

    def show(self, marks: Sequence[CameraMark]) -> None:
        """Show these, in the colours that they have."""
        self.all = list(marks)
        self._viewport.show_cameras(self.all)
        self._viewport.selected_camera = self.chosen

    def show_coloured(self, marks: Sequence[CameraMark], held_out: set[int]) -> None:
        """Show these in the colours that they should have; some are held out."""
        self._held_out = set(held_out)
        self.show(self._coloured(marks))

    def show_thumbnails(self, pictures: Sequence[np.ndarray | None]) -> None:
        """Put a picture into every camera."""
        pairs = zip(self.all, pictures, strict=True)
        self.show([replace(mark, thumbnail=picture) for mark, picture in pairs])

    def hold_out(self, held_out: set[int]) -> None:
        """Colour the cameras of held-out photos."""
        self._held_out = set(held_out)
        self._recolour()

    def colour_by_error(self, errors: Mapping[str, float] | None) -> None:
        """Colour cameras by the PSNR in dB of their photos, by name; None: by their use."""
        self._errors = errors
        self._recolour()

    def _recolour(self) -> None:
        marks = self._coloured(self.all)
        if [mark.colour for mark in self.all] != [mark.colour for mark in marks]:
            self.show(marks)

    def _coloured(self, marks: Sequence[CameraMark]) -> list[CameraMark]:
        known = error_colours(self._errors or {})
        use = [VIOLET if i in self._held_out else BLUE for i in range(len(marks))]
        pairs = zip(marks, use, strict=True)
        return [replace(mark, colour=known.get(mark.name, colour)) for mark, colour in pairs]
