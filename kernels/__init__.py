"""What runs in the inner loop: arrays in, arrays out; each operation has up to three twins."""

from kernels.tbb import load_tbb

load_tbb()
