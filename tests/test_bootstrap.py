"""Setting up a machine, without a network: what would be done, when, and what is repaired."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own in a folder with a space and an umlaut."""
    folder = tmp_path / "Größe und Form"
    folder.mkdir()
    (folder / "constraints.txt").write_text("torch==2.13.0\n")
    (folder / "pyproject.toml").write_text(
        '[project]\ndependencies = ["torch", "numpy"]\n'
        '[project.optional-dependencies]\ndev = ["pytest"]\n'
    )
    return folder


@pytest.fixture
def environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> bootstrap.Environment:
    """Its environment; what pip would be asked to do is kept in `.installed`."""
    environment = bootstrap.Environment(project)
    environment.installed = []

    def only_note(command: list[str], _complaint: str, cwd: Path | None = None) -> None:
        if "venv" in command:
            subprocess.run(command, check=True)
        else:
            environment.installed.append(command)

    monkeypatch.setattr(bootstrap, "_run", only_note)
    monkeypatch.setattr(environment, "pip", lambda: ["pip"])
    # An environment without pip is made in a moment.
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)
    return environment


def test_the_first_time_everything_is_installed_and_the_second_time_nothing(environment):
    environment.install(dev=False)
    assert environment.python.exists()
    assert not list(environment.folder.rglob("pip")), "without ensurepip, pip stays outside"
    pip, warm_up = environment.installed
    assert pip[:2] == ["pip", "install"]
    assert pip[-2:] == ["torch", "numpy"]
    assert pip[pip.index("--constraint") + 1] == str(environment.root / "constraints.txt")
    assert warm_up[0] == str(environment.python)
    environment.install(dev=False)
    assert len(environment.installed) == 2


def test_tests_need_more_than_the_program_and_the_program_no_more_after_that(environment):
    environment.install(dev=False)
    environment.install(dev=True)
    assert environment.installed[2][-1] == "pytest"
    environment.install(dev=False)
    assert len(environment.installed) == 4


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pyproject.toml", '"numpy"', '"numpy", "scipy"'),
        ("pyproject.toml", '"pytest"', '"ruff", "pytest"'),
        ("constraints.txt", "2.13.0", "2.13.1"),
    ],
)
def test_a_change_of_what_is_asked_for_is_seen(environment, name, before, after):
    environment.install(dev=True)
    file = environment.root / name
    file.write_text(file.read_text().replace(before, after))
    environment.install(dev=False)
    assert len(environment.installed) == 4
    assert environment.installed[2][-1] == "pytest", "tools for tests stay up to date too"


def test_a_change_of_other_things_is_not(environment):
    environment.install(dev=True)
    with (environment.root / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 100\n")
    environment.install(dev=True)
    assert len(environment.installed) == 2


def test_kernels_that_were_interrupted_do_not_cost_the_environment(environment, monkeypatch):
    note = bootstrap._run

    def interrupted(command, complaint, cwd=None):
        note(command, complaint, cwd)
        if "warm_up" in command[-1]:
            raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.install(dev=False)
    assert not environment.is_ready(dev=False)
    assert environment.is_sound()


def test_an_interrupted_setup_is_begun_anew(environment, monkeypatch):
    environment.install(dev=False)
    (environment.folder / "left over").touch()
    (environment.root / "constraints.txt").write_text("torch==2.13.0\nnumpy==2.4.6\n")
    note = bootstrap._run

    def interrupted(command, complaint, cwd=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.install(dev=False)
    assert not environment.is_ready(dev=False)
    monkeypatch.setattr(bootstrap, "_run", note)
    environment.install(dev=False)
    assert environment.is_ready(dev=False)
    assert not (environment.folder / "left over").exists()


def test_an_environment_without_its_python_is_made_anew(environment):
    environment.install(dev=False)
    environment.python.unlink()
    assert not environment.is_ready(dev=False)
    environment.install(dev=False)
    assert environment.python.exists()


def test_a_stamp_that_cannot_be_read_counts_as_none(environment):
    environment.install(dev=False)
    environment.stamp.write_text("{")
    assert not environment.is_ready(dev=False)
    environment.stamp.write_text(json.dumps(["wanted"]))
    assert not environment.is_ready(dev=False)


def test_the_same_environment_seen_from_windows(environment, monkeypatch):
    monkeypatch.setattr(bootstrap.os, "name", "nt")
    assert environment.python.parts[-2:] == ("Scripts", "python.exe")


def test_a_missing_pip_is_said(tmp_path, monkeypatch):
    environment = bootstrap.Environment(tmp_path)
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(bootstrap.Environment, "python", Path(sys.executable))
    monkeypatch.setattr(
        bootstrap.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1)
    )
    with pytest.raises(bootstrap.SetupError, match="has no pip"):
        environment.pip()


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> list:
    """A Debian-like machine that has nothing; the commands that would be run."""
    commands = []
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.setattr(bootstrap, "is_loadable", lambda soname: False)
    monkeypatch.setattr(bootstrap, "has_font", lambda: False)
    monkeypatch.setattr(bootstrap, "has_opengl_driver", lambda: False)
    monkeypatch.setattr(
        bootstrap.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None
    )

    def run(command, **_options):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    return commands


def test_root_gets_missing_libraries_installed(bare_machine, monkeypatch):
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0, raising=False)
    bootstrap.install_system_libraries(dev=True)
    update, install = bare_machine
    assert update[:2] == ["apt-get", "update"]
    assert {"libxcb-cursor0", "libegl1", "libgl1-mesa-dri", "xvfb"} <= set(install)


def test_others_get_the_line_to_run(bare_machine, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000, raising=False)
    bootstrap.install_system_libraries(dev=False)
    assert not bare_machine
    said = capsys.readouterr().out
    assert "sudo apt-get install -y" in said
    assert "libxcb-cursor0" in said
    assert "xvfb" not in said


def test_where_libraries_cannot_be_fetched_the_line_is_said(bare_machine, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(
        bootstrap.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 100)
    )
    bootstrap.install_system_libraries(dev=False)
    assert "apt-get install -y" in capsys.readouterr().out


def test_a_machine_that_has_everything_is_left_alone(bare_machine, monkeypatch):
    monkeypatch.setattr(bootstrap, "missing_packages", lambda dev: [])
    bootstrap.install_system_libraries(dev=True)
    assert not bare_machine


def test_arguments_after_test_reach_pytest_in_order(monkeypatch):
    seen = []
    monkeypatch.setattr(bootstrap, "install_system_libraries", lambda dev: None)
    monkeypatch.setattr(bootstrap.Environment, "install", lambda self, dev: None)
    monkeypatch.setattr(
        bootstrap.subprocess,
        "run",
        lambda command, **_: seen.append(command) or subprocess.CompletedProcess(command, 0),
    )
    assert bootstrap.main(["test", "-k", "ssim", "tests/kernels", "-x"]) == 0
    assert seen[-1][2:] == [
        "pytest",
        *bootstrap.PYTEST_ARGUMENTS,
        "-k",
        "ssim",
        "tests/kernels",
        "-x",
    ]
    assert [command[2] for command in seen[:2]] == ["ruff", "ruff"]


def test_one_failed_check_fails_all_but_the_rest_still_runs(monkeypatch, capsys):
    seen = []

    def run(command, **_options):
        seen.append(command)
        return subprocess.CompletedProcess(command, int("pyright" in command))

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    assert bootstrap.test(bootstrap.Environment(ROOT), []) == 1
    assert "pytest" in seen[-1]
    assert "Failed so far: pyright" in capsys.readouterr().out


def test_real_libraries_are_told_from_invented_ones():
    assert not bootstrap.is_loadable("libzograscope-none.so.7")
    if sys.platform == "linux":
        assert bootstrap.is_loadable("libc.so.6")


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_help_is_there_from_any_folder_and_through_a_link(tmp_path):
    link = tmp_path / "start here.py"
    link.symlink_to(ROOT / "bootstrap.py")
    answer = subprocess.run(
        [sys.executable, str(link), "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 0
    assert "run" in answer.stdout


def test_an_old_python_is_told_so_in_one_sentence(monkeypatch):
    source = (ROOT / "bootstrap.py").read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer"):
        exec(compile(source, "bootstrap.py", "exec"), {"__name__": "__main__"})
