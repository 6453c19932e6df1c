"""What is to be drawn: caption or class, guidance, sampler, steps and seed, and the button."""

from dataclasses import dataclass
from typing import Annotated, Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from app.panels.drawrow import DrawRow
from app.panels.settings import SettingsForm
from app.panels.startbox import StartBox
from app.theme import set_role
from app.widgets.labels import ElidedLabel, SectionTitle
from app.widgets.panel import BAR_PX, ScrolledColumn, note
from engines.diffusion.config import GUIDANCE, NoiseName
from engines.settings import Setting, check

ANYTHING, ALL = "Anything", "All in turn"
POINTS = 600
"""Samples of a toy: a few points show no shape."""
NOT_OF_POINTS = ("attention",)
TAUGHT = {"sampler": "euler", "steps": 4, "guidance": 0.0}
"""How a model draws that another one has taught."""
ETA = Setting(
    "How much noise DDIM adds anew at each step: 0 for none, 1 for as much as DDPM; other "
    "samplers do not read it",
    low=0,
    high=1,
    step=0.1,
)
NOISE = Setting(
    "How much noise DDPM adds at each step: small is the least that can be right, large the most, "
    "beta; auto takes what the model learnt, or small; other samplers do not read it"
)
CLASSIFIER_GUIDANCE = Setting(
    "s of p(x) p(class | x)^s: how far the model's classifier leads samples to the class, besides "
    "any other guidance; 0 for not at all",
    low=0,
    high=50,
    step=0.5,
    label="Classifier",
)
NO_CLASSIFIER = (
    "This model has no classifier; train with Classifier on, among the advanced settings, "
    "where there are classes"
)


@dataclass(frozen=True, kw_only=True)
class DrawSettings:
    """How samples are drawn on demand."""

    count: Annotated[int, Setting("How many samples to draw", low=1, high=4_096, step=4)] = 16
    guidance: Annotated[
        float,
        Setting(
            "w of (1 + w) conditional - w unconditional: how closely the caption or class is "
            "followed; 0 for none",
            low=-1,
            high=20,
            step=0.5,
        ),
    ] = GUIDANCE
    classifier_guidance: Annotated[float, CLASSIFIER_GUIDANCE] = 0.0
    sampler: Annotated[
        Literal["dpmpp_2m", "ddim", "ddpm", "euler", "heun", "midpoint", "euler_maruyama"],
        Setting("How noise becomes a sample"),
    ] = "dpmpp_2m"
    eta: Annotated[float, ETA] = 0.0
    noise: Annotated[NoiseName, NOISE] = "auto"
    steps: Annotated[int, Setting("Steps from noise to sample", low=1, high=1_000, step=5)] = 20
    seed: Annotated[
        int, Setting("The same seed begins at the same noise", low=0, high=2**31 - 1)
    ] = 1
    averaged: Annotated[
        bool, Setting("Draw with the average of the weights, else with the weights", label="EMA")
    ] = True
    attention: Annotated[
        bool, Setting("Keep what attends to what, for the attention panel; takes memory and time")
    ] = False

    def __post_init__(self) -> None:
        check(self)


class DrawBox(QWidget):
    """The settings and the button; tells when a person wants samples."""

    asked = Signal()
    """Draw with `texts` and `settings`."""
    stopped = Signal()
    recording_changed = Signal(bool)
    """Whether the next drawing is to tell what attends to what."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: tuple[str, ...] = ()
        self._is_classes = False
        self.caption = QLineEdit()
        self.caption.setAccessibleName("Caption")
        self.caption.returnPressed.connect(self._ask)
        self.classes = QComboBox()
        self.classes.setAccessibleName("Class")
        self.classes.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._label = ElidedLabel("Caption")
        self.form = SettingsForm(DrawSettings)
        self.form.fold.hide()
        self.form.edited.connect(self._follow)
        self.start = StartBox()
        self.start.changed.connect(self.say_start)
        self.starts = ElidedLabel(role="warn")
        self.starts.hide()
        self.waits = note()
        self.waits.hide()
        self.row = DrawRow("Draw more", button_last=True)
        self.button = self.row.button
        set_role(self.button, "primary")
        self.row.asked.connect(self._ask)
        self.row.stopped.connect(self.stopped)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._label)
        column.addWidget(self.caption)
        column.addWidget(self.classes)
        column.addSpacing(2)
        column.addWidget(self.form)
        column.addSpacing(4)
        column.addWidget(self.start)
        column.addStretch(1)
        below = QVBoxLayout()
        below.setContentsMargins(0, 0, BAR_PX, 0)
        below.setSpacing(4)
        below.addWidget(self.starts)
        below.addWidget(self.waits)
        below.addWidget(self.row)
        self._scrolled = ScrolledColumn(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(SectionTitle("Draw"))
        whole.addWidget(self._scrolled, 1)
        whole.addLayout(below)
        self.set_words(None)
        self.set_able(False)
        self._follow()

    # -- what can be asked for -------------------------------------------------------------------

    def set_words(
        self,
        words: tuple[str, ...] | None,
        *,
        classes: bool = False,
        named: tuple[str, ...] = (),
    ) -> None:
        """Which words or classes the model knows; None for a model without any.

        `named` are the classes that its classifier knows, which can lead even a model without any.
        """
        alone = words is None and bool(named)
        self._usable("guidance", words is not None)
        self._offer_classifier(bool(named), alone=alone)
        if alone:
            words, classes = named, True
        same = (words or ()) == self._words and classes == self._is_classes
        has_words = words is not None
        if not same:
            self._words, self._is_classes = words or (), classes
            self.classes.clear()
            self.classes.addItems([ALL, ANYTHING, *self._words])
            self.caption.clear()
        some = ", ".join(self._words[:4])
        self.caption.setPlaceholderText(f"words such as {some}" if some else "")
        self.caption.setToolTip(
            f"The model knows {len(self._words)} words: {', '.join(self._words[:40])}. Empty for "
            "a sample of anything; a semicolon between several captions"
        )
        self._label.setText("Class" if classes else "Caption")
        self._label.setVisible(has_words)
        self.caption.setVisible(has_words and not classes)
        self.classes.setVisible(has_words and classes)

    def _offer_classifier(self, there: bool, *, alone: bool) -> None:
        self._usable("classifier_guidance", there, NO_CLASSIFIER)
        row = self.form.rows["classifier_guidance"]
        if row.value in (0.0, 1.0):  # what a person has set stays
            row.set_value(float(alone))

    def set_width(self, width: int) -> None:
        """Take so many pixels."""
        self.setFixedWidth(width)
        self.form.fit(round(1.15 * width))

    def set_points(self, points: bool) -> None:
        """A model of points draws many at once and knows neither images nor attention.

        Most know no classes either, so that nothing is said of guidance.
        """
        told = self.form.rows["guidance"].usable
        hidden = NOT_OF_POINTS if told else (*NOT_OF_POINTS, "guidance")
        self.form.show_only([n for n in self.form.rows if not (points and n in hidden)])
        row = self.form.rows["count"]
        if row.value in (POINTS, row.field.default):
            row.set_value(POINTS if points else row.field.default)

    def set_taught(self, taught: bool) -> None:
        """A model that was taught draws in few steps and has guidance in it.

        What a person has set otherwise stays.
        """
        for name, value in TAUGHT.items():
            row = self.form.rows[name]
            usual = row.field.default
            if row.value == (usual if taught else value):
                row.set_value(value if taught else usual)
        self._follow()

    def record_attention(self, on: bool = True) -> None:
        """Have the next drawing tell what attends to what, or not."""
        self.form.rows["attention"].set_value(on)
        self.recording_changed.emit(on)

    def say_start(self) -> None:
        """Say beside the button what samples start from, as that may be scrolled out of sight."""
        words = "" if self.start.isHidden() else self.start.words
        self.starts.setText(words)
        self.starts.setToolTip(words)
        self.starts.setVisible(bool(words))

    def show_start(self) -> None:
        """Have what samples start from in sight, wherever the column was scrolled to."""
        QTimer.singleShot(0, self, lambda: self._scrolled.ensureWidgetVisible(self.start, 0, 0))

    def set_able(self, able: bool, why: str = "") -> None:
        """Whether there is a model that can draw; where there is none, `why` is said."""
        self.button.setEnabled(able)
        if why != self.waits.text():
            self.waits.setText(why)
            self.waits.setVisible(bool(why))

    def _usable(self, name: str, usable: bool, why: str = "") -> None:
        self.form.rows[name].set_usable(usable, why)

    def _follow(self) -> None:
        sampler = self.form.rows["sampler"].value
        self._usable("eta", sampler == "ddim")
        self._usable("noise", sampler == "ddpm")
        self.recording_changed.emit(self.form.rows["attention"].value)

    # -- what is asked for -----------------------------------------------------------------------

    @property
    def texts(self) -> tuple[str, ...]:
        """Captions or classes in turn; none for samples of anything."""
        if not self._words:
            return ()
        if self._is_classes:
            chosen = self.classes.currentText()
            return {ALL: self._words, ANYTHING: ()}.get(chosen, (chosen,))
        captions = (caption.strip() for caption in self.caption.text().split(";"))
        return tuple(caption for caption in captions if caption)

    @property
    def settings(self) -> DrawSettings:
        """How; raises ValueError for what does not go together."""
        return DrawSettings(**self.form.values)

    @property
    def guidances(self) -> dict[str, float]:
        """How far what is asked for is followed, by name; 0 where nothing could be followed."""
        rows = {name: self.form.rows[name] for name in ("guidance", "classifier_guidance")}
        followed = bool(self.texts)
        return {n: row.value if followed and row.usable else 0.0 for n, row in rows.items()}

    def _ask(self) -> None:
        if self.button.isEnabled():
            self.asked.emit()
