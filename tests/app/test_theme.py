"""Both themes are readable, reach every widget, and nobody who followed them lingers."""

import gc
import re
import weakref
from dataclasses import fields

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QColor, QFontMetrics
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QToolButton, QWidget

from app import theme
from app.stylesheet import ICONS, mix, stylesheet
from app.theme import DARK, LIGHT, Theme

BOTH = pytest.mark.parametrize("look", [DARK, LIGHT], ids=lambda t: t.name)
READABLE, VISIBLE = 4.5, 3.0
"""Least contrast of text and of graphics that carry meaning (WCAG 2.1, 1.4.3 and 1.4.11)."""


def luminance(value: str) -> float:
    channels = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@BOTH
@pytest.mark.parametrize("text", ["text", "label", "muted", "warn", "error"])
@pytest.mark.parametrize("ground", ["ground", "panel", "card", "field"])
def test_text_is_readable_on_every_surface(look: Theme, text: str, ground: str):
    assert contrast(getattr(look, text), getattr(look, ground)) >= READABLE


@BOTH
def test_text_is_readable_on_what_is_under_the_mouse_chosen_or_primary(look: Theme):
    for ground in (look.hover, look.selected):
        assert contrast(look.text, ground) >= READABLE
        assert contrast(look.label, ground) >= READABLE
    for ground in (
        look.accent,
        mix(look.accent, "#000000", 0.12),
        mix(look.accent, "#ffffff", 0.18),
    ):
        assert contrast(look.on_accent, ground) >= READABLE


@BOTH
@pytest.mark.parametrize("line", ["mark", "clone", "split", "prune", "prune_large", "good"])
def test_what_a_plot_says_by_colour_can_be_seen(look: Theme, line: str):
    assert contrast(getattr(look, line), look.panel) >= VISIBLE
    assert contrast(getattr(look, line), look.card) >= VISIBLE


@BOTH
def test_curve_names_in_curve_colours_are_readable(look: Theme):
    for name in ("good", "split"):
        assert contrast(getattr(look, name), look.panel) >= READABLE


@BOTH
def test_the_style_sheet_is_filled_in_and_its_pictures_exist(look: Theme):
    values = {f.name: getattr(look, f.name) for f in fields(look)}
    text = stylesheet(values)
    assert "$" not in text
    pictures = re.findall(r'url\("([^"]+)"\)', text)
    assert pictures
    assert all(p.startswith(ICONS.as_posix()) for p in pictures)
    assert all((ICONS / p.rsplit("/", 1)[1]).is_file() for p in pictures)


def test_apply_reaches_palette_painting_and_followers(qapp, qtbot):
    button = QPushButton("Run")
    qtbot.addWidget(button)
    theme.set_role(button, "primary")
    button.show()
    heard: list[str] = []

    class Follower(QWidget):
        def recolour(self) -> None:
            heard.append(theme.current().name)

    follower = Follower()
    qtbot.addWidget(follower)
    theme.apply(qapp, "dark")
    theme.follow(follower.recolour)
    for look in (LIGHT, DARK):
        assert theme.apply(qapp, look.name) is look
        assert theme.current() is look
        assert qapp.palette().window().color() == QColor(look.panel)
        middle = button.grab().toImage().pixelColor(6, button.height() // 2)
        assert middle == QColor(look.accent)
    assert heard == ["dark", "light", "dark"]
    with pytest.raises(KeyError):
        theme.apply(qapp, "sepia")
    assert theme.current() is DARK


def test_followers_are_let_go_of(qapp):
    heard: list[int] = []

    class Follower(QWidget):
        def recolour(self) -> None:
            heard.append(1)

    followers = [Follower() for _ in range(5)]
    for follower in followers:
        theme.follow(follower.recolour)
    known = [weakref.ref(f) for f in followers]
    for follower in followers:
        follower.deleteLater()
    del follower, followers
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert all(ref() is None for ref in known)
    heard.clear()
    theme.apply(qapp, "dark")
    assert heard == []


def test_figures_have_equal_widths_also_in_styled_labels(qapp, qtbot):
    theme.apply(qapp, "dark")
    label = QLabel("0")
    qtbot.addWidget(label)
    theme.set_role(label, "muted")
    label.ensurePolished()
    metrics = QFontMetrics(label.font())
    assert len({metrics.horizontalAdvance(4 * digit) for digit in "0123456789"}) == 1


@BOTH
def test_buttons_of_a_file_dialog_have_room_for_their_icons(qapp, qtbot, look):
    theme.apply(qapp, look.name)
    dialog = QFileDialog(None, "Save", "/")
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    qtbot.addWidget(dialog)
    dialog.show()
    for button in ("backButton", "toParentButton", "newFolderButton", "detailModeButton"):
        found = dialog.findChild(QToolButton, button)
        assert not found.icon().isNull()
        shown = found.grab().toImage()
        colours = {
            shown.pixel(x, y)
            for x in range(8, shown.width() - 8)
            for y in range(8, shown.height() - 8)
        }
        assert len(colours) > 2, f"{button} is an empty square"
