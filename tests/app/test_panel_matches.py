"""The match matrix: right cells, right colours, words for each, and quick with many photos."""

import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from app import theme
from app.panels.matches import EMPTY, HINT, MatchesPanel, loose_photos
from app.widgets.inliers import IN_VAIN_COLOUR, colour_table, levels, top_for
from engines.artifacts import MatchMatrix


def matrix(n: int, pairs: dict[tuple[int, int], int], *, rest: int = -1) -> MatchMatrix:
    inliers = np.full((n, n), rest, np.int32)
    np.fill_diagonal(inliers, -1)
    for (i, j), found in pairs.items():
        inliers[i, j] = inliers[j, i] = found
    return MatchMatrix(names=tuple(f"{i:03}.jpg" for i in range(n)), inliers=inliers)


FOUR = matrix(4, {(0, 1): 900, (0, 2): 40, (1, 2): 0})


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = MatchesPanel()
    qtbot.addWidget(panel)
    panel.resize(270, 420)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def place(panel: MatchesPanel, row: int, column: int) -> QPoint:
    return panel.view.cell_box(row, column).center().toPoint()


def shade(panel: MatchesPanel, row: int, column: int) -> str:
    image = panel.view.grab().toImage()
    return image.pixelColor(place(panel, row, column)).name()


def shades(panel: MatchesPanel, row: int, column: int) -> set[str]:
    image, box = panel.view.grab().toImage(), panel.view.cell_box(row, column).toRect()
    return {
        image.pixelColor(x, y).name()
        for x in range(box.left() + 3, box.right() - 3)
        for y in range(box.top() + 3, box.bottom() - 3)
    }


def test_nothing_to_show(panel):
    assert panel.empty.isVisible()
    assert panel.empty.text() == EMPTY
    assert not panel.view.isVisible()
    panel.show_matches(FOUR)
    assert not panel.empty.isVisible()
    assert panel.view.isVisible()
    panel.clear()
    assert panel.empty.isVisible()
    assert panel.header.value == ""


def test_cells_stand_where_they_belong_and_have_their_colours(panel):
    panel.show_matches(FOUR)
    assert shade(panel, 1, 2) == shade(panel, 2, 1) == IN_VAIN_COLOUR
    strong, weak = (theme.colour(shade(panel, *cell)).lightness() for cell in ((0, 1), (0, 2)))
    assert strong > weak > theme.colour(IN_VAIN_COLOUR).lightness() + 15
    assert shade(panel, 0, 1) == shade(panel, 1, 0)
    assert {theme.DARK.card, theme.DARK.outline} & shades(panel, 0, 3), "hatched ground"
    assert IN_VAIN_COLOUR not in shades(panel, 0, 3)
    assert shade(panel, 2, 2) == theme.DARK.bar


def test_the_header_counts_pairs(panel):
    panel.show_matches(FOUR)
    assert panel.header.value == "2 of 3 match"
    panel.show_matches(matrix(50, {(0, 1): 0}, rest=77))
    assert panel.header.value == "1,224 of 1,225 match"


def test_the_colours_follow_the_theme(panel, qapp):
    panel.show_matches(FOUR)
    theme.apply(qapp, "light")
    assert shade(panel, 2, 2) == theme.LIGHT.bar
    assert {theme.LIGHT.card, theme.LIGHT.outline} & shades(panel, 0, 3)
    theme.apply(qapp, "dark")


def test_more_matches_are_brighter_up_to_the_top():
    counts = np.array([[-1, 1, 12, 60], [400, -1, 1999, 2000], [5000, 0, -1, 0], [0, 0, 0, -1]])
    found = levels(counts, 2000)
    row = [found[0, 1], found[0, 2], found[0, 3], found[1, 0], found[1, 2], found[1, 3]]
    assert row == sorted(row)
    assert found[0, 1] == 3
    assert found[1, 3] == found[2, 0] == 255
    assert found[2, 1] == 2
    assert (np.diag(found) == 1).all()
    assert len(colour_table()) == 256
    lightness = [theme.colour(f"#{c & 0xFFFFFF:06x}").lightness() for c in colour_table()[3:]]
    assert lightness[-1] > lightness[120] > lightness[0]
    assert [top_for(n) for n in (0, 100, 101, 612, 1000, 1001)] == [100, 100, 200, 1000, 1000, 2000]


@pytest.mark.parametrize("size", [(270, 420), (600, 300), (200, 700)])
def test_the_square_stays_a_square_in_the_middle(panel, qtbot, size):
    panel.resize(*size)
    panel.show_matches(matrix(11, {}, rest=50))
    qtbot.wait(20)
    square, view = panel.view.square(), panel.view
    assert square.width() == square.height() >= 110
    middle = square.center().x() - (view.width() + 8) / 2
    assert abs(middle) <= 1.5
    assert view.rect().contains(square.toAlignedRect().adjusted(1, 1, -1, -1))
    gap = panel.readout.y() - (view.y() + square.bottom())
    assert gap <= 20, "the words stand right below"
    for widget in (panel.legend, panel.readout):
        assert panel.rect().contains(widget.geometry())


def test_pointing_at_a_cell_says_what_it_is(panel, qtbot):
    panel.show_matches(FOUR)
    assert panel.readout.text() == HINT
    said = []
    for cell in ((0, 1), (1, 2), (3, 0), (0, 0)):
        qtbot.mouseMove(panel.view, place(panel, *cell))
        qtbot.waitUntil(lambda: panel.readout.text() != HINT)
        panel.view._point(panel.view.cell_at(QPointF(place(panel, *cell))))
        said.append(panel.readout.text())
    assert said == [
        "000.jpg × 001.jpg: 900 matches",
        "001.jpg × 002.jpg: no match",
        "003.jpg × 000.jpg: not compared yet",
        "000.jpg: matches in 2 other photos",
    ]
    panel.view._point(None)
    assert panel.readout.text() == HINT


def test_a_click_chooses_a_pair_and_the_diagonal_is_none(panel, qtbot):
    panel.show_matches(FOUR)
    told: list[tuple[str, str]] = []
    panel.pair_chosen.connect(lambda *names: told.append(names))
    for cell in ((2, 1), (1, 1), (0, 3)):
        qtbot.mouseClick(panel.view, Qt.MouseButton.LeftButton, pos=place(panel, *cell))
    assert told == [("002.jpg", "001.jpg"), ("000.jpg", "003.jpg")]


def test_the_keyboard_walks_and_chooses(panel, qtbot):
    panel.show_matches(FOUR)
    told: list[tuple[str, str]] = []
    panel.pair_chosen.connect(lambda *names: told.append(names))
    panel.activateWindow()
    panel.view.setFocus()
    qtbot.waitUntil(panel.view.hasFocus)
    keys = Qt.Key
    for key in (keys.Key_Right, keys.Key_Right, keys.Key_Right, keys.Key_Down, keys.Key_Return):
        qtbot.keyClick(panel.view, key)
    assert panel.view.cursor_cell == (1, 2)
    assert told == [("001.jpg", "002.jpg")]
    assert panel.view.accessibleDescription() == "001.jpg × 002.jpg: no match"
    assert panel.readout.text() == "001.jpg × 002.jpg: no match"
    for _ in range(9):
        qtbot.keyClick(panel.view, keys.Key_Left)
    assert panel.view.cursor_cell == (1, 0)
    panel.show_matches(matrix(4, {(0, 1): 5}))
    assert panel.view.cursor_cell == (1, 0), "new numbers leave it where it was"
    panel.show_matches(matrix(2, {}))
    assert panel.view.cursor_cell is None, "other photos do not"


def test_photos_without_a_strong_pair_are_marked(panel):
    pairs = {(4, j): 12 for j in range(11) if j != 4}
    loose = matrix(11, pairs, rest=200)
    assert loose_photos(loose).tolist() == [4]
    panel.show_matches(loose)
    assert panel.loose.isVisible()
    assert panel.loose.text().startswith("004.jpg hangs on no other")
    image = panel.view.grab().toImage()
    square = panel.view.square()

    def mark(row: int) -> str:
        middle = panel.view.cell_box(row, 0).center().y()
        return image.pixelColor(int(square.left()) - 6, int(middle)).name()

    assert mark(4) == theme.DARK.error
    assert mark(3) != theme.DARK.error
    panel.show_matches(matrix(11, {(4, 5): 30}, rest=200))
    assert not panel.loose.isVisible()
    assert loose_photos(matrix(30, {(4, 5): 3})).size == 0, "hardly compared yet"
    assert loose_photos(matrix(3, {}, rest=0)).tolist() == [0, 1, 2]


def test_many_photos_are_drawn_quickly_and_no_pair_gets_lost(panel):
    many = matrix(700, {(124, 458): 5000}, rest=0)
    panel.show_matches(many)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        panel.show_matches(many)
        panel.view.repaint()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1
    image, box = panel.view.grab().toImage(), panel.view.cell_box(124, 458)
    near = [
        image.pixelColor(int(box.left()) + i, int(box.top()) + j).lightness()
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    ]
    assert max(near) > 100
    assert panel.view.cell_at(box.center()) == (124, 458)


def test_no_and_one_photo(panel):
    for n in (0, 1):
        panel.show_matches(matrix(n, {}))
        panel.view.repaint()
        assert panel.header.value == "0 of 0 match"
