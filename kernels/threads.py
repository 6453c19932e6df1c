"""Parallel numba kernels may be entered by several Python threads at once: this keeps it safe.

numba runs on one of three threading layers. tbb and omp take concurrent callers; workqueue,
the fallback where neither is installed, aborts the whole process. There, and only there,
callers wait for each other.
"""

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import numba
import numpy as np
import torch
from numba.np.ufunc import parallel

NICENESS = 10
"""Of threads that step back; 19 would give them next to nothing beside a busy thread."""

_one_at_a_time = threading.RLock()


@functools.cache
def threading_layer() -> str:
    """Name of numba's threading layer in this process: "tbb", "omp" or "workqueue".

    The first call starts numba's threads.
    """
    with _one_at_a_time:
        _touch(np.zeros(2, dtype=np.float32))
        return parallel.threading_layer()


def parallel_region() -> AbstractContextManager:
    """Hold this around every call of a kernel compiled with parallel=True."""
    return _one_at_a_time if threading_layer() == "workqueue" else contextlib.nullcontext()


@contextlib.contextmanager
def balanced_region(chunk: int) -> Iterator[None]:
    """A `parallel_region` whose loops hand out `chunk` iterations at a time to idle threads.

    Meant for loops of uneven iterations; elsewhere each thread gets one equal share.
    """
    with parallel_region():
        before = numba.set_parallel_chunksize(chunk)
        try:
            yield
        finally:
            numba.set_parallel_chunksize(before)


def core_count() -> int:
    """Number of cores that this process may use, as numba sees it."""
    return parallel.get_thread_count()


def use_threads(count: int) -> int:
    """Let kernels started by the calling thread use `count` threads, at most all cores.

    Other Python threads are not affected. Returns the number in effect, at least 1.
    """
    count = max(1, min(count, core_count()))
    numba.set_num_threads(count)
    return count


def step_back() -> None:
    """Let the rest of the program go before the calling thread where cores are scarce.

    Threads that it starts inherit this. Only Linux can do it for one thread; elsewhere nothing
    happens. It cannot be taken back.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def start_threads_behind() -> None:
    """Start the kernels' own threads now, all of them stepping back (see `step_back`)."""

    def start() -> None:
        step_back()
        threading_layer()

    starter = threading.Thread(target=start, name="kernels")
    starter.start()
    starter.join()


def leave_cores_to_kernels() -> None:
    """Keep torch's own operators on the calling thread, for the whole process.

    Between kernels torch only does small sums; a second pool of threads for them fights the
    kernels' pool for the cores. To be called once by whoever owns a process that trains on
    the CPU, never by an engine.
    """
    torch.set_num_threads(1)


@contextlib.contextmanager
def torch_at_work() -> Iterator[None]:
    """Give torch's own operators, large products above all, the threads that kernels have here.

    Holds for the calling thread, as `use_threads` does, and is taken back at the end: see
    `leave_cores_to_kernels`.
    """
    before, wanted = torch.get_num_threads(), numba.get_num_threads()
    if before == wanted:
        yield
        return
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@numba.njit(parallel=True, cache=True, nogil=True)
def _touch(values):
    for i in numba.prange(values.shape[0]):
        values[i] += 1.0
