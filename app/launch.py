"""Starts the window: what must be set before Qt begins, in the order in which it must be."""

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QSurfaceFormat
from PySide6.QtWidgets import QApplication

SWITCH_S = 0.001
"""How long a thread may keep the interpreter: Python's own 5 ms make a window stutter."""


def launch(paths: Sequence[Path] = (), *, argv: Sequence[str] | None = None) -> int:
    """Show the window, open `paths` in it and return the exit status when it is closed.

    The word "sample" for a path stands for the bundled scene, as on the command line.
    """
    if sys.platform == "win32":
        import torch  # noqa: F401 - its libraries must be loaded before Qt's there

    sys.setswitchinterval(SWITCH_S)
    application = make_application(argv)

    from app import theme
    from app.faults import Faults
    from app.memory import Memory
    from app.window import MainWindow
    from engines.commands.inputs import SAMPLE

    memory = Memory()
    theme.apply(application, memory.theme)
    faults = Faults()
    faults.install()
    try:
        window = MainWindow(memory=memory, faults=faults)
        window.show()
        if [str(path) for path in paths] == [SAMPLE]:
            window.bench.open_sample()
        elif paths:
            window.bench.open([Path(path).absolute() for path in paths])
        status = application.exec()
        window.end()
        return status
    finally:
        faults.remove()


def make_application(argv: Sequence[str] | None = None) -> QApplication:
    """The QApplication, with OpenGL as the viewport needs it."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    wanted = QSurfaceFormat()
    wanted.setDepthBufferSize(24)
    wanted.setSwapInterval(1)
    QSurfaceFormat.setDefaultFormat(wanted)
    application = QApplication(list(argv) if argv is not None else sys.argv[:1])
    application.setApplicationName("Zograscope")
    application.setOrganizationName("Zograscope")
    application.setDesktopFileName("zograscope")

    import vispy

    vispy.use(app="pyside6", gl="gl+")
    return application
