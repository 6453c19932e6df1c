"""From two chosen runs to one picture of both: asks for them and says how they differ."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QObject

from app.asked import Exactly
from app.feed import Feed
from app.looks import Looks
from app.pair import Pair, PairSource, common
from app.pairview import GAIN, PairView
from app.panels.compare import PHOTO, ComparePanel, Figures
from app.photosource import PhotoSource
from app.shelf import RunRecord, Shelf
from app.view import ViewControl
from app.widgets.figures import percent
from assets.posed import View
from engines.engine import RenderSource


@dataclass(frozen=True, eq=False)
class _Took:
    """How long a run's engine took for a whole view, and how large that was."""

    milliseconds: float
    size: tuple[int, int]


class Comparing(QObject):
    """Keeps panel and viewport at the two runs that a person chose. Window's thread only."""

    def __init__(self, shelf: Shelf, view: ViewControl, panel: ComparePanel, feed: Feed) -> None:
        """`feed` owns it, and tells the shelf and it what happens."""
        super().__init__(feed)
        self._shelf, self._view, self._panel = shelf, view, panel
        self._runs: tuple[RunRecord, ...] = ()
        self._took: dict[int, _Took] = {}
        """By run, what its last whole view took."""
        self._asked: tuple = ()
        """What the pair on show was made of; compared by identity."""
        panel.changed.connect(self._update)
        shelf.changed.connect(self.refresh)
        feed.happened.connect(shelf.add)
        feed.refreshed.connect(self.refresh)
        feed.ticked.connect(self.tick)

    def refresh(self) -> None:
        """Show what is new in the panel; about once a second."""
        before, present = self._runs, self._shelf.present
        self._runs = (*((present,) if present is not None else ()), *self._shelf.kept)
        names = [run.name for run in self._runs]
        if [run.series for run in before] == [run.series for run in self._runs]:
            self._panel.rename(names)
        else:
            self._panel.show_runs(names)
        self._update()

    def tick(self) -> None:
        """Follow the present run and say what is on show; called by the window's timer."""
        if self._panel.on.isChecked():
            self._follow()
            self._say()

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _pair(self) -> tuple[RunRecord, RunRecord] | None:
        chosen = self._panel.chosen
        return None if chosen is None else (self._runs[chosen[0]], self._runs[chosen[1]])

    @property
    def _photo(self) -> View | None:
        """The photo that is compared: of the camera that was looked through last."""
        return self._view.go_to_photo() if self._panel.with_photo else None

    def _update(self) -> None:
        pair, panel = self._pair, self._panel
        if pair is not None:
            panel.show_figures(*(self._figures(run) for run in pair))
            if panel.is_in_sight:
                panel.show_curves(pair[0].series, pair[1].series)
        if not panel.on.isChecked():
            panel.say("")
        self._follow()

    def _follow(self) -> None:
        """Have the viewport show the newest states of what is compared."""
        pair, panel = self._pair, self._panel
        if pair is None or not panel.on.isChecked():
            self._asked = ()
            self._view.compare(None)
            return
        photo, runs = self._photo, [pair[place] for place in panel.sides if place != PHOTO]
        states = [self._state(run) for run in runs]
        if None in states:
            return
        apart, looks = panel.way.value == "difference", self._view.looks
        asked = (*(run.series for run in runs), photo, apart, looks)
        versions = tuple(state.version for state in states if state is not None)
        chosen_anew = not self._asked or not _alike(self._asked[0], asked)
        newer = not self._asked or not _alike(self._asked[1], versions)
        if chosen_anew or (newer and self._view.asked.wants_newer):
            self._asked = asked, versions
            made = _paired(runs, states, photo, names=panel.names, apart=apart, looks=looks)
            self._view.compare(made)

    def _state(self, run: RunRecord) -> Exactly | None:
        """Its newest state: of the present run what is on show."""
        present = self._shelf.present
        live = present is not None and run.series is present.series
        return present.exactly if live else run.exactly

    def _say(self) -> None:
        view, pair, panel = self._view.asked.view, self._pair, self._panel
        if not isinstance(view, PairView) or pair is None:
            return
        runs = [pair[place] if place != PHOTO else None for place in panel.sides]
        size = self._size
        for run, took in zip(runs, (view.first_ms, view.second_ms), strict=True):
            if run is not None and math.isfinite(took):
                self._took[id(run.series)] = _Took(took, size)
        panel.say(_sentence(view, *panel.names, apart=panel.way.value == "difference"))
        panel.show_figures(*(self._figures(run) for run in pair))

    @property
    def _size(self) -> tuple[int, int]:
        camera = self._view.asked.camera
        return camera.width, camera.height

    def _figures(self, run: RunRecord) -> Figures:
        seen, took = run.evaluated, self._took.get(id(run.series))
        same_size = took is not None and took.size == self._size
        return Figures(
            psnr=seen.psnr if seen is not None else math.nan,
            ssim=seen.ssim if seen is not None else math.nan,
            seconds=run.seconds,
            steps=run.steps,
            megabytes=run.megabytes,
            render_ms=took.milliseconds if took is not None and same_size else math.nan,
        )


def _paired(
    runs: list[RunRecord],
    states: list[Exactly | None],
    photo: View | None,
    *,
    names: tuple[str, str],
    apart: bool,
    looks: Looks,
) -> Pair:
    """What the viewport is to show of one run and the photo, or of two runs."""
    modes = ("colour",) if photo is not None else common(runs[0].modes, runs[1].modes)
    first, second = states[0], states[-1] if photo is None else None
    assert first is not None

    def source() -> PairSource:
        other: RenderSource
        if second is not None:
            other = looks.of(second.source())
        else:
            assert photo is not None
            other = PhotoSource(photo)
        return PairSource(looks.of(first.source()), other, modes=modes, apart=apart)

    key = (apart, None if photo is None else photo.name, looks)
    versions = tuple(state.version for state in states if state is not None)
    return Pair(
        exactly=Exactly(source, versions, key),
        sides=(first, second),
        names=names,
        modes=modes,
        divided=not apart,
    )


def _sentence(view: PairView, first: str, second: str, *, apart: bool) -> str:
    """What is on show and how far the two are apart."""
    with_photo = second == "the photo"
    if with_photo and not view.alpha.any():
        return "The view has left the photo; choose a photo to compare with it"
    if math.isnan(view.psnr):
        far = "How far they are apart is said once both are drawn in full"
    elif math.isinf(view.psnr):
        far = "They are the same"
    else:
        far = f"They are {view.psnr:.1f} dB apart (PSNR)"
    if apart:
        return f"|{first} − {second}| times {GAIN:.0f}, white from {percent(1, GAIN)} on. {far}"
    return f"{first} is left of the line, {second} right; drag it. {far}"


def _alike(one: tuple, other: tuple) -> bool:
    """Whether these hold the same things, or looks that are equal."""
    pairs = zip(one, other, strict=False)
    same = all(a is b or (isinstance(a, Looks) and a == b) for a, b in pairs)
    return len(one) == len(other) and same
