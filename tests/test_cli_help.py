"""Help, the default command, `doctor` and what can be told without starting anything heavy."""

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import engines.commands.display
import engines.commands.doctor
import main as front_door
from engines.commands.display import display_problem
from engines.commands.doctor import examine, probe_window
from engines.commands.progress import RunProgress, clock
from engines.events import Evaluated, Prepared, Stepped, Warned
from engines.report import finite, step_times
from engines.settings import fields_of
from engines.splats import SplatConfig
from main import COMMANDS, main
from tests.conftest import ROOT


def help_of(capsys: pytest.CaptureFixture, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys, main\n"
        "try: main.main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(m for m in ('torch', 'PySide6', 'numba') if m in sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert not answer.stderr
    assert all(f" {command} " in answer.stdout for command in COMMANDS)


def test_a_reader_that_has_had_enough_ends_the_program_without_a_word():
    command = [sys.executable, "-u", str(ROOT / "main.py"), "train", "nerf", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as told:
        told.stdout.close()
        assert not told.stderr.read()
        assert told.wait() == 141


def test_every_setting_is_an_option_with_its_help(capsys):
    said = help_of(capsys, "train", "splats")
    flat = " ".join(said.replace("│", " ").split())
    for field in fields_of(SplatConfig):
        assert f"--{field.name.replace('_', '-')} " in said
        assert " ".join(field.setting.help.split()) in flat
    for option in ("--out", "--report", "--checkpoint", "--resume"):
        assert option in said


def test_defaults_in_the_help_are_those_of_the_checkpoint(tmp_path, capsys):
    about = {"engine": "splats", "version": 1, "config": {"steps": 4321}}
    (tmp_path / "checkpoint.json").write_text(json.dumps(about))
    assert "4321" in help_of(capsys, "train", "splats", "--resume", str(tmp_path))
    assert "4321" in help_of(capsys, "train", "splats", f"--resume={tmp_path}")
    assert "4321" not in help_of(capsys, "train", "splats")


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ([], []),
        (["open"], []),
        (["some folder"], ["some folder"]),
        (["a.ply", "b.glb"], ["a.ply", "b.glb"]),
        (["open", "train"], ["train"]),
    ],
)
def test_what_is_no_command_is_a_path_to_open(monkeypatch, words, paths):
    opened = []
    monkeypatch.setattr(engines.commands.display, "display_problem", lambda: "")
    launch = type(sys)("app.launch")
    launch.launch = lambda paths: opened.append(paths) or 7
    monkeypatch.setitem(sys.modules, "app.launch", launch)
    assert main(words) == 7
    assert opened == [[Path(path) for path in paths]]


def test_a_qt_that_cannot_be_loaded_is_said(monkeypatch, capsys):
    monkeypatch.setattr(engines.commands.display, "display_problem", lambda: "")

    def broken(name: str) -> None:
        raise ImportError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(front_door.importlib, "import_module", broken)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "libEGL.so.1" in said
    assert "bootstrap.py setup" in said


def test_a_word_that_no_command_knows_is_a_matter_of_usage():
    with pytest.raises(SystemExit) as ended:
        main(["train", "windows"])
    assert ended.value.code == 2


def test_an_interrupt_before_a_run_ends_with_130(monkeypatch):
    def interrupted(_arguments) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(front_door, "command_line", interrupted)
    assert main([]) == 130


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(engines.commands.display.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_display_is_missed_only_where_one_is_needed(linux):
    assert "no display" in display_problem()
    linux.setenv("QT_QPA_PLATFORM", "offscreen")
    assert not display_problem()
    linux.delenv("QT_QPA_PLATFORM")
    linux.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert not display_problem()
    linux.delenv("WAYLAND_DISPLAY")
    linux.setattr(engines.commands.display.sys, "platform", "darwin")
    assert not display_problem()


def test_a_display_that_does_not_answer_counts_as_none(linux):
    linux.setenv("DISPLAY", ":4711")
    assert "does not answer" in display_problem()
    linux.setenv("DISPLAY", "nonsense")
    assert "does not answer" in display_problem()
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1] - 6000
        linux.setenv("DISPLAY", f"127.0.0.1:{number}.0")
        assert not display_problem()


@pytest.mark.gl
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux asks for a display by name")
def test_the_display_of_the_tests_answers():
    assert not display_problem()


def test_the_doctor_looks_at_everything():
    found = {finding.what: finding for finding in examine()}
    assert {"program", "packages", "CUDA", "CPU kernels", "fonts"} <= set(found)
    assert found["packages"].state == "good"
    assert "threading layer" in found["CPU kernels"].words


def test_the_doctor_says_what_is_broken(monkeypatch, capsys):
    monkeypatch.setattr(
        engines.commands.doctor, "probe_window", lambda **_: (None, "Qt does not start: no xcb")
    )
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "no xcb" in said
    assert "bootstrap.py setup" in said


def test_a_probe_that_dies_takes_nobody_along(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "no such platform")
    found, error = probe_window(on_display=True)
    assert found is None
    assert "Qt does not start" in error


@pytest.mark.gl
def test_the_probe_finds_opengl():
    found, error = probe_window(on_display=True)
    assert found is not None, error
    assert found["opengl"]["version"]


def lines_of(*events, **limits) -> list[str]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=False, width=200)
    with RunProgress(console=console, **limits) as progress:
        for event in events:
            progress.show(event)
    return text.getvalue().splitlines()


def stepped(step: int, seconds: float) -> Stepped:
    scalars = {"loss": 0.125, "gaussians": 1234}
    return Stepped(step=step, seconds=seconds, step_ms=10.0, scalars=scalars)


def test_without_a_terminal_progress_is_plain_lines():
    lines = lines_of(
        Prepared(phase="Reading photos", done=0, total=2),
        Prepared(phase="Reading photos", done=1, total=2),
        Prepared(phase="Reading photos", done=2, total=2),
        Warned(message="[17] photos are missing"),
        stepped(1, 0.0),
        stepped(2, 0.5),
        Evaluated(step=2, seconds=0.5, split="holdout", psnr=20.0, ssim=0.5, views={}),
        stepped(100, 49.5),
        steps=100,
    )
    assert lines[:3] == ["Reading photos", "[17] photos are missing",
                         "step 1 of 100: loss 0.1250, 1,234 Gaussians"]  # fmt: skip
    assert lines[3] == "step 2: held out 20.00 dB"
    assert lines[4].startswith("step 100 of 100: loss 0.1250, 2.0 steps/s, 0:00 left")


def test_the_time_left_heeds_both_limits():
    by_steps = lines_of(stepped(1, 0.0), stepped(11, 10.0), steps=11, seconds=100)
    assert "0:00 left" in by_steps[-1]
    by_time = lines_of(stepped(1, 0.0), stepped(11, 10.0), steps=10_000, seconds=10)
    assert "0:00 left" in by_time[-1]


def test_in_a_terminal_there_is_a_bar():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with RunProgress(steps=2, console=console) as progress:
        progress.show(stepped(1, 0.1))
        progress.show(stepped(2, 0.2))
    assert "100%" in text.getvalue()
    assert "loss 0.1250" in text.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0:00"), (61, "1:01"), (3599.6, "1:00:00"), (7322, "2:02:02")]
)
def test_durations_read_like_a_clock(seconds, words):
    assert clock(seconds) == words


def test_step_times_are_median_and_nearest_rank():
    assert step_times([]) == {"median": None, "p95": None}
    assert step_times([5.0]) == {"median": 5.0, "p95": 5.0}
    assert step_times([float(n) for n in range(100, 0, -1)]) == {"median": 50.5, "p95": 95.0}


def test_reports_hold_no_number_that_json_lacks():
    given = {"a": float("nan"), "b": [1, float("inf")], 3: {"c": (0.5, -float("inf"))}}
    assert finite(given) == {"a": None, "b": [1, None], "3": {"c": [0.5, None]}}


def test_peak_memory_is_in_megabytes():
    code = (
        "from engines.report import peak_memory_mb as peak\n"
        "before = peak()\n"
        "block = b'x' * (300 * 2**20)\n"
        "print(before, peak())"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    before, after = map(float, answer.stdout.split())
    assert after - before == pytest.approx(300, abs=20)
