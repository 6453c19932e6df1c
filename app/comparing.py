"""From two chosen runs to one picture of both: asks for them and says how they differ."""

import math

from PySide6.QtCore import QObject, Signal

from app.asked import Exactly
from app.feed import Feed
from app.pair import GAIN, PairSource, PairView
from app.panels.compare import ComparePanel, Figures
from app.shelf import RunRecord, Shelf
from app.view import ViewControl


class Comparing(QObject):
    """Keeps panel and viewport at the two runs that a person chose. Window's thread only."""

    photo_wanted = Signal(bool)
    """The photo is to lie over the view, or no more."""

    def __init__(self, shelf: Shelf, view: ViewControl, panel: ComparePanel, feed: Feed) -> None:
        """`feed` owns it, and tells the shelf and it what happens."""
        super().__init__(feed)
        self._shelf, self._view, self._panel = shelf, view, panel
        self._runs: tuple[RunRecord, ...] = ()
        self._render_ms: dict[int, float] = {}
        """By run, what its last view took."""
        self._exactly: Exactly | None = None
        self._versions: tuple = ()
        self._asked_runs: tuple = ()
        """Series of the runs that `_versions` belong to."""
        self._photo = False
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

    def _update(self) -> None:
        pair, panel = self._pair, self._panel
        if pair is not None:
            panel.show_figures(*(self._figures(run) for run in pair))
            if panel.isVisible():
                panel.show_curves(pair[0].series, pair[1].series)
        if not panel.on.isChecked():
            panel.say("")
        self._follow()
        photo = panel.on.isChecked() and panel.way.value == "photo"
        if photo != self._photo:
            self._photo = photo
            self.photo_wanted.emit(photo)

    def _follow(self) -> None:
        """Have the viewport show the newest states of both."""
        pair, panel = self._pair, self._panel
        if pair is None or not panel.on.isChecked():
            self._exactly, self._versions = None, ()
            self._view.compare(None)
            return
        present = self._shelf.present
        states = []
        for run in pair:
            live = present is not None and run.series is present.series
            states.append(present.exactly if live else run.exactly)
        first, second = states
        if first is None or second is None:
            return
        versions = first.version, second.version
        same = len(self._versions) == 2 and all(map(_is, versions, self._versions))
        runs = pair[0].series, pair[1].series
        chosen_anew = not self._versions or self._asked_runs != runs
        if not same and (chosen_anew or self._view.asked.wants_newer):
            self._versions, self._asked_runs = versions, runs
            self._exactly = Exactly(lambda: PairSource(first.source(), second.source()), versions)
        mode = panel.side.value if panel.way.value == "photo" else panel.way.value
        self._view.compare(self._exactly, mode)

    def _say(self) -> None:
        view, pair = self._view.asked.view, self._pair
        if not isinstance(view, PairView) or pair is None:
            return
        took = [view.first_ms, view.second_ms]
        known = self._render_ms
        known.update({id(r.series): t for r, t in zip(pair, took, strict=True) if math.isfinite(t)})
        psnr = "the same" if math.isinf(view.psnr) else f"{view.psnr:.1f} dB apart (PSNR)"
        words = {
            "sides": f"A is left of the line, B right; drag it. They are {psnr}",
            "difference": f"|A − B| times {GAIN:.0f}. The two are {psnr}",
            "photo": "The photo is left of the line, the run right; drag it",
        }
        self._panel.say(words[self._panel.way.value])
        self._panel.show_figures(*(self._figures(run) for run in pair))

    def _figures(self, run: RunRecord) -> Figures:
        seen = run.evaluated
        return Figures(
            psnr=seen.psnr if seen is not None else math.nan,
            ssim=seen.ssim if seen is not None else math.nan,
            seconds=run.seconds,
            steps=run.steps,
            megabytes=run.megabytes,
            render_ms=self._render_ms.get(id(run.series), math.nan),
        )


def _is(one: object, other: object) -> bool:
    return one is other
