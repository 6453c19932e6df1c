"""The engines a run can be made with, as the window knows them, and the machine they run on.

Nothing here imports torch before an engine is made: who an engine is, what its settings are
and what it shows is known at once, the rest takes seconds and belongs to other threads.
"""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.imagesets import DiffusionModel, ImageSet
from app.panels.charts import DIFFUSION_CHARTS, FIELD_CHARTS, SPLAT_CHARTS, ChartSpec
from app.widgets.figures import count
from app.worker import Report
from assets.errors import InputError
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos
from engines.artifacts import Portrait
from engines.checkpoints import engine_of
from engines.diffusion.artifacts import Health, Sheet
from engines.diffusion.config import DiffusionConfig, as_student
from engines.engine import Engine, RenderSource
from engines.nerf.config import NerfConfig
from engines.splats.config import SplatConfig


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """All that the window needs to know of one method."""

    id: str
    """As checkpoints have it."""
    label: str
    """Its name for people: "Splats"."""
    tip: str
    """What it does, in a sentence."""
    verb: str
    """What goes on while it runs: "Training splats"."""
    config_type: type
    make: Callable[[Any, Any], Engine]
    """An engine for `PosedPhotos`, or for what `read` made of them."""
    resume: Callable[[Path], Engine]
    """The run of a checkpoint folder; raises InputError."""
    open_source: Callable[[Any], RenderSource]
    """What draws an asset from a file, pixel by pixel, that no run is learning."""
    artifact: type
    """What of a run the centre shows: a `GaussianCloud`, a `Portrait` or a `Sheet`."""
    snapshot: Callable[[Any], Any]
    """The present artifact of an engine that rests; raises InputError before there is one."""
    result: Callable[[Any], Any]
    """What is exported of an engine: an asset, in the frame of the input."""
    modes: tuple[str, ...]
    """Ways to look at it, the first by default; a `Portrait` may have fewer."""
    amount: Callable[[Any], str]
    """How much there is of an artifact, in words: "12,000 Gaussians"."""
    charts: tuple[ChartSpec, ...]
    no_population: str = ""
    """Why there is no population to show; empty where there is one."""
    read: Callable[[Any, Any, Report], Any] | None = None
    """Reads with a config what is learnt from, where that takes long; None where it does not."""
    learns: Literal["scenes", "images"] = "scenes"
    """A scene is seen in the viewport, images have a page of their own in its place."""
    besides: tuple[type, ...] = ()
    """Other artifacts that panels show, asked for about once a second."""


def _on_device(make: Callable[[], Engine]) -> Engine:
    """What `make` makes; a device that is not there is bad input as any other."""
    from kernels.backend import DeviceError

    try:
        return make()
    except DeviceError as error:
        raise InputError(str(error)) from error


def _make_splats(dataset: PosedPhotos, config: SplatConfig) -> Engine:
    from engines.splats import SplatEngine

    return _on_device(lambda: SplatEngine(dataset, config))


def _resume_splats(folder: Path) -> Engine:
    from engines.splats import SplatEngine

    return SplatEngine.resume(folder)


def _splat_source(cloud: GaussianCloud) -> RenderSource:
    from engines.splats import CloudSource

    return CloudSource(cloud)


def _make_field(dataset: PosedPhotos, config: NerfConfig) -> Engine:
    from engines.nerf import NerfEngine

    return _on_device(lambda: NerfEngine(dataset, config))


def _resume_field(folder: Path) -> Engine:
    from engines.nerf import NerfEngine

    return NerfEngine.resume(folder)


def _field_source(saved: Any) -> RenderSource:
    from engines.nerf import FieldSource

    return FieldSource.of(saved)


def _portrait(engine: Any) -> Portrait:
    source = engine.source()
    return Portrait(step=engine.step, source=source, megabytes=source.megabytes)


def _read_images(images: ImageSet, config: DiffusionConfig, report: Report) -> Any:
    from engines.diffusion.data.source import Source, data_of

    if images.teacher is not None:
        from engines.diffusion.teaching import Teaching, make_pairs

        teaching = Teaching(
            model=images.teacher, pairs=images.pairs, guidance=images.guidance, seed=config.seed
        )
        return make_pairs(
            teaching, progress=lambda done, total: report("The teacher draws", done, total)
        )
    return data_of(
        Source(bundled=images.bundled, folder=images.folder),
        config,
        progress=lambda done, total: report("Reading images", done, total),
    )


def _make_diffusion(data: Any, config: DiffusionConfig) -> Engine:
    from engines.diffusion import DiffusionEngine
    from engines.diffusion.data.pairs import Pairs

    fitting = as_student(config) if isinstance(data, Pairs) else config
    return _on_device(lambda: DiffusionEngine(data, fitting))


def _resume_diffusion(folder: Path) -> Engine:
    from engines.diffusion import DiffusionEngine

    return DiffusionEngine.resume(folder)


def _no_views(_model: DiffusionModel) -> RenderSource:
    raise InputError("A diffusion model has no views of a scene; draw samples from it instead")


SPLATS = EngineKind(
    id="splats",
    label="Splats",
    tip="Learn 3D Gaussians from the photos",
    verb="Training splats",
    config_type=SplatConfig,
    make=_make_splats,
    resume=_resume_splats,
    open_source=_splat_source,
    artifact=GaussianCloud,
    snapshot=lambda engine: engine.cloud(),
    result=lambda engine: engine.cloud(),
    modes=("colour", "depth", "ellipsoids", "points", "exact"),
    amount=lambda cloud: f"{count(len(cloud))} Gaussians",
    charts=SPLAT_CHARTS,
)
NERF = EngineKind(
    id="nerf",
    label="NeRF",
    tip="Learn a radiance field from the photos: density and colour at every place",
    verb="Training NeRF",
    config_type=NerfConfig,
    make=_make_field,
    resume=_resume_field,
    open_source=_field_source,
    artifact=Portrait,
    snapshot=_portrait,
    result=lambda engine: engine.saved_field(),
    modes=("colour", "depth", "normals", "accumulation", "occupancy", "slice"),
    amount=lambda portrait: f"{portrait.megabytes:.1f} MB of parameters",
    charts=FIELD_CHARTS,
    no_population="A radiance field is one function of place and direction; there is no "
    "population in it to follow",
)
DIFFUSION = EngineKind(
    id="diffusion",
    label="Diffusion",
    tip="Learn to draw images like those in a folder",
    verb="Training diffusion",
    config_type=DiffusionConfig,
    read=_read_images,
    make=_make_diffusion,
    resume=_resume_diffusion,
    open_source=_no_views,
    artifact=Sheet,
    snapshot=lambda engine: engine.sheet(),
    result=lambda engine: DiffusionModel(saved=engine.saved_model()),
    modes=("colour",),
    amount=lambda sheet: f"{len(sheet.averaged)} samples",
    charts=DIFFUSION_CHARTS,
    no_population="A diffusion model is one network; there is no population in it to follow",
    learns="images",
    besides=(Health,),
)
KINDS: Mapping[str, EngineKind] = {kind.id: kind for kind in (SPLATS, NERF, DIFFUSION)}
"""All engines by id, the first by default."""


def kind_of_checkpoint(folder: Path, kinds: Mapping[str, EngineKind]) -> EngineKind:
    """Who can go on with the run in `folder`. Raises InputError where nobody can."""
    name = engine_of(folder)
    if name not in kinds:
        known = " or ".join(kinds)
        raise InputError(
            f'{folder} was written by an engine called "{name}"; expected {known}. Resume it with '
            "the program that wrote it"
        )
    return kinds[name]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What trains here, and how a thread becomes one that trains."""

    settle_in: Callable[[], None]
    """Called first of all on the thread that a run gets."""
    device: str
    """What it would train with, for the badge."""
    report: str
    """The same at length, and why."""
    on_gpu: bool


def load_machine() -> Machine:
    """Import what engines need and probe this machine; takes seconds, so not in the UI thread."""
    import engines.diffusion.train
    import engines.splats.train  # noqa: F401 - not at the first click of "Run"
    from kernels.backend import backend
    from kernels.threads import leave_cores_to_kernels, start_threads_behind, step_back

    leave_cores_to_kernels()
    start_threads_behind()
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
    return Machine(
        settle_in=step_back,
        device=found.summary,
        report="\n".join(lines),
        on_gpu=found.name == "cuda",
    )
