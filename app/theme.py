"""Colours, type and styles of the window, so that one look is decided in one place.

Widgets take colours from `current()` when they paint. What keeps colours of its own (plots,
icons) hands a function to `follow`, which calls it now and after every switch. Labels and
frames choose a style by the dynamic property `role`, see `set_role` and `app.stylesheet`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import qtawesome
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.stylesheet import stylesheet

FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")
"""Preferred type, first found wins; every one of them has figures of equal width."""
TEXT_PX = 13
"""Height of ordinary text in device-independent pixels."""


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Every colour in the window, as "#rrggbb"."""

    name: Literal["dark", "light"]
    ground: str
    """Behind everything, bars at the edges."""
    viewport: str
    """Behind what is drawn in three dimensions."""
    panel: str
    card: str
    field: str
    """Buttons and what can be typed into."""
    hover: str
    selected: str
    """Chosen part of a segmented control, selected row."""
    line: str
    """Separators and frames that only group."""
    outline: str
    """Frames of what can be clicked."""
    text: str
    label: str
    muted: str
    """Secondary text, still readable."""
    faint: str
    """Disabled text only."""
    bar: str
    """Bars of histograms that stand for nothing special."""
    accent: str
    """Fill of the primary action."""
    on_accent: str
    mark: str
    """The accent as a line or bar: selection, focus, progress, threshold."""
    clone: str
    split: str
    prune: str
    prune_large: str
    good: str
    warn: str
    """Text of warnings."""
    error: str
    """Text of errors."""


DARK = Theme(
    name="dark",
    ground="#15171c",
    viewport="#0f1115",
    panel="#191c22",
    card="#1e222a",
    field="#22262f",
    hover="#2a2f3a",
    selected="#313948",
    line="#262a33",
    outline="#323845",
    text="#eceef2",
    label="#bcc2ce",
    muted="#8d95a4",
    faint="#5c6370",
    bar="#4b566a",
    accent="#ffb454",
    on_accent="#1d1608",
    mark="#ffb454",
    clone="#5ac8fa",
    split="#9b8cff",
    prune="#ff7a6b",
    prune_large="#cf5347",
    good="#4ade9a",
    warn="#ffb454",
    error="#ff8a7d",
)

LIGHT = Theme(
    name="light",
    ground="#e9ebef",
    viewport="#dfe2e7",
    panel="#f4f5f7",
    card="#ffffff",
    field="#ffffff",
    hover="#eef0f4",
    selected="#dde2ea",
    line="#dcdfe5",
    outline="#c6cbd4",
    text="#171a20",
    label="#3d4450",
    muted="#5b6371",
    faint="#9aa1ad",
    bar="#a9b2c1",
    accent="#ffb454",
    on_accent="#1d1608",
    mark="#bf6f00",
    clone="#0b83c4",
    split="#6a55d8",
    prune="#d9503f",
    prune_large="#a3352a",
    good="#127a43",
    warn="#8a5200",
    error="#b3301f",
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


class _Switch(QObject):
    """Holds the theme of one application and tells of a change; a child of the application."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.theme = DARK


def _switch() -> _Switch:
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("a theme needs a QApplication")
    return app.findChild(_Switch) or _Switch(app)


def apply(app: QApplication, name: str) -> Theme:
    """Give the whole application the theme "dark" or "light" and return it.

    Raises KeyError for another name.
    """
    theme = THEMES[name]
    switch = _switch()
    switch.theme = theme
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    app.setFont(font())
    app.setPalette(palette(theme))
    app.setStyleSheet(stylesheet({f.name: getattr(theme, f.name) for f in fields(theme)}))
    switch.changed.emit()
    return theme


def current() -> Theme:
    """The theme in use, dark before any was applied."""
    return _switch().theme


def follow(recolour: Callable[[], None]) -> None:
    """Call `recolour` now and after every switch of the theme.

    A method of a QObject is let go of together with its object.
    """
    _switch().changed.connect(recolour)
    recolour()


def font(px: int = TEXT_PX, *, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The window's type at `px` device-independent pixels, with figures of equal width."""
    chosen = QFont()
    chosen.setFamilies(list(FAMILIES))
    chosen.setPixelSize(px)
    chosen.setWeight(weight)
    chosen.setFeature(QFont.Tag("tnum"), 1)
    return chosen


def colour(value: str, alpha: float = 1.0) -> QColor:
    """A theme colour "#rrggbb" with an opacity in [0, 1]."""
    chosen = QColor(value)
    chosen.setAlphaF(alpha)
    return chosen


def icon(name: str, role: str = "label") -> QIcon:
    """A qtawesome icon such as "mdi6.play" in the colour of a theme field."""
    theme = current()
    return qtawesome.icon(name, color=getattr(theme, role), color_disabled=theme.faint)


def set_role(widget: QWidget, role: str) -> None:
    """Style `widget` as `role` of the style sheet, also after it was shown.

    Labels: title, heading, value, muted, warn, error; frames: card, overlay, rule;
    buttons: primary, quiet, inline.
    """
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def palette(theme: Theme) -> QPalette:
    """The palette for what the style sheet does not name, such as file dialogs."""
    chosen = QPalette()
    roles = QPalette.ColorRole
    for role, value in {
        roles.Window: theme.panel,
        roles.WindowText: theme.text,
        roles.Base: theme.field,
        roles.AlternateBase: theme.card,
        roles.Text: theme.text,
        roles.Button: theme.field,
        roles.ButtonText: theme.text,
        roles.BrightText: theme.error,
        roles.Highlight: theme.selected,
        roles.HighlightedText: theme.text,
        roles.Link: theme.clone,
        roles.LinkVisited: theme.split,
        roles.ToolTipBase: theme.card,
        roles.ToolTipText: theme.text,
        roles.PlaceholderText: theme.muted,
        roles.Light: theme.hover,
        roles.Midlight: theme.hover,
        roles.Mid: theme.outline,
        roles.Dark: theme.line,
        roles.Shadow: theme.ground,
        roles.Accent: theme.mark,
    }.items():
        chosen.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        chosen.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return chosen
