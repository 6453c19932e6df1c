"""What runs in the inner loop: arrays in, arrays out; each operation has up to three twins."""

from pathlib import Path

from kernels.compiled import forget_stale_kernels
from kernels.pages import ask_for_large_pages, keep_free_memory
from kernels.tbb import load_tbb

ask_for_large_pages()
keep_free_memory()
load_tbb()
for _operation in Path(__file__).parent.glob("*/__init__.py"):
    forget_stale_kernels(_operation.parent)
