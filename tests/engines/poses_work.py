"""Working folders for the process that finds poses, and a way to talk to it, for tests."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pycolmap
from PIL import Image

from assets.photos import FilePhoto
from assets.unposed import Shot
from engines.poses.config import PosesConfig
from engines.poses.job import IMAGES, SPARSE, Job, job_of
from engines.poses.protocol import GO, Message, decode

ROOT = Path(__file__).resolve().parents[2]


def shots_of(files: Iterable[Path]) -> list[Shot]:
    """The photo files as shots, without EXIF."""
    shots = []
    for path in sorted(files):
        with Image.open(path) as image:
            width, height = image.size
        shots.append(Shot(name=path.name, photo=FilePhoto(path, width, height), path=path))
    return shots


def write_work(work: Path, shots: list[Shot], config: PosesConfig | None = None, **more) -> Job:
    """A working folder with the photos linked and the job written."""
    (work / IMAGES).mkdir(parents=True, exist_ok=True)
    for shot in shots:
        target = work / IMAGES / shot.name
        if not target.exists():
            try:
                os.link(shot.path, target)
            except OSError:  # another disk, or somebody else's file
                target.write_bytes(shot.path.read_bytes())
    job = job_of(shots, config or PosesConfig(preset="fast"), **more)
    job.write(work)
    return job


def start(work: Path) -> subprocess.Popen:
    """The process, ready to talk."""
    return subprocess.Popen(
        [sys.executable, "-m", "engines.poses.child", str(work)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(work: Path, answers: Mapping[type, str] | None = None) -> list[Message]:
    """Everything that the process says, each answered; asserts that it ends well."""
    with start(work) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        messages = []
        for line in child.stdout:
            message = decode(line)
            messages.append(message)
            child.stdin.write((answers or {}).get(type(message), GO) + "\n")
            child.stdin.flush()
        words = child.stderr.read()
    assert child.returncode == 0, words
    return messages


def found_poses(work: Path) -> dict[str, np.ndarray]:
    """Camera-to-world [4, 4] by file name of the model that lies in the working folder."""
    model = pycolmap.Reconstruction(work / SPARSE / "0")
    poses = {}
    for image_id in model.reg_image_ids():
        image = model.images[image_id]
        pose = np.eye(4)
        pose[:3] = image.cam_from_world().inverse().matrix()
        poses[image.name] = pose
    return poses
