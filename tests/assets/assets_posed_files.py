"""Small posed data sets, written to disk the way other programs write them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from assets.camera import Camera, look_at

WIDTH, HEIGHT = 64, 48
OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Truth:
    """What a data set on disk should be read as."""

    names: list[str]
    cameras: list[Camera]
    positions: np.ndarray
    colours: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.uint8))

    @property
    def poses(self) -> np.ndarray:
        """[n, 4, 4] OpenCV camera-to-world."""
        return np.stack([camera.camera_to_world for camera in self.cameras])


def ring(names: list[str], *, fx: float = 60.0, fy: float = 62.0) -> Truth:
    """Cameras on a ring that look at the origin, and points near it."""
    random = np.random.default_rng(5)
    cameras = []
    for i in range(len(names)):
        angle = 2 * np.pi * i / len(names) + 0.1
        eye = np.array([4 * np.cos(angle), 4 * np.sin(angle), 1.0 + 0.3 * i])
        pose = look_at(eye, np.zeros(3), np.array([0.0, 0.0, 1.0]))
        cameras.append(
            Camera(width=WIDTH, height=HEIGHT, fx=fx, fy=fy, cx=33.0, cy=23.5, camera_to_world=pose)
        )
    positions = random.normal(size=(40, 3)) * 0.5
    return Truth(names, cameras, positions, random.integers(0, 256, (40, 3)).astype(np.uint8))


def write_photos(folder: Path, names: list[str], *, mode: str = "RGB") -> None:
    """A photo of noise for each name; the noise is the same for the same position."""
    for i, name in enumerate(names):
        random = np.random.default_rng(i)
        channels = {"RGB": 3, "RGBA": 4}[mode]
        pixels = random.integers(0, 256, (HEIGHT, WIDTH, channels)).astype(np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)


def write_colmap(
    folder: Path,
    truth: Truth,
    *,
    text: bool = False,
    model: str = "PINHOLE",
    params: list[float] | None = None,
) -> None:
    """A COLMAP model of `truth` in `folder`, written by pycolmap itself."""
    import pycolmap

    first = truth.cameras[0]
    reconstruction = pycolmap.Reconstruction()
    camera = pycolmap.Camera(
        model=model,
        width=first.width,
        height=first.height,
        params=params or [first.fx, first.fy, first.cx, first.cy],
        camera_id=7,
    )
    reconstruction.add_camera_with_trivial_rig(camera)
    for i, (name, view) in enumerate(zip(truth.names, truth.cameras, strict=True), start=1):
        image = pycolmap.Image(name=name, camera_id=7, image_id=i)
        pixels, _ = view.project(truth.positions[:5])
        image.points2D = pycolmap.Point2DList([pycolmap.Point2D(xy) for xy in pixels])
        pose = pycolmap.Rigid3d(view.world_to_camera[:3])
        reconstruction.add_image_with_trivial_frame(image, pose)
    for k, (position, colour) in enumerate(zip(truth.positions, truth.colours, strict=True)):
        track = pycolmap.Track()
        if k < 5:
            for i in range(1, len(truth.names) + 1):
                track.add_element(i, k)
        reconstruction.add_point3D(position, track, colour)
    folder.mkdir(parents=True, exist_ok=True)
    (reconstruction.write_text if text else reconstruction.write_binary)(folder)


def frames_of(truth: Truth, *, prefix: str = "images/") -> list[dict]:
    """The frames of a transforms.json."""
    return [
        {"file_path": prefix + name, "transform_matrix": (pose @ OPENGL).tolist()}
        for name, pose in zip(truth.names, truth.poses, strict=True)
    ]


def write_bundle(
    path: Path, truth: Truth, *, k1: float = 0.0, k2: float = 0.0, without: tuple[int, ...] = ()
) -> None:
    """A bundle.out; the cameras numbered in `without` have no pose, as Bundler writes them."""
    flip = np.diag([1.0, -1.0, -1.0])
    lines = ["# Bundle file v0.3", f"{len(truth.cameras)} {len(truth.positions)}"]
    for i, camera in enumerate(truth.cameras):
        if i in without:
            lines += ["0 0 0"] * 5
            continue
        view = camera.world_to_camera
        lines.append(f"{camera.fx:.12g} {k1} {k2}")
        rows = [*(flip @ view[:3, :3]), flip @ view[:3, 3]]
        lines += [" ".join(f"{value:.12g}" for value in row) for row in rows]
    for position, colour in zip(truth.positions, truth.colours, strict=True):
        lines.append(" ".join(f"{value:.9g}" for value in position))
        lines.append(" ".join(str(int(value)) for value in colour))
        lines.append("2 0 0 1.5 -2.5 1 3 4.5 5.5")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
