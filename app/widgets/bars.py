"""How many Gaussians each refinement added and removed, and by which cause."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.widgets.figures import count
from engines.events import Refined

PITCH_PX = 7.0
"""Least width of a bar and its gap; with more refinements than fit, neighbours are summed."""
WIDEST_PX = 14.0


@dataclass(frozen=True)
class Cause:
    """One kind of change: the field of `Refined`, its name for people and its colour."""

    field: str
    label: str
    colour: str
    grows: bool


CAUSES = (
    Cause("cloned", "cloned", "clone", True),
    Cause("split", "split", "split", True),
    Cause("added", "added", "clone", True),
    Cause("relocated", "relocated", "split", True),
    Cause("pruned_opacity", "pruned, faint", "prune", False),
    Cause("pruned_scale", "pruned, large", "prune_large", False),
)


class RefinementBars(QWidget):
    """What grew stands above the line, what went hangs below it, on one scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._refined: list[Refined] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.follow(self.update)

    def sizeHint(self) -> QSize:
        """A flat picture."""
        return QSize(200, 96)

    def minimumSizeHint(self) -> QSize:
        """Room for a dozen bars."""
        return QSize(100, 96)

    def show_refinements(self, refined: list[Refined]) -> None:
        """Show these, oldest at the left; the list is not copied."""
        self._refined = refined
        self.update()

    def groups(self) -> list[list[Refined]]:
        """The refinements that share a bar at the present width."""
        room = max(1, int(self.width() / PITCH_PX))
        size = max(1, -(-len(self._refined) // room))
        return [self._refined[i : i + size] for i in range(0, len(self._refined), size)]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Stacked bars around a thin line."""
        colours, painter = theme.current(), QPainter(self)
        groups = [
            {c.field: sum(getattr(r, c.field) for r in group) for c in CAUSES}
            for group in self.groups()
        ]
        up = max((sum(g[c.field] for c in CAUSES if c.grows) for g in groups), default=0)
        down = max((sum(g[c.field] for c in CAUSES if not c.grows) for g in groups), default=0)
        scale = (self.height() - 5) / max(1, up + down)
        base = round(up * scale) + 2 if up + down else self.height() // 2
        painter.fillRect(QRectF(0, base, self.width(), 1), theme.colour(colours.line))
        pitch = min(WIDEST_PX, self.width() / max(1, len(groups)))
        for i, group in enumerate(groups):
            ends = {True: float(base - 1), False: float(base + 2)}
            for cause in CAUSES:
                height = group[cause.field] * scale
                if height <= 0:
                    continue
                height = max(1.0, height)
                top = ends[cause.grows] - (height if cause.grows else 0)
                ends[cause.grows] += -height if cause.grows else height
                bar = QRectF(i * pitch, top, max(2.0, pitch - 2.5), height)
                painter.fillRect(bar, theme.colour(getattr(colours, cause.colour)))

    def event(self, event: QEvent) -> bool:
        """Say what a bar stands for where the mouse rests on it."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)

    def words_at(self, x: float) -> str:
        """What the bar at `x` pixels from the left stands for; empty where there is none."""
        groups = self.groups()
        pitch = min(WIDEST_PX, self.width() / max(1, len(groups)))
        index = int(x / pitch)
        if not 0 <= index < len(groups):
            return ""
        group = groups[index]
        steps = f"Step {count(group[0].step)}"
        if len(group) > 1:
            steps = f"Steps {count(group[0].step)} to {count(group[-1].step)}"
        lines = [
            f"{count(total)} {cause.label}"
            for cause in CAUSES
            if (total := sum(getattr(r, cause.field) for r in group))
        ]
        capped = ["growth cut short by the cap"] if any(r.capped for r in group) else []
        return "\n".join([steps, *(lines or ["no change"]), *capped])
