"""The ray of a cloud of Gaussians as the panel shows it: who made the pixel, and where from."""

from dataclasses import dataclass

import numpy as np

from app.panels.raypicture import (
    Column,
    LegendRow,
    RayPicture,
    Takers,
    count_column,
    figure_column,
    rank_column,
    share_column,
    span_of,
)
from app.widgets.figures import count, percent
from engines.artifacts import SplatRay
from engines.splats.lineage import Birth


@dataclass(frozen=True)
class Origin:
    """How one cause of birth is told."""

    role: str
    """Field of the theme, the same as where refinements are counted."""
    group: str
    sentence: str
    """With {parent} and {step}."""


ORIGINS = {
    Birth.START: Origin("muted", "from the start", "there from the start"),
    Birth.CLONE: Origin("clone", "cloned", "clone of {parent} at step {step}"),
    Birth.SPLIT: Origin("split", "split", "split from {parent} at step {step}"),
    Birth.RELOCATION: Origin("split", "relocated", "relocated onto {parent} at step {step}"),
    Birth.SAMPLE: Origin("clone", "added", "added at {parent} at step {step}"),
}


class SplatRayView:
    """See `app.panels.raypicture.RayView`."""

    levels: tuple[str, ...] = ("Gaussians",)
    level = 0

    def __init__(self, ray: SplatRay) -> None:
        self.ray = ray
        parts = ray.causes, ray.parents, ray.born
        causes, parents, born = parts
        known = causes is not None and parents is not None and born is not None
        self._births = (causes, parents, born) if known else None

    @property
    def is_empty(self) -> bool:
        """Whether no Gaussian lies along the ray."""
        return len(self.ray.rows) == 0

    def picture(self) -> RayPicture:
        """Stems at the Gaussians, the light as steps, and the two depths."""
        ray = self.ray
        roles: tuple[str, ...] = ("mark",)
        if self._births is not None:
            roles = tuple(ORIGINS[Birth(cause)].role for cause in self._births[0].tolist())
        takers = (Takers(start=ray.t, end=ray.t, weights=ray.weights, roles=roles),)
        low, high = span_of(takers)
        share = np.concatenate([ray.transmittance, [1.0 - ray.accumulation]])
        return RayPicture(
            takers=takers,
            light=np.column_stack(
                [np.concatenate([[low], np.repeat(ray.t, 2), [high]]), np.repeat(share, 2)]
            ),
            sigma=np.zeros((0, 3)),
            marks=((ray.depth, "expected"), (median_depth(ray), "median")),
        )

    def legend(self) -> list[LegendRow]:
        """The light that is left, and what each cause has brought into the pixel."""
        ray = self.ray
        left = percent(max(0.0, 1.0 - ray.accumulation), 1.0)
        rows = [LegendRow(role="label", label="light", value=left, more="left")]
        if self._births is None:
            most = percent(float(ray.weights.max(initial=0.0)), 1.0)
            rows.append(LegendRow(role="mark", label="weights", value=most, more="at most"))
            return rows
        for cause, origin in ORIGINS.items():
            mine = self._births[0] == cause
            if mine.any():
                share = percent(float(ray.weights[mine].sum()), ray.accumulation)
                number = count(int(mine.sum()))
                row = LegendRow(role=origin.role, label=origin.group, value=share, more=number)
                rows.append(row)
        return rows

    def columns(self) -> tuple[Column, ...]:
        """Figures of the rasteriser first, then who it is and where it comes from."""
        ray = self.ray
        figures = (
            rank_column(len(ray.t)),
            figure_column("Dist.", "Distance from the eye along the ray", ray.t, digits=4),
            share_column("α", "Opacity at this pixel", ray.alpha),
            share_column("T", "Share of the light that reaches it", ray.transmittance),
            share_column("Weight", "Its share in the pixel: α times T", ray.weights, width=56),
        )
        if ray.ids is None:
            return (*figures, count_column("Row", "Where it stands in the file", ray.rows))
        named = (*figures, count_column("Id", "Its number for life", ray.ids))
        if self._births is None:
            return named
        causes, parents, born = self._births
        parent = count_column("Parent", "The Gaussian that it came from", parents)
        birth = Column(
            title="Born",
            tip="Step at which it came to be, and by which cause",
            values=born,
            words=lambda i: f"{count(int(born[i]))} {ORIGINS[Birth(int(causes[i]))].group}",
            width=130,
        )
        return (*named, parent, birth)

    def colours(self) -> np.ndarray:
        """[k, 3] as seen from here."""
        return self.ray.colours

    def keys(self) -> np.ndarray:
        """[k] ids, or rows in the file."""
        return self.ray.rows if self.ray.ids is None else self.ray.ids

    def sentence(self, index: int) -> str:
        """Who it is, what it brings and where it comes from."""
        ray = self.ray
        share = f"{percent(float(ray.weights[index]), 1.0)} of the pixel"
        if ray.ids is None:
            return f"Gaussian in row {count(int(ray.rows[index]))}: {share}"
        words = f"Gaussian {count(int(ray.ids[index]))}: {share}"
        if self._births is None:
            return words
        causes, parents, born = self._births
        why = ORIGINS[Birth(int(causes[index]))].sentence
        step = count(int(born[index]))
        return f"{words}, {why.format(parent=count(int(parents[index])), step=step)}"

    def places(self, index: int) -> np.ndarray:
        """[2, 3] where the ray passes it, and its centre."""
        ray = self.ray
        return np.stack([ray.origin + ray.t[index] * ray.direction, ray.means[index]])


def median_depth(ray: SplatRay) -> float:
    """Distance at which half of the light that is stopped has been; 0 where none is."""
    passed = np.cumsum(ray.weights)
    if len(passed) == 0:
        return 0.0
    return float(ray.t[int(np.searchsorted(passed, 0.5 * passed[-1]))])
