"""What every test stands on: a display, a home of its own, real inputs and no leftovers."""

import ctypes
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 2.0
"""How long threads and windows may take to go after their test."""
PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""
_BELONGINGS = pytest.StashKey[dict]()

settings.register_profile(
    "zograscope",
    deadline=None,
    max_examples=25,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("zograscope")


def start_display() -> subprocess.Popen | None:
    """Start Xvfb on a free display number and point DISPLAY at it; None if it is not installed."""
    if shutil.which("Xvfb") is None:
        return None
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_end_with_parent,
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()
    if not number:
        server.wait(timeout=10)
        return None
    os.environ["DISPLAY"] = f":{number}"
    return server


def _end_with_parent() -> None:
    """Ask Linux to end this process when the one that started it goes, even if it is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def pytest_configure(config: pytest.Config) -> None:
    """Before anything else is imported: a home, a display and the settings of Qt and torch."""
    home = Path(tempfile.mkdtemp(prefix="zograscope-tests-"))
    config.stash[_BELONGINGS] = {"home": home, "display": None}
    for name, folder in {
        "HOME": "",
        "USERPROFILE": "",
        "APPDATA": "config",
        "LOCALAPPDATA": "config",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "cache",
        "XDG_STATE_HOME": "state",
        "XDG_RUNTIME_DIR": "runtime",
    }.items():
        (home / folder).mkdir(mode=0o700, exist_ok=True)
        os.environ[name] = str(home / folder)
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    # Threads that wait for work do not keep a core from the other worker's tests.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.platform == "linux":
        os.environ.pop("WAYLAND_DISPLAY", None)
        if _hands_out(config):
            return  # each worker has a display of its own, or their windows would cover each other
        if not os.environ.get("DISPLAY"):
            config.stash[_BELONGINGS]["display"] = start_display()
        has_display = bool(os.environ.get("DISPLAY"))
        os.environ["QT_QPA_PLATFORM"] = "xcb" if has_display else "offscreen"


def _hands_out(config: pytest.Config) -> bool:
    """Whether this process runs no test itself, but has workers for that (pytest-xdist)."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back what `pytest_configure` took."""
    belongings = config.stash.get(_BELONGINGS, {"home": None, "display": None})
    if belongings["display"] is not None:
        belongings["display"].terminate()
        belongings["display"].wait(timeout=10)
    if belongings["home"] is not None:
        shutil.rmtree(belongings["home"], ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what draws where nothing can be drawn, and say so."""
    if item.get_closest_marker("gl") and os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        pytest.skip("no display and no Xvfb: install xvfb to run the OpenGL tests")


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """The same sums in the same order on every machine, as in the program itself."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def qapp_cls():
    """The QApplication class, with GL contexts shared before the first one exists."""
    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtWidgets import QApplication

    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    return QApplication


@pytest.fixture(scope="session")
def qapp(qapp_cls, qapp_args):
    """The one QApplication, under a name of its own so that no real settings are touched."""
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or qapp_cls(qapp_args)
    application.setOrganizationName("zograscope-tests")
    application.setApplicationName("zograscope-tests")
    import vispy

    vispy.use(app="pyside6", gl="gl+")
    return application


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real inputs beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real inputs are not at {folder}")
    return folder


@pytest.fixture(autouse=True)
def _no_leftovers(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test that leaves a thread, a running timer or a window behind."""
    uses_qt = "qapp" in request.fixturenames
    threads = set(threading.enumerate())
    windows, timers = set(), weakref.WeakSet()
    if uses_qt:
        request.getfixturevalue("qapp")
        windows = set(_windows())
        _note_timers(monkeypatch, timers)
    yield

    def left_behind() -> list[str]:
        left = [f"thread {t.name}" for t in threading.enumerate() if t not in threads]
        if uses_qt:
            _run_deferred_deletes()
            left += [f"window {w!r}" for w in _windows() if w not in windows]
            left += [f"timer {t!r}" for t in timers if _is_running(t)]
        return left

    deadline = time.monotonic() + GRACE_S
    while (left := left_behind()) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    assert not left, f"the test left behind: {', '.join(left)}"


def _windows() -> list:
    from PySide6.QtWidgets import QApplication

    return [w for w in QApplication.topLevelWidgets() if w.parent() is None]


def _note_timers(monkeypatch: pytest.MonkeyPatch, timers: weakref.WeakSet) -> None:
    """Put every QTimer that is started from Python into `timers`."""
    from PySide6.QtCore import QTimer

    start = QTimer.start

    def noting(timer: QTimer, *arguments: object) -> None:
        timers.add(timer)
        start(timer, *arguments)

    monkeypatch.setattr(QTimer, "start", noting)


def _is_running(timer) -> bool:
    from shiboken6 import isValid

    return isValid(timer) and timer.isActive()


def _run_deferred_deletes() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
