"""What is wrong with photos; without photos, what works on this machine and what to do."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from engines.commands.display import display_problem

ROOT = Path(__file__).resolve().parent.parent.parent
PROBE_TIMEOUT_S = 60.0

MARKS = {"good": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[red]broken[/]"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    state: Literal["good", "note", "bad"]
    """"note" is for what is missing but not needed."""
    words: str
    advice: str = ""


@dataclass(frozen=True)
class Doctor:
    """Looks at photos or, without any, at the machine, and says what it found."""

    photos: str | None = None
    """A folder of photos, a video, a finished COLMAP project or "sample"."""

    def run(self) -> int:
        """Returns 0 where training and, with a display, the window work; 1 otherwise.

        With photos: 0 for the grades A to C, 1 for D.
        """
        if self.photos is not None:
            from engines.commands.photodoctor import PhotoDoctor

            return PhotoDoctor(self.photos).run()
        found = list(examine())
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for finding in found:
            words = finding.words + (f"\n{finding.advice}" if finding.advice else "")
            table.add_row(MARKS[finding.state], finding.what, words)
        Console(highlight=False).print(table)
        return int(any(finding.state == "bad" for finding in found))


def examine() -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield _python()
    yield from _packages()
    yield from _computing()
    yield from _photos()
    yield from _window()


def _python() -> Finding:
    from engines.report import program_version

    words = (
        f"Zograscope {program_version()}, Python {platform.python_version()}, {platform.platform()}"
    )
    return Finding("program", "good", words)


def _packages() -> Iterator[Finding]:
    import importlib.metadata
    import re
    import tomllib

    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    present, missing = [], []
    for line in wanted:
        if ";" in line:  # for some machines only
            continue
        name = re.split(r"[\[<>=!~ ]", line)[0]
        try:
            present.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    yield Finding("packages", "good", ", ".join(present))
    if missing:
        yield Finding(
            "packages", "bad", "missing: " + ", ".join(missing), "Run: python bootstrap.py setup"
        )


def _computing() -> Iterator[Finding]:
    from kernels.backend import backend

    found = backend()
    if found.name == "cuda":
        yield Finding("CUDA", "good", f"{found.device_name}: training runs on it through gsplat")
    else:
        why = found.cuda_missing or found.gsplat_missing
        yield Finding("CUDA", "note", f"not used: {why}", "Training runs on the CPU, only slower")
    words = f"{found.cores} cores, numba threading layer {found.threading_layer}"
    if found.threading_layer == "workqueue":
        yield Finding(
            "CPU kernels",
            "note",
            words,
            "This layer bears one caller at a time, so drawing waits for training; install tbb "
            "or OpenMP to mend that",
        )
    else:
        yield Finding("CPU kernels", "good", words)


def _photos() -> Iterator[Finding]:
    """What it takes to find camera poses, and to read videos and photos of iPhones."""
    import importlib.metadata
    import importlib.util

    if importlib.util.find_spec("pycolmap") is None:
        yield Finding(
            "camera poses",
            "note",
            "cannot be found, pycolmap is missing",
            "Run: pip install pycolmap, or bring photos with poses; there is none for Linux on ARM",
        )
    else:
        version = importlib.metadata.version("pycolmap")
        yield Finding("camera poses", "good", f"are found by pycolmap {version}")
    try:
        from imageio_ffmpeg import get_ffmpeg_exe, get_ffmpeg_version

        get_ffmpeg_exe()
        yield Finding("videos", "good", f"are read by ffmpeg {get_ffmpeg_version()}")
    except (ImportError, RuntimeError, OSError) as error:
        yield Finding(
            "videos",
            "note",
            f"cannot be read: {error}",
            "Run: pip install --force-reinstall imageio-ffmpeg",
        )
    if importlib.util.find_spec("pillow_heif") is None:
        yield Finding(
            "HEIC photos",
            "note",
            "cannot be read, pillow-heif is missing",
            "Run: pip install pillow-heif, or save such photos as JPEG",
        )
    else:
        yield Finding("HEIC photos", "good", "are read by pillow-heif")


def _window() -> Iterator[Finding]:
    problem = display_problem()
    if problem:
        yield Finding(
            "window",
            "note",
            problem,
            "Commands work all the same; xvfb-run gives a virtual display",
        )
    found, error = probe_window(on_display=not problem)
    if found is None:
        advice = "Run: python bootstrap.py setup, which names the system libraries that are missing"
        yield Finding("Qt", "bad", error, advice)
        return
    gl = found["opengl"]
    if gl is not None:
        yield Finding("OpenGL", "good", f"{gl['version']}, {gl['renderer']}")
    elif not problem:
        yield Finding(
            "OpenGL",
            "bad",
            "no OpenGL context can be made on this display",
            "Install a graphics driver; on Debian libgl1-mesa-dri has one in software",
        )
    fonts = found["fonts"]
    if fonts:
        yield Finding("fonts", "good", f"{fonts} families")
    else:
        yield Finding(
            "fonts", "bad", "none, text would be boxes", "Install one, such as fonts-dejavu-core"
        )


def probe_window(*, on_display: bool) -> tuple[dict | None, str]:
    """What `app.glprobe` found in a process of its own, or None and why it failed."""
    environment = dict(os.environ)
    if not on_display:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "app.glprobe"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"Qt did not start within {PROBE_TIMEOUT_S:g} s"
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines() or ["no message"]
        return None, f"Qt does not start (exit status {answer.returncode}): {lines[-1]}"
    return json.loads(answer.stdout.splitlines()[-1]), ""
