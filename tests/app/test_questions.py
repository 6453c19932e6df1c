"""What is asked: before steps are lost, while the run holds, and where a file is to go."""

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from app.questions import Choice, Questions, asked_file, unsaved_words
from app.run import State

pytestmark = pytest.mark.gl


class Thinking:
    """Takes its time over an answer, as people do, and watches the run meanwhile."""

    def __init__(self, live_for, *, choice: Choice) -> None:
        self.choice, self.live_for = choice, live_for
        self.window = None
        self.states, self.words, self.steps = [], [], []

    def unsaved(self, _parent, steps: int, purpose: str) -> Choice:
        self.live_for(0.15)  # what was on its way arrives
        run = self.window.bench.run
        self.words.append(unsaved_words(steps, purpose))
        self.states.append(run.state)
        self.steps.append(run.engine.step)
        self.live_for(0.2)
        self.steps.append(run.engine.step)
        return self.choice

    def new_folder(self, *_args) -> None:
        return None


@pytest.fixture
def ask(make_window, live_for, photos, wait):
    """`ask(choice)` has a run clear itself while it is at work; returns window and answers."""

    def make(choice: Choice):
        questions = Thinking(live_for, choice=choice)
        window = questions.window = make_window(questions=questions)
        config = type(window.docks.config())(steps=10_000, step_ms=3.0)
        window.docks.settings.set_config(config)
        window.bench.open([photos])
        wait(lambda: window.bench.run.step > 3)
        window.actions_["clear"].trigger()
        questions.choice = Choice.DISCARD  # for the end of the test
        return window, questions

    return make


@pytest.mark.parametrize("choice", [Choice.CANCEL, Choice.SAVE])
def test_a_run_holds_while_a_person_thinks_and_goes_on_when_nothing_is_done(ask, choice, wait):
    window, questions = ask(choice)  # to save and then choose no folder is to cancel
    assert questions.states == [State.PAUSED]
    assert questions.steps[0] == questions.steps[1]
    assert window.bench.run.state is State.RUNNING
    wait(lambda: window.bench.run.step > questions.steps[1])


def test_a_paused_run_stays_paused_when_the_question_is_cancelled(ask, wait):
    window, questions = ask(Choice.CANCEL)
    questions.choice = Choice.CANCEL
    window.bench.run.pause()
    window.actions_["clear"].trigger()
    assert window.bench.run.state is State.PAUSED
    questions.choice = Choice.DISCARD


def test_the_words_say_what_is_lost(ask):
    _, questions = ask(Choice.DISCARD)
    (words,) = questions.words
    assert words.startswith("Clearing the run discards this training; ")
    assert unsaved_words(1, "Starting again").endswith("; 1 step is not saved")
    assert unsaved_words(1837, "Starting again").endswith("; 1,837 steps are not saved")


def test_the_real_question_takes_its_words_and_escape_cancels(qtbot, window):
    seen = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(box.text())
        box.reject()

    QTimer.singleShot(100, answer)
    assert Questions().unsaved(window, 837, "Finding the cameras again") is Choice.CANCEL
    assert seen == ["Finding the cameras again discards this training; 837 steps are not saved"]


@pytest.mark.parametrize(
    ("typed", "kind", "name"),
    [
        (None, 0, "shapes-path.mp4"),
        ("walk", 0, "walk.mp4"),
        ("walk", 1, "walk.gif"),
        ("walk.png", 0, "walk.png"),
    ],
)
def test_a_file_begins_at_a_folder_and_name_and_gets_the_suffix_of_its_kind(
    qtbot, tmp_path, typed, kind, name
):
    seen = {}

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        line = dialog.findChild(QLineEdit, "fileNameEdit")
        seen["folder"], seen["name"] = dialog.directory().absolutePath(), line.text()
        if kind:
            dialog.selectNameFilter(dialog.nameFilters()[kind])
            dialog.filterSelected.emit(dialog.nameFilters()[kind])
        if typed is not None:
            line.setText(typed)
        dialog.accept()

    parent = QMessageBox()
    qtbot.addWidget(parent)
    QTimer.singleShot(200, answer)
    path = asked_file(
        parent, "Save path", tmp_path / "shapes-path.mp4", "Film (*.mp4);;Animation (*.gif)"
    )
    assert seen == {"folder": str(tmp_path), "name": "shapes-path.mp4"}
    assert path == tmp_path / name
