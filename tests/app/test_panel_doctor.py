"""What the doctor says: grave things first, every photo can be left out, and it can be undone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QLabel

from app import theme
from app.panels.doctor import DoctorPanel, tally
from app.panels.findingview import ICONS, LevelMark
from app.panels.phototile import FEW
from app.widgets.sectors import SIDE_PX, SectorRing
from assets.errors import InputError
from assets.unposed import Shot, UnposedPhotos
from engines.doctor.finding import Diagnosis, Finding

NAMES = tuple(f"{i:03}.jpg" for i in range(30))


@dataclass
class GreenPhoto:
    """A photo of one colour; remembers that it was read."""

    width: int = 64
    height: int = 64
    reads: int = 0
    broken: bool = False

    def load(self, width: int, height: int) -> np.ndarray:
        self.reads += 1
        if self.broken:
            raise InputError("The photo is cut off; take it again")
        return np.tile(np.float32([0.0, 1.0, 0.0]), (height, width, 1))


def photos(**options) -> UnposedPhotos:
    shots = tuple(Shot(name=n, photo=GreenPhoto(), path=Path(n)) for n in NAMES)
    return UnposedPhotos(name="test", source=Path("test"), views=shots, **options)


BLANK = Finding(
    kind="blank", level="bad", title="2 photos show nothing", words="A wall.",
    advice="Leave them out.", photos=NAMES[:2], may_go=True,
)  # fmt: skip
BLUR = Finding(
    kind="blur", level="warn", title="20 photos are blurred",
    words="They are much less sharp than those that were taken just before and after them.",
    advice="Take them again with a steadier hand or in more light.",
    photos=NAMES[5:25], may_go=True,
)  # fmt: skip
EXIF = Finding(kind="exif", level="note", title="No focal length", words="It will be estimated.")
OF_PHOTOS = Diagnosis(stage="photos", grade="C", findings=(BLANK, BLUR, EXIF))
OF_POSES = Diagnosis(
    stage="poses",
    grade="A",
    findings=(Finding(kind="fine", level="good", title="All is well", words="Every photo holds."),),
    holes=(3, 1, 0, 0, 6, 2, 4, 5),
)


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = DoctorPanel()
    qtbot.addWidget(panel)
    panel.resize(270, 900)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def told(panel):
    heard: list[frozenset[str]] = []
    panel.left_out_changed.connect(heard.append)
    return heard


def press(qtbot, widget, place: QPoint | None = None) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place or widget.rect().center())


def test_the_empty_state_and_progress(panel):
    assert panel.empty.isVisible()
    assert not panel.progress.isVisible()
    panel.set_progress(12, 50)
    assert panel.progress.isVisible()
    assert not panel.empty.isVisible()
    assert (panel.bar.value(), panel.bar.maximum()) == (12, 50)
    assert panel.header.value == "12 of 50"
    panel.show_diagnosis(OF_PHOTOS)
    assert not panel.progress.isVisible()
    panel.clear()
    assert panel.empty.isVisible()
    assert not panel.grade_row.isVisible()
    assert not panel.findings


def test_stopped_while_it_looks(panel):
    panel.set_finding(True)
    panel.set_progress(3, 50)
    panel.set_finding(False)
    assert not panel.progress.isVisible()
    assert panel.empty.isVisible()
    assert panel.header.value == ""


def test_the_grade_and_the_findings_in_their_order(panel):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    assert panel.grade.grade == "C"
    assert panel.grade_words.text() == "Doubtful photos"
    assert panel.tally.text() == "1 grave, 1 costing quality"
    assert panel.header.value == "grade C"
    assert [view.finding for view in panel.findings] == [BLANK, BLUR, EXIF]
    tops = [view.mapTo(panel, QPoint(0, 0)).y() for view in panel.findings]
    assert tops == sorted(tops)
    words = {label.text() for label in panel.findings[0].findChildren(QLabel)}
    assert words >= {"2 photos show nothing", "A wall.", "Leave them out."}
    assert not panel.ring_row.isVisible()
    assert tally(OF_POSES) == "Nothing to mend"


@pytest.mark.parametrize("level", ["good", "note", "warn", "bad"])
def test_the_icon_of_a_level_has_its_colour(qtbot, qapp, level):
    for look in (theme.DARK, theme.LIGHT):
        theme.apply(qapp, look.name)
        mark = LevelMark(level)
        qtbot.addWidget(mark)
        mark.resize(16, 17)
        image = mark.grab().toImage()
        seen = {image.pixelColor(x, y).name() for x in range(16) for y in range(17)}
        assert getattr(look, ICONS[level][1]) in seen
    theme.apply(qapp, "dark")


def test_words_wrap_and_nothing_is_cut_off_in_a_narrow_panel(panel, qtbot):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    for width in (200, 270, 420):
        panel.resize(width, 500)
        qtbot.wait(30)
        for label in panel.findings[1].findChildren(QLabel):
            right = label.mapTo(panel, label.rect().bottomRight()).x()
            assert right <= width
            assert label.height() >= label.heightForWidth(label.width()), label.text()
        flow = panel.findings[1].flow
        assert flow.height() == flow.heightForWidth(flow.width())
        for tile in flow.tiles.values():
            assert flow.rect().contains(tile.geometry())


def test_pictures_are_shown_as_they_are_read_and_only_those_in_sight(panel, qtbot):
    shown = photos()
    shown.views[1].photo.broken = True
    panel.show_photos(shown)
    panel.show_diagnosis(OF_PHOTOS)
    tiles = panel.findings[0].flow.tiles
    qtbot.waitUntil(lambda: panel.thumbnails.get(0) is not None)
    qtbot.waitUntil(lambda: bool(panel.thumbnails.error(1)))

    def green() -> bool:
        return tiles[NAMES[0]].grab().toImage().pixelColor(30, 30).name() == "#00ff00"

    qtbot.waitUntil(green)
    qtbot.waitUntil(lambda: "cut off" in tiles[NAMES[1]].toolTip())
    assert shown.views[29].photo.reads == 0


def test_the_tick_of_a_tile_leaves_its_photo_out(panel, told, qtbot):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    activated: list[str] = []
    panel.photo_activated.connect(activated.append)
    tile = panel.findings[0].flow.tiles[NAMES[1]]
    press(qtbot, tile, QPoint(9, 9))
    assert told == [{NAMES[1]}]
    assert not tile.isChecked()
    press(qtbot, tile, QPoint(35, 35))
    assert activated == [NAMES[1]]
    qtbot.keyClick(tile, Qt.Key.Key_Space)
    assert told[1:] == [frozenset()]
    assert tile.isChecked()
    qtbot.keyClick(tile, Qt.Key.Key_Return)
    assert activated == [NAMES[1]] * 2


def test_all_photos_of_a_finding_go_and_come_back_together(panel, told, qtbot):
    panel.show_photos(photos(left_out=frozenset({NAMES[29]})))
    panel.show_diagnosis(OF_PHOTOS)
    blur = panel.findings[1]
    assert blur.toggle.text().strip() == "Leave these out"
    press(qtbot, blur.toggle)
    assert told == [set(NAMES[5:25]) | {NAMES[29]}]
    assert blur.toggle.text().strip() == "Use these again"
    assert not any(tile.isChecked() for tile in blur.flow.tiles.values())
    press(qtbot, blur.toggle)
    assert told[1:] == [{NAMES[29]}]
    assert all(tile.isChecked() for tile in blur.flow.tiles.values())
    assert panel.findings[2].toggle.isHidden(), "it is about no photo"
    fine = Finding(kind="fine", level="good", title="Sharp", words="These are.", photos=NAMES[:3])
    panel.show_diagnosis(Diagnosis(stage="photos", grade="A", findings=(fine,)))
    assert not panel.findings[0].flow.isHidden()
    assert panel.findings[0].toggle.isHidden(), "there is no reason to"


def test_many_photos_are_shown_when_asked_for(panel, qtbot):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    panel.set_left_out({NAMES[24]})
    flow = panel.findings[1].flow
    assert len(flow.tiles) == FEW - 1
    assert flow.more.text() == "+13\nmore"
    low = flow.height()
    press(qtbot, flow.more)
    assert list(flow.tiles) == list(NAMES[5:25])
    assert not flow.tiles[NAMES[24]].isChecked()
    qtbot.waitUntil(lambda: flow.height() > low)
    press(qtbot, flow.more)
    assert len(flow.tiles) == FEW - 1
    assert not panel.findings[0].flow.more.isVisible()


def test_what_others_leave_out_is_shown_and_not_told(panel, told):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    panel.set_left_out(NAMES[:2])
    assert not told
    assert panel.findings[0].toggle.text().strip() == "Use these again"
    panel.show_diagnosis(OF_PHOTOS)
    assert not panel.findings[0].flow.tiles[NAMES[0]].isChecked(), "a new one knows it too"


def test_two_diagnoses_are_both_within_reach_the_newer_first(panel, qtbot):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    assert not panel.stages.isVisible()
    panel.show_diagnosis(OF_POSES)
    assert panel.stages.isVisible()
    assert panel.grade.grade == "A"
    assert panel.grade_words.text() == "Good camera poses"
    assert panel.ring_row.isVisible()
    press(qtbot, panel.stages.button("photos"))
    assert panel.grade.grade == "C"
    assert not panel.ring_row.isVisible()
    panel.show_diagnosis(OF_POSES)
    assert panel.grade.grade == "A", "a new one is shown at once"
    panel.show_diagnosis(OF_PHOTOS)
    assert panel.grade.grade == "C"
    assert not panel.stages.isVisible(), "poses of other photos are void"


def test_finding_again_is_offered_once_other_photos_are_ticked(panel, qtbot):
    panel.show_photos(photos())
    panel.show_diagnosis(OF_PHOTOS)
    panel.set_left_out(NAMES[:1])
    assert not panel.again.isVisible(), "cameras were never looked for"
    panel.set_finding(True)
    assert not panel.again.isVisible()
    panel.set_left_out(NAMES[:3])
    assert panel.again.isVisible(), "nobody has to wait for the end of what is of no use"
    panel.set_finding(False)
    assert panel.again.isVisible()
    assert panel.again_words.text() == "3 photos will be left out"
    with qtbot.waitSignal(panel.again_asked):
        press(qtbot, panel.again)
    panel.set_left_out(NAMES[:1])
    assert not panel.again.isVisible(), "these are what was used"
    panel.set_left_out(())
    assert panel.again_words.text() == "All photos will be used"
    panel.set_finding(True)
    panel.set_finding(False)
    assert not panel.again.isVisible()


def test_photos_that_are_not_there_are_named(panel, qtbot):
    panel.show_diagnosis(OF_PHOTOS)
    tile = panel.findings[0].flow.tiles[NAMES[0]]
    tile.repaint()
    assert tile.toolTip().startswith(NAMES[0])


def test_the_ring_counts_counter_clockwise_from_the_right(qtbot, qapp):
    theme.apply(qapp, "dark")
    ring = SectorRing()
    qtbot.addWidget(ring)
    ring.resize(SIDE_PX, SIDE_PX)
    ring.show_counts((4, 0, 8, 1), grave=True)
    assert ring.words() == "1 of 4 directions has no photo, outlined in red"
    image, middle, reach = ring.grab().toImage(), SIDE_PX / 2, SIDE_PX * 0.28
    shades = []
    for i, (x, y) in enumerate(((1, -1), (-1, -1), (-1, 1), (1, 1))):
        place = QPointF(middle + x * reach, middle + y * reach)
        assert ring.sector_at(place) == i
        shades.append(image.pixelColor(place.toPoint()))
    assert shades[2].blue() > shades[0].blue() > shades[3].blue()
    assert shades[1].red() > shades[1].blue(), "the empty one is red"
    assert ring.sector_at(QPointF(middle, middle)) is None
    assert ring.sector_at(QPointF(0, 0)) is None
    ring.show_counts((1, 2))
    assert ring.words() == "Photos were taken from all 2 directions"
    ring.show_counts(())
    assert ring.sector_at(QPointF(middle + reach, middle)) is None
