"""Real photo sets through the command line, small and short, with bars that a fault trips over.

The bar of `fox_colmap` was set between the result (25.6 dB; 25.4 with another seed) and what
is reached when one thing is switched off: 25.0 without moving means, 24.9 without turning,
19.2 without scaling, 22.4 without opacities, 23.2 without colours, 24.7 without the structural
term, 23.9 without densification.
"""

import json
from pathlib import Path

import pytest

from main import main


@pytest.mark.parametrize(
    ("name", "downscale", "steps", "least_db", "photos"),
    [("fox_colmap", 8, 400, 25.1, 50), ("fox", 16, 150, 16.5, 50), ("kermit", 8, 300, 18.5, 9)],
)
def test_real_photos_are_learned(
    shared_data: Path, tmp_path: Path, capsys, name, downscale, steps, least_db, photos
):
    report = tmp_path / "r.json"
    words = ["train", "splats", shared_data / name, "--downscale", downscale, "--steps", steps,
             "--out", tmp_path / "a.ply", "--report", report]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    result = json.loads(report.read_text())
    assert result["data"]["photos"] == photos
    assert result["holdout"]["psnr"] > least_db
    assert result["train"]["psnr"] > least_db
    skipped = [e for e in result["history"] if e["kind"] == "Warned" and "17 of 67" in e["message"]]
    assert len(skipped) == (name == "fox"), "missing photos are mentioned, and once only"
    assert ("17 of 67" in capsys.readouterr().err) == (name == "fox")
