"""Asks how an opened diffusion model is to teach another one to draw in few steps."""

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.distilling import DistilSettings
from app.panels.settings import SettingsForm
from app.theme import set_role
from app.widgets.panel import note

WIDTH_PX = 400
WHAT = (
    "{name} draws samples, and a copy of it learns to make each of them of its noise in one to "
    "four steps. What is opened stays as it is"
)
NO_WORDS = "This model knows neither captions nor classes to guide towards"


class DistilDialog(QDialog):
    """Settings with the usual values; accepted to begin."""

    def __init__(self, name: str, *, told: bool, parent: QWidget | None = None) -> None:
        """`name` is that of the teacher; `told` says whether it knows captions or classes."""
        super().__init__(parent)
        self.setWindowTitle("Distil to few steps")
        self.form = SettingsForm(DistilSettings)
        self.form.fold.hide()
        if not told:
            self.form.rows["guidance"].set_usable(False, NO_WORDS)
        self.begin, self.cancel = QPushButton("Distil"), QPushButton("Cancel")
        set_role(self.begin, "primary")
        self.begin.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        for button in (self.begin, self.cancel):
            button.setAutoDefault(False)  # Enter ends the typing of a number, and no more
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.begin)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(note(WHAT.format(name=name)))
        column.addWidget(self.form)
        column.addLayout(buttons)
        self.setFixedWidth(WIDTH_PX)
        self.form.fit(WIDTH_PX)

    @property
    def settings(self) -> DistilSettings:
        """As they are set."""
        return DistilSettings(**self.form.values)
