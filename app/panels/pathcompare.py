"""What another run of a model is to have different: sampler, eta, steps, guidance, seed."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.drawnwords import SAMPLER_NAMES
from app.panels.drawbox import CLASSIFIER_GUIDANCE, ETA
from app.panels.drawrow import DrawRow
from app.theme import set_role
from app.widgets.fields import AnyField, ChoiceField, RealField, WholeField
from app.widgets.panel import note
from engines.settings import Setting

if TYPE_CHECKING:
    from engines.diffusion.artist import Wish


SAME_NOISE = "From the same noise as the drawing"
OTHER_NOISE = "From other noise, as its seed is another"


class CompareFields(QWidget):
    """Begins with what the drawing was made with; the same seed is the same noise."""

    wanted = Signal(object)
    """A Wish like that of the drawing, with what was changed here."""
    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wish: Wish | None = None
        self._touched: set[str] = set()
        """Fields that a person has set; the others follow the drawing."""
        self._labels: dict[str, QLabel] = {}
        self.sampler = ChoiceField(tuple(SAMPLER_NAMES))
        self.sampler.set_names(SAMPLER_NAMES)
        self.sampler.edited.connect(self._follow)
        self.eta = RealField(ETA)
        self.eta.setToolTip(f"<p>{ETA.help}</p>")
        self.steps = WholeField(Setting("Steps", low=1, high=1_000))
        self.guidance = RealField(Setting("Guidance", low=-1, high=20, step=0.5))
        self.classifier = RealField(CLASSIFIER_GUIDANCE)
        self.classifier.setToolTip(f"<p>{CLASSIFIER_GUIDANCE.help}</p>")
        self.seed = WholeField(Setting("Seed: the same is the same noise", low=0, high=2**31 - 1))
        self.noise = note(SAME_NOISE)
        self.row = DrawRow("Draw beside it")
        self.draw = self.row.button
        self.row.asked.connect(self._ask)
        self.row.stopped.connect(self.stopped)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        places: dict[str, tuple[AnyField, int, int, int]] = {
            "Sampler": (self.sampler, 0, 0, 3),
            "Steps": (self.steps, 1, 0, 1),
            "Guidance": (self.guidance, 1, 2, 1),
            "Eta": (self.eta, 2, 0, 1),
            "Seed": (self.seed, 2, 2, 1),
            "Classifier": (self.classifier, 3, 0, 1),
        }
        for name, (field, row, column, wide) in places.items():
            field.setAccessibleName(f"{name} of the other run")
            field.edited.connect(partial(self._touched.add, name))
            field.setMinimumWidth(40)
            label = QLabel(name)
            set_role(label, "muted")
            grid.addWidget(label, row, column)
            self._labels[name] = label
            grid.addWidget(field, row, column + 1, 1, wide)
        grid.addWidget(self.noise, 4, 0, 1, 4)
        grid.addWidget(self.row, 5, 0, 1, 4)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self._show_classifier(False)
        self._follow()
        self.seed.edited.connect(self._say_noise)

    def _show_classifier(self, shown: bool) -> None:
        self.classifier.setVisible(shown)
        self._labels["Classifier"].setVisible(shown)

    def begin_with(self, wish: "Wish", *, guided: bool, classifier: bool = False) -> None:
        """The drawing was made so; what a person has set here is kept, all else follows it."""
        for name, field, value in (
            ("Sampler", self.sampler, "ddim" if wish.sampler != "ddim" else "euler"),
            ("Eta", self.eta, wish.eta),
            ("Steps", self.steps, wish.steps),
            ("Guidance", self.guidance, wish.guidance),
            ("Classifier", self.classifier, wish.classifier_guidance),
            ("Seed", self.seed, wish.seed),
        ):
            if name not in self._touched and not field.hasFocus():
                field.set_content(value)
        self._wish = wish
        self.guidance.setEnabled(guided)
        self._show_classifier(classifier)
        self._follow()
        self._say_noise()

    def _say_noise(self) -> None:
        same = self._wish is None or self.seed.content == self._wish.seed
        self.noise.setText(SAME_NOISE if same else OTHER_NOISE)

    def forget(self) -> None:
        """Another model: what was set for the one before means nothing for it."""
        self._touched.clear()
        self._wish = None

    def wish(self) -> "Wish | None":
        """What the fields say."""
        if self._wish is None:
            return None
        return replace(
            self._wish,
            sampler=self.sampler.content,
            eta=self.eta.content if self.eta.isEnabled() else 0.0,
            noise=self._wish.noise if self.sampler.content == "ddpm" else "auto",
            steps=self.steps.content,
            guidance=self.guidance.content if self.guidance.isEnabled() else self._wish.guidance,
            classifier_guidance=(
                self._wish.classifier_guidance
                if self.classifier.isHidden()
                else self.classifier.content
            ),
            seed=self.seed.content,
        )

    def _follow(self) -> None:
        self.eta.setEnabled(self.sampler.content == "ddim")

    def _ask(self) -> None:
        wish = self.wish()
        if wish is not None:
            self.wanted.emit(wish)
