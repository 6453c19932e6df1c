"""What OpenGL and which fonts a window would get, asked in a process of its own.

    python -m app.glprobe        prints one line of JSON

A broken driver or a missing library ends a process without a word to be caught, so whoever
wants to know runs this and looks at its exit status.
"""

import json
import sys

from PySide6.QtGui import QFontDatabase, QGuiApplication, QOffscreenSurface, QOpenGLContext

GL_VENDOR, GL_RENDERER, GL_VERSION = 0x1F00, 0x1F01, 0x1F02


def probe() -> dict:
    """{"opengl": {"vendor", "renderer", "version"} or None, "fonts": number of families}."""
    application = QGuiApplication([])
    found: dict = {"opengl": None, "fonts": len(QFontDatabase.families())}
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if context.create() and context.makeCurrent(surface):
        functions = context.functions()
        found["opengl"] = {
            name: str(functions.glGetString(code))
            for name, code in (
                ("vendor", GL_VENDOR),
                ("renderer", GL_RENDERER),
                ("version", GL_VERSION),
            )
        }
        context.doneCurrent()
    del application
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe()) + "\n")
