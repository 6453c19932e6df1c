"""A triangle mesh as the renderers draw it."""

from dataclasses import dataclass, replace

import numpy as np

from assets.frame import Normalisation


@dataclass(frozen=True, eq=False, kw_only=True)
class Mesh:
    """Triangles with normals, vertex colours and perhaps one texture."""

    vertices: np.ndarray
    """[v, 3] float32, world units."""
    faces: np.ndarray
    """[f, 3] int32 indices into `vertices`, counter-clockwise seen from outside."""
    normals: np.ndarray
    """[v, 3] float32, unit length."""
    colours: np.ndarray
    """[v, 3] float32 sRGB in [0, 1]; white where the file gives none. Multiplies the texture."""
    texture: np.ndarray | None = None
    """[h, w, 3] float32 sRGB in [0, 1], first row at the top, or None."""
    uvs: np.ndarray | None = None
    """[v, 2] float32 texture coordinates, v upwards, or None; the texture repeats beyond [0, 1]."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or assumed while reading a file, each said once."""

    def in_normalised_frame(self, frame: Normalisation) -> "Mesh":
        """The same mesh, taken from the input's frame to the normalised one."""
        vertices = frame.to_normalised(self.vertices.astype(np.float64))
        return replace(self, vertices=vertices.astype(np.float32))
