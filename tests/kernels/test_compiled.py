"""Compiled kernels are kept as long as nothing changed beside them, and no longer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernels.compiled import forget_stale_kernels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operation with a compiled kernel in a subfolder."""
    folder = tmp_path / "operation"
    (folder / "cpu" / "__pycache__").mkdir(parents=True)
    (folder / "types.py").write_text("LIMIT = 1\n")
    (folder / "cpu" / "loop.py").write_text("from operation.types import LIMIT\n")
    (folder / "cpu" / "__pycache__" / "loop.run-1.py311.nbi").touch()
    (folder / "cpu" / "__pycache__" / "loop.run-1.py311.1.nbc").touch()
    (folder / "cpu" / "__pycache__" / "loop.cpython-311.pyc").touch()
    forget_stale_kernels(folder)
    for name in ("loop.run-1.py311.nbi", "loop.run-1.py311.1.nbc"):
        (folder / "cpu" / "__pycache__" / name).touch()
    return folder


def kept(folder: Path) -> list[str]:
    return sorted(path.suffix for path in (folder / "cpu" / "__pycache__").iterdir())


def test_nothing_changed(folder: Path) -> None:
    assert not forget_stale_kernels(folder)
    assert kept(folder) == [".nbc", ".nbi", ".pyc"]


def test_a_neighbour_changed(folder: Path) -> None:
    (folder / "types.py").write_text("LIMIT = 2\n")
    assert forget_stale_kernels(folder)
    assert kept(folder) == [".pyc"]
    assert not forget_stale_kernels(folder)


def test_a_file_was_renamed_or_removed(folder: Path) -> None:
    (folder / "types.py").rename(folder / "kinds.py")
    assert forget_stale_kernels(folder)
    (folder / "kinds.py").unlink()
    assert forget_stale_kernels(folder)


@pytest.mark.skipif(os.name == "nt", reason="modes of folders mean nothing there")
def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "operation"
    folder.mkdir()
    (folder / "types.py").write_text("LIMIT = 1\n")
    (folder / "__pycache__").touch()  # a file where the note's folder should be
    assert forget_stale_kernels(folder)


def test_a_changed_constant_reaches_compiled_code(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    package = tmp_path / "operation"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "types.py").write_text("LIMIT = 1\n")
    (package / "loop.py").write_text(
        "import numba\nfrom operation.types import LIMIT\n"
        "@numba.njit(cache=True)\ndef run():\n    return LIMIT\n"
    )
    program = (
        "from pathlib import Path; from kernels.compiled import forget_stale_kernels;"
        f"forget_stale_kernels(Path({str(package)!r}));"
        "from operation.loop import run; print(run(), sum(run.stats.cache_hits.values()))"
    )

    def answer() -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(tmp_path)])}
        environment.pop("NUMBA_CACHE_DIR", None)
        run = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return run.stdout.strip()

    assert answer() == "1 0"
    assert answer() == "1 1", "the second start finds it compiled"
    (package / "types.py").write_text("LIMIT = 7\n")
    assert answer() == "7 0"
