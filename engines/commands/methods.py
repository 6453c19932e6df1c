"""The methods that can be asked for by name: how each is made, resumed, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.diffusion import DiffusionConfig
from engines.nerf import NerfConfig
from engines.splats import SplatConfig

if TYPE_CHECKING:
    from assets.posed import PosedPhotos


@dataclass(frozen=True, kw_only=True)
class Resumable:
    """What the command line needs to know to name a method and its settings."""

    id: str
    config_type: type
    config_of: Callable[[Path], Any]
    """The settings in a checkpoint; InputError when there is none."""


@dataclass(frozen=True, kw_only=True)
class Method(Resumable):
    """All that the command line needs to know of one engine that learns from posed photos."""

    engine: Callable[[], Any]
    """Imports the engine's class, which takes seconds."""
    suffixes: tuple[str, ...]
    """Of the files that its result may be written to."""
    result: Callable[[Any], Any]
    """The asset that an engine has made so far."""
    looked_at: Callable[[Any], Any]
    """What a mesh is made of: Gaussians, or what draws a field."""
    nothing: str
    """What to say as long as there is none."""

    def make(self, photos: "PosedPhotos", config: Any) -> Any:
        """A new engine. Raises InputError when photos or device cannot be used."""
        from kernels.backend import DeviceError

        try:
            return self.engine()(photos, config)
        except DeviceError as error:
            raise InputError(str(error)) from error

    def resume(self, folder: Path, photos: "PosedPhotos | None", config: Any) -> Any:
        """The engine of a checkpoint. Raises InputError when that or its device cannot be used."""
        from kernels.backend import DeviceError

        try:
            return self.engine().resume(folder, photos, config)
        except DeviceError as error:
            raise InputError(str(error)) from error


def _splat_engine() -> Any:
    from engines.splats import SplatEngine

    return SplatEngine


def _splat_config(folder: Path) -> SplatConfig:
    from engines.splats.checkpoint import config_of

    return config_of(folder)


def _nerf_engine() -> Any:
    from engines.nerf import NerfEngine

    return NerfEngine


def _nerf_config(folder: Path) -> NerfConfig:
    from engines.nerf.checkpoint import config_of

    return config_of(folder)


def _diffusion_config(folder: Path) -> DiffusionConfig:
    from engines.diffusion.checkpoint import config_of

    return config_of(folder)


SPLATS = Method(
    id="splats",
    config_type=SplatConfig,
    engine=_splat_engine,
    suffixes=(".ply", ".splat"),
    result=lambda engine: engine.cloud(),
    looked_at=lambda engine: engine.cloud(),
    nothing="There are no Gaussians yet",
    config_of=_splat_config,
)
NERF = Method(
    id="nerf",
    config_type=NerfConfig,
    engine=_nerf_engine,
    suffixes=(".safetensors",),
    result=lambda engine: engine.saved_field(),
    looked_at=lambda engine: engine.source(),
    nothing="There is no field yet",
    config_of=_nerf_config,
)
DIFFUSION = Resumable(id="diffusion", config_type=DiffusionConfig, config_of=_diffusion_config)
METHODS = {method.id: method for method in (SPLATS, NERF)}
