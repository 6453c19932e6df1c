"""The main window: puts viewport, panels and bars together and lets a person at them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QMenuBar

from app import mark, theme
from app.actions import Actions
from app.asked import Exactly
from app.balance import Balance, shares
from app.banner import Banner
from app.comparing import Comparing
from app.diffusing import Diffusing
from app.docks import Docks
from app.droptarget import DropTarget
from app.enginekinds import KINDS, EngineKind, Machine, load_machine
from app.export_dialog import ExportDialog
from app.faults import Faults, sentence_of
from app.feed import Feed
from app.help import ABOUT, keys_page, text_page
from app.imagesets import DiffusionModel, ImageSet
from app.memory import Memory
from app.mesh_dialog import MeshDialog
from app.modelfacts import facts_of
from app.overlays import MODES, Overlays
from app.probing import Probing
from app.questions import Questions
from app.recent import RecentMenu
from app.run import ALIVE, State
from app.saving import Snapshot
from app.session import described
from app.shelf import Shelf
from app.stage import Stage
from app.statusbar import Status, StatusBar
from app.topbar import TopBar
from app.view import ViewControl
from app.waiting import Waiting
from app.welcome import Welcome
from app.workbench import Workbench
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video
from engines.artifacts import CameraRig, Portrait
from engines.events import Event, Stepped
from renderers.canvas import Viewport


class MainWindow(QMainWindow):
    """One window with one session and one run."""

    def __init__(
        self,
        *,
        memory: Memory | None = None,
        questions: Questions | None = None,
        kinds: Mapping[str, EngineKind] = KINDS,
        load: Callable[[], Machine] = load_machine,
        faults: Faults | None = None,
    ) -> None:
        """`kinds` are the engines to choose from; `load` imports what they need, on a thread."""
        super().__init__()
        self.setWindowTitle("Zograscope")
        self.setWindowIcon(mark.icon())
        self.memory = memory or Memory()
        self.questions = questions or Questions()
        self.faults, self._load, self._loading = faults, load, False
        self._may_close = self._closing = False
        self._noted: object = None
        self._finding = False
        """Cameras are being found."""
        self.actions_ = Actions(self)
        self.viewport = Viewport()
        self.stage = Stage(self.viewport.native)
        self.setCentralWidget(self.stage)
        self.resize(self._default_size())
        self.docks = Docks(self)
        self.bench = Workbench(
            memory=self.memory,
            questions=self.questions,
            kinds=kinds,
            settings=self.docks.config,
            poses_settings=self.docks.poses_config,
            parent=self,
        )
        self.view = ViewControl(self.viewport, self.bench.session, self.bench.jobs, self)
        self.shelf = Shelf(self.bench, self.view, self)
        self.probing = Probing(self.view, self.docks.ray, self)
        self.feed = Feed(self.bench, self.view, self)
        self.comparing = Comparing(self.shelf, self.view, self.docks.compare, self.feed)
        self.feed.wants_population = lambda: self.docks.population.is_in_sight
        self.diffusing = Diffusing(self.bench, self.feed, self.docks)
        self.recent_menu = RecentMenu(self.memory, lambda path: self.bench.open([path]), self)
        self._make_bars()
        self._make_overlays()
        self._connect_bench()
        self._connect_actions()
        self.docks.restore(self.memory.load_layout())
        self._update_situation()
        self.feed.start()

    # -- parts -----------------------------------------------------------------------------------

    def _make_bars(self) -> None:
        menus = QMenuBar()
        self.actions_.fill(menus, {"recent": self.recent_menu, "panels": self.docks.menu()})
        self.topbar = TopBar(self.actions_, menus, self.bench.kinds)
        self.setMenuWidget(self.topbar)
        self.status = StatusBar()
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.setContentsMargins(0, 0, 0, 0)
        bar.addWidget(self.status, 1)
        self.status.cancelled.connect(self.bench.cancel)

    def _make_overlays(self) -> None:
        self.balance = Balance(self.memory.balance)
        self.feed.shares = shares(self.balance.position)
        self.balance.moved.connect(self._share)
        self.overlays = Overlays(self.stage, self.actions_, self.balance)
        self.welcome = Welcome(self.actions_)
        self.waiting = Waiting()
        self.banner = Banner()
        self.drop = DropTarget(self, described)
        self.stage.fill(self.diffusing.page)
        for card in (self.welcome, self.waiting):
            self.stage.place(card, Qt.AlignmentFlag.AlignCenter)
        top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        self.stage.place(self.banner, top, drop=52)
        self.stage.fill(self.drop.highlight)
        self.diffusing.page.paused.connect(self.actions_["run"].trigger)
        self.drop.dropped.connect(self.bench.open)
        self.welcome.recent_chosen.connect(lambda path: self.bench.open([path]))
        self.welcome.bundled_chosen.connect(self.bench.session.open_bundled)
        for key, call in (
            (Qt.Key.Key_Space, self.actions_["run"].trigger),
            (Qt.Key.Key_Escape, self.probing.clear),
        ):
            shortcut = QShortcut(QKeySequence(key), self.viewport.native)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(call)

    def _connect_bench(self) -> None:
        bench, docks, feed, view = self.bench, self.docks, self.feed, self.view
        bench.changed.connect(self._update_situation)
        bench.said.connect(lambda level, text: docks.log.say(text, level=level))
        bench.troubled.connect(self.banner.say)
        bench.succeeded.connect(lambda text: self.banner.say(text, level="info"))
        bench.relieved.connect(self.banner.clear)
        bench.dataset_shown.connect(self._show_dataset)
        bench.result_shown.connect(self._show_result)
        bench.shape_alone.connect(view.look_at_shape)
        bench.session.changed.connect(view.refresh_assets)
        bench.run_begins.connect(self._begin_run)
        bench.run_resumes.connect(self._take_up)
        bench.distilling.settings_wanted.connect(docks.lend_settings)
        self._connect_posing()
        self._connect_probing()
        self._connect_meshing()
        bench.saving.snapshot_ready.connect(self._export)
        bench.saving.look_after(docks.path.saver, docks.attention.saver, docks.curves.keeper)
        feed.happened.connect(self._add)
        feed.refreshed.connect(self._refresh)
        feed.ticked.connect(docks.refresh_next)
        feed.population_changed.connect(docks.show_population)
        feed.status_changed.connect(self._show_status)
        docks.photos.coloured.connect(view.marks.colour_by_error)
        view.photo_chosen.connect(docks.show_current)
        overlays = self.overlays
        view.adjustable_changed.connect(overlays.show_adjustable)
        overlays.light.changed.connect(lambda light: view.look(replace(view.looks, light=light)))
        overlays.slicer.changed.connect(lambda plane: view.look(replace(view.looks, plane=plane)))
        view.troubled.connect(bench.trouble)
        views = docks.photos.model
        docks.photos.view_activated.connect(lambda i: view.look_through_named(views.views[i].name))

    def _connect_probing(self) -> None:
        bench, probing = self.bench, self.probing
        probing.wanted.connect(self.docks["ray"].raise_)
        probing.troubled.connect(bench.trouble)
        self.feed.ticked.connect(probing.tick)
        # A ray belongs to what was on show when it was asked for.
        for at in (bench.dataset_shown, bench.result_shown, bench.run_begins, bench.posing.begins):
            at.connect(probing.clear)

    def _connect_posing(self) -> None:
        posing, docks, feed = self.bench.posing, self.docks, self.feed
        posing.photos_shown.connect(self._show_photos)
        posing.begins.connect(self._begin_posing)
        feed.rig_changed.connect(self._show_rig)
        feed.matches_changed.connect(docks.show_matches)
        feed.diagnosed.connect(docks.show_diagnosis)
        feed.diagnosed.connect(docks.log.show_diagnosis)
        for panel in (docks.photos, docks.doctor):
            panel.left_out_changed.connect(posing.leave_out)
            panel.left_out_changed.connect(docks.leave_out)
        docks.doctor.again_asked.connect(posing.again)
        docks.doctor.photo_activated.connect(self._choose_photo)
        docks.matches.pair_chosen.connect(lambda first, _second: self._choose_photo(first))

    def _connect_meshing(self) -> None:
        self.mesh_dialog = MeshDialog(self.bench.meshing, self.bench.jobs, self)
        self.mesh_dialog.box_changed.connect(self.viewport.show_box)
        self.mesh_dialog.show_asked.connect(self._show_layers)
        for opened in (self.bench.dataset_shown, self.bench.result_shown):
            opened.connect(self.mesh_dialog.forget)
        for begun in (self.bench.dataset_shown, self.bench.result_shown, self.bench.run_begins):
            begun.connect(lambda _: self._show_layers(True, True))

    def _connect_actions(self) -> None:
        bench, view, on = self.bench, self.view, self.actions_.on
        on("open_folder", lambda: self._open_folder("Open photos, images or folder"))
        on("open_file", self._open_files)
        on("sample", bench.open_sample)
        on("export", bench.saving.export)
        on("make_mesh", lambda: self.mesh_dialog.open_beside(self))
        on("export_cameras", bench.posing.save_cameras)
        on("find_cameras", bench.posing.again)
        on("save_checkpoint", bench.saving.save_checkpoint)
        on("resume_checkpoint", lambda: self._open_folder("Resume checkpoint"))
        on("close_all", bench.close_all)
        on("quit", self.close)
        on("run", bench.run_or_pause)
        on("step", bench.step_once)
        on("restart", bench.restart)
        for name, act in {"stop": bench.stop, "clear": bench.clear, "distil": bench.distil}.items():
            on(name, act)
        self.topbar.engine.changed.connect(bench.choose)
        view.modes_changed.connect(
            lambda modes: self.actions_.offer_modes(modes, view.mode, view.barred)
        )
        for mode in MODES:
            on(f"mode_{mode}", lambda mode=mode: view.set_mode(mode))
        switches = {
            "learnt": lambda on: setattr(self.viewport, "learnt_visible", on),
            "meshes": lambda on: setattr(self.viewport, "meshes_visible", on),
            "cameras": lambda on: setattr(self.viewport, "cameras_visible", on),
            "grid": lambda on: setattr(self.viewport, "grid_visible", on),
            "photo": view.set_comparing,
            "light": self._set_light,
            "full_screen": lambda on: self.showFullScreen() if on else self.showNormal(),
        }
        for name, switch in switches.items():
            self.actions_[name].toggled.connect(switch)
        self.viewport.grid_visible = self.actions_["grid"].isChecked()
        self.actions_["light"].setChecked(theme.current().name == "light")
        on("reset_view", view.reset_view)
        on("next_photo", lambda: view.step_through(1))
        on("previous_photo", lambda: view.step_through(-1))
        on("reset_layout", self._reset_layout)
        on("keys", lambda: keys_page(self.actions_, self).open())
        on("device", self._show_device)
        on("about", lambda: text_page("Zograscope", ABOUT, self).open())

    # -- what happens ----------------------------------------------------------------------------

    def _update_situation(self) -> None:
        situation = self.bench.situation
        if not self.bench.distilling.is_at_work:
            self.docks.take_settings_back()
        self.actions_.update(situation)
        empty = situation.is_empty and not situation.is_opening
        if empty and self.welcome.isHidden():
            self.welcome.show_recent(self.memory.recent)
        self.welcome.setVisible(empty)
        self.overlays.set_visible(not (situation.is_empty or self.diffusing.is_on_show))
        if not situation.has_photos:
            self.actions_["photo"].setChecked(False)
        self._update_engine()
        finding = self.bench.posing.is_at_work and situation.state in ALIVE
        self.waiting.setVisible(finding and self.view.rig is None)
        if finding != self._finding:
            self._finding = finding
            self.docks.set_finding(finding)
        opened = isinstance(self.bench.session.result, DiffusionModel)
        self.topbar.show_primary(not opened or situation.state is not State.IDLE)
        name = self.bench.session.title
        self.setWindowTitle(f"{name} - Zograscope" if name else "Zograscope")

    def _update_engine(self) -> None:
        """What depends on the engine that is chosen, and on the one whose results are on show."""
        bench, locked = self.bench, not self.bench.may_choose
        self.topbar.show_engine(bench.kind, locked=locked)
        self.welcome.show_kind(bench.kind)
        if bench.machine is not None:
            self.docks.show_settings_of(bench.kind)
        if self.docks.settings is not None:
            learns = bench.run.state is not State.IDLE and not bench.posing.is_at_work
            own = bench.run_config if learns and bench.kind is bench.run_kind else None
            self.docks.settings.set_locked(locked)
            self.docks.settings.show_run(own)
        self.docks.show_kind(bench.kind_on_show)
        self.view.offer(bench.kind_on_show.modes)

    def _show_photos(self, photos: UnposedPhotos | Video | None) -> None:
        if isinstance(photos, UnposedPhotos):
            self.docks.show_photos(photos)
            self.view.show_photos(photos)
            if self.bench.posing.is_at_work:  # frames of a video: none has a place yet
                self.docks.photos.set_registered(frozenset())
        else:
            self.docks.forget_photos()

    def _show_status(self, status: Status) -> None:
        """The line and the card tell the same at any moment."""
        self.status.show_status(status)
        if self.bench.posing.is_at_work:
            progress = self.feed.progress
            self.waiting.show_phase(progress.phase or "Preparing", progress.share(0, 0.0))

    def _begin_posing(self) -> None:
        self.docks.clear()
        self.docks.begin_posing()
        self.view.begin_posing()

    def _show_rig(self, rig: CameraRig) -> None:
        self.docks.show_rig(rig)
        self.view.show_rig(rig)
        self.waiting.hide()

    def _choose_photo(self, name: str) -> None:
        """Point the photo of this name out and, if that is known, go to where it was taken."""
        self.docks.show_current(name)
        self.view.look_through_named(name)

    def _show_dataset(self, dataset: PosedPhotos | None) -> None:
        held_out = self.docks.held_out(dataset) if dataset is not None else set()
        self.docks.show_dataset(dataset, held_out)
        self.docks.clear()
        self.view.show_dataset(dataset, held_out)

    def _show_result(self, shown: GaussianCloud | Portrait | DiffusionModel) -> None:
        self.docks.clear()
        bench, kind = self.bench, self.bench.kind_on_show
        if isinstance(shown, DiffusionModel):
            self.view.show_nothing()
            self.docks.health.show_model(facts_of(shown))
        elif isinstance(shown, Portrait):
            self.view.show_portrait(shown)
        else:
            self.view.show_cloud(shown, Exactly(lambda: bench.source_of(kind, shown), shown))
        if bench.session.dataset is None:
            self.view.look_at_result()

    def _begin_run(self, dataset: PosedPhotos | ImageSet) -> None:
        self.docks.clear()
        self.view.show_nothing()
        if isinstance(dataset, PosedPhotos):
            held_out = self.docks.held_out(dataset)
            self.docks.show_dataset(dataset, held_out)
            self.view.marks.hold_out(held_out)

    def _take_up(self, config: Any, history: tuple[Event, ...]) -> None:
        """What a resumed run has been through comes before what it will."""
        for event in history:
            self.feed.add(event)
        if self.docks.settings is not None:
            self.docks.settings.set_config(config)

    def _add(self, event: Event) -> None:
        self.docks.add(event)
        photos = getattr(self.bench.run.engine, "photos", None)
        if isinstance(photos, UnposedPhotos):
            self.bench.posing.chosen(photos)
        if isinstance(event, Stepped) and self.bench.run.state is not State.PREPARING:
            self._note_held_out()

    def _note_held_out(self) -> None:
        """Photos that cannot be read change which ones are held out."""
        engine: Any = self.bench.run.engine
        dataset = self.bench.session.dataset
        if engine is None or dataset is None or self._noted is engine:
            return
        self._noted = engine
        self.docks.show_dataset(dataset, engine.held_out)
        self.view.marks.hold_out(engine.held_out)

    def _refresh(self) -> None:
        self.docks.refresh()
        kind, subject = self.bench.kind_on_show, self.view.subject
        shown = isinstance(subject, kind.artifact)
        fps = self.viewport.fps if self.view.cloud is not None else 0.0
        self.overlays.show_balance(self.view.asked.shown and self.bench.run.state in ALIVE)
        self.overlays.show_facts(kind.amount(subject) if shown else "", fps)
        for text in self.faults.take() if self.faults is not None else ():
            self.bench.trouble(sentence_of(text), text)

    def _show_layers(self, learnt: bool, meshes: bool) -> None:
        self.actions_["learnt"].setChecked(learnt)
        self.actions_["meshes"].setChecked(meshes)

    def _share(self, position: float) -> None:
        self.memory.balance = position
        self.feed.shares = shares(position)

    def _export(self, snapshot: Snapshot) -> None:
        dialog = ExportDialog(
            snapshot.what,
            jobs=self.bench.jobs,
            path=self.memory.folder / f"{snapshot.name}{next(iter(snapshot.what.formats))}",
            origin=snapshot.origin,
            normalisation=snapshot.normalisation,
            parent=self,
        )
        dialog.exported.connect(lambda path: self.bench.saving.exported(path, snapshot))
        dialog.open()
        dialog.raise_()

    # -- what a person does ----------------------------------------------------------------------

    def _open_folder(self, title: str) -> None:
        folder = self.questions.folder(self, title, self.memory.folder)
        if folder is not None:
            self.bench.open([folder])

    def _open_files(self) -> None:
        self.bench.open(self.questions.files(self, "Open file", self.memory.folder))

    def _show_device(self) -> None:
        machine = self.bench.machine
        text = machine.report if machine else "PyTorch is still being loaded"
        drawing = "emulated on the processor" if self.viewport.software_gl else "on a graphics card"
        text_page("Device report", f"{text}\nOpenGL: {drawing}", self).open()

    def _set_light(self, light: bool) -> None:
        self.memory.theme = "light" if light else "dark"
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.apply(application, self.memory.theme)

    # -- being there -----------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Once the window is there, the engine is imported behind it."""
        super().showEvent(event)
        if not self._loading:
            self._loading = True
            QTimer.singleShot(0, self, self._load_engine)

    def _load_engine(self) -> None:
        self.bench.jobs.start(
            "Loading PyTorch",
            lambda _: self._load(),
            done=self._use,
            failed=self._go_without,
            quiet=True,
        )

    def _go_without(self, sentence: str, details: str) -> None:
        self.topbar.device.show_device("Training is not possible here", sentence, good=False)
        self.bench.go_without(sentence, details)

    def _use(self, machine: Machine) -> None:
        self.topbar.device.show_device(machine.device, machine.report, good=machine.on_gpu)
        self.docks.show_settings_of(self.bench.kind)
        self.bench.use(machine)
        self._update_situation()

    def _default_size(self) -> QSize:
        available = self.screen().availableSize()
        return QSize(min(1600, available.width()), min(1000, available.height()))

    def _reset_layout(self) -> None:
        self.memory.forget_layout()
        self.docks.arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask for what is not saved, then end every thread before the window is gone."""
        if self._closing:
            event.accept()
            return
        if not self._may_close:
            self.bench.guard_close(self._allow_close)
        if not self._may_close:
            event.ignore()
            return
        self.end()
        event.accept()

    def end(self) -> None:
        """Remember the layout and end every thread; again is fine."""
        if self._closing:
            return
        self._closing = True
        self.memory.save_layout(self.saveGeometry(), self.saveState())
        self.memory.flush()
        self.hide()
        self.feed.stop()
        self.diffusing.close()
        self.bench.close()
        self.view.close()

    def _allow_close(self) -> None:
        """The run is saved or may go; when that took a while, the close event is long over."""
        self._may_close = True
        QTimer.singleShot(0, self, self.close)
