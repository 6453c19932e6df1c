"""Numbers that grow with a run, kept so that any stretch of them is drawn in constant time."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from engines.events import Evaluated, Event, Judged, Marked, Reconstructed, Refined, Stepped

RATIOS = {"samples_per_ray": ("samples", "rays")}
"""Quantities that follow from two others of the same step."""


class Series:
    """One named quantity over steps and seconds; float64, growing by doubling."""

    def __init__(self) -> None:
        self._data = np.empty((4, 256))
        self._length = 0
        self._fresh: list[tuple[float, float, float]] = []
        self._last = -math.inf

    def __len__(self) -> int:
        return self._length + len(self._fresh)

    @property
    def steps(self) -> np.ndarray:
        """[n] steps, ascending."""
        return self._table()[0]

    @property
    def seconds(self) -> np.ndarray:
        """[n] training time at each step."""
        return self._table()[1]

    @property
    def values(self) -> np.ndarray:
        """[n] values; may hold NaN."""
        return self._table()[2]

    def append(self, step: int, seconds: float, value: float) -> None:
        """Add a value; a step that was here before replaces it and all that came after."""
        if step <= self._last:
            self._length = int(np.searchsorted(self.steps, step))
        self._fresh.append((step, seconds, value))
        self._last = step

    def _table(self) -> np.ndarray:
        """[4, n]: steps, seconds, values and the running sum of the finite values."""
        if self._fresh:
            fresh, old = np.array(self._fresh).T, self._length
            self._fresh = []
            self._length += fresh.shape[1]
            room = self._data.shape[1]
            if self._length > room:
                wider = np.empty((4, max(2 * room, self._length)))
                wider[:, :old] = self._data[:, :old]
                self._data = wider
            start = self._data[3, old - 1] if old else 0.0
            self._data[:3, old : self._length] = fresh
            self._data[3, old : self._length] = start + np.cumsum(
                np.where(np.isfinite(fresh[2]), fresh[2], 0.0)
            )
        return self._data[:, : self._length]

    def trailing_mean(self, index: np.ndarray, window: int) -> np.ndarray:
        """Mean of the last `window` values up to and with each `index` [m]."""
        sums = self._table()[3]
        before = np.maximum(index - window, -1)
        earlier = np.where(before >= 0, sums[before], 0.0)
        return (sums[index] - earlier) / (index - before)

    def columns(self, x: np.ndarray, low: float, high: float, columns: int) -> np.ndarray:
        """First index of each of about `columns` equal stretches of `x` [n] in [low, high].

        The neighbours outside are included, so that lines run out of the picture. The
        first entry starts the first stretch, the last is one past the end of the last.
        """
        start = max(0, int(np.searchsorted(x, low)) - 1)
        stop = min(len(x), int(np.searchsorted(x, high, side="right")) + 1)
        if stop - start <= columns:
            return np.arange(start, stop + 1)
        cuts = np.searchsorted(x[start:stop], np.linspace(x[start], x[stop - 1], columns + 1)[1:-1])
        return np.unique(np.concatenate([[start], start + cuts, [stop]]))


def extremes(x: np.ndarray, y: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a line through all of `x`, `y` [n] looks like with two points a stretch of `cuts`.

    Lowest and highest value of each stretch stand side by side, in the order that the line
    takes on the whole; NaN only where all are NaN.
    """
    starts, counts = cuts[:-1], np.diff(cuts)
    if len(starts) == 0 or counts.max() <= 1:
        return x[starts], y[starts]
    part, offset = y[cuts[0] : cuts[-1]], starts - cuts[0]
    lows, highs = np.fmin.reduceat(part, offset), np.fmax.reduceat(part, offset)
    lasts = cuts[1:] - 1
    falling = y[starts] > y[lasts]
    pairs = [np.where(falling, highs, lows), np.where(falling, lows, highs)]
    return np.stack([x[starts], x[lasts]], axis=1).ravel(), np.stack(pairs, axis=1).ravel()


def nearest(x: np.ndarray, place: float) -> int:
    """Index of the entry of ascending `x` [n > 0] that is nearest to `place`."""
    right = int(np.clip(np.searchsorted(x, place), 1, len(x) - 1)) if len(x) > 1 else 0
    left = max(0, right - 1)
    return left if place - x[left] <= x[right] - place else right


class RunSeries:
    """All quantities of a run by name, and the moments worth a mark."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.marks: list[Marked] = []
        self._clock = 0.0

    def add(self, event: Event) -> bool:
        """Take what an event tells; False if it tells nothing for curves."""
        match event:
            case Stepped():
                self._clock = event.seconds
                self._put(event.step, {"step_ms": event.step_ms, **_with_ratios(event.scalars)})
            case Evaluated():
                quality = {"psnr": event.psnr, "ssim": event.ssim}
                values = {f"{event.split}/{name}": v for name, v in quality.items()}
                self._put(event.step, values, event.seconds)
            case Judged():
                self._put(event.step, {"holdout/loss": event.loss}, event.seconds)
            case Reconstructed():
                values = {"holdout/autoencoder": event.loss, "holdout/autoencoder_psnr": event.psnr}
                self._put(event.step, values, event.seconds)
            case Refined():
                self._put(event.step, {"gaussians_refined": event.total})
            case Marked():
                self.marks = [m for m in self.marks if m.step < event.step] + [event]
            case _:
                return False
        return True

    def _put(self, step: int, values: Mapping[str, float], seconds: float | None = None) -> None:
        for name, value in values.items():
            series = self.series.setdefault(name, Series())
            series.append(step, self._clock if seconds is None else seconds, float(value))

    def seconds_at(self, steps: Iterable[float]) -> np.ndarray:
        """Training time at `steps`, interpolated between known steps."""
        longest = max(self.series.values(), key=len, default=None)
        wanted = np.fromiter(steps, dtype=float)
        if longest is None or len(longest) == 0:
            return np.zeros_like(wanted)
        return np.interp(wanted, longest.steps, longest.seconds)

    def place(self, x: float, *, axis: str) -> tuple[int, float]:
        """(step, seconds) of the step nearest to `x` on the axis "steps" or "seconds"."""
        longest = max(self.series.values(), key=len)
        index = nearest(longest.steps if axis == "steps" else longest.seconds, x)
        return int(longest.steps[index]), float(longest.seconds[index])

    def to_csv(self) -> str:
        """A table with one row a step and one column a quantity; empty where not measured.

        Columns are step, seconds, the quantities by name, and mark.
        """
        names = sorted(self.series)
        marked = [float(mark.step) for mark in self.marks]
        steps = np.unique(np.concatenate([*(self.series[n].steps for n in names), marked]))
        seconds = self.seconds_at(steps)
        columns = []
        for name in names:
            one = self.series[name]
            place = np.searchsorted(steps, one.steps)
            seconds[place] = one.seconds
            columns.append(_spread(map(repr, one.values.tolist()), place, len(steps)))
        labels = (_quoted(mark.label) for mark in self.marks)
        columns.append(_spread(labels, np.searchsorted(steps, marked), len(steps)))
        first = (map(str, steps.astype(np.int64).tolist()), map(repr, seconds.tolist()))
        head = ",".join(["step", "seconds", *map(_quoted, names), "mark"])
        rows = map(",".join, zip(*first, *columns, strict=True))
        return "\r\n".join([head, *rows, ""])


def _with_ratios(scalars: Mapping[str, float]) -> dict[str, float]:
    found = dict(scalars)
    for name, (part, whole) in RATIOS.items():
        if part in scalars and scalars.get(whole):
            found[name] = scalars[part] / scalars[whole]
    return found


def _spread(words: Iterable[str], place: np.ndarray, length: int) -> list[str]:
    """A column of `length` cells with `words` at `place`, the others empty."""
    if len(place) == length:
        return list(words)
    column = [""] * length
    for index, word in zip(place.tolist(), words, strict=True):
        column[index] = word
    return column


def _quoted(word: str) -> str:
    """A cell of a table by RFC 4180."""
    return '"' + word.replace('"', '""') + '"' if set(word) & set(',"\r\n') else word
