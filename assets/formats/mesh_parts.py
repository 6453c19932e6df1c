"""Pieces of a mesh file, as they come, made into the one mesh that the renderers draw."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from assets.errors import InputError
from assets.formats.texture_atlas import MAX_TEXTURE, pack_atlas, sample_texture, to_array
from assets.mesh import Mesh


@dataclass(frozen=True, eq=False, kw_only=True)
class MeshPart:
    """Triangles of one material, in the world's frame."""

    vertices: np.ndarray
    """[v, 3] float32."""
    faces: np.ndarray
    """[f, 3] int64, possibly pointing beyond the vertices."""
    normals: np.ndarray | None = None
    """[v, 3] as in the file, of any length, or None."""
    colours: np.ndarray | None = None
    """[v, 3] sRGB in [0, 1], or None for white."""
    image: Image.Image | None = None
    uvs: np.ndarray | None = None
    """[v, 2] float32, v upwards; only with `image`."""


def joined(parts: list[MeshPart], path: Path, *, flat: bool = False, weld: bool = False) -> Mesh:
    """One mesh of all `parts`.

    Triangles with corners that do not exist or are not finite are left out and counted in
    the notes. Missing normals are those of the faces when `flat`, else smooth; `weld` then
    treats vertices at one place as one. Several textures are packed into one image.
    Raises InputError when no triangle is left.
    """
    notes: list[str] = []
    sound = [_sound(part) for part in parts]
    parts = [part for part, _ in sound if len(part.faces)]
    dropped = sum(bad for _, bad in sound)
    if not parts:
        raise InputError(f"{path.name} holds no triangles that can be drawn")
    if dropped:
        notes.append(f"{dropped} broken triangles in {path.name} were left out")
    if flat:
        parts = [_unshared(part) if part.normals is None else part for part in parts]
    parts, texture = _one_texture(parts, path, notes)
    starts = np.cumsum([0] + [len(part.vertices) for part in parts])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
    uvs = [np.zeros((len(p.vertices), 2)) if p.uvs is None else p.uvs for p in parts]
    return Mesh(
        vertices=np.concatenate([part.vertices for part in parts]).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        normals=np.concatenate([_normals(part, weld=weld) for part in parts]),
        colours=np.concatenate([_colours(part) for part in parts]).astype(np.float32),
        texture=texture,
        uvs=None if texture is None else np.concatenate(uvs).astype(np.float32),
        notes=tuple(notes),
    )


def smooth_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """[v, 3] float32 unit normals: the mean of the adjoining faces', weighted by area.

    Vertices without a face of any area point along z.
    """
    corners = vertices.astype(np.float64)[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.empty((len(vertices), 3))
    for axis in range(3):
        weights = np.repeat(across[:, axis], 3)
        total[:, axis] = np.bincount(faces.reshape(-1), weights, minlength=len(vertices))
    return unit_normals(total)


def unit_normals(normals: np.ndarray) -> np.ndarray:
    """[v, 3] float32 of length 1; what has no direction points along z."""
    normals = np.nan_to_num(normals.astype(np.float64), posinf=0.0, neginf=0.0)
    peak = np.abs(normals).max(axis=1, keepdims=True, initial=0.0)
    normals = normals / np.where(peak > 0, peak, 1.0)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    unit = np.where(lengths > 0, normals / np.where(lengths > 0, lengths, 1.0), (0.0, 0.0, 1.0))
    return unit.astype(np.float32)


def _sound(part: MeshPart) -> tuple[MeshPart, int]:
    """The part with only the faces that can be drawn, and how many were left out."""
    count = len(part.vertices)
    good = np.all((part.faces >= 0) & (part.faces < count), axis=1)
    if count:
        finite = np.asarray(np.isfinite(part.vertices).all(axis=1))
        good = good & np.all(finite[np.clip(part.faces, 0, count - 1)], axis=1)
        # Unused vertices may not be finite; nobody should trip over them.
        part = replace(part, vertices=np.where(finite[:, None], part.vertices, 0.0))
    return replace(part, faces=part.faces[good]), int(len(good) - good.sum())


def _unshared(part: MeshPart) -> MeshPart:
    """The part with three vertices of its own for every face, so that it looks faceted."""
    index = part.faces.reshape(-1)
    return replace(
        part,
        vertices=part.vertices[index],
        faces=np.arange(len(index)).reshape(-1, 3),
        colours=None if part.colours is None else part.colours[index],
        uvs=None if part.uvs is None else part.uvs[index],
    )


def _normals(part: MeshPart, *, weld: bool) -> np.ndarray:
    if part.normals is not None and np.shape(part.normals) == part.vertices.shape:
        return unit_normals(part.normals)
    if not weld:
        return smooth_normals(part.vertices, part.faces)
    places, of = np.unique(part.vertices, axis=0, return_inverse=True)
    of = of.reshape(-1)
    return smooth_normals(places, of[part.faces])[of]


def _colours(part: MeshPart) -> np.ndarray:
    if part.colours is None:
        return np.ones((len(part.vertices), 3))
    return np.clip(np.nan_to_num(part.colours), 0.0, 1.0)


def _one_texture(
    parts: list[MeshPart], path: Path, notes: list[str]
) -> tuple[list[MeshPart], np.ndarray | None]:
    """The parts with coordinates in one common texture [h, w, 3], or None without any."""
    parts = [p if p.uvs is not None else replace(p, image=None) for p in parts]
    images = list({id(p.image): p.image for p in parts if p.image is not None}.values())
    if not images:
        return parts, None
    if len(images) == 1 and all(part.image is images[0] for part in parts):
        if max(images[0].size) > MAX_TEXTURE:
            notes.append(f"The texture of {path.name} was shrunk to {MAX_TEXTURE} pixels")
        return parts, to_array(images[0], MAX_TEXTURE)
    repeating = [part.uvs is not None and not _within_one_tile(part.uvs) for part in parts]
    if any(repeating):
        notes.append(
            f"Repeating textures in {path.name} are shown as vertex colours, because the file "
            "has several textures"
        )
    parts = [_baked(p) if r else p for p, r in zip(parts, repeating, strict=True)]
    images = list({id(p.image): p.image for p in parts if p.image is not None}.values())
    if not images:
        return parts, None
    texture, places = pack_atlas(images)
    of = {id(image): place for image, place in zip(images, places[:-1], strict=True)}
    blank = places[-1]
    packed = []
    for part in parts:
        if part.image is None or part.uvs is None:
            uvs = np.full((len(part.vertices), 2), 0.5)
            packed.append(replace(part, uvs=blank.moved(uvs)))
        else:
            shifted = part.uvs - np.floor(part.uvs.min(axis=0) + 1e-4)
            packed.append(replace(part, uvs=of[id(part.image)].moved(np.clip(shifted, 0, 1))))
    return packed, texture


def _within_one_tile(uvs: np.ndarray) -> bool:
    return bool((uvs.max(axis=0) - np.floor(uvs.min(axis=0) + 1e-4) <= 1 + 1e-3).all())


def _baked(part: MeshPart) -> MeshPart:
    if part.image is None or part.uvs is None:
        return part
    seen = sample_texture(to_array(part.image, MAX_TEXTURE), part.uvs)
    return replace(part, image=None, uvs=None, colours=_colours(part) * seen)
