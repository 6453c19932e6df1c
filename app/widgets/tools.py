"""Buttons that stay in the background until they are needed."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QToolButton

from app.theme import set_role


def quiet_button(
    words: str, tooltip: str, *, checkable: bool = False, role: str = "quiet"
) -> QToolButton:
    """A small button without frame; the tooltip is its name for assistive tools too.

    With the role "inline" it takes no more room than its words or icon.
    """
    button = QToolButton()
    set_role(button, role)
    button.setText(words)
    button.setToolTip(tooltip)
    button.setAccessibleName(words or tooltip)
    button.setCheckable(checkable)
    button.setIconSize(QSize(16, 16))
    return button
