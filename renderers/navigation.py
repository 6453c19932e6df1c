"""Moving the viewer's camera: pure arithmetic, so that it can be tested without a window."""

from dataclasses import dataclass, replace

import numpy as np

from assets.camera import Camera, look_at
from assets.similarity import Similarity
from renderers.projection import letterboxed, rays
from renderers.rotation import about_axis, between, orthonormal

FIELD_OF_VIEW_DEG = 50.0
"""Of the shorter side of the window, while no photo lends its lens."""
STEEPEST_DEG = 89.0
"""Orbiting stops this far above and below the horizon."""
GLIDE_S = 0.45
"""How long a move to another view takes."""
FLY_SIZES_S = 0.35
"""Flying speed in scene sizes a second; four times that with shift."""
FLY_EASE_S = 0.12
"""Time constant with which flying starts and ends."""

FLY_KEYS = {
    "W": (0.0, 0.0, 1.0),
    "S": (0.0, 0.0, -1.0),
    "A": (-1.0, 0.0, 0.0),
    "D": (1.0, 0.0, 0.0),
    "E": (0.0, -1.0, 0.0),
    "Q": (0.0, 1.0, 0.0),
}
"""Direction in camera axes (right, down, forward) of each flying key."""


@dataclass(frozen=True, eq=False)
class _Glide:
    start: Camera
    end: Camera
    start_distance: float
    end_distance: float
    seconds: float = 0.0


class Navigator:
    """The camera of a viewer, moved by orbiting, panning, zooming, flying and gliding.

    Positions on screen are in pixels of the target, whose size `resize` tells.
    """

    def __init__(self, width: int = 800, height: int = 600) -> None:
        self.up = np.array([0.0, -1.0, 0.0])
        self.scene_size = 1.0
        """Radius of what is shown."""
        self.scene_centre = np.zeros(3)
        self.pose = look_at(np.array([0.0, 0.0, -3.0]), np.zeros(3), self.up)
        self.distance = 3.0
        """From the eye to the pivot, along the viewing direction."""
        self._size = (max(1, width), max(1, height))
        self._photo: Camera | None = None
        self._glide: _Glide | None = None
        self._velocity = np.zeros(3)
        self._keys: set[str] = set()
        self._fast = False

    # The present view

    @property
    def camera(self) -> Camera:
        """The present view at the size of the target."""
        width, height = self._size
        if self._glide is not None:
            return self._gliding(self._glide)
        if self._photo is not None:
            return letterboxed(self._photo, width, height).moved(self.pose)
        focal = 0.5 * min(width, height) / np.tan(np.radians(0.5 * FIELD_OF_VIEW_DEG))
        return Camera(
            width=width,
            height=height,
            fx=focal,
            fy=focal,
            cx=0.5 * width,
            cy=0.5 * height,
            camera_to_world=self.pose,
        )

    @property
    def pivot(self) -> np.ndarray:
        """[3] the point that orbiting turns about."""
        return self.pose[:3, 3] + self.distance * self.pose[:3, 2]

    @property
    def moving(self) -> bool:
        """Whether the camera moves by itself at the moment."""
        return (
            self._glide is not None or bool(self._keys) or bool(np.linalg.norm(self._velocity) > 0)
        )

    def resize(self, width: int, height: int) -> None:
        """The target has another size in pixels; at least one pixel is assumed."""
        self._size = (max(1, int(width)), max(1, int(height)))

    # Dragging and scrolling

    def orbit(self, dx: float, dy: float) -> None:
        """Turn about the pivot by a drag of (dx, dy) pixels; once round for two widths.

        Any roll that a photo's pose brought along is taken out on the way.
        """
        self._settle()
        pivot = self.pivot
        per_pixel = np.pi / max(1, min(self._size))
        self._turn(about_axis(self.up, -per_pixel * dx * self._upright_sign()), pivot)
        steepness = self._elevation()
        limit = np.radians(STEEPEST_DEG)
        wanted = np.clip(steepness - per_pixel * dy, min(-limit, steepness), max(limit, steepness))
        side = np.cross(self.pose[:3, 2], self.up)
        if np.linalg.norm(side) > 1e-6:
            self._turn(about_axis(side / np.linalg.norm(side), float(wanted - steepness)), pivot)
        self._level(np.exp(-float(np.hypot(dx, dy)) / 150.0))

    def pan(self, dx: float, dy: float) -> None:
        """Move sideways so that the pivot follows a drag of (dx, dy) pixels."""
        self._settle()
        camera = self.camera
        right, down = self.pose[:3, 0], self.pose[:3, 1]
        shift = -self.distance * (dx / camera.fx * right + dy / camera.fy * down)
        self.pose = self._at(self.pose[:3, 3] + shift)

    def zoom(self, steps: float, x: float, y: float) -> None:
        """Come nearer by `steps` notches of a wheel, keeping what is under (x, y) in place."""
        self._settle()
        factor = float(np.clip(0.88**steps, 0.05, 20.0))
        anchor = self.pose[:3, 3] + self.distance * rays(self.camera, np.array([[x, y]]))[0]
        self.pose = self._at(anchor + (self.pose[:3, 3] - anchor) * factor)
        # Never get stuck in front of the pivot: from here on it moves along.
        self.distance = max(self.distance * factor, 1e-3 * self.scene_size)

    # Flying

    def press(self, key: str) -> bool:
        """A key went down; says whether it is one to fly with."""
        if key.upper() not in FLY_KEYS:
            return False
        self._settle()
        self._keys.add(key.upper())
        return True

    def release(self, key: str) -> bool:
        """A key came up; says whether it was one to fly with."""
        known = key.upper() in self._keys
        self._keys.discard(key.upper())
        return known

    def release_all(self) -> None:
        """Forget every key: the window lost the keyboard."""
        self._keys.clear()
        self._fast = False

    def hurry(self, fast: bool) -> None:
        """Fly four times as fast, or at normal speed again."""
        self._fast = fast

    # Going somewhere

    def look_through(self, camera: Camera, *, animate: bool = True) -> None:
        """Take the place and the lens of `camera`, its photo wholly inside the target."""
        ahead = float((self.scene_centre - camera.centre) @ camera.forward)
        self._go(camera.camera_to_world, max(ahead, 0.1 * self.scene_size), camera, animate=animate)

    def set_camera(self, camera: Camera) -> None:
        """Show exactly `camera` (letterboxed if the target's shape differs), at once."""
        self.look_through(camera, animate=False)

    def focus(self, point: np.ndarray, *, animate: bool = True) -> None:
        """Turn towards `point` [3], come halfway to it and orbit about it from now on."""
        point = np.asarray(point, dtype=np.float64)
        away = self.pose[:3, 3] - point
        distance = float(np.linalg.norm(away))
        if distance < 1e-9:
            return
        nearer = min(distance, max(0.5 * distance, 0.3 * self.scene_size))
        eye = point + away * (nearer / distance)
        self._go(self._looking(eye, point), nearer, self._photo, animate=animate)

    def frame(self, centre: np.ndarray, radius: float, *, animate: bool = True) -> None:
        """Keep the direction of view and show the whole sphere."""
        self.home(centre, radius, self.pose[:3, 2], animate=animate)

    def reframe(self, change: Similarity) -> None:
        """The world is described in another frame from now on: stay where we are in it."""
        if self._glide is not None:
            self._settle()
        self.pose = change.pose(self.pose)
        self.distance *= change.scale
        self._velocity = change.scale * change.rotation @ self._velocity

    def home(
        self, centre: np.ndarray, radius: float, forward: np.ndarray, *, animate: bool = True
    ) -> None:
        """Show the whole sphere along `forward` [3], upright and with the window's own lens."""
        centre = np.asarray(centre, dtype=np.float64)
        distance = max(radius, 1e-9) / np.sin(np.radians(0.5 * FIELD_OF_VIEW_DEG)) * 1.05
        eye = centre - distance * forward / np.linalg.norm(forward)
        self._go(self._looking(eye, centre), distance, None, animate=animate)

    # Time

    def tick(self, seconds: float) -> bool:
        """Let `seconds` pass; says whether the view changed."""
        if self._glide is not None:
            self._glide = replace(self._glide, seconds=self._glide.seconds + seconds)
            if self._glide.seconds >= GLIDE_S:
                self._settle()
            return True
        wish = np.sum([FLY_KEYS[key] for key in self._keys], axis=0) if self._keys else np.zeros(3)
        speed = FLY_SIZES_S * self.scene_size * (4.0 if self._fast else 1.0)
        wish = wish * speed
        blend = 1.0 - np.exp(-seconds / FLY_EASE_S)
        self._velocity = self._velocity + (wish - self._velocity) * blend
        if np.linalg.norm(self._velocity) < 1e-3 * speed:
            self._velocity = np.zeros(3)
            return False
        step = self.pose[:3, :3] @ (self._velocity * seconds)
        self.pose = self._at(self.pose[:3, 3] + step)
        return True

    # Inside

    def _go(
        self, pose: np.ndarray, distance: float, photo: Camera | None, *, animate: bool
    ) -> None:
        start, start_distance = self.camera, self.distance
        self._glide = None
        self._velocity = np.zeros(3)
        self.pose = np.array(pose, dtype=np.float64)
        self.distance, self._photo = distance, photo
        if animate:
            self._glide = _Glide(start, self.camera, start_distance, distance)

    def _gliding(self, glide: _Glide) -> Camera:
        t = min(1.0, glide.seconds / GLIDE_S)
        t = t * t * (3.0 - 2.0 * t)
        width, height = self._size
        start, end = glide.start.resized(width, height), glide.end.resized(width, height)
        pose = np.eye(4)
        pose[:3, :3] = between(start.camera_to_world[:3, :3], end.camera_to_world[:3, :3], t)
        # The pivot, not the eye, goes straight: it stays in view.
        distance = glide.start_distance ** (1.0 - t) * glide.end_distance**t
        first = start.centre + glide.start_distance * start.forward
        last = end.centre + glide.end_distance * end.forward
        pose[:3, 3] = (1.0 - t) * first + t * last - distance * pose[:3, 2]
        mixed = {
            name: (1.0 - t) * getattr(start, name) + t * getattr(end, name)
            for name in ("fx", "fy", "cx", "cy")
        }
        return Camera(width=width, height=height, camera_to_world=pose, **mixed)

    def _settle(self) -> None:
        """A glide that is interrupted stays where it is; a finished one has arrived."""
        if self._glide is None:
            return
        if self._glide.seconds < GLIDE_S:
            camera = self._gliding(self._glide)
            self.pose = camera.camera_to_world
            self._photo = camera
        self._glide = None

    def _looking(self, eye: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Pose at `eye` towards `target`, upright unless that would be straight up or down."""
        forward = (target - eye) / np.linalg.norm(target - eye)
        steep = abs(float(forward @ self.up)) > np.sin(np.radians(STEEPEST_DEG))
        return look_at(eye, target, -self.pose[:3, 1] if steep else self.up)

    def _turn(self, rotation: np.ndarray, pivot: np.ndarray) -> None:
        pose = np.eye(4)
        pose[:3, :3] = orthonormal(rotation @ self.pose[:3, :3])
        pose[:3, 3] = pivot - self.distance * pose[:3, 2]
        self.pose = pose

    def _level(self, keep: float) -> None:
        """Leave only the share `keep` of the camera's roll about its viewing direction."""
        forward, right = self.pose[:3, 2], self.pose[:3, 0]
        level = np.cross(forward, self.up)
        if np.linalg.norm(level) < 0.05:
            return
        level /= np.linalg.norm(level)
        roll = np.arctan2(np.cross(level, right) @ forward, level @ right)
        self._turn(about_axis(forward, float(-roll * (1.0 - keep))), self.pivot)

    def _elevation(self) -> float:
        return float(np.arcsin(np.clip(self.pose[:3, 2] @ self.up, -1.0, 1.0)))

    def _upright_sign(self) -> float:
        """-1 while the camera hangs upside down, so that a drag still pulls the scene along."""
        return 1.0 if -self.pose[:3, 1] @ self.up >= 0.0 else -1.0

    def _at(self, eye: np.ndarray) -> np.ndarray:
        pose = np.array(self.pose)
        pose[:3, 3] = eye
        return pose
