"""Keeps page and panels at the run or the file that draws: asks for samples, shows them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QImage

from app.docks import Docks
from app.drawing import Drawer, Drawing, Order
from app.drawnwords import progress_of, words_of
from app.exports import Exportable
from app.feed import Feed
from app.imagesets import DiffusionModel
from app.jobs import Job
from app.nearest import NONE_OPEN, Learnt, Reader, of_file, of_run
from app.panels.drawrow import DrawRow
from app.panels.health import IN_STAGE_2
from app.panels.samples import SamplesPanel, Shown
from app.run import State
from app.saving import Snapshot
from app.starting import Starting
from app.workbench import Workbench
from assets.files import atomic_write
from engines.diffusion.artifacts import Health, Sheet

if TYPE_CHECKING:
    from app.panels.guidancelook import GuidanceWish
    from app.panels.pathguidance import PathGuidance
    from app.panels.pathplane import PathPlane
    from app.panels.planelook import PlaneWish
    from engines.diffusion.artist import Artist, Wish
    from engines.diffusion.likeness import Likeness

REFERENCE = 2_000
"""Points that are learnt from, as many as are shown behind samples."""


class Diffusing(QObject):
    """Belongs to a window, in whose thread all methods are called."""

    drawn = Signal(object)
    """The `Drawing` that is on show, stroke by stroke; None once it is stale."""

    def __init__(self, bench: Workbench, feed: Feed, docks: Docks) -> None:
        super().__init__(feed)
        path, attention = docks.path, docks.attention
        self._bench, self._health, self._path = bench, docks.health, path
        self._feed = feed
        self.page = page = SamplesPanel()
        page.hide()
        self.starting = Starting(bench, page)
        self._drawer, self._beside = Drawer(), Drawer()
        self._drawing: Drawing | None = None
        self._new_capture = attention.new_capture
        self._order: Order | None = None
        """The one whose drawing is on show or on its way."""
        self._other: Order | None = None
        """The one whose drawing is to lie beside it."""
        self._fresh = False
        """Nothing of that one was shown yet."""
        self._engine: Any = None
        self._learnt: Learnt | None = None
        """The images that samples are looked for in, once they were."""
        self._search: Job | None = None
        feed.noted.connect(self._note)
        feed.ticked.connect(self.tick)
        feed.refreshed.connect(self.tick)
        bench.run.engine_built.connect(self._take_engine)
        bench.changed.connect(lambda: page.setVisible(self.is_on_show))
        bench.dataset_shown.connect(self._forget)
        bench.run_begins.connect(self.clear)
        bench.result_shown.connect(self._take_result)
        page.draw.asked.connect(self.draw)
        page.draw.stopped.connect(self.stop)
        page.enlarged.connect(self._look_for_nearest)
        self._strips = path.strip, attention.strip
        page.sample_picked.connect(self._look_at)
        for strip in self._strips:
            strip.picked.connect(self._look_at)
        page.export_asked.connect(self._export)
        self.drawn.connect(path.show_drawing)
        self.drawn.connect(attention.show_drawing)
        path.compare_wanted.connect(self.draw_beside)
        path.compare.stopped.connect(self.stop_beside)
        path.plane.wanted.connect(self._look_at_plane)
        path.guidance.wanted.connect(self._look_at_guidance)
        attention.record_wanted.connect(page.draw.record_attention)
        page.draw.recording_changed.connect(attention.set_recording)

    @property
    def is_on_show(self) -> bool:
        """The page has something to show or will have, so it is in the viewport's place."""
        return self._bench.shows_images

    def close(self) -> None:
        """End the drawing thread."""
        self._drawer.close()
        self._beside.close()

    def clear(self, _what: object = None) -> None:
        """What was drawn belongs to something that is gone."""
        self.stop()
        self._drop_beside()
        self._engine = self._learnt = self._order = self._drawing = None
        self._look_at(-1)
        self._path.compare.forget()
        self.page.clear()
        self.page.set_trains(True)
        self.page.draw.set_words(None)
        self.page.draw.set_able(False)
        self.starting.set_shape(None)
        self._path.plane.show_data(None)
        self.drawn.emit(None)

    def _forget(self, _what: object = None) -> None:
        """Other data, or none: an image to start from was chosen for what is gone."""
        self.clear()
        self.starting.forget()

    # -- what there is to draw from --------------------------------------------------------------

    def _take_engine(self, engine: Any) -> None:
        if self._bench.posing.is_at_work or self._bench.run_kind.learns != "images":
            return
        self._engine = engine
        self._path.show_data(engine.data.name)
        self._offer(engine.vocabulary, engine.data.classes if engine.config.classifier else ())
        self.page.draw.set_taught(getattr(engine.data, "teacher", None) is not None)
        places = getattr(engine.train, "places", None)
        if places is not None:
            self.page.grid.set_reference(places[:REFERENCE].numpy())
            self._path.plane.show_data(places[:REFERENCE].numpy())
        self.page.draw.set_points(places is not None)
        self.starting.set_shape(engine.data.images.shape[1:] if places is None else None)

    def _take_result(self, shown: object) -> None:
        self._forget()
        if isinstance(shown, DiffusionModel):
            self.page.set_trains(False)
            self._path.show_data(shown.saved.name)
            self.page.draw.set_able(True)
            classifier = shown.saved.classifier
            self._offer(shown.saved.vocabulary, classifier.config.classes if classifier else ())
            self.page.draw.set_taught(bool(shown.saved.diffusion.get("taught")))
            shape = shown.saved.shape
            self.page.draw.set_points(len(shape) == 1)
            self.starting.set_shape(None if len(shape) == 1 else shape)
            self.draw()

    def _offer(self, vocabulary: Any, named: tuple[str, ...]) -> None:
        words = None if vocabulary is None else vocabulary.words
        classes = bool(vocabulary and vocabulary.classes)
        self.page.draw.set_words(words, classes=classes, named=named)

    def _artist(self) -> "Callable[[], Artist] | None":
        """What makes a snapshot that draws, on any thread."""
        if self._engine is not None:
            return self._engine.artist
        result = self._bench.session.result
        if not isinstance(result, DiffusionModel):
            return None

        def made() -> "Artist":
            from engines.diffusion.artist import Artist

            return Artist.of(result.saved)

        return made

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw what the box asks for, in place of what is being drawn."""
        box, artist = self.page.draw, self._artist()
        if artist is None:
            return
        try:
            settings = box.settings
        except ValueError as error:
            box.row.say(f"These settings do not go together: {error}", grave=True)
            return
        from engines.diffusion.artist import Wish

        wish = Wish(
            count=settings.count,
            texts=box.texts,
            sampler=settings.sampler,
            steps=settings.steps,
            **box.guidances,
            eta=settings.eta if settings.sampler == "ddim" else 0.0,
            noise=settings.noise if settings.sampler == "ddpm" else "auto",
            seed=settings.seed,
            averaged=settings.averaged,
            **self.starting.wish(),
        )
        capture = self._new_capture if settings.attention else None
        start = self.starting.words(wish)
        self.order(Order(artist=artist, wish=wish, capture=capture, start=start))

    def draw_beside(self, wish: "Wish") -> None:
        """Have another run drawn by the model of the drawing on show, to be compared with it."""
        if (drawing := self._drawing) is not None:
            self._other = Order(artist=lambda: drawing.artist, wish=wish)
            self._path.compare.row.begin()
            self._beside.ask(self._other)

    def order(self, order: Order) -> None:
        """Have something drawn and shown."""
        self._order, self._fresh = order, True
        self.page.draw.row.begin()
        self.stop_beside()
        self._drawer.ask(order)

    def stop(self) -> None:
        """Draw nothing more; what is drawn stays on show."""
        self._drawer.stop()
        self.page.draw.row.rest()

    def stop_beside(self) -> None:
        """Draw no more of the run beside it; what is drawn of that stays on show."""
        if self._beside.busy:
            self._beside.stop()
            self._path.compare.row.rest()

    def _drop_beside(self) -> None:
        """What was drawn beside a drawing means nothing beside another one."""
        self._other = None
        self._beside.stop()
        self._path.compare.row.clear()

    def tick(self) -> None:
        """Show what was drawn, and what is waited for; called by the window's timer."""
        self._say_waiting()
        self._say_able()
        # A problem is set after what was drawn before it, so that it is also said after that.
        problem = self._drawer.take_problem()
        drawing = self._drawer.take()
        if drawing is not None and drawing.order is self._order and drawing.strokes:
            self._show(drawing)
        if problem:
            self._fail(self.page.draw.row, problem)
        problem = self._beside.take_problem()
        other = self._beside.take()
        if other is not None and other.order is self._other:
            self._path.compare.row.follow(other)
            self._path.show_other(other)
        if problem and self._other is not None:
            self._fail(self._path.compare.row, problem)

    def _say_able(self) -> None:
        """While the first of two stages is learnt there is nothing to draw with."""
        engine = self._engine
        first = engine is not None and engine.in_first_stage
        self._health.wait_for(*((IN_STAGE_2,) if first else ()))
        if engine is not None:
            lacks = engine.lacks
            self.page.draw.set_able(not lacks, lacks if first else "")

    def _say_waiting(self) -> None:
        bench, progress = self._bench, self._feed.progress
        if bench.run.state is not State.PREPARING or not progress.phase:
            self.page.wait_for()
            return
        done, total = progress.prepared
        taught = bench.distilling.is_at_work and bench.is_reading
        what = "The teacher draws what the student will learn from" if taught else progress.phase
        count = f"\n{done:,} of {total:,}" if total > 1 else ""
        self.page.wait_for(f"{what}{count}", done / total if total > 1 else None)

    def _show(self, drawing: Drawing) -> None:
        page = self.page
        page.show_drawn(_shown(drawing), first=self._fresh)
        if self._fresh:
            self._drop_beside()
        self._fresh = False
        page.draw.row.follow(drawing)
        self._drawing = drawing
        self.drawn.emit(drawing)

    def _fail(self, row: DrawRow, problem: str) -> None:
        row.rest()
        if "\n" not in problem.strip():
            row.say(problem, grave=True)
            return
        last = problem.strip().splitlines()[-1]
        sentence = f"The samples could not be drawn ({last}). The log has the details"
        row.say(sentence, grave=True)
        self._bench.trouble(sentence, problem)

    def _look_at_plane(self, wish: "PlaneWish") -> None:
        self._look("Looking at points in the plane", wish, self._path.plane)

    def _look_at_guidance(self, wish: "GuidanceWish") -> None:
        self._look("Looking at what guidance does", wish, self._path.guidance)

    def _look(
        self, words: str, wish: "PlaneWish | GuidanceWish", asks: "PathPlane | PathGuidance"
    ) -> None:
        """Find out what a part of the path panel wants to show, off the window's thread."""

        def failed(sentence: str, details: str) -> None:
            asks.give_up()
            self._bench.trouble(sentence, details)

        self._bench.jobs.start(
            words, lambda _job: wish.find(), done=asks.take, failed=failed, quiet=True
        )

    # -- what the run leaves ---------------------------------------------------------------------

    def _note(self, artifact: object) -> None:
        match artifact:
            case Sheet():
                self.page.show_sheet(artifact)
            case Health():
                self._health.show_health(artifact)

    def _look_at(self, row: int) -> None:
        """One sample of the drawing is looked at, wherever it was picked."""
        self.page.look_at_sample(row)
        for strip in self._strips:
            strip.look_at(row)

    # -- one sample ------------------------------------------------------------------------------

    def _look_for_nearest(self, image: Any) -> None:
        if self._search is not None:
            self._search.cancel()
        view, reader, learnt = self.page.view, self._reader(), self._learnt
        if reader is None:
            view.show_nearest(None, "", NONE_OPEN)
            return
        images = self._engine.train if self._engine else learnt and learnt.pictures
        words = f"Looking among {len(images):,} images" if images else "Reading the images"
        view.show_nearest(None, words, "")

        def search(job: Job) -> "tuple[Learnt, Likeness]":
            found = learnt or reader(job)
            return found, found.likeness(image)

        def found(result: "tuple[Learnt, Likeness]") -> None:
            self._learnt, like = result
            view.show_nearest(like.image, self._learnt.name_of(like), like.sentence)

        def failed(sentence: str, details: str) -> None:
            view.show_nearest(None, "", sentence)
            if details:
                self._bench.trouble(sentence, details)

        self._search = self._bench.jobs.start(
            "Looking for the nearest training image",
            search,
            done=found,
            failed=failed,
            quiet=learnt is not None or self._engine is not None,
        )

    def _reader(self) -> Reader | None:
        """What reads the images that the model on show learnt from; None where none are open."""
        if self._engine is not None:
            return of_run(self._engine)
        session = self._bench.session
        is_model = isinstance(session.result, DiffusionModel)
        return of_file(session.result, session.images) if is_model else None

    # -- taking away -----------------------------------------------------------------------------

    def _export(self) -> None:
        picture, shown = self.page.picture(), self.page.shown
        if picture is None or shown is None:
            return
        session = self._bench.session
        name = session.title.removesuffix(".safetensors")
        self._bench.saving.snapshot_ready.emit(
            Snapshot(
                what=_exportable(picture, shown),
                origin=f"{shown.words} of {name}",
                name=f"{name}-samples",
            )
        )


def _shown(drawing: Drawing) -> Shown:
    """Its samples, or what the model takes them for on their way."""
    stroke, order = drawing.strokes[-1], drawing.order
    wish = order.wish
    flat = stroke.x.ndim == 2
    samples = stroke.x0.numpy() if flat else stroke.bytes_of("x" if drawing.done else "x0")
    weights = "EMA" if wish.averaged else "raw weights"
    start = f"{order.start}, " if order.start else ""
    step = drawing.artist.step
    learnt = "" if step is None else f" at step {step:,}"
    origin = f"{start}{words_of(wish)}, {weights}{learnt}"
    return Shown(samples=samples, texts=wish.texts, origin=origin, unfinished=progress_of(drawing))


def _exportable(picture: QImage, shown: Shown) -> Exportable:
    count = len(shown.samples)
    state = f", {shown.unfinished[0].lower()}{shown.unfinished[1:]}" if shown.unfinished else ""

    def save(image: QImage, path: Any) -> None:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        with atomic_write(path) as file:
            file.write(buffer.data().data())

    def read(path: Any) -> QImage:
        return QImage(str(path))

    return Exportable(
        asset=picture,
        title="Export samples",
        formats={".png": "One picture of all samples on show, with their captions"},
        filter="Pictures (*.png)",
        facts=lambda _: f"{count} samples{state}, {picture.width()} x {picture.height()} pixels",
        amount=f"a picture of {count} samples{state}",
        arrived=lambda back: back.size() == picture.size(),
        save=save,
        read=read,
    )
