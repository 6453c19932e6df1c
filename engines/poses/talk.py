"""The side of the conversation that does the work: says a line, waits for the answer."""

import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import IO

from engines.poses.protocol import LOOK, Message, encode


class Talk:
    """Messages out, answers in; ends the process at once when nobody listens any more.

    A thread of its own waits for answers, so that the end of the input is seen within a
    long native call too (those let go of the interpreter).
    """

    def __init__(self, said: IO[bytes], heard: IO[bytes], *, end: Callable[[], None]) -> None:
        self._said = said
        self._end = end
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._wanted = False
        threading.Thread(target=self._listen, args=(heard,), daemon=True).start()

    @classmethod
    def of_process(cls) -> "Talk":
        """On this process's own input and output; whatever else is printed goes to stderr."""
        said = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        heard = os.fdopen(os.dup(0), "rb", buffering=0)
        return cls(said, heard, end=lambda: os._exit(0))

    def say(self, message: Message) -> None:
        """Say one thing and wait until whoever listens wants to hear more."""
        try:
            self._said.write(encode(message).encode() + b"\n")
            self._said.flush()
        except OSError:
            self._end()
        if self._answers.get() == LOOK:
            self._wanted = True

    def take_look(self) -> bool:
        """Whether a snapshot was asked for since the last call."""
        wanted, self._wanted = self._wanted, False
        return wanted

    def _listen(self, heard: IO[bytes]) -> None:
        for line in heard:
            self._answers.put(line.decode(errors="replace").strip())
        self._end()
