"""The density grid on an NVIDIA GPU: torch's own operators. Unverified on a GPU."""

from kernels.densitygrid.reference import occupied, remember

__all__ = ["occupied", "remember"]
