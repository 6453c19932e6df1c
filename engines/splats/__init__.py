"""Gaussian splatting: learns a cloud of 3D Gaussians from posed photos."""

from engines.splats.config import Schedule, SplatConfig
from engines.splats.source import CloudSource
from engines.splats.train import SplatEngine

__all__ = ["CloudSource", "Schedule", "SplatConfig", "SplatEngine"]
