"""What every head of every layer does, at a glance: one small map each."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.widgets.heat import heat
from app.widgets.pixels import image_of

LEAST_NAME_PX, HEAD_PX, GAP_PX = 66, 16, 4
MOST_PX, LEAST_PX = 56, 14


def layer_words(layer: str) -> str:
    """A layer for people: "block 1" looks at places, "block 1, words" at the caption.

    Where both are looked at in one, that is "block 1" too.
    """
    return layer.removesuffix(" self").removesuffix(" joint").replace(" cross", ", words")


class HeadGrid(QWidget):
    """Layers below each other, heads side by side; click one, or use the arrow keys."""

    picked = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layers: tuple[str, ...] = ()
        self.maps: dict[tuple[str, int], np.ndarray] = {}
        """[rows, columns] by layer and head, as shown."""
        self.layer, self.head = "", 0
        self.whole_layers: frozenset[str] = frozenset()
        """Layers of which all heads are looked at together."""
        self._images: dict[tuple[str, int], QImage] = {}
        self._heads, self._name_px = 0, LEAST_NAME_PX
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Heads of all layers")
        theme.follow(self.update)

    def show_maps(self, layers: tuple[str, ...], maps: dict[tuple[str, int], np.ndarray]) -> None:
        """Show a map [rows, columns] for every (layer, head); each is as bright as it can be."""
        heads = 1 + max((head for _, head in maps), default=-1)
        if (layers, heads) != (self.layers, self._heads):
            self.layers, self._heads = layers, heads
            metrics = QFontMetrics(theme.font(11))
            widths = (metrics.horizontalAdvance(layer_words(layer)) + 10 for layer in layers)
            self._name_px = max(LEAST_NAME_PX, *widths, 0)
            self.updateGeometry()
        self.maps = maps
        self._images = {key: image_of(heat(values)) for key, values in maps.items()}
        self.update()

    def choose(self, layer: str, head: int) -> None:
        """Frame this one; tells nothing."""
        self.layer, self.head = layer, head
        self.update()

    def mark_layers(self, layers: frozenset[str]) -> None:
        """Frame all heads of these layers instead."""
        self.whole_layers = layers
        self.update()

    def place_of(self, layer: str, head: int) -> QRectF:
        """Where a map is."""
        side = self._side(self.width())
        top = HEAD_PX + self.layers.index(layer) * (side + GAP_PX)
        return QRectF(self._name_px + head * (side + GAP_PX), top, side, side)

    # -- size --------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """As high as the layers need."""
        return QSize(260, self.heightForWidth(260))

    def minimumSizeHint(self) -> QSize:
        """Small maps."""
        return QSize(self._name_px + self._heads * (LEAST_PX + GAP_PX), HEAD_PX + LEAST_PX)

    def heightForWidth(self, width: int) -> int:
        """All layers below each other."""
        return HEAD_PX + len(self.layers) * (self._side(width) + GAP_PX)

    def _side(self, width: int) -> int:
        room = (width - self._name_px) // max(1, self._heads) - GAP_PX
        return max(LEAST_PX, min(MOST_PX, room))

    # -- events ------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the map under the mouse."""
        key = self._key_at(event.position())
        if key is not None:
            self._pick(*key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go from map to map."""
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or self.layer not in self.layers:
            super().keyPressEvent(event)
            return
        row = self.layers.index(self.layer) + step[0]
        if 0 <= row < len(self.layers) and (self.layers[row], self.head + step[1]) in self.maps:
            self._pick(self.layers[row], self.head + step[1])

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Names at the left, maps at the right, a frame around what is looked at."""
        painter, colours = QPainter(self), theme.current()
        painter.setFont(theme.font(11))
        side = self._side(self.width())
        painter.setPen(theme.colour(colours.muted))
        for head in range(self._heads):
            left = self._name_px + head * (side + GAP_PX)
            painter.drawText(
                QRectF(left, 0, side, HEAD_PX - 2), Qt.AlignmentFlag.AlignCenter, str(head + 1)
            )
        title = QRectF(0, 0, self._name_px, HEAD_PX - 2)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, "head")
        for row, layer in enumerate(self.layers):
            box = QRectF(0, HEAD_PX + row * (side + GAP_PX), self._name_px - 6, side)
            name = layer_words(layer)
            chosen = layer == self.layer or layer in self.whole_layers
            painter.setPen(theme.colour(colours.text if chosen else colours.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, name)
        for (layer, head), image in self._images.items():
            place = self.place_of(layer, head)
            painter.drawImage(place, image)
            whole = bool(self.whole_layers)
            if layer in self.whole_layers or (not whole and (layer, head) == self._chosen):
                painter.setPen(QPen(theme.colour(colours.mark), 2))
                painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))

    @property
    def _chosen(self) -> tuple[str, int]:
        return self.layer, self.head

    def _pick(self, layer: str, head: int) -> None:
        self.choose(layer, head)
        self.picked.emit(layer, head)

    def _key_at(self, place: QPointF) -> tuple[str, int] | None:
        return next((key for key in self._images if self.place_of(*key).contains(place)), None)
