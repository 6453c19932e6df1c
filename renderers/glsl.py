"""Shader sources live in files of their own, where editors and compilers understand them."""

from functools import cache
from importlib.resources import files

from vispy import gloo


@cache
def shader_source(name: str) -> str:
    """Text of `renderers/shaders/<name>`, GLSL 1.20."""
    return (files("renderers") / "shaders" / name).read_text(encoding="utf-8")


def program(vertex: str, fragment: str) -> gloo.Program:
    """A fresh program of the current context from two shader file names."""
    return gloo.Program(shader_source(vertex), shader_source(fragment))
