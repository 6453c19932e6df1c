"""Buttons that stay in the background until they are needed."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QToolButton

from app.theme import set_role


def quiet_button(words: str, tooltip: str, *, checkable: bool = False) -> QToolButton:
    """A small button without frame; the tooltip is its name for assistive tools too."""
    button = QToolButton()
    set_role(button, "quiet")
    button.setText(words)
    button.setToolTip(tooltip)
    button.setAccessibleName(words or tooltip)
    button.setCheckable(checkable)
    button.setIconSize(QSize(16, 16))
    return button
