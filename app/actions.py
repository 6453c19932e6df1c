"""Everything that can be asked of the window, as data: menus, buttons and keys follow from it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app import theme
from app.run import COMMANDS, Command, State


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the window has at hand; what can be asked follows from this alone."""

    state: State = State.IDLE
    has_photos: bool = False
    """Photos are open, with cameras or without, or images to learn to draw."""
    is_posed: bool = False
    """Their cameras are known."""
    is_flat: bool = False
    """What is on show, or will be, are images rather than a scene."""
    hides_view: bool = False
    """Images are in the place of the viewport."""
    has_found_cameras: bool = False
    """The cameras were found here, so there is something to take away before anything is learnt."""
    can_find_cameras: bool = False
    """The photos came without cameras."""
    has_engine: bool = False
    """The run has learnt something or is about to."""
    is_other_engine: bool = False
    """The engine that is chosen is not the one of the run."""
    has_result: bool = False
    """Something that was learnt is on show, from the run or from a file."""
    can_teach: bool = False
    """That is a diffusion model from a file."""
    is_empty: bool = True
    """Nothing is open."""
    is_opening: bool = False
    is_looking_through: bool = False
    """The viewport looks through the camera of a photo."""


def _always(_: Situation) -> bool:
    return True


def _in_space(situation: Situation) -> bool:
    """There is a viewport to look into."""
    return not situation.hides_view


def _allows(*commands: Command) -> Callable[[Situation], bool]:
    return lambda s: s.has_photos and any(command in COMMANDS[s.state] for command in commands)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One action."""

    id: str
    title: str
    tip: str = ""
    """One sentence; the title where empty."""
    icon: str = ""
    """qtawesome name."""
    key: str = ""
    """Portable shortcut, "Ctrl" standing for the platform's own."""
    enabled: Callable[[Situation], bool] = _always
    checked: bool | None = None
    """Initial state of what can be switched; None for what cannot."""
    choice: str = ""
    """Of all actions with one choice exactly one is checked."""


SPECS = (
    Spec(
        id="open_folder",
        title="Open photos, images or folder…",
        tip="Open a folder of photos, with cameras or without, of images, or a checkpoint",
        icon="mdi6.folder-open-outline",
        key="Ctrl+Shift+O",
    ),
    Spec(
        id="open_file",
        title="Open file…",
        tip="Open a video, cameras, splats, a radiance field, a diffusion model, points or a mesh",
        icon="mdi6.file-outline",
        key="Ctrl+O",
    ),
    Spec(
        id="sample",
        title="Sample scene",
        tip="Train on what comes with the program: a small scene, or shapes with captions",
        icon="mdi6.cube-outline",
    ),
    Spec(
        id="export",
        title="Export…",
        tip="Save what was learnt as a file",
        icon="mdi6.export-variant",
        key="Ctrl+E",
        enabled=lambda s: s.has_result,
    ),
    Spec(
        id="export_cameras",
        title="Export cameras…",
        tip="Save photos and the cameras that were found as a COLMAP folder",
        icon="mdi6.camera-marker-outline",
        enabled=lambda s: s.has_found_cameras,
    ),
    Spec(
        id="find_cameras",
        title="Find cameras again",
        tip="Find out anew where the photos were taken, without those that are left out",
        icon="mdi6.camera-retake-outline",
        enabled=lambda s: s.can_find_cameras,
    ),
    Spec(
        id="make_mesh",
        title="Make mesh…",
        tip="Make a mesh of what was learnt, to be looked at and saved",
        icon="mdi6.vector-triangle",
        key="Ctrl+M",
        enabled=lambda s: s.has_result and not s.is_flat,
    ),
    Spec(
        id="distil",
        title="Distil to few steps…",
        tip="Teach a copy of the opened diffusion model to draw in one to four steps",
        icon="mdi6.fast-forward-outline",
        enabled=lambda s: s.can_teach,
    ),
    Spec(
        id="save_checkpoint",
        title="Save checkpoint…",
        tip="Save all that is needed to go on with this run later",
        icon="mdi6.content-save-outline",
        key="Ctrl+S",
        enabled=lambda s: s.has_engine,
    ),
    Spec(
        id="resume_checkpoint",
        title="Resume checkpoint…",
        tip="Go on with a run that was saved",
        icon="mdi6.history",
        key="Ctrl+R",
    ),
    Spec(
        id="close_all",
        title="Close all",
        tip="Clear the run and close everything that is open",
        icon="mdi6.close",
        key="Ctrl+W",
        enabled=lambda s: not s.is_empty,
    ),
    Spec(id="quit", title="Quit", key="Ctrl+Q"),
    Spec(
        id="run",
        title="Run",
        tip="Train with the present settings",
        icon="mdi6.play",
        key="F5",
        enabled=_allows(Command.START, Command.PAUSE, Command.RESUME),
    ),
    Spec(
        id="step",
        title="Step",
        tip="Make one training step and hold again",
        icon="mdi6.debug-step-over",
        key="F6",
        enabled=lambda s: (s.is_posed or s.is_flat) and _allows(Command.STEP)(s),
    ),
    Spec(
        id="stop",
        title="Stop",
        tip="End the run here; it can be resumed or exported",
        icon="mdi6.stop",
        key="Shift+F5",
        enabled=_allows(Command.STOP),
    ),
    Spec(
        id="restart",
        title="Start again",
        tip="Begin a new run with the present settings",
        icon="mdi6.restart",
        key="Ctrl+F5",
        enabled=lambda s: s.has_photos and s.state is not State.IDLE,
    ),
    Spec(
        id="clear",
        title="Clear run",
        tip="Forget what was learnt; the photos stay open",
        icon="mdi6.eraser",
        enabled=_allows(Command.CLEAR),
    ),
    *(
        Spec(
            id=f"mode_{mode}",
            title=title,
            tip=tip,
            key=key,
            checked=first,
            choice="mode",
            enabled=_in_space,
        )
        for mode, title, tip, key, first in (
            ("colour", "Colour", "In the colours that were learnt", "1", True),
            ("depth", "Depth", "Near is bright, far is dark", "2", False),
            ("ellipsoids", "Ellipsoids", "Each Gaussian as a solid body", "3", False),
            ("points", "Points", "Each Gaussian as a point", "4", False),
            ("exact", "Exact", "Drawn by the kernels that train it, pixel by pixel", "5", False),
            ("normals", "Normals", "Which way surfaces face, as colours", "3", False),
            ("accumulation", "Accumulation", "How much light is stopped along a ray", "4", False),
            ("occupancy", "Occupancy", "Cells of space that are not known to be empty", "5", False),
            ("slice", "Slice", "Density on a plane through the scene", "6", False),
        )
    ),
    Spec(
        id="cameras",
        title="Cameras",
        tip="Show where the photos were taken",
        icon="mdi6.camera-outline",
        key="Shift+C",
        checked=True,
        enabled=_in_space,
    ),
    Spec(
        id="grid",
        title="Grid",
        tip="Show the ground",
        icon="mdi6.grid",
        key="Shift+G",
        checked=False,
        enabled=_in_space,
    ),
    Spec(
        id="learnt",
        title="What was learnt",
        tip="Show Gaussians or the radiance field",
        key="Shift+L",
        checked=True,
        enabled=_in_space,
    ),
    Spec(
        id="meshes",
        title="Meshes",
        tip="Show meshes that were opened or made",
        key="Shift+M",
        checked=True,
        enabled=_in_space,
    ),
    Spec(
        id="photo",
        title="Photo",
        tip="Lay the photo over the view and drag the line between the two",
        icon="mdi6.image-outline",
        key="Shift+P",
        checked=False,
        enabled=lambda s: s.is_posed,
    ),
    Spec(
        id="reset_view",
        title="Reset view",
        tip="See everything that is open",
        icon="mdi6.fit-to-page-outline",
        key="Home",
        enabled=_in_space,
    ),
    Spec(
        id="next_photo",
        title="Next photo",
        tip="Look through the next camera",
        key="Ctrl+Right",
        enabled=lambda s: s.is_posed,
    ),
    Spec(
        id="previous_photo",
        title="Previous photo",
        tip="Look through the camera before",
        key="Ctrl+Left",
        enabled=lambda s: s.is_posed,
    ),
    Spec(id="light", title="Light theme", checked=False),
    Spec(id="full_screen", title="Full screen", key="F11", checked=False),
    Spec(id="reset_layout", title="Default layout", tip="Put all panels back"),
    Spec(id="keys", title="Keys and mouse", icon="mdi6.keyboard-outline", key="F1"),
    Spec(
        id="device",
        title="Device report",
        tip="What this machine trains with, and why",
        icon="mdi6.chip",
    ),
    Spec(id="about", title="About Zograscope", icon="mdi6.information-outline"),
)

MENUS: dict[str, tuple[str, ...]] = {
    "File": (
        "open_folder",
        "open_file",
        "recent",
        "sample",
        "-",
        "export",
        "make_mesh",
        "export_cameras",
        "save_checkpoint",
        "resume_checkpoint",
        "-",
        "close_all",
        "quit",
    ),
    "Run": ("run", "step", "stop", "-", "restart", "find_cameras", "distil", "clear"),
    "View": (
        "mode_colour",
        "mode_depth",
        "mode_ellipsoids",
        "mode_points",
        "mode_exact",
        "mode_normals",
        "mode_accumulation",
        "mode_occupancy",
        "mode_slice",
        "-",
        "learnt",
        "meshes",
        "cameras",
        "grid",
        "photo",
        "-",
        "next_photo",
        "previous_photo",
        "reset_view",
        "-",
        "panels",
        "reset_layout",
        "light",
        "full_screen",
    ),
    "Help": ("keys", "device", "-", "about"),
}
"""Ids of actions or submenus in their order; "-" is a separator."""

_RUN = ("Run", "mdi6.play", "Train with the present settings")
_PAUSE = ("Pause", "mdi6.pause", "Hold the run after the step at hand")
_RESUME = ("Resume", "mdi6.play", "Go on with this run and the settings it began with")
_AGAIN = ("Run again", "mdi6.restart", "Begin a new run with the present settings")
RUN_FACE: dict[State, tuple[str, str, str]] = {
    State.IDLE: _RUN,
    State.PREPARING: _PAUSE,
    State.RUNNING: _PAUSE,
    State.PAUSED: _RESUME,
    State.STOPPED: _RESUME,
    State.FINISHED: _AGAIN,
    State.FAILED: _AGAIN,
}
"""What the one button that starts, pauses and resumes says in each state, its icon and its tip."""


class Actions(QObject):
    """The actions of one window, made from their specs."""

    def __init__(self, window: QWidget, specs: Iterable[Spec] = SPECS) -> None:
        super().__init__(window)
        self._window = window
        self._specs = {spec.id: spec for spec in specs}
        self._actions: dict[str, QAction] = {}
        self._situation = Situation()
        self._barred: Mapping[str, str] = {}
        """Why some actions cannot be asked for although they are in sight."""
        groups: dict[str, QActionGroup] = {}
        for spec in self._specs.values():
            action = QAction(spec.title, window)
            action.setObjectName(spec.id)
            if spec.key:
                action.setShortcut(QKeySequence.fromString(spec.key))
            action.setToolTip(_tip(spec, action))
            if spec.checked is not None:
                action.setCheckable(True)
                action.setChecked(spec.checked)
            if spec.choice:
                groups.setdefault(spec.choice, QActionGroup(window)).addAction(action)
            window.addAction(action)
            self._actions[spec.id] = action
        self["quit"].setMenuRole(QAction.MenuRole.QuitRole)
        self["about"].setMenuRole(QAction.MenuRole.AboutRole)
        theme.follow(self._recolour)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def on(self, name: str, call: Callable[[], object]) -> None:
        """Have `call()` made when the action is triggered by any of its ways."""
        self[name].triggered.connect(lambda _checked=False: call())

    def fill(self, bar: QMenuBar, submenus: dict[str, QMenu]) -> None:
        """Put the menus on `bar`; `submenus` by the ids that stand for them in `MENUS`."""
        for title, names in MENUS.items():
            menu = QMenu(title, self._window)
            bar.addMenu(menu)
            menu.setToolTipsVisible(True)
            for name in names:
                if name == "-":
                    menu.addSeparator()
                elif name in submenus:
                    menu.addMenu(submenus[name])
                else:
                    menu.addAction(self[name])

    def update(self, situation: Situation) -> None:
        """Enable what means something now and let the run button say what it does."""
        self._situation = situation
        for name, spec in self._specs.items():
            means_something = self[name].isVisible() and spec.enabled(situation)
            self[name].setEnabled(means_something and name not in self._barred)
        other = situation.is_other_engine
        title, icon, tip = RUN_FACE[State.IDLE if other else situation.state]
        run = self["run"]
        run.setToolTip(_with_key(tip, run))
        if run.text() != title:
            run.setText(title)
            run.setIcon(theme.icon(icon, "label"))

    def offer_modes(
        self, modes: Collection[str], chosen: str, barred: Mapping[str, str] | None = None
    ) -> None:
        """Only these of the view's modes can be asked for, of which `chosen` is the present one.

        Others are out of sight, so that their keys are free for those that are offered. Those
        that are `barred` are in sight but disabled; their tooltips say why.
        """
        self._barred = {f"mode_{mode}": reason for mode, reason in (barred or {}).items()}
        self[f"mode_{chosen}"].setChecked(True)
        for name, spec in self._specs.items():
            if spec.choice == "mode":
                self[name].setVisible(name.removeprefix("mode_") in modes)
                self[name].setToolTip(self._barred.get(name) or _tip(spec, self[name]))
        self.update(self._situation)

    def _recolour(self) -> None:
        for name, spec in self._specs.items():
            if spec.icon:
                self[name].setIcon(theme.icon(spec.icon))


def _tip(spec: Spec, action: QAction) -> str:
    """What an action does, and its key."""
    return _with_key(spec.tip or spec.title.rstrip("…"), action)


def _with_key(tip: str, action: QAction) -> str:
    key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return f"{tip} ({key})" if key else tip
