"""Triangle meshes, lit simply, so that shape and texture can be judged."""

import numpy as np
from vispy import gloo

from assets.mesh import Mesh
from renderers.glsl import program
from renderers.projection import Lens
from renderers.textures import as_bytes

LARGEST_TEXTURE = 4096
"""Pixels along a side that every driver takes."""


class Meshes:
    """Any number of meshes, each with its own buffers."""

    def __init__(self) -> None:
        self._drawn: list[tuple[gloo.Program, gloo.IndexBuffer]] = []

    def __len__(self) -> int:
        return len(self._drawn)

    def set_meshes(self, meshes: list[Mesh]) -> None:
        """Show exactly these; faces with a missing or non-finite corner are left out."""
        self._drawn = [drawn for mesh in meshes if (drawn := _uploaded(mesh)) is not None]

    def draw(self, lens: Lens) -> None:
        """Draw all with depth; the caller has set the state of tests and masks."""
        for drawn, faces in self._drawn:
            drawn["u_view"] = lens.view
            drawn["u_clip"] = lens.clip
            drawn.draw("triangles", faces)


def _uploaded(mesh: Mesh) -> tuple[gloo.Program, gloo.IndexBuffer] | None:
    vertices = np.asarray(mesh.vertices, dtype=np.float32)
    faces = np.asarray(mesh.faces)
    inside = np.all((faces >= 0) & (faces < len(vertices)), axis=1)
    faces = faces[inside]
    faces = faces[np.isfinite(vertices[faces]).all(axis=(1, 2))]
    if len(faces) == 0:
        return None
    drawn = program("mesh.vert", "mesh.frag")
    drawn["a_position"] = np.nan_to_num(vertices)
    drawn["a_normal"] = np.nan_to_num(np.asarray(mesh.normals, dtype=np.float32))
    drawn["a_colour"] = np.clip(mesh.colours, 0.0, 1.0).astype(np.float32)
    uvs = mesh.uvs if mesh.uvs is not None else np.zeros((len(vertices), 2))
    drawn["a_uv"] = np.ascontiguousarray(uvs, dtype=np.float32)
    texture = mesh.texture if mesh.texture is not None else np.ones((1, 1, 3), dtype=np.float32)
    drawn["u_texture"] = gloo.Texture2D(
        _thinned(texture), interpolation="linear", wrapping="repeat"
    )
    return drawn, gloo.IndexBuffer(np.ascontiguousarray(faces, dtype=np.uint32))


def _thinned(image: np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8, thinned out to what drivers take."""
    step = -(-max(image.shape[:2]) // LARGEST_TEXTURE)
    return as_bytes(image[::step, ::step])
