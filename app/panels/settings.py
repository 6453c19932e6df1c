"""A form for any config dataclass, made from what its fields say about themselves."""

from collections.abc import Collection, Mapping
from html import escape
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.drawnwords import SAMPLER_NAMES
from app.theme import set_role
from app.widgets.fields import ChoiceField, field_for, plain, spaced
from app.widgets.labels import ElidedLabel
from app.widgets.panel import BAR_PX, MARGIN, Panel, ScrolledColumn
from app.widgets.tools import quiet_button
from engines.settings import Field, fields_of

LOCKED = "Fixed while a run is going"
HOW_TO_UNLOCK = "Stop or clear the run to change its settings"
CHANGED = "Changes apply to a new start (Ctrl+F5)"
WHEN = "Resume goes on with the settings the run began with, which are then shown again"
OF_NEXT, OF_RUN = "Settings of the next run", "Settings of the run at hand"
FIELD_SHARE, FIELD_LEAST_PX, FIELD_MOST_PX = 0.42, 104, 170
"""Width of the fields: a share of the panel's between a least and a most."""

ROW_PX = 28
NAMES: Mapping[str, Mapping[Any, str]] = {
    "sampler": SAMPLER_NAMES,
    "network": {
        "dit laptop": "DiT, laptop",
        "dit small": "DiT, small",
        "dit base": "DiT, base",
        "mmdit laptop": "MM-DiT, laptop",
        "mmdit small": "MM-DiT, small",
        "unet laptop": "U-Net, laptop",
        "unet base": "U-Net, base",
    },
    "timing": {"logit_normal": "logit-normal"},
    "weighting": {"min_snr": "min-SNR"},
}
"""What the choices of a setting are called, where they have names of their own."""


class SettingRow(QObject):
    """One setting: its label, a way back to the default where it is another, and its field."""

    edited = Signal()

    def __init__(self, field: Field, parent: QWidget) -> None:
        super().__init__(parent)
        self.field, self._names = field, NAMES.get(field.name, {})
        self.label = ElidedLabel(field.label)
        self.editor = field_for(field)
        if isinstance(self.editor, ChoiceField):
            self.editor.set_names(self._names)
        self.editor.setAccessibleName(field.label)
        self.editor.setFixedHeight(ROW_PX)
        self.reset = quiet_button("", f"Back to {self.words(field.default)}", role="inline")
        self.reset.setFixedSize(18, 18)
        self.reset.hide()
        self.reset.clicked.connect(self._reset)
        for widget in (self.label, self.editor):
            widget.setToolTip(self._help())
        self.editor.set_content(field.default)
        self.editor.edited.connect(self._edited)
        theme.follow(self._recolour)

    @property
    def value(self) -> Any:
        """The value at hand, what is being typed included."""
        return self.editor.content

    def set_value(self, value: Any) -> None:
        """Change the value without telling."""
        self.editor.set_content(value)
        self._mark()

    @property
    def changed(self) -> bool:
        """Whether the value is not the default."""
        return self.editor.content != self.field.default

    @property
    def usable(self) -> bool:
        """Whether the value is read."""
        return self.editor.isEnabled()

    def set_usable(self, usable: bool, why: str = "") -> None:
        """Whether the value is read; where it is not, the tooltip says `why`."""
        for widget in (self.editor, self.label, self.reset):
            widget.setEnabled(usable)
        for widget in (self.label, self.editor):
            widget.setToolTip(self._help() if usable or not why else f"<p>{escape(why)}</p>")

    def words(self, value: Any) -> str:
        """A value as the field would show it."""
        setting = self.field.setting
        if isinstance(value, bool):
            return "on" if value else "off"
        if setting.zero and value == 0:
            return setting.zero
        text = f"{value:,}" if self.field.type is int else self._names.get(value, str(value))
        if self.field.type is float:
            text = plain(value)
        if isinstance(value, tuple):
            text = spaced(value) or "none"
        return f"{text} {setting.unit}".strip()

    def _help(self) -> str:
        setting = self.field.setting
        low, high = setting.low, setting.high
        facts = [self.field.label, setting.help]
        if low is not None and high is not None:
            facts.append(f"From {plain(low)} to {plain(high)}")
        if setting.zero:
            facts.append(f"0 is shown as {setting.zero}")
        facts.append(f"Default {self.words(self.field.default)}")
        label, *rest = (escape(fact) for fact in facts)
        # Tags make Qt wrap a long line.
        return f"<p><b>{label}</b></p><p>{rest[0]}</p><p>{', '.join(rest[1:])}</p>"

    def _reset(self) -> None:
        self.set_value(self.field.default)
        self.edited.emit()

    def _edited(self) -> None:
        self._mark()
        self.edited.emit()

    def _mark(self) -> None:
        self.reset.setVisible(self.changed)

    def _recolour(self) -> None:
        self.reset.setIcon(theme.icon("mdi6.undo-variant", "muted"))


class SettingsForm(QWidget):
    """Rows of settings: basic ones in sight, advanced ones folded away."""

    edited = Signal()
    """A person changed a value."""

    def __init__(
        self, config_type: type, *, without: Collection[str] = (), parent: QWidget | None = None
    ) -> None:
        """A row for each setting of `config_type` but those named in `without`."""
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.rows: dict[str, SettingRow] = {}
        tiers = {"basic": QWidget(), "advanced": QWidget()}
        for tier in tiers.values():
            grid = QGridLayout(tier)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(10)
            grid.setVerticalSpacing(6)
            grid.setColumnStretch(0, 1)
        for field in fields_of(config_type):
            if field.name not in without:
                self._add_row(field, tiers[field.setting.tier])
        self.advanced = tiers["advanced"]
        self.fold = quiet_button(
            "Advanced", "Settings that seldom need a change", checkable=True, role="inline"
        )
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.toggled.connect(self._unfold)
        column.addWidget(tiers["basic"])
        column.addWidget(self.fold)
        column.addWidget(self.advanced)
        self._unfold(False)
        theme.follow(self._recolour)

    def _add_row(self, field: Field, tier: QWidget) -> None:
        row = SettingRow(field, self)
        grid = tier.layout()
        assert isinstance(grid, QGridLayout)
        line = grid.rowCount()
        name = QHBoxLayout()
        name.setSpacing(2)
        name.addWidget(row.label, 1)
        name.addWidget(row.reset)
        grid.addLayout(name, line, 0)
        grid.addWidget(row.editor, line, 1)
        row.edited.connect(self.edited)
        self.rows[field.name] = row

    @property
    def values(self) -> dict[str, Any]:
        """By name, what is being typed included."""
        return {name: row.value for name, row in self.rows.items()}

    def show_only(self, names: Collection[str]) -> None:
        """Have only these rows in sight."""
        for name, row in self.rows.items():
            for widget in (row.label, row.editor):
                widget.setVisible(name in names)
            row.reset.setVisible(name in names and row.changed)

    def set_enabled(self, enabled: bool) -> None:
        """Whether values can be changed."""
        for row in self.rows.values():
            row.editor.setEnabled(enabled)
            row.reset.setEnabled(enabled)

    def fit(self, width: int) -> None:
        """Give the fields their share of `width`."""
        share = round(width * FIELD_SHARE)
        for row in self.rows.values():
            row.editor.setFixedWidth(min(FIELD_MOST_PX, max(FIELD_LEAST_PX, share)))

    def _unfold(self, open_: bool) -> None:
        self.advanced.setVisible(open_)
        self._recolour()

    def _recolour(self) -> None:
        down = self.fold.isChecked()
        self.fold.setIcon(theme.icon(f"mdi6.chevron-{'down' if down else 'right'}", "muted"))


class SettingsPanel(Panel):
    """The settings of a config in a panel, with a way back to all defaults."""

    changed = Signal()
    """Some value is another one, by hand or by `set_config`."""

    def __init__(
        self, config_type: type, title: str = "Settings", parent: QWidget | None = None
    ) -> None:
        super().__init__(title, parent)
        self.config_type = config_type
        self._locked = False
        self._run: Any = None
        """The config of the run at hand; None where there is none."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.why = ElidedLabel()
        self.form = SettingsForm(config_type)
        self.rows, self.fold = self.form.rows, self.form.fold
        column.addWidget(self.form)
        column.addStretch(1)
        # Above what scrolls and never empty, so that no row moves when it says something else.
        self.body.setContentsMargins(MARGIN, 0, MARGIN - BAR_PX, MARGIN)
        self.body.addWidget(self.why)
        self.body.addWidget(scrolled := ScrolledColumn(content), 1)
        scrolled.setMinimumHeight(ROW_PX)
        self.reset_all = quiet_button("", "Back to all defaults")
        self.reset_all.clicked.connect(self._reset_all)
        self.header.row.addWidget(self.reset_all)
        self.form.edited.connect(self._edited)
        self._say()
        theme.follow(self._recolour)

    # -- the config ---------------------------------------------------------------------------

    @property
    def config(self) -> Any:
        """A config of the values at hand, what is being typed included."""
        return self.config_type(**self.form.values)

    def set_config(self, config: Any) -> None:
        """Show the values of `config`, an instance of the panel's config type."""
        before = self.form.values
        for name, row in self.rows.items():
            row.set_value(getattr(config, name))
        self._say()
        if any(getattr(config, name) != value for name, value in before.items()):
            self.changed.emit()

    def set_locked(self, locked: bool) -> None:
        """While locked nothing can be changed, and a sentence says why."""
        self._locked = locked
        self.form.set_enabled(not locked)
        self._say()

    def show_run(self, config: Any) -> None:
        """There is a run of `config`, or None for no run.

        While the panel is locked its values are those of the run; otherwise a sentence tells
        where they are others, which the run will not follow.
        """
        self._run = config
        if config is not None and self._locked and self._differs:
            self.set_config(config)
        self._say()

    @property
    def _differs(self) -> bool:
        run = self._run
        return run is not None and any(
            getattr(run, name) != value for name, value in self.form.values.items()
        )

    # -- what a person does ---------------------------------------------------------------------

    def _edited(self) -> None:
        self._say()
        self.changed.emit()

    def _reset_all(self) -> None:
        self.set_config(self.config_type())

    def _say(self) -> None:
        changed = sum(row.changed for row in self.rows.values())
        self.header.set_value(f"{changed} changed" if changed else "defaults")
        self.reset_all.setVisible(bool(changed) and not self._locked)
        words, tip = (OF_NEXT, "") if self._run is None else (OF_RUN, "")
        if self._locked:
            words, tip = LOCKED, HOW_TO_UNLOCK
        elif self._differs:
            words, tip = CHANGED, WHEN
        if words != self.why.text():
            set_role(self.why, "warn" if words == CHANGED else "muted")
            self.why.setText(words)
            self.why.setToolTip(tip or words)

    def _recolour(self) -> None:
        self.reset_all.setIcon(theme.icon("mdi6.undo-variant"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the fields their share of the width."""
        super().resizeEvent(event)
        self.form.fit(self.width())
