"""Rules of the house that no other tool holds."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

LONGEST_FILE = 500
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".glsl", ".vert", ".frag", ".json", ""}
FLOORS = ("app", "renderers", "engines", "kernels", "assets")
TOP = {*FLOORS, "tests", "benchmarks", "docs", ".ci", "main.py", "bootstrap.py", "pyproject.toml",
       "README.md", "LICENSE", "NOTICE", "constraints.txt", ".gitignore",
       ".pre-commit-config.yaml"}  # fmt: skip

MACHINE_PATH = re.compile(r"(?<![\w.])/(work|root|home|opt|Users)/\w")
REGISTRY = re.compile(
    r"index-url|find-links|\b(pypi|pythonhosted|npmjs|pytorch|debian|ubuntu|conda)\.(org|com|io)\b"
)
NOT_IMPORTED = {"tbb", "pyopengl", "nerfacc"}
"""numba and vispy load the first two by themselves; the third is only probed for so far."""


def project_files() -> list[Path]:
    """What git tracks and what it would, as it lies on the disk."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def text_files() -> list[Path]:
    return [path for path in project_files() if path.suffix in TEXT and path.name != "LICENSE"]


def lines_matching(pattern: re.Pattern, files: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_new_lies_at_the_top():
    assert {path.relative_to(ROOT).parts[0] for path in project_files()} <= TOP


def test_no_file_is_too_long():
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_no_file_names_a_machine_s_folders():
    here = Path(__file__)
    assert not lines_matching(MACHINE_PATH, [path for path in text_files() if path != here])


def test_no_file_names_a_registry():
    here = Path(__file__)
    assert not lines_matching(REGISTRY, [path for path in text_files() if path != here])


def test_every_module_says_why_it_exists():
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def imported_packages(files: list[Path]) -> dict[str, str]:
    """Top-level name of every import, with one file that has it."""
    found = {}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            found |= {name.split(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return found


def declared(group: str | None = None) -> set[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    lines = project["optional-dependencies"][group] if group else project["dependencies"]
    return {canonical(re.split(r"[\[<>=!~; ]", line)[0]) for line in lines}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def distributions() -> dict[str, set[str]]:
    return {
        module: {canonical(name) for name in names}
        for module, names in packages_distributions().items()
    } | {"shiboken6": {"pyside6-essentials"}}


def third_party(files: list[Path], distributions: dict[str, set[str]]) -> dict[str, set[str]]:
    ours = {*FLOORS, "tests", "benchmarks", "main", "bootstrap", *(path.stem for path in files)}
    return {
        name: distributions.get(name, {canonical(name)})
        for name in imported_packages(files)
        if name not in ours and name not in sys.stdlib_module_names
    }


def test_the_program_declares_what_it_imports_and_imports_what_it_declares(distributions):
    files = [p for p in python_files() if p.relative_to(ROOT).parts[0] in {*FLOORS, "main.py"}]
    used = third_party(files, distributions)
    known = declared() | declared("heic")
    assert not {name for name, packages in used.items() if not packages & known}
    unused = declared() - set().union(*used.values()) - NOT_IMPORTED
    assert not unused


def test_tests_import_only_what_is_declared(distributions):
    files = [p for p in python_files() if p.relative_to(ROOT).parts[0] in {"tests", "benchmarks"}]
    used = third_party(files, distributions)
    known = declared() | declared("dev") | declared("heic")
    assert not {name for name, packages in used.items() if not packages & known}


def test_bootstrap_needs_only_the_standard_library():
    assert set(imported_packages([ROOT / "bootstrap.py"])) <= set(sys.stdlib_module_names)


def test_every_package_is_pinned_exactly():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins)
    pinned = {canonical(line.split("==")[0]) for line in pins}
    assert declared() | declared("dev") | declared("heic") <= pinned
