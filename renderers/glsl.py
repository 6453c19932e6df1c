"""Shader sources live in files of their own, where editors and compilers understand them."""

from functools import cache
from importlib.resources import files

from vispy import gloo
from vispy.gloo import gl


@cache
def shader_source(name: str) -> str:
    """Text of `renderers/shaders/<name>`, GLSL 1.20."""
    return (files("renderers") / "shaders" / name).read_text(encoding="utf-8")


def program(vertex: str, fragment: str, *, define: str = "") -> gloo.Program:
    """A fresh program of the current context from two shader file names.

    With `define`, that name is defined for the preprocessor of the fragment shader: a
    branch costs an emulated OpenGL more than a second program.
    """
    start = f"#define {define}\n" if define else ""
    return gloo.Program(shader_source(vertex), start + shader_source(fragment))


def renderer_name() -> str:
    """What the driver of the current context calls itself (GL_RENDERER)."""
    # vispy fills its module `gl` at run time, which type checkers cannot see.
    return str(gl.glGetParameter(gl.GL_RENDERER))  # pyright: ignore[reportAttributeAccessIssue]
