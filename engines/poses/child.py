"""The process that does the native work: `python -m engines.poses.child WORK`.

Reads WORK/job.json, tells on standard output how it gets on, waits for an answer after each
line (see `engines.poses.protocol`), and leaves database.db, sparse/0 and outcome.json.
"""

import os
import sys
from pathlib import Path

import psutil
import pycolmap

from assets.errors import InputError
from engines.poses.job import read_job
from engines.poses.pipeline import find_poses
from engines.poses.protocol import Stuck
from engines.poses.talk import Talk

_QUIET = 3
"""Only what ends the process; Ceres warns of every step that it takes back."""
_NICENESS = 10


def main(folder: Path) -> int:
    """Do the job in `folder`; 0 also where no poses could be found."""
    talk = Talk.of_process()
    pycolmap.logging.minloglevel = _QUIET
    _step_back()
    try:
        find_poses(folder, read_job(folder), talk)
    except InputError as error:
        talk.say(Stuck(message=str(error)))
    return 0


def _step_back() -> None:
    """Whoever draws goes first where there are fewer cores than work."""
    process = psutil.Process()
    process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICENESS)


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    sys.stderr.flush()
    os._exit(status)  # the thread that listens still waits for a line
