"""The density grid on an NVIDIA GPU: torch's own operators."""

from kernels.densitygrid.reference import occupied, remember

__all__ = ["occupied", "remember"]
