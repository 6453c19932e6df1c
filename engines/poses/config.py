"""What a person can set about finding camera poses."""

from dataclasses import dataclass
from typing import Annotated, Literal

from engines.settings import Setting, check


@dataclass(frozen=True, kw_only=True)
class PosesConfig:
    """Settings of one run of structure from motion; 0 and "auto" follow from the preset."""

    preset: Annotated[
        Literal["fast", "balanced", "thorough"],
        Setting(
            "fast looks at small pictures, balanced at larger ones, thorough also finds what is "
            "seen at a slant and compares more pairs"
        ),
    ] = "balanced"
    frames: Annotated[
        int, Setting("Frames taken from a video", low=3, high=2_000, step=10, label="Video frames")
    ] = 80
    pairing: Annotated[
        Literal["auto", "exhaustive", "sequential"],
        Setting(
            "Which photos are compared: exhaustive all with all, sequential each with those "
            "taken just before and after it and with look-alikes"
        ),
    ] = "auto"
    intrinsics: Annotated[
        Literal["auto", "shared", "separate"],
        Setting(
            "shared is one lens for all photos, separate one for each; auto shares where sizes "
            "and EXIF agree",
            label="Lens",
        ),
    ] = "auto"
    mapper: Annotated[
        Literal["incremental", "global"],
        Setting(
            "incremental adds one photo after the other, global places all at once",
            tier="advanced",
        ),
    ] = "incremental"
    photo_size: Annotated[
        int,
        Setting(
            "Longest side at which photos are compared",
            unit="px",
            low=0,
            high=8_192,
            step=100,
            tier="advanced",
            zero="auto",
        ),
    ] = 0
    features: Annotated[
        int,
        Setting(
            "Most points looked for in a photo",
            low=0,
            high=32_768,
            step=1_000,
            tier="advanced",
            zero="auto",
        ),
    ] = 0
    seed: Annotated[
        int, Setting("Start of the random numbers", low=0, high=2**31 - 1, tier="advanced")
    ] = 0

    def __post_init__(self) -> None:
        check(self)
