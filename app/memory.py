"""What was opened lately, newest first, and how the window was laid out."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

ORGANISATION, APPLICATION = "Zograscope", "Zograscope"
MOST_RECENT = 10
BALANCE = 0.5
"""Drawing takes half of the time at most, which leaves training the most of two cores."""
LAYOUT_VERSION = 2
"""Raised when docks are added or renamed, so that an old layout is not forced on them."""


class Memory:
    """What the window remembers between two sessions, in one settings file."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is an .ini file; by default the person's own, where the system keeps them."""
        if path is None:
            self._store = QSettings(
                QSettings.Format.IniFormat, QSettings.Scope.UserScope, ORGANISATION, APPLICATION
            )
        else:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def recent(self) -> list[Path]:
        """Paths opened lately that still exist, newest first."""
        saved = self._store.value("recent", [])
        paths = saved if isinstance(saved, list) else [saved]
        return [path for path in (Path(str(p)) for p in paths if p) if path.exists()]

    def remember(self, path: Path) -> None:
        """Put `path` first among the recent ones."""
        path = path.absolute()
        paths = [path, *(other for other in self.recent if other != path)]
        self._store.setValue("recent", [str(path) for path in paths[:MOST_RECENT]])

    def forget_recent(self) -> None:
        """Empty the list."""
        self._store.remove("recent")

    @property
    def theme(self) -> str:
        """ "dark" or "light"."""
        return "light" if self._store.value("theme") == "light" else "dark"

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def engine(self) -> str:
        """Id of the engine that was chosen last, empty before one was."""
        return str(self._store.value("engine") or "")

    @engine.setter
    def engine(self, name: str) -> None:
        self._store.setValue("engine", name)

    @property
    def balance(self) -> float:
        """How the machine is shared: from 0 (for training) to 1 (for the view)."""
        try:
            return min(1.0, max(0.0, float(str(self._store.value("balance")))))
        except ValueError:
            return BALANCE

    @balance.setter
    def balance(self, position: float) -> None:
        self._store.setValue("balance", position)

    @property
    def folder(self) -> Path:
        """Where the last file dialog ended."""
        folder = Path(str(self._store.value("folder") or Path.home()))
        return folder if folder.is_dir() else Path.home()

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._store.setValue("folder", str(folder))

    def load_layout(self) -> tuple[QByteArray, QByteArray] | None:
        """Geometry and dock state of the last window, None where there is none that fits."""
        geometry, state = self._store.value("geometry"), self._store.value("state")
        version = self._store.value("layout_version")
        if str(version) != str(LAYOUT_VERSION) or not isinstance(geometry, QByteArray):
            return None
        return (geometry, state) if isinstance(state, QByteArray) else None

    def save_layout(self, geometry: QByteArray, state: QByteArray) -> None:
        """Keep the window's geometry and dock state."""
        self._store.setValue("layout_version", LAYOUT_VERSION)
        self._store.setValue("geometry", geometry)
        self._store.setValue("state", state)

    def forget_layout(self) -> None:
        """Begin with the default layout next time."""
        for key in ("layout_version", "geometry", "state"):
            self._store.remove(key)

    def flush(self) -> None:
        """Write everything to disk now."""
        self._store.sync()
