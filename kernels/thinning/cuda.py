"""Thinning on an NVIDIA GPU: torch's own operators."""

from kernels.thinning.reference import thin

__all__ = ["thin"]
