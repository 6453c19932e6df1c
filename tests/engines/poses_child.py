"""A stand-in for the process that finds poses, which behaves as badly as it is told to.

Called with the name of a behaviour and the working folder. It imports nothing heavy, so it
starts at once, and speaks the real protocol.
"""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engines.poses.job import DATABASE, SPARSE, Job, read_job
from engines.poses.outcome import Lens, Outcome, Placement
from engines.poses.protocol import (
    LOOK,
    Bundle,
    Done,
    Features,
    Message,
    Note,
    Pairs,
    Phase,
    Placed,
    Stuck,
    encode,
)


def tell(message: Message) -> str:
    """Say `message` and wait for the answer."""
    sys.stdout.write(encode(message) + "\n")
    sys.stdout.flush()
    answer = sys.stdin.readline()
    if not answer:
        sys.exit(3)
    return answer.strip()


def look(folder: Path, job: Job, count: int) -> str:
    """Leave a snapshot of the first `count` cameras."""
    import numpy as np

    names = [photo.name for photo in job.photos[:count]]
    np.savez(
        folder / "snapshot.npz",
        names=np.array(names),
        camera_to_world=np.tile(np.eye(4), (count, 1, 1)),
        intrinsics=np.tile([50.0, 50.0, 32.0, 24.0, 64.0, 48.0], (count, 1)),
        points=np.zeros((7, 3), np.float32),
        colours=np.ones((7, 3), np.float32),
    )
    return "snapshot.npz"


def leave_model(folder: Path, job: Job, count: int) -> None:
    """A COLMAP model of the first `count` photos, and the outcome."""
    model = folder / SPARSE / "0"
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text("1 PINHOLE 64 48 50 50 32 24\n")
    (model / "images.txt").write_text(
        "".join(
            f"{i + 1} 1 0 0 0 {i} 0 0 1 {photo.file}\n\n"
            for i, photo in enumerate(job.photos[:count])
        )
    )
    (model / "points3D.txt").write_text("1 0 0 5 255 0 0 0.5\n2 1 0 5 255 0 0 0.5\n")
    names = tuple(photo.name for photo in job.photos)
    Outcome(
        photos=names,
        features=dict.fromkeys(names, 100),
        pairs=tuple((i, i + 1, 40 + i) for i in range(len(names) - 1)),
        models=(names[:count],),
        placements=tuple(
            Placement(
                name=name,
                centre=(float(i), 0.0, 0.0),
                forward=(0.0, 0.0, 1.0),
                up=(0.0, -1.0, 0.0),
                points=50,
                depth=5.0,
                error_px=0.5,
            )
            for i, name in enumerate(names[:count])
        ),
        lenses=(
            Lens(
                model="PINHOLE",
                width=64,
                height=48,
                parameters=(50.0, 50.0, 32.0, 24.0),
                photos=count,
                focal_px=50.0,
                exif_focal_px=None,
            ),
        ),
        points=2,
        error_px=0.5,
        error_full_px=0.6,
        seconds={"features": 1.0},
    ).write(folder)


def work(behaviour: str, folder: Path) -> None:
    job = read_job(folder)
    count = len(job.photos)
    if behaviour == "deaf":  # to the end of the input and to a polite request
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        tell(Phase(phase="Finding features", done=1, total=9))
        time.sleep(600)
    if behaviour == "nonsense":
        while True:
            sys.stdout.write("WARNING: something native\n")
    for i, photo in enumerate(job.photos):
        sys.stderr.write(f"looking at {photo.name}\n")
        sys.stderr.flush()
        if behaviour == "garbage":
            sys.stdout.buffer.write(b'\xff\x00 not json\n{"kind": "lies"}\n{}\n[1]\n\n')
        tell(Features(photo=photo.name, count=100 + i, done=i + 1, total=count))
        if i == 1 and behaviour == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if i == 1 and behaviour == "abort":
            os.abort()
        if i == 1 and behaviour == "full":
            sys.stderr.write("SQLite error: database or disk is full\n")
            sys.exit(1)
        if i == 1 and behaviour == "traceback":
            raise RuntimeError("the dog ate it")
        if i == 1 and behaviour == "impossible pair":
            tell(Pairs(done=1, total=1, inliers=[(0, 99, 5)]))
    if behaviour == "damaged":
        database = folder / DATABASE
        if database.exists():
            sys.stderr.write("SQLite error: database disk image is malformed\n")
            sys.exit(1)
    (folder / DATABASE).touch()
    total = count * (count - 1) // 2
    tell(Pairs(done=1, total=total, inliers=[(0, 1, 40)]))
    tell(Pairs(done=2, total=total, inliers=[(0, 2, 0), (1, 2, 41)]))
    if behaviour == "stuck":
        tell(Stuck(message="The photos show nothing but a wall; take photos of something else"))
    tell(Note(message="Every photo is compared with every other now", warn=False))
    answer, snapshot = "", ""
    for i in range(2, count):
        snapshot = look(folder, job, i) if answer == LOOK else ""
        answer = tell(
            Placed(photo=job.photos[i].name, registered=i, points=10 * i, snapshot=snapshot)
        )
    tell(Bundle(registered=count - 1, points=20, error_px=0.5, snapshot=""))
    leave_model(folder, job, count - 1)
    if behaviour == "damaged model":
        (folder / SPARSE / "0" / "images.txt").write_text("nonsense\n")
    tell(Done())


work(sys.argv[1], Path(sys.argv[2]))
