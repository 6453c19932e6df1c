"""The settings form: made from a dataclass, never holding what the dataclass would refuse."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QApplication

from app import theme
from app.panels.settings import CHANGED, LOCKED, OF_NEXT, OF_RUN, SettingsPanel
from app.widgets.fields import RealField, field_for, plain
from engines.diffusion import DiffusionConfig
from engines.settings import Field, Setting, check


@dataclass(frozen=True, kw_only=True)
class Config:
    steps: Annotated[int, Setting("How long", low=1, high=100_000, step=500)] = 3_000
    downscale: Annotated[int, Setting("How small", low=0, high=64, zero="auto")] = 0
    rate: Annotated[float, Setting("How fast", low=0, high=1, step=1e-5)] = 1.6e-4
    size: Annotated[float, Setting("How large", unit="x scene", low=1e-4, high=1)] = 0.01
    limit: Annotated[float, Setting("How long", unit="s", low=0, high=1e6, zero="no limit")] = 0.0
    strategy: Annotated[Literal["default", "mcmc"], Setting("How to grow")] = "default"
    flip: Annotated[bool, Setting("Upside down", tier="advanced")] = False
    title: Annotated[str, Setting("Any words", tier="advanced")] = ""
    box: Annotated[tuple[float, ...], Setting("Two corners", tier="advanced")] = ()

    def __post_init__(self) -> None:
        check(self)


OTHER = Config(
    steps=7,
    downscale=4,
    rate=2.5e-6,
    size=0.25,
    limit=90.5,
    strategy="mcmc",
    flip=True,
    title="fox & <hen>",
    box=(-1.0, 0.25, 1e-5),
)


@pytest.fixture
def panel(qtbot, qapp):
    theme.apply(qapp, "dark")
    panel = SettingsPanel(Config)
    qtbot.addWidget(panel)
    panel.resize(260, 500)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def type_into(qtbot, panel: SettingsPanel, name: str, text: str) -> Any:
    editor = panel.rows[name].editor
    editor.setFocus()
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    return editor


def test_defaults_and_round_trip(panel):
    assert panel.config == Config()
    panel.set_config(OTHER)
    assert panel.config == OTHER
    assert panel.header.value == "9 changed"
    panel.set_config(Config())
    assert panel.config == Config()
    assert panel.header.value == "defaults"


def test_the_config_of_the_splat_engine_fits_and_every_default_survives(qtbot):
    from engines.splats.config import SplatConfig

    panel = SettingsPanel(SplatConfig)
    qtbot.addWidget(panel)
    assert panel.config == SplatConfig()
    other = SplatConfig(steps=20, lr_means_final=1.7e-7, strategy="mcmc", seed=2**31 - 1)
    panel.set_config(other)
    assert panel.config == other


def test_typing_changes_the_config_and_tells(panel, qtbot):
    told: list[Config] = []
    panel.changed.connect(lambda: told.append(panel.config))
    editor = type_into(qtbot, panel, "steps", "1200")
    assert panel.config.steps == 1200, "what is being typed counts"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert editor.text() == "1,200"
    editor = type_into(qtbot, panel, "rate", "3e-5")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert panel.config.rate == 3e-5
    assert told[-1].steps == 1200
    assert told[-1].rate == 3e-5


def test_set_config_tells_once_and_only_of_a_change(panel):
    told: list[int] = []
    panel.changed.connect(lambda: told.append(1))
    panel.set_config(Config())
    assert told == []
    panel.set_config(OTHER)
    assert told == [1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steps", "0"),
        ("steps", "-5"),
        ("steps", "999999999"),
        ("steps", "abc"),
        ("steps", ""),
        ("rate", "7"),
        ("rate", "-1"),
        ("rate", "nan"),
        ("rate", "inf"),
        ("rate", "1e"),
        ("rate", "1..2"),
        ("size", "0"),
        ("size", "1e-9"),
        ("downscale", "65"),
    ],
)
def test_what_is_invalid_cannot_be_entered(panel, qtbot, name, text):
    editor = type_into(qtbot, panel, name, text or "x")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    check(panel.config)
    row = panel.rows["strategy"].editor
    row.setFocus()
    check(panel.config)


@pytest.mark.parametrize("text", ["7", "-1", "1e", "0.5e9"])
def test_a_number_out_of_range_leaves_what_was_there(panel, qtbot, text):
    panel.set_config(OTHER)
    editor = type_into(qtbot, panel, "rate", text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert panel.config.rate == OTHER.rate
    assert editor.text() == plain(OTHER.rate)


@given(st.floats(min_value=1e-4, max_value=1.0))
def test_real_fields_keep_ten_digits(qapp, value):
    field = RealField(Setting("x", low=1e-4, high=1.0))
    field.set_content(value)
    assert field.content == pytest.approx(value, rel=1e-7)
    again = field.content
    field.set_content(again)
    assert field.content == again
    assert field.validate(field.text(), 0)[0] == QValidator.State.Acceptable


def test_numbers_are_written_plainly():
    assert [plain(v) for v in (0.0002, 1.6e-6, 0.1, 3.0, 1e6, 0)] == [
        "0.0002",
        "1.6e-6",
        "0.1",
        "3",
        "1000000",
        "0",
    ]


def test_zero_is_shown_as_its_word_and_can_be_typed(panel, qtbot):
    assert panel.rows["downscale"].editor.text() == "auto"
    assert panel.rows["limit"].editor.text() == "no limit"
    for name in ("downscale", "limit"):
        editor = type_into(qtbot, panel, name, "3")
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        assert getattr(panel.config, name) == 3
        editor = type_into(qtbot, panel, name, "0")
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        assert getattr(panel.config, name) == 0
    assert panel.rows["limit"].editor.text() == "no limit"


def test_units_ranges_and_help_are_told(panel):
    row = panel.rows["size"]
    assert row.editor.text() == "0.01 x scene"
    tip = row.editor.toolTip()
    assert "How large" in tip
    assert "From 0.0001 to 1, Default 0.01 x scene" in tip


def test_values_are_called_as_people_do_and_stay_what_they_are(qtbot):
    panel = SettingsPanel(DiffusionConfig)
    qtbot.addWidget(panel)
    network = panel.rows["network"]
    shown = [network.editor.itemText(i) for i in range(network.editor.count())]
    assert shown == [
        *("DiT, laptop", "DiT, small", "DiT, base", "MM-DiT, laptop", "MM-DiT, small"),
        *("U-Net, laptop", "U-Net, base"),
    ]
    network.editor.setCurrentIndex(5)
    assert panel.config.network == "unet laptop"
    assert "Default off" in panel.rows["flip"].editor.toolTip()
    assert "0 is shown as auto, Default auto" in panel.rows["rate"].editor.toolTip()
    assert panel.rows["classifier"].label.text() == "Classifier"


def test_a_changed_field_has_a_way_back(panel, qtbot):
    row = panel.rows["steps"]
    assert not row.reset.isVisible()
    panel.set_config(OTHER)
    assert row.reset.isVisible()
    told: list[int] = []
    panel.changed.connect(lambda: told.append(1))
    qtbot.mouseClick(row.reset, Qt.MouseButton.LeftButton)
    assert panel.config.steps == 3_000
    assert not row.reset.isVisible()
    assert told == [1]
    assert panel.config.rate == OTHER.rate
    qtbot.mouseClick(panel.reset_all, Qt.MouseButton.LeftButton)
    assert panel.config == Config()
    assert not panel.reset_all.isVisible()


def test_locked_fields_keep_their_values_and_say_why(panel, qtbot):
    panel.set_config(OTHER)
    place = panel.rows["steps"].label.mapTo(panel, QPoint())
    assert panel.why.text() == OF_NEXT
    panel.set_locked(True)
    QApplication.processEvents()
    assert panel.why.text() == LOCKED
    assert panel.rows["steps"].label.mapTo(panel, QPoint()) == place, "no row moves for it"
    for row in panel.rows.values():
        assert not row.editor.isEnabled()
    qtbot.mouseClick(panel.rows["steps"].reset, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(panel.rows["steps"].editor, "5")
    assert not panel.reset_all.isVisible()
    assert panel.config == OTHER
    panel.set_locked(False)
    assert panel.why.text() == OF_NEXT
    assert panel.rows["steps"].editor.isEnabled()


def test_what_a_run_does_not_follow_is_said_and_taken_back_when_it_goes_on(panel, qtbot):
    panel.show_run(Config())
    assert panel.why.text() == OF_RUN
    qtbot.keyClick(type_into(qtbot, panel, "steps", "1200"), Qt.Key.Key_Return)
    assert panel.why.text() == CHANGED
    assert panel.config.steps == 1200
    panel.set_locked(True)
    panel.show_run(Config())
    assert panel.config == Config()
    assert panel.why.text() == LOCKED
    panel.set_locked(False)
    panel.set_config(OTHER)
    panel.show_run(None)
    assert panel.config == OTHER
    assert panel.why.text() == OF_NEXT


def test_advanced_settings_are_folded(panel, qtbot):
    assert not panel.rows["flip"].editor.isVisible()
    qtbot.mouseClick(panel.fold, Qt.MouseButton.LeftButton)
    assert panel.rows["flip"].editor.isVisible()
    flip = panel.rows["flip"].editor
    qtbot.mouseClick(flip, Qt.MouseButton.LeftButton, pos=QPoint(flip.width() - 8, 14))
    assert panel.config.flip is True
    qtbot.keyClicks(panel.rows["title"].editor, "hen")
    assert panel.config.title == "hen"


def test_choices_follow_keys(panel, qtbot):
    editor = panel.rows["strategy"].editor
    qtbot.keyClick(editor, Qt.Key.Key_Down)
    assert panel.config.strategy == "mcmc"


def test_several_numbers_stand_in_one_field(panel, qtbot):
    panel.fold.click()
    editor = type_into(qtbot, panel, "box", "1, -2.5 3e-2")
    assert panel.config.box == (1.0, -2.5, 0.03)
    qtbot.keyClicks(editor, "x")
    assert panel.config.box == (1.0, -2.5, 0.03), "no letter is a number"
    qtbot.keyClicks(editor, " 7e-")
    assert panel.config.box == (1.0, -2.5, 0.03, 7.0), "an exponent is missing"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert editor.text() == "1 -2.5 0.03 7"
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_Delete)
    assert panel.config.box == ()
    assert "Default none" in editor.toolTip()


def test_the_wheel_scrolls_the_panel_and_not_a_value(panel):
    for name in ("steps", "size", "strategy"):
        editor = panel.rows[name].editor
        editor.setFocus()
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(editor.mapToGlobal(QPoint(5, 5))),
            QPoint(0, -120),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(editor, event)
    assert panel.config == Config()


def test_a_type_without_a_field_is_a_mistake_that_is_found():
    with pytest.raises(TypeError, match="no field for odd"):
        field_for(Field("odd", list, [], Setting("?")))
