"""Photos without cameras: has their cameras found by a run, then hands them on to learn from."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.run import Command, State
from assets.unposed import UnposedPhotos, Video
from engines.poses import PosesConfig
from engines.poses.engine import PosesEngine

if TYPE_CHECKING:
    from app.workbench import Workbench


class Posing(QObject):
    """Belongs to a workbench and uses its one run; all methods belong to the window's thread."""

    photos_shown = Signal(object)
    """These photos without cameras are open now: `UnposedPhotos`, a `Video`, or None."""
    begins = Signal()
    """Cameras are about to be found; what was shown of an older run is stale."""
    posed = Signal(object)
    """The `PosedPhotos` that came out."""

    def __init__(
        self, bench: "Workbench", settings: Callable[[], PosesConfig], window: QWidget
    ) -> None:
        """`settings()` returns the config that a new run is to have."""
        super().__init__(bench)
        self._bench, self._settings, self._window = bench, settings, window
        self.folder: Path | None = None
        """The working folder of the run that found the cameras of the data set at hand."""
        bench.run.state_changed.connect(self._state_changed)

    @property
    def is_at_work(self) -> bool:
        """The present run, whatever its state, finds cameras."""
        bench = self._bench
        return (
            bench.run.state is not State.IDLE
            and bench.session.photos is not None
            and bench.session.dataset is None
        )

    def take(self, photos: UnposedPhotos | Video) -> None:
        """Open `photos` in place of what is open and begin."""
        bench = self._bench
        self._show(photos)
        if isinstance(photos, Video):
            words = f"a video of {photos.seconds:.0f} s"
        else:
            count = len(photos.views)
            words = f"{count} photo{'s' * (count != 1)} without cameras"
            for sentence in photos.notes:
                bench.said.emit("warn", sentence)
        bench.said.emit("info", f"Opened {photos.name}: {words}")
        self.start()

    def start(self) -> None:
        """Find the cameras of the photos at hand."""
        bench, photos = self._bench, self._bench.session.photos
        if photos is None or not bench.run.allows(Command.START):
            return
        config, self.folder = self._settings(), None
        bench.relieved.emit()
        self.begins.emit()
        bench.run.start(lambda: PosesEngine(photos, config))

    def leave_out(self, names: frozenset[str]) -> None:
        """Exactly these photos are not used the next time that cameras are found."""
        photos = self._bench.session.photos
        if isinstance(photos, UnposedPhotos) and photos.left_out != names:
            self._bench.session.set_photos(photos.without(names))

    def again(self) -> None:
        """Find the cameras anew, in place of the run at hand."""
        self._bench.guarded("Finding the cameras again", self._anew)

    def _anew(self) -> None:
        photos = self._bench.session.photos
        if photos is not None:
            self._show(photos)
            self.start()

    def forget(self) -> None:
        """What is about to be opened has nothing to do with photos without cameras."""
        self.folder = None
        if self._bench.session.photos is not None:
            self._bench.session.set_photos(None)
            self.photos_shown.emit(None)

    def _show(self, photos: UnposedPhotos | Video) -> None:
        """Have `photos` open and nothing that was made of them or of others."""
        bench = self._bench
        bench.run.clear()
        bench.session.set_result(None)
        bench.session.set_dataset(None)
        bench.session.set_photos(photos)
        bench.dataset_shown.emit(None)
        self.photos_shown.emit(photos)

    def chosen(self, photos: UnposedPhotos) -> None:
        """The frames of the video at hand are there."""
        if isinstance(self._bench.session.photos, Video):
            self._bench.session.set_photos(photos)
            self.photos_shown.emit(photos)

    def save_cameras(self) -> None:
        """Ask where to, then leave a COLMAP folder there."""
        bench, work = self._bench, self.folder
        if work is None:
            return
        dataset = bench.session.dataset
        name = dataset.name if dataset is not None else "cameras"
        suggestion = bench.memory.folder / "-".join([*name.split(), "colmap"])
        folder = bench.questions.new_folder(self._window, "Export cameras", suggestion)
        if folder is None:
            return
        bench.memory.folder = folder.parent
        from engines.poses.workspace import export_colmap

        bench.jobs.start(
            "Exporting cameras",
            lambda _: export_colmap(work, folder),
            done=lambda _: bench.success(f"Exported cameras and photos to {folder}"),
            failed=bench.trouble,
        )

    def _state_changed(self, state: State) -> None:
        engine: Any = self._bench.run.engine
        if state is State.FINISHED and isinstance(engine, PosesEngine) and engine.result:
            self.folder = engine.folder
            self.posed.emit(engine.result)
