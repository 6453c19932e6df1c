"""Where the photos were taken from: a small pyramid with its photo for every camera."""

from dataclasses import dataclass

import numpy as np
from vispy import gloo

from assets.camera import Camera
from renderers.atlas import packed
from renderers.colours import ACCENT, BLUE
from renderers.glsl import program
from renderers.lines import Lines
from renderers.projection import Lens
from renderers.textures import LateTexture

EDGES = ((0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1), (1, 5), (5, 2))
"""Of a pyramid: 0 is the eye, 1 to 4 the corners from the upper left, 5 points up."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CameraMark:
    """A camera to show."""

    camera: Camera
    thumbnail: np.ndarray | None = None
    """[h, w, 3] uint8 or float in [0, 1], any small size."""
    colour: tuple[float, float, float] = BLUE
    """sRGB in [0, 1]."""
    name: str = ""


def natural_size(cameras: list[Camera], scene_size: float) -> float:
    """Length of the pyramids: a share of the usual gap to the next camera, or of the scene."""
    if len(cameras) < 2:
        return 0.08 * scene_size
    centres = np.stack([camera.centre for camera in cameras[:400]])
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    gaps[np.arange(len(gaps)), np.arange(len(gaps))] = np.inf
    gap = float(np.median(gaps.min(axis=1)))
    return float(np.clip(0.4 * gap, 0.03 * scene_size, 0.1 * scene_size))


def pyramid(camera: Camera, size: float) -> np.ndarray:
    """[6, 3] eye, corners of the image plane (upper left first, clockwise) and a tip above."""
    width, height = camera.width, camera.height
    pixels = np.array(
        [[0, 0], [width, 0], [width, height], [0, height], [width / 2, -0.18 * min(width, height)]]
    )
    local = np.ones((5, 3))
    local[:, :2] = (pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    # Equal diagonals look equal whatever the focal length.
    local *= size / max(0.5, float(np.linalg.norm(local[2] - local[0])) / 1.2)
    return np.concatenate([np.zeros((1, 3)), local]) @ camera.camera_to_world[:3, :3].T + (
        camera.centre
    )


class Frusta:
    """All cameras; those at whose place the viewer stands are left out."""

    def __init__(self) -> None:
        self.size = 1.0
        """Length of the pyramids in world units."""
        self.selected: int | None = None
        self._marks: list[CameraMark] = []
        self._thin, self._thick = Lines(), Lines()
        self._pictures = program("thumbnail.vert", "thumbnail.frag")
        self._atlas = LateTexture()
        self._places = np.zeros((0, 4))
        self._with_picture: list[int] = []
        self._faces: gloo.IndexBuffer | None = None
        self._built: tuple | None = None

    def __len__(self) -> int:
        return len(self._marks)

    def set_marks(self, marks: list[CameraMark]) -> None:
        """Show exactly these."""
        self._marks = list(marks)
        self._built = None
        if self.selected is not None and self.selected >= len(marks):
            self.selected = None
        self._with_picture = [i for i, mark in enumerate(marks) if mark.thumbnail is not None]
        if self._with_picture:
            pictures = [m.thumbnail for m in marks if m.thumbnail is not None]
            atlas, self._places = packed(pictures)
            self._atlas.set(atlas)

    def draw(self, lens: Lens, *, scale: float = 1.0, cutoff: float = 0.0) -> None:
        """Draw with depth; lines are wider by `scale`. Blending is premultiplied."""
        self._build(lens)
        if self._faces is not None:
            self._pictures["u_atlas"] = self._atlas.uploaded()
            self._pictures["u_view"] = lens.view
            self._pictures["u_clip"] = lens.clip
            self._pictures.draw("triangles", self._faces)
        self._thin.draw(lens, width=1.3 * scale, cutoff=cutoff)
        self._thick.draw(lens, width=2.6 * scale, cutoff=cutoff)

    def _build(self, lens: Lens) -> None:
        eye = lens.camera.centre
        shown = tuple(
            i
            for i, mark in enumerate(self._marks)
            if np.linalg.norm(mark.camera.centre - eye) > 0.8 * self.size
        )
        key = (shown, self.size, self.selected)
        if key == self._built:
            return
        self._built = key
        corners = {i: pyramid(self._marks[i].camera, self.size) for i in shown}
        self._outline(self._thin, corners, [i for i in shown if i != self.selected])
        self._outline(self._thick, corners, [i for i in shown if i == self.selected])
        rows = [row for row, i in enumerate(self._with_picture) if i in corners]
        self._faces = None
        if rows:
            places = self._places[rows]
            quads = np.stack([corners[self._with_picture[row]][1:5] for row in rows])
            uvs = places[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
            self._pictures["a_position"] = gloo.VertexBuffer(_floats(quads.reshape(-1, 3)))
            self._pictures["a_uv"] = gloo.VertexBuffer(_floats(uvs.reshape(-1, 2)))
            first = 4 * np.arange(len(rows))[:, None]
            faces = np.add(first, [0, 1, 2, 0, 2, 3]).astype(np.uint32).ravel()
            self._faces = gloo.IndexBuffer(faces)

    def _outline(self, lines: Lines, corners: dict[int, np.ndarray], which: list[int]) -> None:
        edges = np.array(EDGES)
        start = [corners[i][edges[:, 0]] for i in which]
        end = [corners[i][edges[:, 1]] for i in which]
        colours = [
            np.tile((*(ACCENT if i == self.selected else self._marks[i].colour), 1.0), (10, 1))
            for i in which
        ]
        if which:
            lines.set_lines(np.concatenate(start), np.concatenate(end), np.concatenate(colours))
        else:
            lines.set_lines(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 4)))


def _floats(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)
