#!/usr/bin/env python3
"""Sets a fresh machine up and starts Zograscope there; needs only Python and pip.

python bootstrap.py run [PATH ...]     set up what is missing, then open the program
python bootstrap.py setup              set up only
python bootstrap.py test [ARG ...]     set up, then all checks and tests; ARGs go to pytest
"""

import argparse
import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
if sys.version_info < OLDEST:
    sys.exit(
        "Zograscope needs Python {}.{} or newer; this is Python {}. Start bootstrap.py with "
        "a newer one.".format(*OLDEST, sys.version.split()[0])
    )

ROOT = Path(__file__).resolve().parent

WARM_UP = """
import sys
from kernels.warm_up import FIELDS, SPLATS, warm_up
last = None
for name, done, total in warm_up(SPLATS if len(sys.argv) < 2 else FIELDS):
    if (name, done) != last:
        sys.stdout.write(f"  {done}/{total} {name}\\n")
        sys.stdout.flush()
    last = (name, done)
"""

DEBIAN_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libGLX_mesa.so.0": "libglx-mesa0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
"""What Qt's window and OpenGL load at run time, and the Debian package that brings it."""


PYTEST_ARGUMENTS = ["-n", "2", "--dist", "worksteal"]
"""Two at a time: much of a test is waiting for a window, and some need a gigabyte of memory."""


class SetupError(Exception):
    """The machine cannot be set up; the message says what to do."""


def say(words: str) -> None:
    """Tell the person what goes on, in order with what the commands started here print."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


class Environment:
    """The virtual environment beside this file, and whether it is what the project asks for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.stamp = self.folder / "zograscope-setup.json"
        self.unfinished = self.folder / "zograscope-setup-unfinished"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        if os.name == "nt":
            return self.folder / "Scripts" / "python.exe"
        return self.folder / "bin" / "python"

    def wanted(self) -> str:
        """A hash of all that decides what has to be installed."""
        asked = repr((sys.version_info[:2], self.requirements(dev=True)))
        pinned = (self.root / "constraints.txt").read_bytes()
        return hashlib.sha256(asked.encode() + pinned).hexdigest()

    def stamped(self) -> dict:
        """What the last finished setup wrote: {"wanted": hash, "dev": bool}, or {}."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def is_ready(self, dev: bool) -> bool:
        """Whether nothing needs to be installed; with `dev`, the tools for tests included."""
        stamp = self.stamped()
        return (
            self.python.exists()
            and not self.unfinished.exists()
            and stamp.get("wanted") == self.wanted()
            and (stamp.get("dev", False) or not dev)
        )

    def requirements(self, dev: bool) -> list[str]:
        """What pyproject.toml asks for; torch first, whose version others look at."""
        import tomllib

        with (self.root / "pyproject.toml").open("rb") as file:
            project = tomllib.load(file)["project"]
        wanted = list(project["dependencies"])
        if dev:
            wanted += project["optional-dependencies"]["dev"]
        return wanted

    def is_sound(self) -> bool:
        """Whether an earlier environment can be built upon: finished, and of this Python."""
        if self.unfinished.exists() or not self.python.exists():
            return False
        answer = subprocess.run(
            [str(self.python), "-c", "import sys; sys.stdout.write(repr(sys.version_info[:2]))"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return answer.stdout.decode() == repr(sys.version_info[:2])

    def make(self) -> None:
        """Create the environment, in place of a half-made one."""
        if self.is_sound():
            return
        if self.folder.exists():
            say("Removing an environment that is half made or of another Python")
            shutil.rmtree(self.folder)
        say(f"Making {self.folder}")
        self.folder.mkdir()
        self.unfinished.touch()
        # Debian packs ensurepip apart; pip outside can serve an environment without its own.
        inside = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
        base = getattr(sys, "_base_executable", sys.executable)
        _run([base, "-m", "venv", *inside, str(self.folder)], "The environment cannot be made")

    def pip(self) -> list[str]:
        """The command that is pip for this environment.

        Raises SetupError when there is no pip at all.
        """
        inside = [str(self.python), "-m", "pip"]
        if subprocess.run([*inside, "--version"], capture_output=True, check=False).returncode == 0:
            return inside
        if importlib.util.find_spec("pip"):
            return [sys.executable, "-m", "pip", "--python", str(self.python)]
        raise SetupError(
            "This Python has no pip; install it (Debian: apt-get install python3-pip "
            "python3-venv) and start again."
        )

    def install(self, dev: bool) -> None:
        """Bring the environment to what the project asks for; does nothing where it is."""
        if self.is_ready(dev):
            return
        dev = dev or bool(self.stamped().get("dev"))
        self.make()
        self.unfinished.touch()
        say("Installing packages; the first time takes some minutes")
        _run(
            [
                *self.pip(),
                "install",
                "--disable-pip-version-check",
                "--no-input",
                "--constraint",
                str(self.root / "constraints.txt"),
                *self.requirements(dev),
            ],
            "pip could not install the packages (its last lines say why). Versions are pinned "
            "for Python 3.11 to 3.14 on Linux (glibc 2.34 or newer), Windows and macOS 14; check "
            "the network and the free disk space, then start again",
        )
        self.unfinished.unlink()
        say("Compiling kernels, once")
        _run([str(self.python), "-c", WARM_UP], "The kernels cannot be compiled", cwd=self.root)
        self.stamp.write_text(json.dumps({"wanted": self.wanted(), "dev": dev}), encoding="utf-8")


def _run(command: list[str], complaint: str, cwd: Path | None = None) -> None:
    """Run a command that prints for itself; SetupError with `complaint` when it fails."""
    if subprocess.run(command, cwd=cwd, check=False).returncode != 0:
        raise SetupError(complaint + ".")


def is_loadable(soname: str) -> bool:
    """Whether the dynamic loader finds this library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_font() -> bool:
    """Whether there is any scalable font; Qt draws boxes without one."""
    home = Path.home()
    folders = (
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".fonts",
        home / ".local/share/fonts",
    )
    return any(
        file.suffix.lower() in (".ttf", ".otf", ".ttc")
        for folder in folders
        for file in folder.rglob("*")
    )


def has_opengl_driver() -> bool:
    """Whether Mesa's drivers, a software one at least, or NVIDIA's library are there."""
    if is_loadable("libGLX_nvidia.so.0"):
        return True
    return any(
        any(libraries.glob(pattern))
        for libraries in (
            *Path("/usr/lib").glob("*-linux-gnu"),
            Path("/usr/lib64"),
            Path("/usr/lib"),
        )
        for pattern in ("dri/*_dri.so", "libgallium-*.so")
    )


def missing_packages(dev: bool) -> list[str]:
    """Debian packages for what this Linux machine lacks; with `dev`, for tests as well."""
    missing = [package for soname, package in DEBIAN_LIBRARIES.items() if not is_loadable(soname)]
    if not has_opengl_driver():
        missing.append("libgl1-mesa-dri")
    if not has_font():
        missing += ["fontconfig", "fonts-inter", "fonts-dejavu-core"]
    if dev and shutil.which("Xvfb") is None:
        missing.append("xvfb")
    return missing


def install_system_libraries(dev: bool) -> None:
    """Install what is missing where that is allowed; say the exact line where it is not."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages(dev)
    if not missing:
        return
    line = "apt-get install -y --no-install-recommends " + " ".join(missing)
    if shutil.which("apt-get") is None:
        say(
            "The window needs system libraries that are missing here. Install what brings the "
            "equivalents of these Debian packages: " + " ".join(missing)
        )
        return
    if os.geteuid() != 0:
        say(
            f"The window needs system libraries that are missing here. Run this once:\n"
            f"  sudo apt-get update && sudo {line}"
        )
        return
    say("Installing system libraries: " + " ".join(missing))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "-qq", *line.split()[1:]]):
        if subprocess.run(
            command, env=environment, stdout=subprocess.DEVNULL, check=False
        ).returncode:
            say(f"That did not work. When you are online, run:\n  apt-get update && {line}")
            return


def checks(python: Path, pytest_arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Everything that CI runs, as (name, command); pytest comes last."""
    module = [str(python), "-m"]
    return [
        ("ruff check", [*module, "ruff", "check", "."]),
        ("ruff format", [*module, "ruff", "format", "--check", "."]),
        (
            "layers",
            [str(python), "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        ),
        ("pyright", [*module, "pyright"]),
        # Else each of those that run tests would compile them all.
        ("kernels of radiance fields", [str(python), "-c", WARM_UP, "fields"]),
        ("pytest", [*module, "pytest", *PYTEST_ARGUMENTS, *pytest_arguments]),
    ]


def test(environment: Environment, pytest_arguments: list[str]) -> int:
    """Run all checks, even after one failed; the exit status is 0 only when all passed."""
    failed = []
    for name, command in checks(environment.python, pytest_arguments):
        if name == "pytest" and failed:
            say("Failed so far: " + ", ".join(failed))
        say(f"-- {name}")
        if subprocess.run(command, cwd=environment.root, check=False).returncode != 0:
            failed.append(name)
    return 1 if failed else 0


def start(environment: Environment, paths: list[str]) -> int:
    """Become the program; does not return where the system can replace a process."""
    command = [str(environment.python), str(environment.root / "main.py"), "open", *paths]
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode


def main(arguments: list[str]) -> int:
    """The exit status of one command line."""
    parser = argparse.ArgumentParser(
        prog="bootstrap.py", description="Set Zograscope up and start it."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="set up what is missing, then open the program")
    run.add_argument("paths", nargs="*", metavar="PATH", help="photos, splats or meshes to open")
    commands.add_parser("setup", help="set up only")
    commands.add_parser("test", help="set up, then run all checks and tests", add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.command != "test":
        parser.error("unknown: " + " ".join(rest))
    dev = chosen.command == "test"
    environment = Environment(ROOT)
    try:
        install_system_libraries(dev)
        environment.install(dev)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; start again to go on.\n")
        return 130
    if chosen.command == "run":
        return start(environment, chosen.paths)
    if dev:
        return test(environment, rest)
    say("Ready: python bootstrap.py run")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
