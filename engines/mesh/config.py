"""What a person can set about making a mesh."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from engines.settings import Setting, check

LEAST_TRUNCATION = 3.0
"""Cells; below, the distances on both sides of a surface do not meet any more."""

ONLY_FOR_CLOUDS = frozenset({"agreement", "truncation", "view_size", "device"})
ONLY_FOR_FIELDS = frozenset({"level"})
"""Settings that mean nothing for the others."""


@dataclass(frozen=True, kw_only=True)
class MeshConfig:
    """Settings of one mesh; the defaults suit a thing or a table top in a minute on a laptop."""

    resolution: Annotated[
        int,
        Setting("Cells along the longest side of the box", low=16, high=2_000, step=32),
    ] = 192
    level: Annotated[
        float,
        Setting(
            "For radiance fields: the density at which their surface is taken, per unit of the "
            "scene; lower keeps thin things, higher leaves haze out, automatic is what agrees "
            "best with the depth that the photos' cameras see",
            low=0,
            high=1e9,
            step=1,
            label="Density level",
            zero="auto",
        ),
    ] = 0.0
    faces: Annotated[
        int,
        Setting(
            "Most triangles of the mesh, which is simplified to have no more; 0 keeps all",
            low=0,
            high=50_000_000,
            step=10_000,
            label="Most triangles",
            zero="all",
        ),
    ] = 0
    box: Annotated[
        tuple[float, ...],
        Setting(
            "Only what lies in this box: its low corner x y z, then its high corner x y z, in "
            "units of the scene; without it the box follows from what the cameras see"
        ),
    ] = ()
    smallest_piece: Annotated[
        float,
        Setting(
            "Loose pieces with less area than this part of the largest one are left out",
            unit="%",
            low=0,
            high=100,
            step=0.5,
        ),
    ] = 1.0
    truncation: Annotated[
        float,
        Setting(
            "How far before and behind a seen surface depth is believed; more is smoother and "
            "closes more gaps, less keeps thin things apart",
            unit="cells",
            low=0,
            high=60,
            step=0.5,
            tier="advanced",
            zero="auto",
        ),
    ] = 0.0
    agreement: Annotated[
        int,
        Setting(
            "Views that must have seen a surface, but never more than a third of all",
            low=1,
            high=100,
            tier="advanced",
            label="Agreeing views",
        ),
    ] = 3
    opacity: Annotated[
        float,
        Setting(
            "A pixel shows a surface where at least this part of the light is stopped",
            low=0.01,
            high=0.99,
            step=0.05,
            tier="advanced",
            label="Surface opacity",
        ),
    ] = 0.5
    views: Annotated[
        int,
        Setting(
            "Most cameras from which depth is drawn, taken evenly",
            low=1,
            high=10_000,
            step=10,
            tier="advanced",
            label="Most views",
        ),
    ] = 120
    view_size: Annotated[
        int,
        Setting(
            "Longest side of the drawn depth; automatic is what the resolution can use",
            unit="px",
            low=0,
            high=8_192,
            step=100,
            tier="advanced",
            zero="auto",
        ),
    ] = 0
    memory_mb: Annotated[
        int,
        Setting(
            "A mesh that is likely to need more memory than this is refused beforehand",
            unit="MB",
            low=100,
            high=1_000_000,
            step=500,
            tier="advanced",
            label="Memory limit",
        ),
    ] = 2_000
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        Setting("What draws the depth; auto takes a GPU where one works", tier="advanced"),
    ] = "auto"

    @property
    def truncation_cells(self) -> float:
        """`truncation`, or what suits depth that is wrong by up to 3 % of the box."""
        return self.truncation or max(LEAST_TRUNCATION, 0.03 * self.resolution)

    def __post_init__(self) -> None:
        check(self)
        if 0 < self.truncation < LEAST_TRUNCATION / 2:
            raise ValueError(
                f"Truncation is {self.truncation:g}; expected 0 for automatic or at least "
                f"{LEAST_TRUNCATION / 2:g} cells"
            )
        if not self.box:
            return
        if len(self.box) != 6 or not all(math.isfinite(value) for value in self.box):
            raise ValueError("Box needs six numbers: x y z of its low corner and of its high one")
        if any(low >= high for low, high in zip(self.box[:3], self.box[3:], strict=True)):
            raise ValueError("Box is empty; each number of its low corner must be the smaller one")
