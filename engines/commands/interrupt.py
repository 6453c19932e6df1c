"""Ctrl-C that ends a run at its next event instead of in the middle of a step."""

import os
import signal
import sys
from types import FrameType
from typing import Self

NOTICE = b"\nStopping at the next step; what was learned is kept (Ctrl-C again loses it)\n"


class StopRequest:
    """While the block runs, the first Ctrl-C (or SIGTERM) only asks; the second one interrupts."""

    def __init__(self, notice: bytes = NOTICE) -> None:
        """`notice` is what the first one is answered with."""
        self._notice = notice
        self.signal_number: int | None = None
        """Which signal asked for the end, None as long as none did."""
        self._before: dict[int, object] = {}

    @property
    def asked(self) -> bool:
        """Whether the run should end."""
        return self.signal_number is not None

    @property
    def exit_status(self) -> int:
        """The shell's custom for a program ended by a signal: 130 for Ctrl-C."""
        return 128 + (self.signal_number or 0)

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.signal_number = number
        os.write(sys.stderr.fileno(), self._notice)  # unlike a stream's write, safe in here
