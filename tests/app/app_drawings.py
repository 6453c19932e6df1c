"""Drawings of real models that have learnt for a few steps, with attention recorded."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.drawing import Drawing, Order
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Capture
from engines.diffusion.config import DiffusionConfig
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.train import DiffusionEngine

CAPTIONS = ("a red circle left of a blue square", "a green triangle")


@cache
def learnt(name: str, steps: int = 5) -> Artist:
    """Who learnt the bundled data `name` for so many steps."""
    config = DiffusionConfig(
        steps=steps, batch=16, holdout=0.0, warmup=max(1, steps // 10), ema=0.9, device="cpu"
    )
    # All shapes there are would take longer than to learn from some.
    few = name == "shapes"
    data = make_shapes(64).pictures if few else data_of(Source.named(name), config)
    engine = DiffusionEngine(data, config)
    for _ in engine.run():
        pass
    return engine.artist()


def growing(
    artist: Artist, wish: Wish, capture: Callable[[], Capture] | None = None
) -> Iterator[Drawing]:
    """The drawing after each of its strokes and once more when it is done, as `Drawer` tells."""
    kept = None if capture is None else capture()
    order = Order(artist=lambda: artist, wish=wish, capture=capture)
    drawing = Drawing(order=order, artist=artist, capture=kept)
    for stroke in artist.draw(wish, capture=kept):
        drawing = replace(drawing, strokes=(*drawing.strokes, stroke))
        yield drawing
    yield replace(drawing, done=True)


def drawn(artist: Artist, wish: Wish, capture: Callable[[], Capture] | None = None) -> Drawing:
    """The whole of it."""
    *_, drawing = growing(artist, wish, capture)
    return drawing


def point_at(picture, row: int, column: int) -> None:
    """Have the pointer over a patch of a picture of attention."""
    for _ in range(3):  # what has another height now is laid out first
        QApplication.processEvents()
    place = picture.middle_of(row, column)
    # Sent to the widget itself: the panel is higher than the screen of a machine without one.
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        picture.mapToGlobal(place),
        none,
        none,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(picture, event)
