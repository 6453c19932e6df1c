"""What the process that does the native work and the engine say to each other.

The child writes one JSON object a line on its standard output, {"kind": ..., fields}, and
waits for one line on its standard input after each: so it goes no further than whoever
reads it wants. The answer is GO, or LOOK to ask for a snapshot of cameras and points along
with the next `Registered` or `Adjusted`. The end of standard input means that nobody
listens any more, and the child ends. What is big goes through files in the working folder.
"""

import json
from dataclasses import asdict, dataclass, fields

GO, LOOK = "go", "look"


@dataclass(frozen=True, kw_only=True)
class Phase:
    """How far a part of the work is; `phase` is for people."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Features:
    """One photo was looked at."""

    photo: str
    count: int
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Some pairs were compared."""

    done: int
    total: int
    inliers: list[tuple[int, int, int]]
    """(i, j, n): photos i < j by their place in the job, n matches that agree."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One more photo has a place."""

    photo: str
    registered: int
    points: int
    snapshot: str = ""
    """Name of a file in the working folder with cameras and points, if it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Bundle adjustment of everything is done."""

    registered: int
    points: int
    error_px: float
    """In pixels of the photos as they were matched."""
    snapshot: str = ""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A sentence for people, such as how the work was made easier after a failure."""

    message: str
    warn: bool = True


@dataclass(frozen=True, kw_only=True)
class Done:
    """The model lies in the working folder, and outcome.json beside it."""


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """No poses could be found, or the work cannot go on: what happened and what to do."""

    message: str


Message = Phase | Features | Pairs | Placed | Bundle | Note | Done | Stuck
_KINDS = {
    kind.__name__.lower(): kind
    for kind in (Phase, Features, Pairs, Placed, Bundle, Note, Done, Stuck)
}


def encode(message: Message) -> str:
    """One line without its end."""
    return json.dumps({"kind": type(message).__name__.lower(), **asdict(message)})


def decode(line: str) -> Message:
    """The message in a line; raises ValueError for what is none."""
    try:
        values = json.loads(line)
        kind = _KINDS[values.pop("kind")]
        return kind(**{field.name: values[field.name] for field in fields(kind)})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no message: {line[:200]!r}") from error
