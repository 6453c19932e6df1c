"""Meshes written as .glb .obj .ply .stl, whole or not at all."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assets.colour import srgb_to_linear
from assets.files import atomic_write, atomic_write_text
from assets.formats.mesh_ply import write_mesh_ply
from assets.formats.texture_atlas import sample_texture
from assets.mesh import Mesh


def write_glb(mesh: Mesh, path: Path) -> None:
    """Write `mesh` with its normals, colours and texture as binary glTF 2.0.

    Raises InputError with a sentence when `path` cannot be written.
    """
    from trimesh import Scene, Trimesh
    from trimesh.exchange.gltf import export_glb
    from trimesh.visual.material import PBRMaterial
    from trimesh.visual.texture import TextureVisuals

    image = None if mesh.texture is None else _image(mesh.texture)
    material = PBRMaterial(baseColorTexture=image, metallicFactor=0.0, roughnessFactor=1.0)
    whole = Trimesh(
        vertices=mesh.vertices,
        faces=mesh.faces,
        vertex_normals=mesh.normals,
        visual=TextureVisuals(uv=mesh.uvs, material=material),
        process=False,
    )
    if not np.all(mesh.colours == 1.0):
        # trimesh would keep 8 bits of linear light, too few for dark colours.
        linear = srgb_to_linear(mesh.colours).astype(np.float32)
        whole.vertex_attributes["_COLOR_0"] = linear
    blob = export_glb(Scene(whole), include_normals=True, tree_postprocessor=_name_colours)
    with atomic_write(path) as file:
        file.write(blob)


def write_obj(mesh: Mesh, path: Path) -> None:
    """Write `mesh` as text, with colours beside the positions as most programs read them.

    A texture goes to `NAME_texture.png` and is named by `NAME.mtl`, both beside `path`.
    Raises InputError with a sentence when a file cannot be written.
    """
    path = Path(path)
    text = io.StringIO()
    textured = mesh.texture is not None and mesh.uvs is not None
    if textured:
        text.write(f"mtllib {path.stem}.mtl\n")
    coloured = np.concatenate([mesh.vertices, mesh.colours], axis=1)
    plain = bool(np.all(mesh.colours == 1.0))
    _rows(text, "v", mesh.vertices if plain else coloured)
    _rows(text, "vn", mesh.normals)
    corner = "%d//%d"
    if textured:
        _rows(text, "vt", mesh.uvs)
        text.write("usemtl texture\n")
        corner = "%d/%d/%d"
    repeats = corner.count("%d")
    np.savetxt(
        text, np.repeat(mesh.faces + 1, repeats, axis=1), fmt=f"f {corner} {corner} {corner}"
    )
    if mesh.texture is not None and textured:
        image_path = path.with_name(f"{path.stem}_texture.png")
        with atomic_write(image_path) as file:
            _image(mesh.texture).save(file, format="PNG")
        material = f"newmtl texture\nKd 1 1 1\nmap_Kd {image_path.name}\n"
        atomic_write_text(path.with_suffix(".mtl"), material)
    atomic_write_text(path, text.getvalue())


def write_stl(mesh: Mesh, path: Path) -> None:
    """Write the shape of `mesh` as binary STL; colours, texture and smoothness are lost.

    Raises InputError with a sentence when `path` cannot be written.
    """
    rows = np.zeros(
        len(mesh.faces), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")]
    )
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(across, axis=1, keepdims=True)
    rows["normal"] = across / np.where(lengths > 0, lengths, 1.0)
    rows["corners"] = corners
    with atomic_write(path) as file:
        # Not "solid", with which text files begin.
        file.write(b"binary STL".ljust(80, b" ") + np.uint32(len(rows)).tobytes())
        file.write(rows.tobytes())


def write_ply(mesh: Mesh, path: Path) -> None:
    """Write `mesh` as binary PLY, its texture as colours of the vertices.

    Raises InputError with a sentence when `path` cannot be written.
    """
    write_mesh_ply(with_texture_in_colours(mesh), path)


def with_texture_in_colours(mesh: Mesh) -> Mesh:
    """The mesh without a texture, whose colours are what the texture has at the vertices."""
    if mesh.texture is None or mesh.uvs is None:
        return mesh
    seen = sample_texture(mesh.texture, mesh.uvs)
    colours = (mesh.colours * seen).astype(np.float32)
    return replace(mesh, colours=colours, texture=None, uvs=None)


def _name_colours(tree: dict[str, Any]) -> None:
    """Give the colour attribute its glTF name in the finished JSON `tree`."""
    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            attributes = primitive["attributes"]
            if "_COLOR_0" in attributes:
                attributes["COLOR_0"] = attributes.pop("_COLOR_0")


def _image(texture: np.ndarray) -> Image.Image:
    pixels = np.clip(np.rint(texture * 255), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _rows(text: io.StringIO, key: str, values: np.ndarray | None) -> None:
    if values is not None:
        # Nine digits give back every float32.
        np.savetxt(text, values, fmt=" ".join([key] + ["%.9g"] * values.shape[1]))
