"""Who came from whom, when and why: the memory of every clone, split and prune."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np


class Birth(IntEnum):
    """Why a Gaussian exists."""

    START = 0
    CLONE = 1
    """Small and with a high view-space gradient: under-reconstruction."""
    SPLIT = 2
    """Large and with a high view-space gradient: over-reconstruction."""
    RELOCATION = 3
    """A faint one was moved here (MCMC)."""
    SAMPLE = 4
    """Sampled from a visible one to grow the population (MCMC)."""


class Death(IntEnum):
    """Why a Gaussian is gone."""

    SPLIT = 0
    """Replaced by its two children; the value is its view-space gradient."""
    OPACITY = 1
    """Too faint; the value is its opacity."""
    SCALE = 2
    """Too large; the value is its largest scale over the scene's extent."""
    RELOCATION = 3
    """Faint and moved elsewhere under a new id; the value is its opacity."""


BIRTH = np.dtype(
    [
        ("id", "i8"),
        ("parent", "i8"),
        ("step", "i4"),
        ("cause", "u1"),
        ("gradient", "f4"),
        ("scale", "f4"),
        ("opacity", "f4"),
    ]
)
"""One birth; gradient, scale and opacity are the parent's when it was decided."""
DEATH = np.dtype([("id", "i8"), ("step", "i4"), ("cause", "u1"), ("value", "f4")])


@dataclass
class Lineage:
    """All births and deaths of a run, in order; parent -1 means from the start."""

    births: list[np.ndarray] = field(default_factory=list)
    deaths: list[np.ndarray] = field(default_factory=list)
    next_id: int = 0

    def bear(
        self,
        count: int,
        *,
        step: int,
        cause: Birth,
        parents: np.ndarray | None = None,
        gradients: np.ndarray | float = np.nan,
        scales: np.ndarray | float = np.nan,
        opacities: np.ndarray | float = np.nan,
    ) -> np.ndarray:
        """Record `count` births and return their new ids [count] int64."""
        rows = np.empty(count, dtype=BIRTH)
        rows["id"] = np.arange(self.next_id, self.next_id + count)
        rows["parent"] = -1 if parents is None else parents
        rows["step"], rows["cause"] = step, cause
        rows["gradient"], rows["scale"], rows["opacity"] = gradients, scales, opacities
        self.next_id += count
        self.births.append(rows)
        return rows["id"].copy()

    def bury(self, ids: np.ndarray, *, step: int, cause: Death, values: np.ndarray) -> None:
        """Record the deaths of `ids` and the value that led to each."""
        rows = np.empty(len(ids), dtype=DEATH)
        rows["id"], rows["step"], rows["cause"], rows["value"] = ids, step, cause, values
        self.deaths.append(rows)

    def all_births(self) -> np.ndarray:
        """One `BIRTH` array; row i is the birth of id i."""
        return np.concatenate(self.births) if self.births else np.empty(0, dtype=BIRTH)

    def all_deaths(self) -> np.ndarray:
        """One `DEATH` array in order of time."""
        return np.concatenate(self.deaths) if self.deaths else np.empty(0, dtype=DEATH)

    def birth_of(self, identity: int) -> np.void:
        """The `BIRTH` row of one id; raises KeyError for an id that never was."""
        return self.births_of(np.array([identity]))[0]

    def births_of(self, ids: np.ndarray) -> np.ndarray:
        """[k] `BIRTH` rows of `ids` [k]; raises KeyError for an id that never was.

        What was recorded never changes. So another thread may ask while the run goes on,
        about ids that it was given together with a cloud.
        """
        chunks = [chunk for chunk in tuple(self.births) if len(chunk)]
        firsts = np.array([chunk["id"][0] for chunk in chunks], dtype=np.int64)
        places = np.searchsorted(firsts, ids, side="right") - 1
        found = np.empty(len(ids), dtype=BIRTH)
        for k, (place, identity) in enumerate(zip(places.tolist(), ids.tolist(), strict=True)):
            within = identity - firsts[place] if place >= 0 else -1
            if not 0 <= within < len(chunks[place]):
                raise KeyError(identity)
            found[k] = chunks[place][within]
        return found
