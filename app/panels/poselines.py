"""What finding cameras has to say, in few sentences: one a phase, not one a photo."""

from collections.abc import Iterator
from statistics import median
from typing import Literal

from app.widgets.figures import count
from engines.doctor.finding import Diagnosis
from engines.events import (
    Diagnosed,
    Event,
    Failed,
    FeaturesFound,
    Finished,
    PairsMatched,
    Posed,
    Registered,
    Told,
)

Level = Literal["info", "good", "warn", "error"]
"""Levels of the log."""
LEVELS: dict[str, Level] = {"A": "good", "B": "info", "C": "warn", "D": "error"}
"""Level of the log by grade."""
FINDING_LEVELS: dict[str, Level] = {"good": "good", "note": "info", "warn": "warn", "bad": "error"}
"""Level of the log by level of a finding."""
Line = tuple[str, Level]
"""A sentence and its level."""


class PoseLines:
    """Gathers what comes one by one and says it once, when the phase is over."""

    def __init__(self) -> None:
        self._features: dict[str, int] = {}
        self._last: FeaturesFound | PairsMatched | Registered | None = None
        """The newest event of a phase that nothing was said of yet."""

    def lines(self, event: Event) -> Iterator[Line]:
        """What is to be said now that `event` came; mostly nothing."""
        match event:
            case FeaturesFound() | PairsMatched():
                yield from self._gather(event)
                if event.done >= event.total:
                    yield from self._close()
            case Registered():
                yield from self._gather(event)
            case Posed():
                self._last = None  # it says the same and more
                yield posed_words(event), "good" if event.registered == event.total else "info"
            case Diagnosed():
                if event.stage == "photos":  # a new run; an older one may have been stopped
                    self._last, self._features = None, {}
            case Told():
                yield event.message, "info"
            case Failed() | Finished():
                yield from self._close()

    def _gather(self, event: FeaturesFound | PairsMatched | Registered) -> Iterator[Line]:
        last = self._last
        if last is not None and (type(last) is not type(event) or _begins_anew(last, event)):
            yield from self._close()
        if isinstance(event, FeaturesFound):
            self._features[event.photo] = event.count
        self._last = event

    def _close(self) -> Iterator[Line]:
        last, features = self._last, self._features
        self._last, self._features = None, {}
        match last:
            case FeaturesFound():
                typical = count(median(features.values()))
                words = f"Looked for features in {_photos(last.done)}: {typical} in a typical one"
                yield words, "info"
            case PairsMatched():
                pairs = f"{count(last.connected)} of {count(last.done)} pairs"
                yield f"Compared photos: {pairs} see the same things", "info"
            case Registered():
                placed = f"{count(last.registered)} of {_photos(last.total)}"
                yield f"Placed {placed}, {count(last.points)} points", "info"


def posed_words(event: Posed) -> str:
    """What came out, as a sentence."""
    have = "has" if event.total == 1 else "have"
    words = (
        f"{count(event.registered)} of {_photos(event.total)} {have} a place, "
        f"{count(event.points)} points, {event.error_px:.1f} px"
    )
    if len(event.models) > 1:
        sizes = [count(size) for size in event.models]
        listed = f"{', '.join(sizes[:-1])} and {sizes[-1]}"
        words += f"; {count(len(sizes))} groups of {listed} photos, the largest is used"
    return words


def diagnosis_lines(diagnosis: Diagnosis) -> Iterator[Line]:
    """The grade, then each finding in a few words; the panel has the rest."""
    of = "cameras" if diagnosis.stage == "poses" else "photos"
    yield f"The doctor on the {of}: {diagnosis.summary}", LEVELS[diagnosis.grade]
    for found in diagnosis.findings:
        yield found.title, FINDING_LEVELS[found.level]


def _begins_anew(
    last: FeaturesFound | PairsMatched | Registered,
    event: FeaturesFound | PairsMatched | Registered,
) -> bool:
    """The same kind of work is done once more, such as another attempt at placing."""
    match last, event:
        case Registered(), Registered():
            return event.registered < last.registered
        case PairsMatched(), PairsMatched():
            return event.done < last.done or event.total != last.total
    return False


def _photos(number: int) -> str:
    return f"{count(number)} photo{'s' * (number != 1)}"
