"""Whether a window can be shown at all, told without starting Qt, which would abort."""

import os
import socket
import sys
from pathlib import Path

TIMEOUT_S = 2.0


def display_problem() -> str:
    """Why no window can be shown, in words, or "" where one can.

    Only Linux and its kin can be without a display; elsewhere the answer is "".
    """
    if sys.platform in ("win32", "darwin"):
        return ""
    if os.environ.get("QT_QPA_PLATFORM", "xcb").split(":")[0] not in ("xcb", "wayland"):
        return ""
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    display = os.environ.get("DISPLAY", "")
    if not display:
        return "There is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    return "" if _answers(display) else f"The display {display} does not answer"


def _answers(display: str) -> bool:
    host, _, tail = display.rpartition(":")
    number = tail.split(".")[0]
    if not number.isdecimal():
        return False
    if not host or host == "unix":
        return _reaches(socket.AF_UNIX, f"\0/tmp/.X11-unix/X{number}") or _reaches(
            socket.AF_UNIX, str(Path("/tmp/.X11-unix") / f"X{number}")
        )
    return _reaches(socket.AF_INET, (host, 6000 + int(number)))


def _reaches(family: socket.AddressFamily, address: object) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(address)  # pyright: ignore[reportArgumentType]
        except OSError:
            return False
    return True
