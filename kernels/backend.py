"""What can this machine do, and if not, why not: probed once and said in words.

Probing imports torch and, where there is a GPU, gsplat and nerfacc, which may compile for
minutes the first time: call it off the UI thread.
"""

import functools
import importlib
import importlib.util
import shutil
from dataclasses import dataclass
from typing import Literal

import torch

from kernels.threads import core_count, threading_layer


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What was found on this machine."""

    name: Literal["cpu", "cuda"]
    """Where kernels run by default."""
    device_name: str
    """Title of the GPU, or "CPU"."""
    cores: int
    """Cores that this process may use."""
    threading_layer: str
    """numba's: "tbb" or "omp", or "workqueue", on which kernels run one at a time."""
    torch_version: str
    cuda_missing: str
    """Why no CUDA device is used, or "" where one is."""
    gsplat_missing: str
    """Why gsplat's kernels cannot be used, or ""."""
    nerfacc_missing: str
    """Why nerfacc's kernels cannot be used, or ""."""

    @property
    def summary(self) -> str:
        """One line for people, such as "CPU, 2 cores - no CUDA device found"."""
        cores = f"{self.cores} core{'s' if self.cores != 1 else ''}"
        if self.name == "cuda":
            return f"{self.device_name}, CUDA"
        return f"CPU, {cores} - {self.cuda_missing or self.gsplat_missing}"


class DeviceError(ValueError):
    """The device asked for cannot be used; the message says why in one sentence."""


@functools.cache
def backend() -> Backend:
    """Probe this machine; the first call may take seconds, later ones nothing."""
    cuda_missing = _cuda_missing()
    if cuda_missing:
        gsplat_missing = nerfacc_missing = cuda_missing
    else:
        gsplat_missing = _extension_missing("gsplat")
        nerfacc_missing = _extension_missing("nerfacc")
    usable = not cuda_missing and not gsplat_missing
    return Backend(
        name="cuda" if usable else "cpu",
        device_name=torch.cuda.get_device_name() if usable else "CPU",
        cores=core_count(),
        threading_layer=threading_layer(),
        torch_version=torch.__version__,
        cuda_missing=cuda_missing,
        gsplat_missing=gsplat_missing,
        nerfacc_missing=nerfacc_missing,
    )


def resolve_device(choice: str = "auto") -> torch.device:
    """The device for "auto", "cpu" or "cuda"; "auto" takes CUDA where all of it works.

    Raises DeviceError when CUDA is asked for and cannot be used.
    """
    if choice == "cpu":
        return torch.device("cpu")
    if choice == "auto":
        return torch.device(backend().name)
    if choice != "cuda":
        raise DeviceError(f"Device is {choice!r}; expected auto, cpu or cuda")
    why = backend().cuda_missing or backend().gsplat_missing
    if why:
        raise DeviceError(f"CUDA cannot be used here: {why}; choose the device auto or cpu")
    return torch.device("cuda")


def _cuda_missing() -> str:
    if torch.version.cuda is None:
        has_gpu = shutil.which("nvidia-smi") is not None
        return "this PyTorch was built without CUDA" if has_gpu else "no CUDA device found"
    if not torch.cuda.is_available():
        return "no CUDA device found"
    try:
        torch.zeros(2, device="cuda").sum().item()
    except RuntimeError as error:  # torch raises it for every failure of driver or device
        return f"the CUDA device does not work ({str(error).splitlines()[0]})"
    return ""


def _extension_missing(package: str) -> str:
    """Why the compiled kernels of gsplat or nerfacc cannot be loaded, or ""."""
    if importlib.util.find_spec(package) is None:
        return f"{package} is not installed"
    try:
        loaded = importlib.import_module(f"{package}.cuda._backend")._C
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        return f"{package} cannot load its CUDA kernels ({first})"
    if loaded is None:
        return f"{package} has no CUDA kernels and no CUDA toolkit to build them was found"
    return ""
