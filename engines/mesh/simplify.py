"""Fewer triangles by quadric error metrics (Garland and Heckbert 1997), as pycolmap does it.

pycolmap is native and cannot be interrupted, so it works in a child process that is ended
when nobody waits for it any more. Vertices go there in cells of the grid, where 32 bits are
exact enough wherever the scene lies.
"""

import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import numpy as np

from assets.errors import InputError
from assets.formats.mesh_parts import smooth_normals
from assets.formats.mesh_ply import read_ply, write_mesh_ply
from assets.mesh import Mesh
from engines.events import Event, Prepared

POLL_S = 0.1
PHASE = "Simplifying the mesh"


def simplified(
    vertices: np.ndarray, faces: np.ndarray, *, most: int
) -> Generator[Event, None, tuple[np.ndarray, np.ndarray]]:
    """Returns vertices [v, 3] and faces [f, 3] with about `most` faces; yields events meanwhile.

    Raises InputError when pycolmap is not to be had or could not do it.
    """
    mesh = Mesh(
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        normals=smooth_normals(vertices, faces),
        colours=np.ones((len(vertices), 3), dtype=np.float32),
    )
    with tempfile.TemporaryDirectory(prefix="zograscope-mesh-") as folder:
        whole, fewer = Path(folder) / "whole.ply", Path(folder) / "fewer.ply"
        write_mesh_ply(mesh, whole)
        words = [sys.executable, "-m", "engines.mesh.simplify", whole, fewer, most / len(faces)]
        child = subprocess.Popen(
            [str(word) for word in words],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while child.poll() is None:
                yield Prepared(phase=PHASE, done=0, total=1)
                try:
                    child.wait(POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            child.kill()
            child.wait()
        if child.returncode != 0 or not fewer.exists():
            raise InputError(
                "The mesh could not be simplified, which pycolmap does; keep all triangles "
                "(0), or lower the resolution instead"
            )
        result = read_ply(fewer)
    if not isinstance(result, Mesh):
        raise InputError(f"Nothing is left of the mesh with {most:,} triangles; allow more")
    yield Prepared(phase=PHASE, done=1, total=1)
    return result.vertices.astype(np.float64), result.faces.astype(np.int64)


def _work(whole: str, fewer: str, part: str) -> None:
    """The child: read one PLY file, write the other with this part of the faces."""
    import pycolmap

    options = pycolmap.MeshSimplificationOptions()
    options.target_face_ratio = float(part)
    pycolmap.simplify_mesh(whole, fewer, options)


if __name__ == "__main__":
    _work(*sys.argv[1:])
