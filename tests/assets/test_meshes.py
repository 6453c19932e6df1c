"""Meshes and point clouds of every format come in as they look, or with a sentence."""

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh.exchange.gltf
import trimesh.exchange.obj
import trimesh.exchange.stl  # noqa: F401 - here, so that its memory does not count as a reader's
from assets_splat_files import damaged, survives
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from assets.colour import linear_to_srgb, srgb_to_linear
from assets.errors import InputError
from assets.formats.mesh_write import with_texture_in_colours
from assets.formats.meshes import read_mesh
from assets.formats.texture_atlas import sample_texture
from assets.mesh import Mesh
from assets.pointcloud import PointCloud

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32)
TWO = [[0, 1, 2], [0, 2, 3]]


def glb(
    primitives: list[dict], materials: list[dict] | None = None, images: list[bytes] = [],  # noqa: B006
    nodes: list[dict] | None = None, **more,
) -> bytes:  # fmt: skip
    """A binary glTF made by hand; values of `primitives` are arrays, but for the material."""
    blob, views, accessors = b"", [], []

    def view(data: bytes) -> int:
        nonlocal blob
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(data)})
        blob += data + b"\0" * (-len(data) % 4)
        return len(views) - 1

    def accessor(values: np.ndarray) -> int:
        kinds = {"f4": 5126, "u4": 5125, "u2": 5123, "u1": 5121}
        accessors.append(
            {
                "bufferView": view(values.tobytes()),
                "componentType": kinds[values.dtype.str[1:]],
                "count": len(values),
                "type": "SCALAR" if values.ndim == 1 else f"VEC{values.shape[1]}",
                "normalized": values.dtype.kind == "u" and values.ndim == 2,
            }
        )
        return len(accessors) - 1

    meshes = []
    for given_ in primitives:
        attributes = {k: accessor(v) for k, v in given_.items() if k.isupper() or k[-1].isdigit()}
        primitive = {"attributes": attributes, "indices": accessor(given_["indices"])}
        if "material" in given_:
            primitive["material"] = given_["material"]
        meshes.append({"primitives": [primitive]})
    places = [{"bufferView": view(data), "mimeType": "image/png"} for data in images]
    nodes = nodes or [{"mesh": i} for i in range(len(meshes))]
    children = {c for node in nodes for c in node.get("children", [])}
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [i for i in range(len(nodes)) if i not in children]}],
        "nodes": nodes,
        "meshes": meshes,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(blob)}],
        "materials": materials or [],
        "images": places,
        "textures": [{"source": i} for i in range(len(places))],
        **more,
    }
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    body += struct.pack("<II", len(blob), 0x004E4942) + blob
    return struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body


def square(**more) -> dict:
    return {"POSITION": SQUARE, "indices": np.array(TWO, dtype=np.uint16).reshape(-1), **more}


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, format="PNG")
    return out.getvalue()


def textured(index: int) -> dict:
    return {"pbrMetallicRoughness": {"baseColorTexture": {"index": index}}}


def open_bytes(path: Path, data: bytes | str):
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_mesh(path)


def ply(kind: str, faces: list[list[int]], face_colours: bool = False, index: str = "int") -> bytes:
    """A PLY of a unit square with the given polygons."""
    lines = ["ply", f"format {kind} 1.0", "element vertex 4"]
    lines += [f"property float {axis}" for axis in "xyz"]
    lines += [f"element face {len(faces)}", f"property list uchar {index} vertex_indices"]
    lines += [f"property uchar {c}" for c in ("red", "green", "blue") if face_colours]
    head = "\n".join([*lines, "end_header", ""]).encode()
    colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255]] if face_colours else [[]] * 3
    if kind == "ascii":
        rows = [list(v) for v in SQUARE] + [
            [len(f), *f, *colours[i % 3]] for i, f in enumerate(faces)
        ]
        return head + "\n".join(" ".join(str(x) for x in row) for row in rows).encode()
    order = ">" if "big" in kind else "<"
    codes = {"int": "i", "uchar": "B", "ushort": "H"}
    body = SQUARE.astype(order + "f4").tobytes()
    for i, face in enumerate(faces):
        body += struct.pack(f"{order}B{len(face)}{codes[index]}", len(face), *face)
        body += bytes(colours[i % 3])
    return head + body


KINDS = ["ascii", "binary_little_endian", "binary_big_endian"]


def test_srgb_goes_there_and_back() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    assert abs(linear_to_srgb(np.array(0.214041)) - 0.5) < 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", ["int", "uchar", "ushort"])
def test_ply_of_triangles(tmp_path: Path, kind: str, index: str) -> None:
    mesh = open_bytes(tmp_path / "a ö.ply", ply(kind, TWO, index=index))
    np.testing.assert_array_equal(mesh.vertices, SQUARE)
    assert mesh.faces.tolist() == TWO
    np.testing.assert_allclose(mesh.normals, [[0, 0, 1]] * 4)
    assert (mesh.colours == 1).all()
    assert (mesh.vertices.dtype, mesh.faces.dtype) == (np.float32, np.int32)


@pytest.mark.parametrize("kind", KINDS)
def test_ply_of_mixed_polygons(tmp_path: Path, kind: str) -> None:
    mesh = open_bytes(tmp_path / "a.ply", ply(kind, [[0, 1, 2], [3, 2, 1, 0], [0, 1], [1, 2, 3]]))
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 2, 1], [3, 1, 0], [1, 2, 3]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("faces", [TWO, [[0, 1, 2], [0, 1, 2, 3]]])
def test_ply_with_coloured_faces(tmp_path: Path, kind: str, faces: list[list[int]]) -> None:
    mesh = open_bytes(tmp_path / "a.ply", ply(kind, faces, face_colours=True))
    assert mesh.colours[mesh.faces[0]].tolist() == [[1, 0, 0]] * 3
    assert mesh.colours[mesh.faces[-1]].tolist() == [[0, 1, 0]] * 3


def test_broken_triangles_are_left_out_and_counted(tmp_path: Path) -> None:
    mesh = open_bytes(tmp_path / "a.ply", ply("ascii", [[0, 1, 2], [0, 1, 9], [-1, 0, 1]]))
    assert mesh.faces.tolist() == [[0, 1, 2]]
    assert "2 broken triangles" in mesh.notes[0]
    with pytest.raises(InputError, match="no triangles that can be drawn"):
        open_bytes(tmp_path / "b.ply", ply("ascii", [[0, 1, 9]]))


def test_points(tmp_path: Path) -> None:
    head = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
    head += "property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
    cloud = open_bytes(
        tmp_path / "a.ply", head + "end_header\n1 2 3 255 0 51\nnan 0 0 0 0 0\n4 5 6 0 0 0"
    )
    assert isinstance(cloud, PointCloud)
    np.testing.assert_allclose(cloud.positions, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_allclose(cloud.colours[0], [1, 0, 0.2])
    assert "1 points" in cloud.notes[0]
    grey = open_bytes(tmp_path / "b.obj", "v 0 0 0\nv 1 2 3\n")
    assert isinstance(grey, PointCloud)
    assert np.ptp(grey.colours) == 0


def test_ply_texture_of_a_comment(tmp_path: Path) -> None:
    (tmp_path / "my tex.png").write_bytes(png(np.full((2, 2, 3), [255, 0, 0])))
    lines = "ply\nformat ascii 1.0\ncomment TextureFile my tex.png\nelement vertex 3\n"
    lines += "".join(f"property float {n}\n" for n in "xyzst")
    lines += "element face 1\nproperty list uchar int vertex_index\nend_header\n"
    mesh = open_bytes(tmp_path / "a.ply", lines + "0 0 0 0 0\n1 0 0 1 0\n0 1 0 0 1\n3 0 1 2\n")
    assert mesh.texture is not None
    assert mesh.texture[0, 0].tolist() == [1, 0, 0]
    assert mesh.uvs.tolist() == [[0, 0], [1, 0], [0, 1]]


def test_gltf_colours_are_linear_light(tmp_path: Path) -> None:
    linear = np.float32([[0.2, 0.002, 1], [0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]])
    mesh = open_bytes(tmp_path / "a.glb", glb([square(COLOR_0=linear)]))
    np.testing.assert_allclose(mesh.colours, linear_to_srgb(linear), atol=1e-6)
    as_bytes = np.uint8([[51, 0, 255, 255]] * 4)
    mesh = open_bytes(tmp_path / "a.glb", glb([square(COLOR_0=as_bytes)]))
    np.testing.assert_allclose(mesh.colours[0], linear_to_srgb(np.array([0.2, 0, 1])), atol=1e-6)
    plain = {"pbrMetallicRoughness": {"baseColorFactor": [0.2, 0, 1, 1]}}
    mesh = open_bytes(tmp_path / "a.glb", glb([square(material=0)], [plain]))
    np.testing.assert_allclose(mesh.colours[0], linear_to_srgb(np.array([0.2, 0, 1])), atol=1e-6)


def test_gltf_scene_is_flattened(tmp_path: Path) -> None:
    normals = np.float32([[0, 0, 1]] * 4)
    nodes = [
        {"children": [1, 2], "translation": [0, 0, 5], "scale": [2, 2, 2]},
        {"mesh": 0, "rotation": [0, 0.70710678, 0, 0.70710678]},
        {"mesh": 0, "scale": [-1, 1, 1]},
    ]
    mesh = open_bytes(tmp_path / "a.glb", glb([square(NORMAL=normals)], nodes=nodes))
    assert len(mesh.faces) == 4
    corners = {tuple(np.round(v, 4)) for v in mesh.vertices.tolist()}
    assert (0.0, 2.0, 3.0) in {tuple(abs(x) for x in c) for c in corners}  # turned about y
    assert (-2.0, 2.0, 5.0) in corners  # mirrored
    for face in mesh.faces:
        a, b, c = mesh.vertices[face]
        across = np.cross(b - a, c - a)
        np.testing.assert_allclose(
            across / np.linalg.norm(across), mesh.normals[face[0]], atol=1e-5
        )
    assert {tuple(np.round(n).astype(int) + 0) for n in mesh.normals} == {(1, 0, 0), (0, 0, 1)}


def test_gltf_texture_stands_upright(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 3))
    pixels[0, 0] = 255  # first row is the top; glTF counts v downwards
    uv = np.float32([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])
    data = glb([square(TEXCOORD_0=uv, material=0)], [textured(0)], [png(pixels)])
    mesh = open_bytes(tmp_path / "a.glb", data)
    seen = sample_texture(mesh.texture, mesh.uvs)
    np.testing.assert_allclose(seen[:, 0], [1, 0, 0, 0], atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 5))
def test_several_textures_look_the_same_in_one(tmp_path: Path, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, size=(*rng.integers(1, 40, 2), 3)) for _ in range(count)]
    uvs = [rng.uniform(0.0, 1.0, (4, 2)).astype(np.float32) for _ in images]
    primitives = [square(TEXCOORD_0=uv, material=i) for i, uv in enumerate(uvs)]
    linear = np.float32([0.1, 0.4, 0.9])
    primitives.append(square(COLOR_0=np.tile(linear, (4, 1))))
    materials = [textured(i) for i in range(count)]
    mesh = open_bytes(tmp_path / "a.glb", glb(primitives, materials, [png(i) for i in images]))
    seen = with_texture_in_colours(mesh).colours
    for i, (image, uv) in enumerate(zip(images, uvs, strict=True)):
        # The border of a tile is clamped, that of a lone texture repeats: compare inside.
        size = np.array(image.shape[1::-1])
        inside = ((uv * size > 0.5) & (uv * size < size - 0.5)).all(axis=1)
        expected = sample_texture(image / 255, uv * (1, -1) + (0, 1))
        np.testing.assert_allclose(seen[4 * i : 4 * i + 4][inside], expected[inside], atol=1e-3)
    np.testing.assert_allclose(seen[-4:], np.tile(linear_to_srgb(linear), (4, 1)), atol=1e-5)


def test_repeating_textures_among_several_become_colours(tmp_path: Path) -> None:
    red, blue = np.full((4, 4, 3), [255, 0, 0]), np.full((4, 4, 3), [0, 0, 255])
    once, often = SQUARE[:, :2].copy(), SQUARE[:, :2] * 3
    primitives = [square(TEXCOORD_0=once, material=0), square(TEXCOORD_0=often, material=1)]
    data = glb(primitives, [textured(0), textured(1)], [png(red), png(blue)])
    mesh = open_bytes(tmp_path / "a.glb", data)
    seen = with_texture_in_colours(mesh).colours
    np.testing.assert_allclose(seen, [[1, 0, 0]] * 4 + [[0, 0, 1]] * 4, atol=1e-6)
    assert "vertex colours" in mesh.notes[0]


def test_gltf_that_cannot_be_right_says_why(tmp_path: Path) -> None:
    packed = glb([square()], extensionsRequired=["KHR_draco_mesh_compression"])
    with pytest.raises(InputError, match="Draco"):
        open_bytes(tmp_path / "a.glb", packed)
    tree = {
        "asset": {"version": "2.0"},
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"count": 10**13, "componentType": 5126, "type": "VEC3"}],
        "bufferViews": [],
        "buffers": [],
    }
    survives(read_mesh, tmp_path / "a.gltf", json.dumps(tree).encode())
    cut = png(np.random.default_rng(0).integers(0, 255, (64, 64, 3)))[:200]
    broken_image = glb([square(TEXCOORD_0=SQUARE[:, :2].copy(), material=0)], [textured(0)], [cut])
    with pytest.raises(InputError):
        open_bytes(tmp_path / "b.glb", broken_image)


def test_obj_materials_and_polygons(tmp_path: Path) -> None:
    (tmp_path / "m.mtl").write_text("newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n")
    text = "mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\n"
    text += "usemtl red\nf 1 2 3 4\nusemtl blue\nf 1 2 5\n"
    mesh = open_bytes(tmp_path / "a b.obj", text)
    assert len(mesh.faces) == 3
    of_faces = sorted(mesh.colours[f[0]].tolist() for f in mesh.faces)
    assert of_faces == [[0, 0, 1], [1, 0, 0], [1, 0, 0]]


def test_seams_of_a_texture_do_not_show_in_normals(tmp_path: Path) -> None:
    roof = "v 0 0 0\nv 0 1 0\nv 1 0 -1\nv -1 0 -1\n"  # two slopes that meet in a ridge
    maps = "vt 0 0\nvt 0 1\nvt 1 0\nvt 0.5 0\nvt 0.5 1\nvt 0.6 1\n"
    mesh = open_bytes(tmp_path / "a.obj", roof + maps + "f 1/1 3/3 2/2\nf 1/4 2/5 4/6\n")
    assert len(mesh.vertices) == 6  # the ridge is there twice
    ridge = mesh.vertices[:, 0] == 0
    assert ridge.sum() == 4
    np.testing.assert_allclose(mesh.normals[ridge], [[0, 0, 1]] * 4, atol=1e-6)


def test_stl_text_and_facets(tmp_path: Path) -> None:
    facet = "facet normal 0 0 0\nouter loop\n{}endloop\nendfacet\n"
    corners = "".join(f"vertex {x} {y} {z}\n" for x, y, z in SQUARE[:3])
    mesh = open_bytes(tmp_path / "a.stl", "solid a\n" + facet.format(corners) + "endsolid a\n")
    np.testing.assert_array_equal(mesh.vertices, SQUARE[:3])
    np.testing.assert_allclose(mesh.normals, [[0, 0, 1]] * 3)


@pytest.mark.parametrize(
    ("name", "kind", "faces", "has_texture"),
    [
        ("BoxTextured.glb", Mesh, 12, True),
        ("Duck.glb", Mesh, 4212, True),
        ("bunny.ply", Mesh, 16301, False),
        ("busted.STL", Mesh, 3878, False),
        ("fuze.obj", Mesh, 1000, True),
        ("points_emptyface.ply", PointCloud, 0, False),
        ("spot.obj", Mesh, 5856, True),
    ],
)
def test_real_ones(shared_data: Path, name: str, kind: type, faces: int, has_texture: bool) -> None:
    asset = read_mesh(shared_data / "meshes" / name)
    assert type(asset) is kind
    if isinstance(asset, PointCloud):
        assert len(asset) == 1024
        return
    assert len(asset.faces) == faces
    assert (asset.texture is not None) == has_texture
    np.testing.assert_allclose(np.linalg.norm(asset.normals, axis=1), 1, atol=1e-5)


def test_normals_point_outwards(shared_data: Path) -> None:
    for name in ("Duck.glb", "bunny.ply", "spot.obj"):
        mesh = read_mesh(shared_data / "meshes" / name)
        outwards = mesh.vertices - mesh.vertices.mean(axis=0)
        assert ((outwards * mesh.normals).sum(axis=1) > 0).mean() > 0.7, name


SEEDS: dict[str, bytes | str] = {
    ".ply": ply("binary_little_endian", [[0, 1, 2], [0, 1, 2, 3]], face_colours=True),
    ".PLY": ply("ascii", [[0, 1, 2], [0, 1, 2, 3]], face_colours=True),
    ".glb": glb([square(TEXCOORD_0=SQUARE[:, :2].copy(), material=0)], [textured(0)],
                [png(np.zeros((3, 3, 3)))]),
    ".obj": "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 1\nf 1/1 2/1 3/2\nf 1/1 2/2 4/1\n",
    ".stl": b"binary".ljust(80) + struct.pack("<I12fH", 1, *range(12), 0),
}  # fmt: skip


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("suffix", SEEDS)
@given(seed=st.integers(0, 2**32 - 1), hits=st.integers(1, 10))
def test_damage_never_crashes(tmp_path: Path, suffix: str, seed: int, hits: int) -> None:
    data = SEEDS[suffix]
    data = data.encode() if isinstance(data, str) else data
    survives(read_mesh, tmp_path / f"a{suffix}", damaged(data, seed, hits))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("suffix", SEEDS)
def test_truncation_never_crashes(tmp_path: Path, suffix: str) -> None:
    data = SEEDS[suffix]
    data = data.encode() if isinstance(data, str) else data
    for length in range(0, len(data), max(1, len(data) // 60)):
        survives(read_mesh, tmp_path / f"a{suffix}", data[:length])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("suffix", [".glb", ".gltf", ".obj", ".ply", ".stl"])
@given(data=st.binary(max_size=200))
def test_noise_never_crashes(tmp_path: Path, suffix: str, data: bytes) -> None:
    survives(read_mesh, tmp_path / f"a{suffix}", data)


def test_other_suffixes_name_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected one of \.glb"):
        read_mesh(tmp_path / "a.fbx")
