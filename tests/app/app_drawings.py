"""Drawings of real models that have learnt for a few steps, with attention recorded."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import torch
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import theme
from app.drawing import Drawing, Order
from app.panels.attention import AttentionPanel
from app.panels.attentionchecks import CheckMenu
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Capture
from engines.diffusion.config import DiffusionConfig
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.data.source import Source, data_of
from engines.diffusion.train import DiffusionEngine

LEFT = Qt.MouseButton.LeftButton
CAPTIONS = ("a red circle left of a blue square", "a green triangle")
WISH = Wish(count=3, texts=CAPTIONS, steps=3, sampler="ddim", guidance=1.0, seed=2)
"""What panels of attention are shown in their tests."""


@cache
def learnt(name: str, steps: int = 5, *, classifier: bool = False, classes: bool = False) -> Artist:
    """Who learnt the bundled data `name` for so many steps."""
    config = DiffusionConfig(
        steps=steps,
        batch=16,
        holdout=0.0,
        warmup=max(1, steps // 10),
        ema=0.9,
        device="cpu",
        classifier=classifier,
        classes=classes,
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
    hover(picture, place)


def captured(panel, stage="softmax", layer=None) -> torch.Tensor:
    """[heads, queries, keys] that was kept of what is looked at."""
    choice = panel.choice
    return next(
        item.values[choice.row]
        for item in panel.capture.kept
        if (item.call, item.layer, item.stage) == (choice.call, layer or choice.layer, stage)
    )


def hover(widget, place, *, leave: bool = False) -> None:
    """Have the pointer at a place of a widget, and away from it again if it is to leave.

    Sent to the widget itself: the panel is higher than the screen of a machine without one.
    """
    none = Qt.MouseButton.NoButton
    kind, keys = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(kind, place, widget.mapToGlobal(place), none, none, keys)
    QApplication.sendEvent(widget, event)
    if leave:
        QApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))


def pick(panel, layer: str, head: int) -> None:
    """Click a head in the grid."""
    for _ in range(3):
        QApplication.processEvents()
    QTest.mouseClick(panel.heads, LEFT, pos=panel.heads.place_of(layer, head).center().toPoint())


def tick(field: CheckMenu, *lines: int) -> None:
    """Click on the button, then on lines of its list (0 is "All"); it stays open meanwhile."""
    QTest.mouseClick(field, LEFT)
    for line in lines:
        action = [field.every, *field.items][line]
        QTest.mouseClick(field.menu_, LEFT, pos=field.menu_.actionGeometry(action).center())
        assert field.menu_.isVisible()
    QTest.keyClick(field.menu_, Qt.Key.Key_Escape)
    assert not field.menu_.isVisible()


def attention_panel(qtbot, qapp) -> AttentionPanel:
    """The panel by itself, high enough to show all of it."""
    theme.apply(qapp, "dark")
    panel = AttentionPanel()
    qtbot.addWidget(panel)
    panel.resize(340, 1900)
    panel.show()
    qtbot.waitExposed(panel)
    return panel
