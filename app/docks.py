"""The panels around the viewport and how they are laid out."""

from itertools import pairwise
from typing import Any

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QTabWidget

from app.enginekinds import EngineKind
from app.panels.attention import AttentionPanel
from app.panels.compare import ComparePanel
from app.panels.curves import CurvesPanel
from app.panels.diffusionpath import PathPanel
from app.panels.doctor import DoctorPanel
from app.panels.health import HealthPanel
from app.panels.log import LogPanel
from app.panels.matches import MatchesPanel
from app.panels.photos import PhotoStrip
from app.panels.population import PopulationPanel
from app.panels.ray import RayPanel
from app.panels.settings import SettingsPanel
from app.tabbars import TabBars
from app.widgets.panel import Panel, docked, note
from assets.posed import PosedPhotos, split_holdout
from assets.unposed import UnposedPhotos
from engines.artifacts import CameraRig, MatchMatrix, Population
from engines.doctor.finding import Diagnosis
from engines.events import (
    Diagnosed,
    Evaluated,
    Event,
    Failed,
    FeaturesFound,
    PairsMatched,
    Prepared,
    Stepped,
)
from engines.poses import PosesConfig

LEFT_PX, RIGHT_PX, BOTTOM_PX = 276, 320, 210
"""Sizes of the three areas in a window that is wide and high enough."""
OF_SCENES = ("photos", "poses", "population", "ray", "compare", "matches", "doctor")
OF_IMAGES = ("health", "path", "attention")
"""Docks that mean something only for what is learnt from one of the two; others always do."""
NARROW_PX, LOW_PX = 1440, 900
"""Windows smaller than this have narrower and lower areas."""


class Docks:
    """Makes the panels, puts them into the window's docks and hands them what happens."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.photos = PhotoStrip()
        self.settings: SettingsPanel | None = None
        """Of the engine that is chosen; exists once PyTorch is loaded."""
        self._settings: dict[str, SettingsPanel] = {}
        """By engine: each keeps what was changed in it."""
        self._kept: tuple[SettingsPanel, Any] | None = None
        """Settings that give way to those of a student's run, and whose they are."""
        self.poses = SettingsPanel(PosesConfig, "Cameras")
        self.population = PopulationPanel()
        self.ray = RayPanel()
        self.compare = ComparePanel()
        self.matches = MatchesPanel()
        self.doctor = DoctorPanel()
        self.health = HealthPanel()
        self.path = PathPanel()
        self.attention = AttentionPanel()
        self.curves = CurvesPanel()
        self.log = LogPanel()
        self._charts_left = 0
        self._learns = ""
        """"scenes" or "images": whose docks are in sight; empty while all are."""
        self._put_away: set[str] = set()
        """Docks that are out of sight because they mean nothing for that."""
        self._unposed: UnposedPhotos | None = None
        """Photos that came without cameras; the strip shows all of them."""
        self._worried = False
        """The doctor found something grave, which should be read before other panels show up."""
        self._chosen_by_hand = False
        """A person has chosen a tab since the photos were opened; no other comes forward."""
        waiting = Panel("Settings")
        waiting.body.addWidget(note("Settings appear once PyTorch is loaded"))
        waiting.body.addStretch(1)
        self._docks = {
            "photos": docked(self.photos, "photos"),
            "settings": docked(waiting, "settings"),
            "poses": docked(self.poses, "poses"),
            "population": docked(self.population, "population"),
            "ray": docked(self.ray, "ray"),
            "compare": docked(self.compare, "compare"),
            "matches": docked(self.matches, "matches"),
            "doctor": docked(self.doctor, "doctor"),
            "health": docked(self.health, "health"),
            "path": docked(self.path, "path"),
            "attention": docked(self.attention, "attention"),
            "curves": docked(self.curves, "curves"),
            "log": docked(self.log, "log"),
        }
        areas = Qt.DockWidgetArea
        window.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
        )
        window.setCorner(Qt.Corner.BottomLeftCorner, areas.LeftDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, areas.RightDockWidgetArea)
        window.setTabPosition(areas.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self._tabs = TabBars(window)
        self._tabs.clicked.connect(self._choose)
        self.log.unseen_changed.connect(self._mark_log)
        self["log"].visibilityChanged.connect(lambda seen: self.log.see() if seen else None)
        self.arrange()

    def __getitem__(self, name: str) -> QDockWidget:
        return self._docks[name]

    def arrange(self) -> None:
        """Put every dock where it belongs at the start, at a size that suits the window."""
        window, areas = self._window, Qt.DockWidgetArea
        for dock in self._docks.values():
            if dock.isFloating():  # asking does not cost what setting costs
                dock.setFloating(False)
            window.removeDockWidget(dock)
        window.addDockWidget(areas.LeftDockWidgetArea, self["photos"])
        window.addDockWidget(areas.RightDockWidgetArea, self["population"])
        window.addDockWidget(areas.BottomDockWidgetArea, self["curves"])
        window.splitDockWidget(self["photos"], self["settings"], Qt.Orientation.Vertical)
        window.tabifyDockWidget(self["curves"], self["log"])
        window.tabifyDockWidget(self["settings"], self["poses"])
        window.tabifyDockWidget(self["population"], self["ray"])
        window.tabifyDockWidget(self["ray"], self["compare"])
        window.tabifyDockWidget(self["compare"], self["matches"])
        window.tabifyDockWidget(self["matches"], self["doctor"])
        for before, name in pairwise(("doctor", *OF_IMAGES)):
            window.tabifyDockWidget(self[before], self[name])
        for dock in self._docks.values():
            dock.show()
        for name in ("curves", "settings", "population"):
            self[name].raise_()
        width = 0.92 if window.width() < NARROW_PX else 1.0
        height = 0.9 if window.height() < LOW_PX else 1.0
        docks = [self["photos"], self["population"]]
        window.resizeDocks(docks, [LEFT_PX, round(RIGHT_PX * width)], Qt.Orientation.Horizontal)
        window.resizeDocks([self["curves"]], [round(BOTTOM_PX * height)], Qt.Orientation.Vertical)
        room = max(300, window.height() - 80)
        window.resizeDocks(
            [self["photos"], self["settings"]],
            [round(0.4 * room), round(0.6 * room)],
            Qt.Orientation.Vertical,
        )
        learns, self._learns, self._put_away = self._learns, "", set()
        if learns:
            self._show_those_for(learns)

    def restore(self, layout: tuple[QByteArray, QByteArray] | None) -> None:
        """Have geometry and state of an older window again; without them, as at the start."""
        if layout is None:
            self.arrange()
            return
        self._window.restoreGeometry(layout[0])
        self._window.restoreState(layout[1])

    def menu(self) -> QMenu:
        """A submenu that shows and hides the panels."""
        menu = QMenu("Panels", self._window)
        for dock in self._docks.values():
            menu.addAction(dock.toggleViewAction())
        return menu

    # -- what the panels show --------------------------------------------------------------------

    def show_settings_of(self, kind: EngineKind) -> None:
        """Bring forward the settings of an engine, as they were left."""
        if kind.id not in self._settings:
            self._settings[kind.id] = SettingsPanel(kind.config_type)
        panel, dock = self._settings[kind.id], self["settings"]
        old, old_title = dock.widget(), dock.titleBarWidget()
        if old is panel:
            return
        self.settings = panel
        dock.setTitleBarWidget(panel.header)
        dock.setWidget(panel)
        for widget in (panel, panel.header):
            widget.show()
        if old not in self._settings.values():
            for widget in (old, old_title):
                widget.deleteLater()

    def show_kind(self, kind: EngineKind) -> None:
        """Have the charts and panels that tell something of what this engine learns."""
        self.curves.set_charts(kind.charts)
        self.population.set_absent(kind.no_population)
        self._show_those_for(kind.learns)

    def _show_those_for(self, learns: str) -> None:
        """Have only docks in sight that mean something; what a person closed stays closed."""
        if learns == self._learns:
            return
        own, other = (OF_IMAGES, OF_SCENES) if learns == "images" else (OF_SCENES, OF_IMAGES)
        before, self._learns = self._learns, learns
        for name in other:
            if not self[name].isHidden():
                self._put_away.add(name)
                self[name].hide()
        again = self._put_away.intersection(own)
        if all(self[name].isHidden() for name in own):  # so it was when the layout was saved
            again = again or set(own)
        for name in own:
            if name in again:
                self[name].show()
        self._put_away.difference_update(own)
        if before:  # otherwise the layout says what is in front
            self["settings"].raise_()
            self["health" if learns == "images" else "population"].raise_()

    def config(self) -> Any:
        """The settings as they are set."""
        if self.settings is None:
            raise RuntimeError("there are no settings before PyTorch is loaded")
        return self.settings.config

    def lend_settings(self, config: Any) -> None:
        """Have these settings until `take_settings_back`."""
        if self.settings is not None:
            self.take_settings_back()
            self._kept = self.settings, self.settings.config
            self.settings.set_config(config)

    def take_settings_back(self) -> None:
        """Have the settings that a person made before others were lent, if any were."""
        if self._kept is not None:
            (panel, config), self._kept = self._kept, None
            panel.set_config(config)

    def poses_config(self) -> PosesConfig:
        """The settings for finding cameras."""
        return self.poses.config

    def held_out(self, dataset: PosedPhotos) -> set[int]:
        """Indices of the photos that the present settings hold out."""
        row = self.settings.rows.get("holdout") if self.settings else None
        every = row.value if row is not None else 0
        if not isinstance(every, int):  # a share of images, not every so many photos
            every = 0
        return set(split_holdout([view.name for view in dataset.views], every)[1])

    def show_dataset(self, dataset: PosedPhotos | None, held_out: set[int]) -> None:
        """Show the photos, or that there are none."""
        if dataset is None:
            self.photos.clear()
        elif self._unposed is not None:
            names = [view.name for view in dataset.views]
            placed = frozenset(names)
            self.photos.show_found(self._unposed, placed, {names[i] for i in held_out})
        else:
            self.photos.show_dataset(dataset, held_out)

    def show_photos(self, photos: UnposedPhotos) -> None:
        """Show photos without cameras; what was said of others goes."""
        self._unposed = photos
        self.photos.show_photos(photos)
        self.doctor.clear()
        self.doctor.show_photos(photos)
        self.matches.clear()

    def leave_out(self, names: frozenset[str]) -> None:
        """Show which photos are not used from now on."""
        if self._unposed is not None:
            self._unposed = self._unposed.without(names)
        self.photos.set_left_out(names)
        self.doctor.set_left_out(names)

    def show_rig(self, rig: CameraRig) -> None:
        """Mark the photos that have a place."""
        self.photos.set_registered(frozenset(rig.names))

    def show_matches(self, matches: MatchMatrix) -> None:
        """Show which photos see the same."""
        self.matches.show_matches(matches)

    def show_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Show what the doctor says."""
        self.doctor.show_diagnosis(diagnosis)

    def forget_photos(self) -> None:
        """What belongs to photos without cameras goes."""
        self._unposed, self._worried = None, False
        self.doctor.clear()
        self.matches.clear()
        self.bring_forward("population")

    def begin_posing(self) -> None:
        """No photo has a place yet, and the doctor comes first."""
        self._worried = self._chosen_by_hand = False
        self.photos.set_registered(frozenset())
        self.matches.clear()
        self.bring_forward("doctor", "log")

    def show_current(self, name: str | None) -> None:
        """Frame the photo of this name in the strip, or none."""
        names = [view.name for view in self.photos.model.views]
        self.photos.set_current(names.index(name) if name in names else None)

    def bring_forward(self, *names: str) -> None:
        """Show these panels before others, unless a person has chosen what to see."""
        if not self._chosen_by_hand:
            for name in names:
                self[name].raise_()

    def _mark_log(self, unseen: int) -> None:
        """The tab tells that there is something to look at behind it."""
        self["log"].setWindowTitle(f"Log ({unseen})" if unseen else "Log")

    def _choose(self) -> None:
        self._chosen_by_hand = True

    def set_finding(self, finding: bool) -> None:
        """While cameras are found, how that is done is in front and fixed."""
        self.poses.set_locked(finding)
        self.doctor.set_finding(finding)
        self["poses" if finding else "settings"].raise_()

    def add(self, event: Event) -> None:
        """Hand an event to all who want to know."""
        match event:
            case Prepared(phase="Looking at the photos"):
                self.doctor.set_progress(event.done, event.total)
            case Diagnosed():
                self.bring_forward("doctor")
                self._worried = event.grade in ("C", "D")
            case FeaturesFound(done=1) | PairsMatched() if not self._worried:
                self.bring_forward("matches")
            case Stepped(step=1):
                counted = not (self._worried or self.population.is_absent)
                self.bring_forward("curves", *(("population",) if counted else ()))
            case Failed() if self._unposed is not None:
                self.bring_forward("doctor")
        self.curves.add(event)
        self.population.add(event)
        if not isinstance(event, Failed):  # said once, as what troubled the run
            self.log.add(event)
        if isinstance(event, Evaluated):
            self.photos.set_errors(event.views)

    def show_population(self, population: Population) -> None:
        """Show how the Gaussians are spread at the moment."""
        self.population.show_population(population)

    def refresh(self) -> None:
        """Draw what came in, the curves with the next calls of `refresh_next`."""
        self.population.refresh()
        self._charts_left = len(self.curves.charts)

    def refresh_next(self) -> None:
        """Draw one more chart if there are new values."""
        if self._charts_left:
            self._charts_left -= 1
            self.curves.refresh_next()

    def clear(self) -> None:
        """Before a run: what is known of an older one goes, the log stays."""
        self.health.clear()
        self.curves.clear()
        self.population.clear()
