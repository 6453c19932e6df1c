"""The machine is described truly, devices are chosen in words, threads do not kill each other."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numba
import pytest
import torch

from kernels import backend as module
from kernels.backend import Backend, DeviceError, backend, resolve_device
from kernels.threads import (
    balanced_region,
    core_count,
    parallel_region,
    threading_layer,
    use_threads,
)

ROOT = Path(__file__).resolve().parents[2]

TWO_AT_ONCE = """
import threading
import numpy as np
import numba
from kernels.threads import parallel_region, threading_layer

@numba.njit(parallel=True, nogil=True)
def fill(values, rounds):
    for i in numba.prange(len(values)):
        for k in range(rounds):
            values[i] += np.sqrt(values[i] + k)

def work():
    for _ in range(150):
        with parallel_region():
            fill(np.ones(400), 300)

fill(np.ones(4), 1)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(threading_layer(), "survived")
"""


@pytest.fixture
def fresh():
    """Probe anew in this test and forget it afterwards."""
    backend.cache_clear()
    yield
    backend.cache_clear()


@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_two_python_threads_in_parallel_kernels(layer: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TWO_AT_ONCE],
        cwd=ROOT,
        env={**os.environ, "NUMBA_THREADING_LAYER": layer, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == f"{layer if layer == 'workqueue' else threading_layer()} survived"


def test_a_thread_safe_layer_is_found_here() -> None:
    assert threading_layer() in ("tbb", "omp")


def test_the_number_of_threads_belongs_to_the_calling_thread() -> None:
    seen = []

    def other() -> None:
        use_threads(1)
        seen.append(numba.get_num_threads())

    before = numba.get_num_threads()
    worker = threading.Thread(target=other)
    worker.start()
    worker.join()
    assert seen == [1]
    assert numba.get_num_threads() == before
    try:
        assert use_threads(0) == 1
        assert use_threads(10_000) == core_count() == numba.get_num_threads()
    finally:
        use_threads(before)


def test_chunks_are_set_only_within_their_region() -> None:
    before = numba.get_parallel_chunksize()
    with balanced_region(7):
        assert numba.get_parallel_chunksize() == 7
    assert numba.get_parallel_chunksize() == before
    with pytest.raises(KeyError), balanced_region(7):
        raise KeyError
    assert numba.get_parallel_chunksize() == before
    with parallel_region(), parallel_region():
        pass


def test_backend_describes_this_machine() -> None:
    found = backend()
    assert found is backend()
    assert found.cores == core_count() >= 1
    assert found.torch_version == torch.__version__
    assert found.name == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        assert found.cuda_missing
        assert found.summary == (
            f"CPU, {found.cores} core{'s' if found.cores > 1 else ''} - {found.cuda_missing}"
        )


def test_devices_are_resolved() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type == backend().name
    with pytest.raises(DeviceError, match=r"^Device is 'gpu'; expected auto, cpu or cuda$"):
        resolve_device("gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"^CUDA cannot be used here: .+; choose the device"):
        resolve_device("cuda")


@pytest.mark.usefixtures("fresh")
def test_a_device_that_does_not_work_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError("driver too old\nand a long trace")

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", broken)
    assert backend().name == "cpu"
    assert backend().summary.endswith("- the CUDA device does not work (driver too old)")


@pytest.mark.usefixtures("fresh")
def test_a_gpu_without_gsplat_falls_back_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    why = "gsplat is not installed"
    monkeypatch.setattr(module, "_cuda_missing", lambda: "")
    monkeypatch.setattr(module, "_extension_missing", lambda name: why if name == "gsplat" else "")
    assert backend().name == "cpu"
    assert backend().summary.endswith(f"- {why}")
    with pytest.raises(DeviceError, match=why):
        resolve_device("cuda")


@pytest.mark.usefixtures("fresh")
def test_a_working_gpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cuda_missing", lambda: "")
    monkeypatch.setattr(module, "_extension_missing", lambda _: "")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Made-up GPU")
    assert backend().summary == "Made-up GPU, CUDA"
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda")


def test_missing_and_broken_extensions_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, body in {
        "ext_broken": "raise ImportError('libcudart.so.12 not found')",
        "ext_empty": "_C = None",
        "ext_whole": "_C = object()",
    }.items():
        folder = tmp_path / name / "cuda"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
        (folder / "__init__.py").touch()
        (folder / "_backend.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    assert module._extension_missing("ext_absent") == "ext_absent is not installed"
    assert "libcudart.so.12 not found" in module._extension_missing("ext_broken")
    assert "no CUDA toolkit" in module._extension_missing("ext_empty")
    assert module._extension_missing("ext_whole") == ""


def test_summary_counts_one_core() -> None:
    alone = replace(backend(), name="cpu", cores=1, cuda_missing="no CUDA device found")
    assert isinstance(alone, Backend)
    assert alone.summary == "CPU, 1 core - no CUDA device found"
