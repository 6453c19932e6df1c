"""What the doctor can say: findings, each with the photos it is about and one thing to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["good", "note", "warn", "bad"]
"""Fine; worth knowing; costs quality; likely not to work."""
Grade = Literal["A", "B", "C", "D"]
"""Fine; usable; doubtful; not likely to work."""
GRADE_WORDS: dict[Grade, str] = {
    "A": "Good photos",
    "B": "Usable photos",
    "C": "Doubtful photos",
    "D": "Not likely to work",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found."""

    kind: str
    """A name for tests and scripts: "blur", "exposure", "duplicates", "weak_group" ..."""
    level: Level
    title: str
    """A few words: "3 photos are blurred"."""
    words: str
    """One sentence on what was seen and why it matters."""
    advice: str = ""
    """One thing to do, as a sentence; empty where there is nothing to do."""
    photos: tuple[str, ...] = ()
    """Names, the worst first."""
    may_go: bool = False
    """The rest is better off without these photos."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of one photo before posing."""

    sharpness: float
    """How much fine detail there is, comparable between photos of one set; 0 is none."""
    brightness: float
    """Mean of the sRGB luma in [0, 1]."""
    clipped: float
    """Share of pixels that are black or white through and through."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Everything the doctor found at one stage."""

    stage: Literal["photos", "poses"]
    grade: Grade
    findings: tuple[Finding, ...]
    """The gravest first; never empty."""
    measured: Mapping[str, Measured] = field(default_factory=dict)
    """By photo; empty after posing."""
    holes: tuple[float, ...] = ()
    """After posing: for sectors of equal angle around what was photographed, seen from above
    and starting at the first horizontal axis, the number of cameras in each; else empty."""

    @property
    def summary(self) -> str:
        """The grade in words: "B: usable photos"."""
        words = GRADE_WORDS[self.grade]
        if self.stage == "poses":
            words = words.replace("photos", "camera poses")
        return f"{self.grade}: {words[0].lower()}{words[1:]}"

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        return asdict(self)
