"""Push buttons that are the face of an action: same words, same enabled state, one meaning."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.theme import set_role


class ActionButton(QPushButton):
    """Shows an action's words and follows it; `role` is a button role of the style sheet."""

    def __init__(
        self,
        action: QAction,
        *,
        role: str = "",
        text: str = "",
        least_width: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._action, self._text, self._least_width = action, text, least_width
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        # By a click it would keep the focus, and hand it on when its action can no longer be asked.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(action.isCheckable())
        self.setObjectName(f"button_{action.objectName()}")
        if role:
            set_role(self, role)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        action.toggled.connect(self.setChecked)
        self._follow()

    def sizeHint(self) -> QSize:
        """Wide enough for all words the action may take, so that neighbours stay in place."""
        hint = super().sizeHint()
        return QSize(max(hint.width(), self._least_width), hint.height())

    def _follow(self) -> None:
        self.setText(self._text or self._action.text().rstrip("…"))
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())
        self.setChecked(self._action.isChecked())
