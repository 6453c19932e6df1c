"""What is to be recorded of the next drawing: it costs memory, so one can ask for less."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from app.theme import set_role
from app.widgets.fields import WholeField
from app.widgets.segmented import Segmented
from engines.settings import Setting

if TYPE_CHECKING:
    from engines.diffusion.capture import Capture


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What the attention panel asks for."""

    all_stages: bool = True
    """Scores and masked scores as well, else shares alone, which take a third."""
    samples: int = 8
    memory_mb: int = 512

    def new_capture(self) -> "Capture":
        """What records this."""
        from engines.diffusion.capture import STAGES, Capture

        return Capture(
            stages=frozenset(STAGES if self.all_stages else STAGES[-1:]),
            samples=self.samples,
            budget_bytes=self.memory_mb * 1_000_000,
        )


class RecordingFields(QWidget):
    """Stages, samples and memory; every change makes another `recording`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.recording = usual = Recording()
        """As the fields say; may be read from any thread."""
        self.stages = Segmented({"all": "All stages", "softmax": "Softmax only"}, compact=True)
        self.stages.button("softmax").setToolTip("A third of the memory; the matrix has one stage")
        self.samples = WholeField(Setting("Samples, from the first on", low=1, high=64))
        self.memory = WholeField(
            Setting("Most memory", unit="MB", low=16, high=65_536, step=64),
        )
        self.samples.set_content(usual.samples)
        self.memory.set_content(usual.memory_mb)
        self.samples.setAccessibleName("Samples to record")
        self.memory.setAccessibleName("Memory for attention")
        first = QHBoxLayout()
        first.addWidget(self.stages)
        first.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.addLayout(first, 0, 0, 1, 4)
        for column, (words, field) in enumerate(
            (("Samples", self.samples), ("Memory", self.memory))
        ):
            label = QLabel(words)
            set_role(label, "muted")
            field.setMinimumWidth(40)
            grid.addWidget(label, 1, 2 * column)
            grid.addWidget(field, 1, 2 * column + 1)
            grid.setColumnStretch(2 * column + 1, 1 + column)
            field.edited.connect(self._take)
        self.stages.changed.connect(self._take)

    def _take(self) -> None:
        self.recording = Recording(
            all_stages=self.stages.value == "all",
            samples=self.samples.value(),
            memory_mb=self.memory.value(),
        )
