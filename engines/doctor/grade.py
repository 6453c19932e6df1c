"""From findings to one diagnosis: what comes first, and which grade it makes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from engines.doctor.finding import Diagnosis, Finding, Grade, Level, Measured

_ORDER: dict[Level, int] = {"bad": 0, "warn": 1, "note": 2, "good": 3}
_MANY = 1 / 3
"""A warning about more than this share of the photos counts for two."""


def diagnosis(
    stage: Literal["photos", "poses"],
    findings: Iterable[Finding],
    *,
    total: int,
    measured: Mapping[str, Measured] | None = None,
    holes: Sequence[float] = (),
) -> Diagnosis:
    """The gravest of `findings` first, with the grade they make among `total` photos."""
    ordered = tuple(sorted(findings, key=lambda finding: _ORDER[finding.level]))
    return Diagnosis(
        stage=stage,
        grade=grade_of(ordered, total=total),
        findings=ordered,
        measured=dict(measured or {}),
        holes=tuple(holes),
    )


def grade_of(findings: Iterable[Finding], *, total: int) -> Grade:
    """The grade of a set of `total` photos.

    D where anything is bad; C from two warnings on, one about more than a third of the
    photos counting for two; B with one warning; A where there are only notes or nothing.
    """
    warnings = 0
    for finding in findings:
        if finding.level == "bad":
            return "D"
        if finding.level == "warn":
            warnings += 2 if len(finding.photos) > _MANY * total else 1
    return ("A", "B", "C")[min(warnings, 2)]
