"""The engines a run can be made with; torch is imported here and only when it is asked for."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.errors import InputError
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos
from engines.engine import Engine, RenderSource


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """All that the window needs to know of one method."""

    config_type: type
    make: Callable[[PosedPhotos, Any], Engine]
    resume: Callable[[Path], Engine]
    """The run of a checkpoint folder; raises InputError."""
    cloud_source: Callable[[GaussianCloud], RenderSource]
    """The exact view of Gaussians that no run is learning."""
    settle_in: Callable[[], None]
    """Called first of all on the thread that a run gets."""
    device: str
    """What it would train with, for the badge."""
    device_report: str
    """The same at length, and why."""
    on_gpu: bool


def load_splats() -> EngineKind:
    """Import the splat engine and probe this machine; takes seconds, so not in the UI thread."""
    from engines.splats import CloudSource, SplatConfig, SplatEngine
    from kernels.backend import DeviceError, backend
    from kernels.threads import leave_cores_to_kernels, start_threads_behind, step_back

    leave_cores_to_kernels()
    start_threads_behind()

    def make(dataset: PosedPhotos, config: SplatConfig) -> SplatEngine:
        try:
            return SplatEngine(dataset, config)
        except DeviceError as error:
            raise InputError(str(error)) from error

    found = backend()
    missing = {
        "CUDA": found.cuda_missing,
        "gsplat": found.gsplat_missing,
        "nerfacc": found.nerfacc_missing,
    }
    lines = [
        f"Trains on: {found.device_name}"
        + ("" if found.name == "cuda" else f", {found.cores} cores"),
        *(f"{name}: {reason or 'ready'}" for name, reason in missing.items()),
        f"PyTorch: {found.torch_version}",
        f"Threads of the CPU kernels: {found.threading_layer}",
    ]
    # What was imported lives as long as the program. Looking through all of it for garbage
    # would hold the window up for a fifth of a second now and then.
    gc.freeze()
    return EngineKind(
        config_type=SplatConfig,
        make=make,
        resume=SplatEngine.resume,
        cloud_source=CloudSource,
        settle_in=step_back,
        device=found.summary,
        device_report="\n".join(lines),
        on_gpu=found.name == "cuda",
    )
