"""What an opened model file holds: its network, how it was trained, what can be asked of it."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.theme import set_role
from app.widgets.panel import Card, note


class ModelCard(Card):
    """Facts in two columns, the names of them muted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Opened model", parent)
        self.facts: Mapping[str, str] = {}
        self._table = QWidget()
        self.body.addWidget(self._table)
        self.hide()

    def show_facts(self, facts: Mapping[str, str]) -> None:
        """Show these by name; hide where there are none."""
        self.facts = facts
        self.body.removeWidget(self._table)
        self._table.deleteLater()
        self._table = QWidget()
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        for row, (name, words) in enumerate(facts.items()):
            label, value = QLabel(name), note(words)
            set_role(label, "muted")
            set_role(value, "value")
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self._table)
        self.setVisible(bool(facts))
