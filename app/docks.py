"""The panels around the viewport and how they are laid out."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QTabBar, QTabWidget

from app.panels.curves import CurvesPanel
from app.panels.log import LogPanel
from app.panels.photos import PhotoStrip
from app.panels.population import PopulationPanel
from app.panels.settings import SettingsPanel
from app.widgets.panel import Panel, docked, note
from assets.posed import PosedPhotos, split_holdout
from engines.artifacts import Population
from engines.events import Evaluated, Event, Failed

LEFT_PX, RIGHT_PX, BOTTOM_PX = 276, 300, 210
"""Sizes of the three areas in a window that is wide and high enough."""
NARROW_PX, LOW_PX = 1440, 900
"""Windows smaller than this have narrower and lower areas."""


class Docks:
    """Makes the panels, puts them into the window's docks and hands them what happens."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.photos = PhotoStrip()
        self.settings: SettingsPanel | None = None
        """Exists once the engine is imported."""
        self.population = PopulationPanel()
        self.curves = CurvesPanel()
        self.log = LogPanel()
        self._charts_left = 0
        waiting = Panel("Settings")
        waiting.body.addWidget(note("Settings appear once PyTorch is loaded"))
        waiting.body.addStretch(1)
        self._docks = {
            "photos": docked(self.photos, "photos"),
            "settings": docked(waiting, "settings"),
            "population": docked(self.population, "population"),
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
        self.arrange()

    def __getitem__(self, name: str) -> QDockWidget:
        return self._docks[name]

    def arrange(self) -> None:
        """Put every dock where it belongs at the start, at a size that suits the window."""
        window, areas = self._window, Qt.DockWidgetArea
        for dock in self._docks.values():
            dock.setFloating(False)
            window.removeDockWidget(dock)
        window.addDockWidget(areas.LeftDockWidgetArea, self["photos"])
        window.addDockWidget(areas.RightDockWidgetArea, self["population"])
        window.addDockWidget(areas.BottomDockWidgetArea, self["curves"])
        window.splitDockWidget(self["photos"], self["settings"], Qt.Orientation.Vertical)
        window.tabifyDockWidget(self["curves"], self["log"])
        for dock in self._docks.values():
            dock.show()
        self["curves"].raise_()
        for bar in window.findChildren(QTabBar):
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            bar.setExpanding(False)
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

    def menu(self) -> QMenu:
        """A submenu that shows and hides the panels."""
        menu = QMenu("Panels", self._window)
        for dock in self._docks.values():
            menu.addAction(dock.toggleViewAction())
        return menu

    # -- what the panels show --------------------------------------------------------------------

    def make_settings(self, config_type: type) -> SettingsPanel:
        """The panel of an engine's settings, in the place of what stood there."""
        self.settings = SettingsPanel(config_type)
        dock, old = self["settings"], self["settings"].widget()
        old_title = dock.titleBarWidget()
        dock.setTitleBarWidget(self.settings.header)
        dock.setWidget(self.settings)
        for widget in (old, old_title):
            widget.deleteLater()
        return self.settings

    def config(self) -> Any:
        """The settings as they are set."""
        if self.settings is None:
            raise RuntimeError("there are no settings before the engine is imported")
        return self.settings.config

    def held_out(self, dataset: PosedPhotos) -> set[int]:
        """Indices of the photos that the present settings hold out."""
        every = getattr(self.settings.config, "holdout", 0) if self.settings else 0
        return set(split_holdout([view.name for view in dataset.views], every)[1])

    def show_dataset(self, dataset: PosedPhotos | None, held_out: set[int]) -> None:
        """Show the photos, or that there are none."""
        if dataset is None:
            self.photos.clear()
        else:
            self.photos.show_dataset(dataset, held_out)

    def add(self, event: Event) -> None:
        """Hand an event to all who want to know."""
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
        self.curves.clear()
        self.population.clear()
