"""Thinning on an NVIDIA GPU: torch's own operators. Unverified on a GPU."""

from kernels.thinning.reference import thin

__all__ = ["thin"]
