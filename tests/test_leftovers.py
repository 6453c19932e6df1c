"""The check that every test is under: it has to catch what tests leave behind."""

import subprocess
import sys

from tests.conftest import ROOT

TESTS = """
import threading, time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

kept = []

def test_tidy(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    timer = QTimer(window)
    timer.start(5)
    thread = threading.Thread(target=time.sleep, args=(0.1,))
    thread.start()

def test_leaves_a_thread():
    threading.Thread(target=time.sleep, args=(3.5,)).start()

def test_leaves_a_window(qtbot):
    kept.append(QWidget())
    kept[-1].show()

def test_leaves_a_timer(qtbot):
    kept.append(QTimer())
    kept[-1].start(5)
"""


def test_what_is_left_behind_fails_its_test_and_no_other(tmp_path):
    (tmp_path / "test_leaving.py").write_text(TESTS)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "--rootdir", tmp_path, "-c", ROOT / "pyproject.toml", tmp_path / "test_leaving.py"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert "4 passed, 3 errors" in answer.stdout
    for words in ("thread Thread-", "window <PySide6", "timer <PySide6"):
        assert f"the test left behind: {words}" in answer.stdout
    assert "ERROR " + "test_leaving.py::test_tidy" not in answer.stdout
