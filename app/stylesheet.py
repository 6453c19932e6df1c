"""The one style sheet of the window, filled in with the colours of a theme."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

ICONS = Path(__file__).with_name("icons")

_BASICS = """
QMainWindow, QDialog { background: $panel; }
QToolTip { background: $card; color: $text; border: 1px solid $outline; padding: 5px 8px; }
QLabel { background: transparent; color: $label; }
QLabel:disabled { color: $faint; }
QLabel[role="title"] { color: $label; font-size: 11px; font-weight: 600; letter-spacing: 0.8px; }
QLabel[role="heading"] { color: $text; font-size: 17px; font-weight: 600; }
QLabel[role="value"] { color: $text; font-weight: 500; }
QLabel[role="better"] { color: $good; font-weight: 600; }
QLabel[role="muted"] { color: $muted; font-size: 12px; }
QLabel[role="warn"] { color: $warn; font-size: 12px; }
QLabel[role="error"] { color: $error; }
QFrame[role="card"] { background: $card; border: 1px solid $line; border-radius: 8px; }
QFrame[role="overlay"] { background: $card; border: 1px solid $outline; border-radius: 8px; }
QFrame[role="rule"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
QScrollArea, QScrollArea > QWidget > QWidget[role="scrolled"] {
    background: transparent; border: none; }
"""

_BUTTONS = """
QPushButton, QToolButton {
    background: $field; color: $text; border: 1px solid $outline; border-radius: 6px;
    padding: 4px 12px; min-height: 18px; }
QPushButton:hover, QToolButton:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed, QPushButton:checked, QToolButton:checked {
    background: $selected; }
QPushButton:focus, QToolButton:focus { border-color: $mark; }
QPushButton:disabled, QToolButton:disabled {
    color: $faint; background: transparent; border-color: $line; }
QPushButton[role="primary"] {
    background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:pressed { background: $accent_pressed; }
QPushButton[role="primary"]:focus { border-color: $text; }
QPushButton[role="primary"]:disabled {
    background: $field; color: $faint; border-color: $line; }
QPushButton:flat, QPushButton[role="quiet"], QToolButton[role="quiet"] {
    background: transparent; border-color: transparent; color: $label; padding: 3px 6px; }
QPushButton:flat:hover, QPushButton[role="quiet"]:hover, QToolButton[role="quiet"]:hover {
    background: $hover; color: $text; }
QPushButton[role="quiet"]:checked, QToolButton[role="quiet"]:checked {
    background: $selected; color: $text; }
QPushButton:flat:focus, QPushButton[role="quiet"]:focus, QToolButton[role="quiet"]:focus {
    border-color: $mark; }
QPushButton[role="quiet"]:disabled, QToolButton[role="quiet"]:disabled {
    background: transparent; border-color: transparent; color: $faint; }
QToolButton[role="outlined"] {
    background: transparent; color: $label; padding: 1px 8px; min-height: 18px; font-size: 12px; }
QToolButton[role="outlined"]:hover { background: $hover; color: $text; }
QToolButton[role="outlined"]:checked { background: $selected; color: $text; }
QToolButton[role="inline"] {
    background: transparent; border: none; padding: 0; min-height: 0; color: $label; }
QToolButton[role="inline"]:hover { color: $text; }
QToolButton[role="inline"]:focus { color: $mark; }
QToolButton::menu-indicator { image: none; }
QPushButton::menu-indicator {
    image: url("$icons/down-$name.svg"); subcontrol-position: right center; right: 8px; }
QFrame[role="segments"] { background: $field; border: 1px solid $outline; border-radius: 6px; }
QFrame[role="segments"] QPushButton {
    background: transparent; color: $label; border: 1px solid transparent; border-radius: 5px;
    padding: 3px 11px; }
QFrame[role="segments"] QPushButton:hover { color: $text; background: $hover; }
QFrame[role="segments"] QPushButton:checked { color: $text; background: $selected; }
QFrame[role="segments"] QPushButton:focus { border-color: $mark; }
QFrame[role="segments"] QPushButton:disabled { color: $faint; background: transparent; }
QFrame[role="segments"] QPushButton:checked:disabled { color: $muted; background: $hover; }
QFrame[role="segments"][compact="true"] QPushButton {
    padding: 0px 8px; min-height: 18px; font-size: 12px; }
QCheckBox, QRadioButton { color: $label; spacing: 8px; background: transparent; }
QCheckBox:disabled, QRadioButton:disabled { color: $faint; }
QCheckBox::indicator, QRadioButton::indicator {
    width: 14px; height: 14px; border: 1px solid $outline; border-radius: 4px;
    background: $field; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { background: $hover; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $mark; }
QCheckBox::indicator:checked {
    background: $accent; border-color: $accent; image: url("$icons/check.svg"); }
QRadioButton::indicator:checked {
    background: $accent; border: 4px solid $field; width: 8px; height: 8px; }
QCheckBox::indicator:checked:disabled { background: $faint; border-color: $faint; }
"""

_FIELDS = """
QLineEdit, QAbstractSpinBox, QComboBox {
    background: $field; color: $text; border: 1px solid $outline; border-radius: 6px;
    padding: 2px 8px; min-height: 20px; placeholder-text-color: $muted;
    selection-background-color: $accent;
    selection-color: $on_accent; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {
    background: transparent; border: none; padding: 0; min-height: 0; }
QPlainTextEdit, QTextEdit, QTextBrowser {
    background: $panel; color: $label; border: none; placeholder-text-color: $muted;
    selection-background-color: $selected; selection-color: $text; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { background: $hover; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QComboBox:on { border-color: $mark; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {
    color: $muted; background: transparent; border-color: $line; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {
    subcontrol-origin: border; width: 18px; border: none; background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox[role="bare"]::up-button, QAbstractSpinBox[role="bare"]::down-button {
    width: 0; }
QAbstractSpinBox::up-arrow { image: url("$icons/up-$name.svg"); width: 8px; height: 8px; }
QAbstractSpinBox::down-arrow { image: url("$icons/down-$name.svg"); width: 8px; height: 8px; }
QAbstractSpinBox[role="bare"]::up-arrow, QAbstractSpinBox[role="bare"]::down-arrow {
    image: none; width: 0; height: 0; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$icons/down-$name.svg"); width: 10px; height: 10px; }
QComboBox QAbstractItemView {
    background: $card; color: $text; border: 1px solid $outline; padding: 4px; outline: none;
    selection-background-color: $selected; selection-color: $text; }
QComboBox QAbstractItemView::item { min-height: 26px; padding: 0 8px; border-radius: 4px; }
QSlider::groove:horizontal { height: 3px; border-radius: 1px; background: $outline; }
QSlider::sub-page:horizontal { background: $mark; border-radius: 1px; }
QSlider::handle:horizontal {
    width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; background: $text; }
QSlider::handle:horizontal:focus { background: $mark; }
QSlider::sub-page:horizontal:disabled { background: $outline; }
QSlider::handle:horizontal:disabled { background: $faint; }
"""

_CONTAINERS = """
QDockWidget { background: $panel; color: $label; font-size: 11px; font-weight: 600; }
QDockWidget > QWidget { background: $panel; }
QDockWidget::title { background: $panel; padding: 8px 12px; text-align: left; }
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $mark; }
QSplitter::handle { background: $line; }
QSplitter::handle:hover { background: $mark; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QToolBar { background: $panel; border: none; border-bottom: 1px solid $line;
    padding: 8px 12px; spacing: 8px; }
QStatusBar { background: $panel; color: $label; border-top: 1px solid $line; font-size: 12px; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $label; font-size: 12px; padding: 0 6px; }
QTabWidget::pane { border: none; }
QTabBar { background: transparent; qproperty-drawBase: 0; font-size: 12px; }
QTabBar::tab {
    background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent;
    padding: 7px 6px 6px 6px; margin-right: 2px; }
QTabBar::tab:first { margin-left: 6px; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $mark; }
QTabBar::tab:focus { color: $text; }
QMenuBar { background: $panel; color: $label; }
QMenuBar::item { background: transparent; padding: 5px 10px; border-radius: 5px; }
QMenuBar::item:selected { background: $hover; color: $text; }
QMenu { background: $card; color: $text; border: 1px solid $outline; padding: 5px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 5px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }
QMenu::indicator { width: 12px; height: 12px; left: 6px; }
QMenu::indicator:checked { image: url("$icons/tick-$name.svg"); }
QProgressBar {
    background: $line; border: none; border-radius: 2px; max-height: 4px; min-height: 4px;
    color: transparent; }
QProgressBar::chunk { background: $mark; border-radius: 2px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; border: none; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; border: none; }
QScrollBar::handle { background: $outline; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }
QListView, QTreeView, QTableView {
    background: $panel; color: $label; border: none; outline: none;
    alternate-background-color: $card; gridline-color: $line; }
QListView::item, QTreeView::item { padding: 3px 6px; border-radius: 4px; }
QListView::item:hover, QTreeView::item:hover { background: $hover; }
QListView::item:selected, QTreeView::item:selected { background: $selected; color: $text; }
QHeaderView::section {
    background: $panel; color: $muted; border: none; border-bottom: 1px solid $line;
    padding: 5px 4px; }
QHeaderView::up-arrow, QHeaderView::down-arrow {
    subcontrol-origin: padding; subcontrol-position: center left; left: 2px;
    width: 7px; height: 7px; }
QHeaderView::up-arrow { image: url("$icons/up-$name.svg"); }
QHeaderView::down-arrow { image: url("$icons/down-$name.svg"); }
QFileDialog { min-width: 760px; min-height: 440px; }
QFileDialog QToolButton { padding: 3px; }
QFileDialog QToolButton#backButton { qproperty-icon: url("$icons/left-$name.svg"); }
QFileDialog QToolButton#forwardButton { qproperty-icon: url("$icons/right-$name.svg"); }
QFileDialog QToolButton#toParentButton { qproperty-icon: url("$icons/up-$name.svg"); }
QFileDialog QTreeView { font-size: 12px; }
QFileDialog QTreeView::item { padding: 3px 0; }
QGroupBox { border: 1px solid $line; border-radius: 8px; margin-top: 8px; padding-top: 10px; }
QGroupBox::title { subcontrol-origin: margin; left: 10px; color: $label; }
"""


def stylesheet(values: Mapping[str, str]) -> str:
    """The style sheet for a theme's colours by name; raises KeyError when one is missing."""
    extra = {
        "icons": ICONS.as_posix(),
        "accent_hover": mix(values["accent"], "#ffffff", 0.18),
        "accent_pressed": mix(values["accent"], "#000000", 0.12),
    }
    text = _BASICS + _BUTTONS + _FIELDS + _CONTAINERS
    return Template(text).substitute(values, **extra)


def mix(first: str, second: str, share: float) -> str:
    """The colour "#rrggbb" that lies `share` of the way from `first` to `second`."""
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(value: str) -> list[int]:
    return [int(value[i : i + 2], 16) for i in (1, 3, 5)]
