"""What the program does where there is no display: the same run, left behind as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.commands.inputs import SAMPLE, any_photos
from engines.commands.methods import SPLATS
from engines.commands.poses import FindPoses
from engines.commands.progress import say
from engines.commands.render import Render
from engines.commands.train import Train
from engines.poses import PosesConfig
from engines.splats import SplatConfig

STEPS = 1_000
"""Enough for a good first look within a minute or two on two cores."""


@dataclass(frozen=True)
class Headless:
    """Learn each of the data sets (the bundled sample if none) and say where the results are."""

    paths: Sequence[Path]
    reason: str
    """Why there is no window."""

    def run(self) -> int:
        """Returns the exit status of the last run; InputError when a path cannot be used."""
        say(f"{self.reason}, so there is no window; training in the terminal instead.")
        status = 0
        for data in [str(path) for path in self.paths] or [SAMPLE]:
            status = self._one(data)
            if status:
                break
        return status

    def _one(self, data: str) -> int:
        from assets.posed import PosedPhotos

        dataset = any_photos(data)
        folder = fresh_folder(Path.cwd() / "runs", dataset.name)
        splat = folder / "splat.ply"
        say(f"Learning {dataset.name}, results go to {folder}")
        if not isinstance(dataset, PosedPhotos):
            cameras = folder / "colmap"
            status = FindPoses(photos=data, out=cameras, config=PosesConfig()).run()
            if status:
                return status
            data = str(cameras)
        config = SplatConfig(steps=STEPS)
        status = Train(
            method=SPLATS, data=data, out=splat, config=config, report=folder / "report.json"
        ).run()
        if splat.exists():
            Render(scene=splat, data=data, view="0", out=folder / "view.png").run()
        return status


def fresh_folder(parent: Path, name: str) -> Path:
    """Make `parent`/`name`, with a number behind it where there is one already."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip(".-") or "run"
    number = 1
    while True:
        folder = parent / (safe if number == 1 else f"{safe}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder
