"""Brings the image that samples start from to the size of the model that draws them."""

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from app.jobs import Job
from app.panels.samples import SamplesPanel
from app.workbench import Workbench
from assets.errors import InputError


class Starting(QObject):
    """Belongs to the page of samples, in whose thread all methods are called."""

    def __init__(self, bench: Workbench, page: SamplesPanel) -> None:
        super().__init__(page)
        self._bench, self._page, self.box = bench, page, page.draw.start
        self._size = 0
        """Side of what the model draws; 0 where it cannot start from an image."""
        self._reading: Job | None = None
        self.box.asked.connect(self._ask)
        self.box.dropped.connect(self.read)
        page.start_asked.connect(self._take_sample)
        self.set_shape(None)

    def set_shape(self, shape: tuple[int, ...] | None) -> None:
        """What the model at hand draws: (c, h, w); None for no model, or for one of points.

        An image is kept as long as it fits, so that a run that begins anew loses no mask.
        """
        square = shape is not None and len(shape) == 3 and shape[0] == 3 and shape[1] == shape[2]
        self._size = shape[1] if square and shape is not None else 0
        self.cancel()
        self.box.setVisible(square)
        image = self.box.image
        if square and image is not None and len(image) != self._size:
            self.box.clear()
        self._page.view.start.setVisible(square)
        self._page.draw.say_start()

    def forget(self) -> None:
        """Start from noise, as for a model that nothing was chosen for yet."""
        self.cancel()
        self.box.forget()

    def wish(self) -> dict[str, Any]:
        """The fields of a `Wish` that say what to start from."""
        if not self._size or self.box.image is None:
            return {}
        hole = self.box.hole
        return {
            "image": self.box.image,
            "strength": self.box.strength.value() / 100,
            "hole": hole,
            "repeats": 1 if hole is None else self.box.repeats.content,
        }

    def words(self, wish: Any) -> str:
        """What `wish` starts from, for people; empty where that is noise."""
        if wish.image is None:
            return ""
        if wish.hole is not None:
            often = f", each step {wish.repeats} times" if wish.repeats > 1 else ""
            return f"{self.box.name} drawn anew in part{often}"
        return f"{self.box.name} at strength {wish.strength:g}"

    def read(self, path: Path) -> None:
        """Start from the image in a file, its middle cut out as for training."""
        size = self._size
        if not size:
            return
        self.cancel()

        def read(_job: Job) -> tuple[np.ndarray, str]:
            from engines.diffusion.data.folder import conversion_note, read_image

            try:
                pixels, kind = read_image(path, size)
            except InputError as error:
                # The whole path would take the sentence several lines.
                raise InputError(str(error).replace(str(path), path.name)) from error
            return pixels, conversion_note(kind)

        def done(found: tuple[np.ndarray, str]) -> None:
            self._bench.relieved.emit()
            self.box.show_image(found[0], path.name, found[1])
            self._page.draw.show_start()

        self._reading = self._bench.jobs.start(
            f"Reading {path.name}", read, done=done, failed=self._bench.trouble
        )

    def cancel(self) -> None:
        """Read nothing more."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _ask(self) -> None:
        bench = self._bench
        path = bench.questions.image(
            self._page.window(), "Start from an image", bench.memory.folder
        )
        if path is not None:
            bench.memory.folder = path.parent
            self.read(path)

    def _take_sample(self, pixels: np.ndarray, name: str) -> None:
        if self._size and pixels.shape == (self._size, self._size, 3):
            self.cancel()
            self.box.show_image(pixels, name)
            self._page.draw.show_start()
