"""The ring of directions: empty ones alarm nobody unless they spoil the result."""

import pytest
from PySide6.QtCore import QPointF

from app import theme
from app.widgets.sectors import SIDE_PX, SectorRing


@pytest.mark.parametrize(("grave", "words"), [(True, "outlined in red"), (False, "outlined")])
def test_empty_directions_are_red_only_where_that_is_grave(qtbot, qapp, grave, words):
    theme.apply(qapp, "dark")
    ring = SectorRing()
    qtbot.addWidget(ring)
    ring.resize(SIDE_PX, SIDE_PX)
    ring.show_counts((4, 0, 8, 1), grave=True)
    ring.show_counts((4, 0, 8, 1), grave=grave)
    assert ring.words() == f"1 of 4 directions has no photo, {words}"
    reach = SIDE_PX * 0.28
    place = QPointF(SIDE_PX / 2 - reach, SIDE_PX / 2 - reach)
    assert ring.sector_at(place) == 1
    shade = ring.grab().toImage().pixelColor(place.toPoint())
    assert (shade.red() > shade.blue() + 8) == grave
