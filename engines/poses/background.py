"""Work that takes its time, done beside a generator that still looks up several times a second."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
BEAT_S = 0.2
"""Longest time without a look at whether to go on."""


def in_background(
    calls: Iterable[Callable[[], T]], *, threads: int = 1
) -> Iterator[list[tuple[int, T | Exception]]]:
    """Make all `calls`; yields what is done since the last time, at least every `BEAT_S`.

    Each is told as its place in `calls` and its value or what it raised. Closing the
    generator drops the calls that have not begun and waits for those that have.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="poses")
    try:
        places = {pool.submit(call): i for i, call in enumerate(calls)}
        left = set(places)
        while left:
            done, left = wait(left, timeout=BEAT_S, return_when=FIRST_COMPLETED)
            found: list[tuple[int, T | Exception]] = []
            for future in done:
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                found.append((places[future], future.result() if error is None else error))
            yield found
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
