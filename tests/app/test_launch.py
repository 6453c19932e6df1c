"""The window as `main.py` starts it: settings of Qt, what was named on the way in, the end."""

import gc
import sys
import threading

import pytest
from PySide6.QtWidgets import QApplication

from app.faults import Faults
from app.launch import SWITCH_S, launch
from app.window import MainWindow

pytestmark = pytest.mark.gl


@pytest.fixture
def interval():
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)
    gc.unfreeze()


@pytest.mark.usefixtures("qapp", "interval")
def test_launch_opens_what_is_named_and_returns_when_the_window_closes(
    photos, answers, monkeypatch, wait
):
    from app.questions import Choice

    seen = {}

    def live(*_):
        (window,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
        window.questions = window.bench.questions = answers
        answers.choice = Choice.DISCARD
        wait(lambda: window.bench.session.dataset is not None, 60)
        seen["name"] = window.bench.session.dataset.name
        seen["hook"] = sys.excepthook
        window.close()
        window.deleteLater()
        return 0

    hook = sys.excepthook
    monkeypatch.setattr(QApplication, "exec", live)
    assert launch([photos]) == 0
    assert seen["name"] == photos.name
    assert seen["hook"] is not hook
    assert sys.excepthook is hook
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)


def test_uncaught_exceptions_of_threads_are_kept_and_written(tmp_path):
    faults = Faults(tmp_path / "deep" / "errors.log")
    faults.install()
    try:
        thread = threading.Thread(target=lambda: {}["nobody"])
        thread.start()
        thread.join()
    finally:
        faults.remove()
    (told,) = faults.take()
    assert "KeyError: 'nobody'" in told
    assert told in (tmp_path / "deep" / "errors.log").read_text()
    assert faults.take() == []


def test_a_log_that_cannot_be_written_is_told_on_standard_error(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    Faults(tmp_path / "file" / "errors.log").write("Traceback of something")
    assert "Traceback of something" in capsys.readouterr().err


def test_the_log_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("app.faults.KEPT_BYTES", 1000)
    faults = Faults(tmp_path / "errors.log")
    for i in range(100):
        faults.write(f"{i} " + "x" * 100)
    assert (tmp_path / "errors.log").stat().st_size < 1500
    assert "99 x" in (tmp_path / "errors.log").read_text()
