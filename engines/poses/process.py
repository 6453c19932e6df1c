"""The process that does the native work, seen from outside: it may die, hang or talk nonsense."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from engines.poses.protocol import Message, decode

ROOT = Path(__file__).resolve().parent.parent.parent
LINE_LIMIT = 2**24
"""Bytes of a line beyond which it is cut."""
NONSENSE_LIMIT = 1_000
"""Lines that are no messages before the process counts as broken."""
NONSENSE = "it says nothing that is understood"
LEAVE_S = 0.15
"""Time that a process gets to end by itself once nobody listens."""


class ChildDied(Exception):
    """The process ended without a last word, or is of no use; says how in a few words."""

    def __init__(self, words: str, signal_number: int = 0) -> None:
        super().__init__(words)
        self.signal_number = signal_number


class Child:
    """One process and its messages; use as a context manager, which kills it at the end."""

    def __init__(self, command: Sequence[str], *, log: Path, inherit: Sequence[int] = ()) -> None:
        """Start `command`; its errors and what is no message go to `log`.

        `inherit` names file descriptors that it keeps open (POSIX). Raises OSError.
        """
        posix = os.name == "posix"
        self._log = log.open("wb")
        try:
            self._process = subprocess.Popen(
                list(command),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # A group of its own: Ctrl-C in the terminal is for the parent to deal with,
                # and what the process starts goes with it.
                start_new_session=posix,
                pass_fds=tuple(inherit) if posix else (),
            )
        except BaseException:
            self._log.close()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._answers: IO[bytes] = self._process.stdin
        self._lines: queue.Queue[bytes | None] = queue.Queue(maxsize=64)
        self._nonsense = 0
        self._closing = False
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name="poses-reader", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def memory_mb(self) -> float:
        """The most memory that it held so far, in units of 2**20 bytes; 0 where unknown."""
        return peak_memory_of(self._process.pid)

    def receive(self, timeout_s: float) -> Message | None:
        """The next message, or None when there is none within about `timeout_s`.

        Raises ChildDied when the process is gone or talks nothing but nonsense.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if line is None:
            raise _death(self._process.wait())
        try:
            return decode(line.decode("utf-8"))
        except ValueError:
            self._log.write(line.rstrip(b"\n") + b"\n")
            self._log.flush()
        self._nonsense += 1
        if self._nonsense > NONSENSE_LIMIT:
            raise ChildDied(NONSENSE)
        return None

    def answer(self, word: str) -> None:
        """Let it go on. That it is gone meanwhile is for `receive` to tell."""
        with contextlib.suppress(OSError):
            self._answers.write(word.encode() + b"\n")
            self._answers.flush()

    def close(self) -> None:
        """End the process and all that belongs to it, within a fraction of a second."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._answers.close()
        try:
            self._process.wait(timeout=LEAVE_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._kill()
            self._process.wait()
        while self._reader.is_alive():  # it may wait for room
            with contextlib.suppress(queue.Empty):
                self._lines.get_nowait()
            self._reader.join(timeout=0.01)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _kill(self) -> None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _read(self, stdout: IO[bytes]) -> None:
        while line := stdout.readline(LINE_LIMIT):
            if not self._closing:
                self._lines.put(line)
        if not self._closing:
            self._lines.put(None)


def peak_memory_of(pid: int) -> float:
    """The most memory (or, outside Linux, the present one) of a process; 0 once it is gone."""
    if sys.platform == "linux":
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return 0.0
        peak = status.partition("VmHWM:")[2].split()
        return float(peak[0]) / 2**10 if peak else 0.0
    import psutil

    try:
        return psutil.Process(pid).memory_info().rss / 2**20
    except psutil.Error:
        return 0.0


def _death(returncode: int) -> ChildDied:
    if returncode < 0:
        return ChildDied(f"killed by signal {-returncode}", -returncode)
    return ChildDied(f"exit status {returncode}")
