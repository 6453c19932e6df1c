"""Fields for settings: what cannot be valid cannot be typed, and figures stand at the right."""

import re
from collections.abc import Mapping
from typing import Any, get_origin

from PySide6.QtCore import QLocale, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from app.theme import set_role
from engines.settings import Field, Setting

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
DIGITS = 12
"""Digits after the point that a real setting is kept to."""
_PARTIAL = re.compile(r"[+-]?\d*\.?\d*(e[+-]?\d*)?", re.IGNORECASE)


def plain(value: float) -> str:
    """A real number as people write it, exact to ten digits: 0.0002, 1.6e-6."""
    return re.sub(r"e([+-])0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", f"{value:.10g}")


def spaced(values: tuple[float, ...]) -> str:
    """Real numbers with spaces between them."""
    return " ".join(plain(value) for value in values)


class _Figure:
    """What whole and real fields share."""

    def _prepare(self: Any, setting: Setting) -> None:
        self.setAlignment(RIGHT)
        # Not NoButtons: with a style sheet Qt 6.11 then leaves no room for the text.
        set_role(self, "bare")
        self.lineEdit().setTextMargins(7, 0, 7, 0)
        self.setLocale(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self.setGroupSeparatorShown(True)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if setting.unit:
            self.setSuffix(f" {setting.unit}")
        if setting.zero and setting.low == 0:
            self.setSpecialValueText(setting.zero)

    def wheelEvent(self: Any, event: QWheelEvent) -> None:
        """Scroll the panel, not the value."""
        event.ignore()


class WholeField(_Figure, QSpinBox):
    """A whole number."""

    edited = Signal()

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(
            -(2**31) if setting.low is None else int(setting.low),
            2**31 - 1 if setting.high is None else int(setting.high),
        )
        self.setSingleStep(int(setting.step or 1))
        self._prepare(setting)
        self.valueChanged.connect(self.edited)

    @property
    def content(self) -> int:
        """The value, what is being typed included."""
        self.interpretText()
        return self.value()

    def set_content(self, value: int) -> None:
        """Change the value without telling."""
        with QSignalBlocker(self):
            self.setValue(value)


class RealField(_Figure, QDoubleSpinBox):
    """A real number, as small as 1e-12, written as short as it can be."""

    edited = Signal()

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(DIGITS)
        self.setRange(
            -1e12 if setting.low is None else setting.low,
            1e12 if setting.high is None else setting.high,
        )
        self.setSingleStep(setting.step or 0.1)
        self._prepare(setting)
        self.valueChanged.connect(self.edited)

    @property
    def content(self) -> float:
        """The value, what is being typed included."""
        self.interpretText()
        return self.value()

    def set_content(self, value: float) -> None:
        """Change the value without telling."""
        with QSignalBlocker(self):
            self.setValue(value)

    def textFromValue(self, value: float) -> str:
        """As short as it is exact."""
        return plain(value)

    def valueFromText(self, text: str) -> float:
        """The number in the text; only asked for what `validate` accepts."""
        number = self._number(text)
        return self.minimum() if number == self.specialValueText() else float(number)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Whether the text is a number in range, may become one, or never will."""
        number = self._number(text)
        if self.specialValueText() and number == self.specialValueText():
            return QValidator.State.Acceptable, text, position
        if not _PARTIAL.fullmatch(number):
            return QValidator.State.Invalid, text, position
        try:
            value = float(number)
        except ValueError:
            return QValidator.State.Intermediate, text, position
        # What is too large may still become small: 3 is on the way to 3e-5.
        fits = self.minimum() <= value <= self.maximum()
        state = QValidator.State.Acceptable if fits else QValidator.State.Intermediate
        return state, text, position

    def _number(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip().replace(",", "")


class ChoiceField(QComboBox):
    """One of a few words."""

    edited = Signal()

    def __init__(self, choices: tuple, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for choice in choices:
            self.addItem(str(choice), choice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(4)
        self.currentIndexChanged.connect(self.edited)

    def set_names(self, names: Mapping[Any, str]) -> None:
        """Call choices by these words; one without is called as it is."""
        for index in range(self.count()):
            value = self.itemData(index)
            self.setItemText(index, names.get(value, str(value)))

    @property
    def content(self) -> Any:
        """The chosen value."""
        return self.currentData()

    def set_content(self, value: Any) -> None:
        """Choose without telling."""
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findData(value))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the panel, not the value."""
        event.ignore()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """As usual, with the word at the right like the figures of other fields."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        arrow = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxArrow, self
        )
        room = self.rect().adjusted(8, 0, -arrow.width() - 2, 0)
        words = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.drawText(room, RIGHT, words)


class SwitchField(QCheckBox):
    """Yes or no."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.toggled.connect(self.edited)

    @property
    def content(self) -> bool:
        """Whether it is on."""
        return self.isChecked()

    def set_content(self, value: bool) -> None:
        """Switch without telling."""
        with QSignalBlocker(self):
            self.setChecked(value)


class TextField(QLineEdit):
    """Any words."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAlignment(RIGHT)
        self.editingFinished.connect(self.edited)

    @property
    def content(self) -> str:
        """The words."""
        return self.text()

    def set_content(self, value: str) -> None:
        """Change the words without telling."""
        with QSignalBlocker(self):
            self.setText(value)


class NumbersField(TextField):
    """Some real numbers with spaces between them, or none; what cannot be one is not typed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: tuple[float, ...] = ()
        self.setPlaceholderText("none")
        self.setValidator(_NumbersValidator(self))
        self.textChanged.connect(self._take)

    @property
    def content(self) -> tuple[float, ...]:
        """The numbers; while the last of them is not finished, those before it was begun."""
        return self._numbers

    def set_content(self, value: tuple[float, ...]) -> None:
        """Change the numbers without telling."""
        super().set_content(spaced(value))
        self._numbers = tuple(value)

    def _take(self, text: str) -> None:
        numbers = _numbers(text)
        self._numbers = self._numbers if numbers is None else numbers


class _NumbersValidator(QValidator):
    def __init__(self, field: NumbersField) -> None:
        super().__init__(field)
        self._field = field

    def fixup(self, _text: str) -> str:
        return spaced(self._field.content)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if not all(_PARTIAL.fullmatch(word) for word in text.replace(",", " ").split()):
            return QValidator.State.Invalid, text, position
        whole = _numbers(text) is not None
        return (
            QValidator.State.Acceptable if whole else QValidator.State.Intermediate,
            text,
            position,
        )


def _numbers(text: str) -> tuple[float, ...] | None:
    try:
        return tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        return None


AnyField = WholeField | RealField | ChoiceField | SwitchField | TextField | NumbersField


def field_for(field: Field) -> AnyField:
    """The widget for a setting's type; raises TypeError for a type that has none."""
    if field.choices is not None:
        return ChoiceField(field.choices)
    if field.type is bool:
        return SwitchField()
    if field.type is int:
        return WholeField(field.setting)
    if field.type is float:
        return RealField(field.setting)
    if field.type is str:
        return TextField()
    if get_origin(field.type) is tuple:
        return NumbersField()
    raise TypeError(f"no field for {field.name} of type {field.type}")
