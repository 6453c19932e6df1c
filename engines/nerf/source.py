"""A radiance field for whoever wants to look at it: pictures, single rays, single places."""

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from assets.camera import Camera
from assets.field import SavedField
from assets.frame import Normalisation
from engines.artifacts import FieldRay
from engines.engine import RenderedView
from engines.nerf.modes import Cut, painter_of
from engines.nerf.probe import probe
from engines.nerf.radiance import Radiance
from engines.nerf.rays import rays_of
from engines.nerf.render import picture_of
from engines.nerf.saved import loaded

SMALLEST = 0.125
"""A view is never drawn at less than this part of its resolution."""
COARSE_PIXELS = 12_000
"""The first of the better and better views has about so many pixels."""
FINER = 2.5
"""Each of them has so many times the pixels of the one before along each side."""
PIECE_MS = 120.0
"""What is drawn between two looks at whether anybody still wants it."""
POINTS_AT_ONCE = 1 << 16


class FieldSource:
    """Draws a snapshot of a `Radiance`; everything a caller sees is in the frame of the input."""

    def __init__(
        self,
        radiance: Radiance,
        frame: Normalisation,
        *,
        photos: tuple[str, ...] = (),
        code: Tensor | None = None,
        cut: Cut | None = None,
    ) -> None:
        self._radiance, self._frame = radiance, frame
        self.photos = photos
        """Photos whose appearance the field knows; see `lit_as`."""
        self._code, self._cut = code, cut
        self._ms_per_pixel: dict[str, float] = {}

    @classmethod
    def of(cls, saved: SavedField, device: torch.device | None = None) -> "FieldSource":
        """The field of a file; InputError when it is broken."""
        radiance, frame, photos = loaded(saved, device or torch.device("cpu"))
        return cls(radiance.snapshot(), frame, photos=photos)

    # -- what it is ------------------------------------------------------------------------

    @property
    def modes(self) -> tuple[str, ...]:
        """What it can show of itself, colour first."""
        all_modes = ("colour", "depth", "normals", "accumulation", "occupancy", "slice")
        known = self._radiance.occupancy is not None
        return tuple(mode for mode in all_modes if known or mode != "occupancy")

    @property
    def box(self) -> np.ndarray:
        """[2, 3] float64 corners of what the photos are about."""
        return self._frame.to_input(self._radiance.space.inner.double().cpu().numpy())

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        return sum(p.numel() for p in self._radiance.parameters.values())

    @property
    def megabytes(self) -> float:
        """Of what was learnt, in units of 10**6 bytes."""
        return 4e-6 * self.parameters

    @property
    def behind(self) -> Tensor:
        """[3] what photos with transparency are to be laid over, to be compared with it."""
        return self._radiance.backdrop.colours(torch.zeros(1, 3, device=self._radiance.device))[0]

    def lit_as(
        self, first: str | None, second: str | None = None, share: float = 0.0
    ) -> "FieldSource":
        """The same field in the light of photo `first`, blended with that of `second` by `share`.

        None stands for the mean light of all photos. Raises KeyError for a photo whose
        appearance is not known.
        """
        one, other = self._light(first), self._light(second)
        return self._seen(code=torch.lerp(one, other, share), cut=self._cut)

    def cut_at(self, axis: int | None, share: float) -> "FieldSource":
        """The same field with its slice at right angles to `axis`, 0 to 2 for x, y and z.

        It lies `share` of the way through `box`; None for the axis that faces the camera most.
        """
        return self._seen(code=self._code, cut=Cut(axis=axis, share=share))

    def _light(self, photo: str | None) -> Tensor:
        codes = self._radiance.codes
        if codes is None or (photo is not None and photo not in self.photos):
            raise KeyError(photo)
        return codes.mean(dim=0) if photo is None else codes[self.photos.index(photo)]

    def _seen(self, *, code: Tensor | None, cut: Cut | None) -> "FieldSource":
        other = FieldSource(self._radiance, self._frame, photos=self.photos, code=code, cut=cut)
        other._ms_per_pixel = self._ms_per_pixel  # it is as fast as this one
        return other

    # -- pictures --------------------------------------------------------------------------

    def render(
        self, camera: Camera, budget_ms: float | None = None, *, mode: str = "colour"
    ) -> RenderedView:
        """The view of `camera`; smaller where the last view says `budget_ms` would not do."""
        full = camera.width * camera.height
        if budget_ms is not None:
            each = self._ms_per_pixel.get(mode)
            part = SMALLEST if each is None else math.sqrt(budget_ms / (each * full))
            camera = _scaled(camera, min(1.0, max(part, SMALLEST)))
        *_, view = self._pieces(camera, mode, None, every_ms=math.inf)
        return view

    def refine(self, camera: Camera, *, mode: str = "colour") -> Iterator[RenderedView]:
        """Better and better views of `camera`, the last of them in full."""
        part = min(1.0, math.sqrt(COARSE_PIXELS / (camera.width * camera.height)))
        best = view = None
        while True:
            for view in self._pieces(_scaled(camera, part), mode, best, every_ms=PIECE_MS):
                yield view
            best = view
            if part == 1.0:
                return
            part = min(1.0, FINER * part) if FINER * part < 0.75 else 1.0

    def photo(self, camera: Camera) -> np.ndarray:
        """[h, w, 3] sRGB in [0, 1] as a photo would have it, with what lies behind the field."""
        moved = camera.moved(self._frame.pose_to_normalised(camera.camera_to_world))
        return picture_of(self._radiance, moved, code=self._code).colour.cpu().numpy()

    def probe(self, camera: Camera, x: float, y: float) -> FieldRay:
        """What made the pixel that holds (x, y), in pixels of `camera`."""
        return probe(self._radiance, self._frame, camera, x, y, code=self._code)

    def _pieces(
        self, camera: Camera, mode: str, before: RenderedView | None, *, every_ms: float
    ) -> Iterator[RenderedView]:
        """The view of `camera`, whole at the end, on the way with `before` where it is missing."""
        if mode not in self.modes:
            raise ValueError(f"mode is {mode!r}; expected one of {', '.join(self.modes)}")
        pose = self._frame.pose_to_normalised(camera.camera_to_world)
        moved = camera.moved(pose)
        paint = painter_of(self._radiance, moved, mode, self._code, self._cut)
        height, width = camera.height, camera.width
        image, depth, alpha = _canvas(before, height, width)
        each = self._ms_per_pixel.get(mode, 0.05)
        rows = max(1, min(height, int(min(every_ms, 1e4) / each / width)))
        first = 0
        while first < height:
            began = time.perf_counter()
            some = slice(first, min(first + rows, height))
            drawn = paint(rays_of(moved, self._radiance.device, some))
            shape = (some.stop - some.start, width)
            image[some] = drawn.colour.view(*shape, 3).cpu().numpy()
            depth[some] = (drawn.depth / self._frame.scale).view(shape).cpu().numpy()
            alpha[some] = drawn.alpha.view(shape).cpu().numpy()
            spent = 1e3 * (time.perf_counter() - began)
            each = spent / (shape[0] * width)
            self._ms_per_pixel[mode] = each
            rows = max(1, min(2 * rows, int(min(every_ms, 1e4) / each / width)))
            first = some.stop
            if first < height and every_ms < math.inf:
                yield RenderedView(
                    camera=camera,
                    image=image.copy(),
                    depth=depth.copy(),
                    alpha=alpha.copy(),
                    whole=False,
                )
        yield RenderedView(camera=camera, image=image, depth=depth, alpha=alpha)

    # -- places ----------------------------------------------------------------------------

    @torch.no_grad()
    def density(self, points: np.ndarray) -> np.ndarray:
        """[n] float32 density per unit of the input at `points` [n, 3]; 0 outside the space."""
        parts = [self._radiance.density(part) for part in self._normalised(points)]
        return torch.cat(parts).cpu().numpy() * np.float32(self._frame.scale)

    @torch.no_grad()
    def occupied(self, points: np.ndarray) -> np.ndarray:
        """[n] bool: whether there may be anything at `points` [n, 3]."""
        space, occupancy = self._radiance.space, self._radiance.occupancy
        found = []
        for part in self._normalised(points):
            inside = ((part >= space.box[0]) & (part <= space.box[1])).all(dim=1)
            if occupancy is not None:
                inside &= occupancy.occupied_at(space.to_unit(part))
            found.append(inside)
        return torch.cat(found).cpu().numpy()

    @torch.no_grad()
    def colours(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """[n, 3] float32 sRGB of `points` [n, 3] looked at along `directions` [n, 3], length 1."""
        radiance = self._radiance
        code = self._code if self._code is not None else radiance.code_of(None)
        looking = torch.from_numpy(np.ascontiguousarray(directions, dtype=np.float32))
        found = []
        for part, along in zip(
            self._normalised(points), looking.to(radiance.device).split(POINTS_AT_ONCE), strict=True
        ):
            features = radiance.field.density(radiance.space.to_unit(part))[1]
            each = torch.arange(len(part), device=part.device)
            codes = None if code is None else code.expand(len(part), -1)
            found.append(radiance.field.colour(features, along, each, codes))
        return torch.cat(found).cpu().numpy()

    def _normalised(self, points: np.ndarray) -> tuple[Tensor, ...]:
        places = self._frame.to_normalised(np.asarray(points, dtype=np.float64))
        tensor = torch.from_numpy(places.astype(np.float32)).to(self._radiance.device)
        return tensor.split(POINTS_AT_ONCE)


def _scaled(camera: Camera, part: float) -> Camera:
    return camera.resized(max(1, round(camera.width * part)), max(1, round(camera.height * part)))


def _canvas(
    before: RenderedView | None, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, depth and alpha of this size to draw on: the view `before`, enlarged, or nothing."""
    if before is None:
        shape = (height, width)
        return (
            np.zeros((*shape, 3), np.float32),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
        )
    rows = np.arange(height) * before.depth.shape[0] // height
    columns = np.arange(width) * before.depth.shape[1] // width
    at = np.ix_(rows, columns)
    return before.image[at].copy(), before.depth[at].copy(), before.alpha[at].copy()
