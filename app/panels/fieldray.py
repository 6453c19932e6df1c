"""The ray of a radiance field, as the panel shows it: density, and the samples of each level."""

import numpy as np

from app.panels.raypicture import (
    Column,
    LegendRow,
    RayPicture,
    Takers,
    figure_column,
    rank_column,
    share_column,
)
from app.widgets.figures import number, percent
from engines.artifacts import FieldRay

ROLES = ("clone", "mark")
"""Fields of the theme for the levels; the last one makes the colour."""


class FieldRayView:
    """See `app.panels.raypicture.RayView`."""

    def __init__(self, ray: FieldRay) -> None:
        self.ray = ray
        self.levels = tuple(level.name for level in ray.levels)
        self.level = len(ray.levels) - 1
        self._roles = tuple(ROLES[i == self.level] for i in range(len(ray.levels)))

    @property
    def is_empty(self) -> bool:
        """Whether no sample was taken."""
        return all(len(level.weights) == 0 for level in self.ray.levels)

    def picture(self) -> RayPicture:
        """Density and light of the last level, the weights and ticks of all, and the depths."""
        ray, last = self.ray, self.ray.levels[-1]
        left = last.transmittance[-1:] - last.weights[-1:]
        takers = tuple(
            Takers(
                start=level.t_start,
                end=level.t_end,
                weights=level.weights,
                roles=(role,),
                ticks=True,
            )
            for level, role in zip(ray.levels, self._roles, strict=True)
        )
        distances = np.concatenate([last.t_start, last.t_end[-1:]])
        return RayPicture(
            takers=takers,
            light=np.column_stack([distances, np.concatenate([last.transmittance, left])]),
            sigma=np.column_stack([last.t_start, last.t_end, last.sigma]),
            marks=((ray.depth, "expected"), (ray.median_depth, "median")),
        )

    def legend(self) -> list[LegendRow]:
        """The light that is left, and how high density and weights go."""
        ray = self.ray
        left = percent(max(0.0, 1.0 - ray.accumulation), 1.0)
        most = number(float(ray.levels[-1].sigma.max(initial=0.0)))
        rows = [
            LegendRow(role="label", label="light", value=left, more="left"),
            LegendRow(role="split", label="density σ", value=most, more="at most"),
        ]
        for level, role in zip(ray.levels, self._roles, strict=True):
            label = "weights" if len(ray.levels) == 1 else f"weights, {level.name}"
            top = percent(float(level.weights.max(initial=0.0)), 1.0)
            rows.append(LegendRow(role=role, label=label, value=top, more="at most"))
        return rows

    def columns(self) -> tuple[Column, ...]:
        """One row for each sample of a level."""
        samples = self.ray.levels[self.level]
        length = samples.t_end - samples.t_start
        return (
            rank_column(len(length)),
            figure_column("Dist.", "Distance of its middle from the eye", self._middle(), digits=4),
            figure_column("σ", "Density, per unit of distance", samples.sigma, digits=3),
            share_column("T", "Share of the light that reaches it", samples.transmittance),
            share_column("Weight", "Its share in the pixel", samples.weights, width=52),
            figure_column("Length", "Of the stretch that it stands for", length, digits=3),
        )

    def colours(self) -> np.ndarray:
        """[m, 3] as seen from here."""
        return self.ray.levels[self.level].colours

    def keys(self) -> np.ndarray:
        """[m] places in the order along the ray."""
        return np.arange(len(self.ray.levels[self.level].weights))

    def sentence(self, index: int) -> str:
        """Which sample it is, what it brings and which stretch it stands for."""
        samples = self.ray.levels[self.level]
        share = percent(float(samples.weights[index]), 1.0)
        ends = number(float(samples.t_start[index])), number(float(samples.t_end[index]))
        return f"Sample {index + 1}: {share} of the pixel, from {ends[0]} to {ends[1]}"

    def places(self, index: int) -> np.ndarray:
        """[1, 3] the sample's middle."""
        ray = self.ray
        return (ray.origin + self._middle()[index] * ray.direction)[None]

    def _middle(self) -> np.ndarray:
        samples = self.ray.levels[self.level]
        return 0.5 * (samples.t_start + samples.t_end)
