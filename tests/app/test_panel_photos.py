"""The photo strip: lazy, honest about broken photos, and safe to close at any time."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app import theme
from app.panels.photos import PhotoStrip
from app.widgets.tiles import quality_colour
from assets.camera import Camera
from assets.errors import InputError
from assets.posed import PosedPhotos, View
from assets.unposed import Shot, UnposedPhotos

COLOURS = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]


@dataclass
class MemoryPhoto:
    """A photo of one colour; remembers which thread read it, and may be held up or broken."""

    colour: tuple[float, float, float]
    width: int = 64
    height: int = 128
    gate: threading.Event | None = None
    broken: bool = False
    read_by: threading.Thread | None = None

    def load(self, width: int, height: int) -> np.ndarray:
        self.read_by = threading.current_thread()
        if self.gate is not None:
            self.gate.wait(10)
        if self.broken:
            raise InputError("The photo is cut off; take it again")
        return np.tile(np.float32(self.colour), (height, width, 1))


def dataset(photos: list[MemoryPhoto]) -> PosedPhotos:
    views = tuple(
        View(f"{i:03}.jpg", photo, Camera(width=64, height=128, fx=1, fy=1, cx=1, cy=1))
        for i, photo in enumerate(photos)
    )
    return PosedPhotos(name="test", source=Path("test"), views=views)


def photos(n: int, **options) -> list[MemoryPhoto]:
    return [MemoryPhoto(COLOURS[i % 3], **options) for i in range(n)]


@pytest.fixture
def strip(qtbot, qapp):
    theme.apply(qapp, "dark")
    strip = PhotoStrip()
    qtbot.addWidget(strip)
    strip.resize(250, 300)
    strip.show()
    qtbot.waitExposed(strip)
    return strip


def centre(strip: PhotoStrip, row: int) -> QPoint:
    return strip.grid.visualRect(strip.model.index(row)).center() - QPoint(3, 3)


def pixel(strip: PhotoStrip, row: int) -> str:
    place = centre(strip, row)
    return strip.grid.viewport().grab().toImage().pixelColor(place).name()


def wait_for(qtbot, strip: PhotoStrip, views: list[int]) -> None:
    def arrived() -> bool:
        return all(v in strip.thumbnails._pixmaps or strip.thumbnails.error(v) for v in views)

    qtbot.waitUntil(arrived)


def test_thumbnails_show_the_photos_and_are_read_by_another_thread(strip, qtbot):
    shown = photos(6)
    strip.show_dataset(dataset(shown), {0, 3})
    wait_for(qtbot, strip, list(range(6)))
    assert [pixel(strip, i) for i in range(3)] == ["#ff0000", "#00ff00", "#0000ff"]
    assert all(p.read_by is not threading.main_thread() for p in shown)
    assert strip.header.value == "6 posed, 2 held out"


def test_the_grid_fills_the_width_at_any_size(strip, qtbot):
    strip.show_dataset(dataset(photos(40)), set())
    for width in (200, 250, 333, 620):
        strip.resize(width, 300)
        qtbot.waitUntil(lambda: strip.grid.width() > 0)
        columns = (strip.grid.width() - 11) // 46
        qtbot.waitUntil(
            lambda n=columns: (
                strip.grid.visualRect(strip.model.index(n)).y()
                > strip.grid.visualRect(strip.model.index(n - 1)).y()
            )
        )
        last = strip.grid.visualRect(strip.model.index(columns - 1))
        assert width - 16 - columns <= last.right() + strip.grid.x() <= width - 8


def test_only_what_is_in_sight_is_read(strip, qtbot):
    shown = photos(400)
    strip.show_dataset(dataset(shown), set())
    wait_for(qtbot, strip, [0])
    qtbot.waitUntil(lambda: not strip.thumbnails._timer.isActive())
    assert sum(p.read_by is not None for p in shown) < 60
    strip.grid.scrollToBottom()
    wait_for(qtbot, strip, [399])


def test_a_click_and_the_enter_key_activate_a_view(strip, qtbot):
    strip.show_dataset(dataset(photos(12)), set())
    told: list[int] = []
    strip.view_activated.connect(told.append)
    qtbot.mouseClick(strip.grid.viewport(), Qt.MouseButton.LeftButton, pos=centre(strip, 4))
    assert told == [4]
    assert strip.grid.current_view == 4
    qtbot.keyClick(strip.grid, Qt.Key.Key_Right)
    qtbot.keyClick(strip.grid, Qt.Key.Key_Return)
    assert told == [4, 5]


def test_the_current_view_is_framed_and_brought_in_sight(strip, qtbot):
    strip.show_dataset(dataset(photos(200)), set())
    strip.set_current(150)
    qtbot.wait(20)
    box = strip.grid.visualRect(strip.model.index(150))
    assert strip.grid.viewport().rect().contains(box.center())
    image = strip.grid.viewport().grab().toImage()
    frame = {image.pixelColor(box.left() + d, box.center().y()).name() for d in range(6)}
    assert theme.DARK.mark in frame
    strip.set_current(None)
    image = strip.grid.viewport().grab().toImage()
    frame = {image.pixelColor(box.left() + d, box.center().y()).name() for d in range(6)}
    assert theme.DARK.mark not in frame


def test_held_out_views_have_a_dot(strip, qtbot):
    strip.show_dataset(dataset(photos(4)), {1})
    wait_for(qtbot, strip, [0, 1])
    image = strip.grid.viewport().grab().toImage()

    def colours(row: int) -> set[str]:
        box = strip.grid.visualRect(strip.model.index(row))
        return {
            image.pixelColor(x, y).name()
            for x in range(box.center().x(), box.right())
            for y in range(box.top(), box.center().y())
        }

    assert theme.DARK.split in colours(1)
    assert theme.DARK.split not in colours(0)


def test_errors_draw_bars_sort_and_are_said(strip, qtbot):
    strip.show_dataset(dataset(photos(4)), {2})
    wait_for(qtbot, strip, [0, 1, 2, 3])
    assert not strip.sort.isEnabled()
    strip.set_errors({"000.jpg": 30.0, "001.jpg": 12.0})
    strip.set_errors({"002.jpg": 23.0})
    image = strip.grid.viewport().grab().toImage()
    colours = []
    for row in range(2):
        box = strip.grid.visualRect(strip.model.index(row))
        colours.append(image.pixelColor(box.left() + 6, box.bottom() - 5).name())
    assert colours == [quality_colour(1.0), quality_colour(0.0)]
    assert quality_colour(1.0) == theme.DARK.good
    assert quality_colour(0.0) == theme.DARK.prune
    tip = strip.model.index(2).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "002.jpg\n64 × 128, held out, 23.0 dB"
    qtbot.mouseClick(strip.sort, Qt.MouseButton.LeftButton)
    assert strip.model.order == [1, 2, 0, 3]
    strip.set_errors({"003.jpg": 1.0})
    assert strip.model.order == [3, 1, 2, 0]
    qtbot.mouseClick(strip.sort, Qt.MouseButton.LeftButton)
    assert strip.model.order == [0, 1, 2, 3]


def test_a_broken_photo_says_why_and_does_not_stop_the_others(strip, qtbot):
    shown = photos(3)
    shown[1].broken = True
    strip.show_dataset(dataset(shown), set())
    wait_for(qtbot, strip, [0, 1, 2])
    tip = strip.model.index(1).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.endswith("The photo is cut off; take it again")
    assert pixel(strip, 2) == "#0000ff"


def test_another_data_set_drops_what_is_still_being_read(strip, qtbot):
    gate = threading.Event()
    slow = photos(3, gate=gate)
    strip.show_dataset(dataset(slow), {0})
    strip.set_errors({"000.jpg": 20.0})
    qtbot.waitUntil(lambda: slow[0].read_by is not None)
    strip.show_dataset(dataset([MemoryPhoto(COLOURS[2])]), set())
    gate.set()
    wait_for(qtbot, strip, [0])
    qtbot.wait(80)
    assert pixel(strip, 0) == "#0000ff"
    assert strip.model.psnr(0) is None
    assert strip.header.value == "1 posed"
    assert sum(p.read_by is not None for p in slow) == 1


def test_a_panel_closed_while_photos_are_read_leaves_nothing_behind(qtbot, qapp):
    gate = threading.Event()
    slow = photos(9, gate=gate)
    strip = PhotoStrip()
    strip.resize(250, 300)
    strip.show()
    strip.show_dataset(dataset(slow), set())
    qtbot.waitUntil(lambda: slow[0].read_by is not None)
    strip.close()
    strip.deleteLater()
    qapp.sendPostedEvents(None, 52)
    del strip
    gate.set()
    thread = slow[0].read_by
    deadline = time.monotonic() + 5
    while thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not thread.is_alive()
    assert sum(p.read_by is not None for p in slow) == 1


def test_clear_and_the_empty_state(strip, qtbot):
    assert strip.empty.isVisible()
    strip.show_dataset(dataset(photos(3)), set())
    assert not strip.empty.isVisible()
    strip.clear()
    assert strip.empty.isVisible()
    assert strip.model.rowCount() == 0
    strip.set_current(2)
    strip.set_errors({})


def test_real_photos(strip, qtbot, shared_data):
    from assets.photos import FilePhoto

    files = sorted((shared_data / "fox_colmap" / "images").glob("*.jpg"))[:8]
    views = tuple(
        View(f.name, FilePhoto(f, 540, 960), Camera(width=540, height=960, fx=1, fy=1, cx=1, cy=1))
        for f in files
    )
    strip.show_dataset(PosedPhotos(name="fox", source=Path("fox"), views=views), {0})
    wait_for(qtbot, strip, list(range(8)))
    assert all(not strip.thumbnails.error(i) for i in range(8))
    image = strip.thumbnails.get(0).toImage()
    assert image.width() == image.height()


# -- photos without cameras ----------------------------------------------------------------------


def unposed(photos: list[MemoryPhoto], **options) -> UnposedPhotos:
    shots = tuple(
        Shot(name=f"{i:03}.jpg", photo=photo, path=Path(f"{i:03}.jpg"))
        for i, photo in enumerate(photos)
    )
    return UnposedPhotos(name="test", source=Path("test"), views=shots, **options)


def corner(strip: PhotoStrip, row: int) -> QPoint:
    return strip.grid.box(strip.model.index(row)).topLeft().toPoint() + QPoint(9, 9)


def dot(strip: PhotoStrip, row: int) -> QPoint:
    return strip.grid.box(strip.model.index(row)).topRight().toPoint() + QPoint(-8, 7)


def click(qtbot, strip: PhotoStrip, place: QPoint) -> None:
    qtbot.mouseClick(strip.grid.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_the_tick_leaves_a_photo_out_and_the_rest_of_the_tile_activates(strip, qtbot):
    strip.show_photos(unposed(photos(8), left_out=frozenset({"002.jpg"})))
    wait_for(qtbot, strip, list(range(8)))
    told: list[frozenset[str]] = []
    activated: list[int] = []
    strip.left_out_changed.connect(told.append)
    strip.view_activated.connect(activated.append)
    assert strip.header.value == "8 photos, 1 left out"
    click(qtbot, strip, corner(strip, 1))
    assert told == [frozenset({"001.jpg", "002.jpg"})]
    assert strip.header.value == "8 photos, 2 left out"
    assert not activated
    click(qtbot, strip, corner(strip, 2))
    assert told[-1] == frozenset({"001.jpg"})
    click(qtbot, strip, centre(strip, 4) + QPoint(6, 6))
    assert activated == [4]
    assert len(told) == 2
    assert strip.model.index(1).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked
    assert strip.model.index(4).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
    assert "left out" in strip.model.index(1).data(Qt.ItemDataRole.ToolTipRole)


def test_space_ticks_and_enter_activates(strip, qtbot):
    strip.show_photos(unposed(photos(4)))
    told: list[frozenset[str]] = []
    activated: list[int] = []
    strip.left_out_changed.connect(told.append)
    strip.view_activated.connect(activated.append)
    strip.set_current(2)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Space):
        qtbot.keyClick(strip.grid, key)
    assert told == [frozenset({"002.jpg"}), frozenset()]
    assert activated == [2]


def test_photos_that_are_left_out_are_dimmed(strip, qtbot):
    strip.show_photos(unposed(photos(3)))
    wait_for(qtbot, strip, [0, 1, 2])
    strip.set_left_out({"001.jpg"})
    assert pixel(strip, 0) == "#ff0000"
    assert theme.colour(pixel(strip, 1)).green() < 120
    strip.set_left_out(())
    assert pixel(strip, 1) == "#00ff00"


def test_set_left_out_is_no_deed_of_a_person(strip, qtbot):
    strip.show_photos(unposed(photos(3)))
    with qtbot.assertNotEmitted(strip.left_out_changed):
        strip.set_left_out({"001.jpg"})


def test_marks_tell_which_photos_have_a_place(strip, qtbot):
    strip.show_photos(unposed(photos(6), left_out=frozenset({"005.jpg"})))
    wait_for(qtbot, strip, list(range(6)))
    strip.set_registered(frozenset())
    assert strip.header.value == "0 of 5 placed"
    assert pixel(strip, 0) == "#ff0000", "no veil over all of them"
    strip.set_registered(frozenset({"000.jpg", "001.jpg", "005.jpg"}))
    assert strip.header.value == "2 of 5 placed"
    image = strip.grid.viewport().grab().toImage()
    assert image.pixelColor(dot(strip, 0)).name() == theme.DARK.good
    assert image.pixelColor(dot(strip, 3)).name() != theme.DARK.good
    assert pixel(strip, 0) == "#ff0000"
    assert theme.colour(pixel(strip, 3)).red() < 140
    assert strip.model.index(3).data(Qt.ItemDataRole.ToolTipRole).endswith("no place yet")
    strip.set_registered(None)
    assert strip.header.value == "6 photos, 1 left out"
    assert pixel(strip, 3) == "#ff0000"


def test_posed_photos_have_neither_ticks_nor_marks(strip, qtbot):
    strip.show_photos(unposed(photos(3)))
    strip.set_left_out({"001.jpg"})
    strip.set_registered(frozenset({"000.jpg"}))
    strip.show_dataset(dataset(photos(3)), {0})
    wait_for(qtbot, strip, [0, 1, 2])
    strip.set_left_out({"001.jpg"})
    strip.set_registered(frozenset({"000.jpg"}))
    assert strip.header.value == "3 posed, 1 held out"
    assert [pixel(strip, i) for i in range(3)] == ["#ff0000", "#00ff00", "#0000ff"]
    with qtbot.assertNotEmitted(strip.left_out_changed):
        click(qtbot, strip, corner(strip, 2))
        qtbot.keyClick(strip.grid, Qt.Key.Key_Space)
    assert strip.grid.current_view == 2
    assert strip.sort.isVisible()


def test_the_same_photos_are_not_read_again(strip, qtbot):
    shown = unposed(photos(3))
    strip.show_photos(shown)
    wait_for(qtbot, strip, [0, 1, 2])
    readers = [shot.photo.read_by for shot in shown.views]
    strip.set_registered(frozenset({"000.jpg"}))
    strip.show_photos(shown.without({"002.jpg"}))
    wait_for(qtbot, strip, [0, 1, 2])
    assert [shot.photo.read_by for shot in shown.views] == readers
    assert strip.model.left_out == {"002.jpg"}
    assert not strip.sort.isVisible()
    strip.clear()
    assert strip.header.value == ""
