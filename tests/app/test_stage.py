"""What lies on the viewport: each thing at its corner, none of them over another."""

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QWidget

from app.stage import GAP, MARGIN, Stage

CORNER = Qt.AlignmentFlag


class Box(QWidget):
    def __init__(self, width: int, height: int = 30) -> None:
        super().__init__()
        self.size_ = QSize(width, height)

    def sizeHint(self) -> QSize:
        return self.size_


@pytest.fixture
def stage(qtbot):
    stage = Stage(QWidget())
    qtbot.addWidget(stage)
    stage.resize(400, 300)
    stage.show()
    qtbot.waitExposed(stage)
    return stage


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_corners_make_room_for_each_other_where_it_is_narrow(stage, qtbot, edge):
    side = CORNER.AlignTop if edge == "top" else CORNER.AlignBottom
    left, right = Box(150), Box(150)
    stage.place(left, CORNER.AlignLeft | side)
    stage.place(right, CORNER.AlignRight | side)
    for box in (left, right):
        box.show()
    assert left.y() == right.y()

    def narrow() -> bool:
        stage.resize(260, 300)
        return stage.width() == 260

    qtbot.waitUntil(narrow)
    apart = right.y() - left.y()
    assert apart == (30 + GAP if edge == "top" else -30 - GAP)
    left.hide()
    qtbot.waitUntil(lambda: right.y() == (MARGIN if edge == "top" else 300 - MARGIN - 30))


def test_what_is_in_the_middle_stays_there(stage):
    left, middle = Box(380, 280), Box(100)
    stage.place(left, CORNER.AlignLeft | CORNER.AlignTop)
    stage.place(middle, CORNER.AlignCenter)
    for box in (left, middle):
        box.show()
    assert middle.geometry() == QRect(150, 135, 100, 30)
