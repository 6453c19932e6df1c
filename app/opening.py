"""What becomes of things that were opened: photos are learnt from, results are looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.exports import exportable
from app.imagesets import DiffusionModel, ImageSet
from app.jobs import Job
from app.session import Arrival, Result
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.pointcloud import PointCloud
from assets.posed import PosedPhotos
from assets.unposed import UnposedPhotos, Video
from engines.artifacts import Portrait

if TYPE_CHECKING:
    from app.workbench import Workbench

Photos = PosedPhotos | UnposedPhotos | Video | ImageSet


@dataclass(frozen=True, eq=False)
class _Brought:
    """Something that was learnt elsewhere, ready to be shown."""

    asset: Result
    name: str
    shown: GaussianCloud | Portrait | DiffusionModel


class Opening(QObject):
    """Belongs to a workbench, whose session tells it what arrived."""

    def __init__(self, bench: "Workbench") -> None:
        super().__init__(bench)
        self._bench = bench
        self._making: Job | None = None
        """A field of a file is being made again by its engine."""
        bench.session.arrived.connect(self._arrived)

    def cancel(self) -> None:
        """Forget what is still being made ready to be shown."""
        if self._making is not None:
            self._making.cancel()

    def _arrived(self, arrival: Arrival) -> None:
        bench = self._bench
        self.cancel()
        for sentence in arrival.problems:
            bench.trouble(sentence, "")
        if not arrival.problems:
            bench.relieved.emit()
        if arrival.checkpoints:
            bench.resume_checkpoint(arrival.checkpoints[0])
            for folder in arrival.checkpoints[1:]:
                bench.said.emit("warn", f"One run at a time: {folder.name} was not opened")
        assets = [opened.asset for opened in arrival.opened]
        datasets = [asset for asset in assets if isinstance(asset, Photos)]
        results = [
            (opened.asset, opened.path.name if opened.path else "Gaussians")
            for opened in arrival.opened
            if isinstance(opened.asset, Result)
        ]
        for opened in arrival.opened:
            if isinstance(opened.asset, Mesh | PointCloud):
                self._take_shape(opened.asset, opened.path.name if opened.path else "shape")
        for extra in datasets[1:]:
            bench.said.emit("warn", f"One set of photos at a time: {extra.name} was not opened")
        for _, name in results[1:]:
            bench.said.emit("warn", f"One result at a time: {name} was not opened")
        if arrival.checkpoints:
            return
        photos = datasets[0] if datasets else None
        if results:
            self._ready(*results[0], lambda result: self._bring_in(photos, result))
        else:
            self._bring_in(photos, None)

    def _ready(self, asset: Result, name: str, then: Callable[[_Brought], None]) -> None:
        """A field can be shown once its engine has made it again, all else as it is."""
        bench = self._bench
        if isinstance(asset, GaussianCloud | DiffusionModel):
            then(_Brought(asset, name, asset))
            return
        kind = bench.kind_of(asset)

        def portray(_job: Job) -> Portrait:
            source = bench.source_of(kind, asset)
            return Portrait(step=0, source=source, megabytes=asset.megabytes)

        self._making = bench.jobs.start(
            f"Opening {name}",
            portray,
            done=lambda portrait: then(_Brought(asset, name, portrait)),
            failed=bench.trouble,
        )

    def _bring_in(self, photos: Photos | None, result: _Brought | None) -> None:
        bench = self._bench
        if photos is not None:
            bench.guarded(f"Opening {photos.name}", lambda: self._take(photos, result))
        elif result is not None:
            bench.guarded(f"Showing {result.name}", lambda: self._take_result(result))

    def _take(self, photos: Photos, result: _Brought | None) -> None:
        bench = self._bench
        if isinstance(photos, PosedPhotos):
            self._take_photos(photos, result)
            return
        if result is not None:
            what = "images" if isinstance(photos, ImageSet) else "photos without cameras"
            bench.said.emit("warn", f"{result.name} was not opened along with {what}")
        if isinstance(photos, ImageSet):
            self._take_images(photos)
        else:
            bench.posing.take(photos)

    def _take_images(self, images: ImageSet) -> None:
        """Images are learnt from at once, by whoever can."""
        bench = self._bench
        bench.run.clear()
        chosen = ""
        if bench.kind.learns != "images":
            able = [kind.id for kind in bench.kinds.values() if kind.learns == "images"]
            if not able:
                bench.trouble(f"No engine here learns from {images.words}; drop photos instead", "")
                return
            bench.choose(able[0])
            chosen = bench.kind.label
        bench.take_images(images)
        bench.said.emit("info", f"Opened {images.name}: {images.words}")
        bench.begin()
        if chosen:
            bench.success(f"{images.name} has {images.words}, so {chosen} was chosen to learn them")

    def _take_photos(self, dataset: PosedPhotos, result: _Brought | None) -> None:
        """Photos are trained on at once, unless a result came with them: that is looked at."""
        bench = self._bench
        bench.posing.forget()
        bench.run.clear()
        bench.session.set_result(None)
        bench.session.set_dataset(dataset)
        bench.dataset_shown.emit(dataset)
        count = len(dataset.views)
        bench.said.emit("info", f"Opened {dataset.name}: {count} posed photo{'s' * (count != 1)}")
        if result is not None:
            self._take_result(result)
        else:
            bench.begin()

    def _take_result(self, result: _Brought) -> None:
        bench = self._bench
        bench.run.clear()
        self._say_notes(result.asset)
        bench.said.emit("info", f"Opened {result.name}: {exportable(result.asset).amount}")
        bench.session.set_result(result.asset, result.name)
        if isinstance(result.asset, DiffusionModel):
            bench.choose(bench.kind_of(result.asset).id)  # nobody else can do anything with it
        bench.result_shown.emit(result.shown)

    def _take_shape(self, shape: Mesh | PointCloud, name: str) -> None:
        bench = self._bench
        alone = bench.situation.is_empty
        self._say_notes(shape)
        mesh = isinstance(shape, Mesh)
        what = f"{len(shape.faces):,} triangles" if mesh else f"{len(shape):,} points"
        bench.said.emit("info", f"Opened {name}: {what}")
        bench.session.add(shape)
        if alone:
            bench.shape_alone.emit()

    def _say_notes(self, asset: Any) -> None:
        bench = self._bench
        for sentence in asset.notes:
            bench.said.emit("warn", sentence)
