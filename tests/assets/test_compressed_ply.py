"""SuperSplat's packed .ply: every field comes back within the step it was packed with."""

from pathlib import Path

import numpy as np
import pytest
from assets_splat_files import damaged, survives
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import InputError
from assets.formats.compressed_ply import read_compressed_ply
from assets.formats.ply_header import read_header

CHUNK = [f"{end}_{axis}" for end in ("min", "max") for axis in "xyz"]
CHUNK += [f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz"]
COLOURS = [f"{end}_{channel}" for end in ("min", "max") for channel in "rgb"]
WORDS = ["packed_position", "packed_rotation", "packed_scale", "packed_color"]


def packed(
    chunks: np.ndarray, words: np.ndarray, sh: np.ndarray | None = None, kind: str = "little"
) -> bytes:
    """A file from chunks [c, 12 or 18], words [n, 4] and bytes [n, 9, 24 or 45]."""
    order = "<" if kind == "little" else ">"
    lines = ["ply", f"format binary_{kind}_endian 1.0", f"element chunk {len(chunks)}"]
    lines += [f"property float {name}" for name in (CHUNK + COLOURS)[: chunks.shape[1]]]
    lines += [f"element vertex {len(words)}", *(f"property uint {name}" for name in WORDS)]
    body = chunks.astype(order + "f4").tobytes() + words.astype(order + "u4").tobytes()
    if sh is not None:
        lines += [f"element sh {len(sh)}"]
        lines += [f"property uchar f_rest_{i}" for i in range(sh.shape[1])]
        body += sh.astype(np.uint8).tobytes()
    return "\n".join([*lines, "end_header", ""]).encode() + body


def one(rotation: int = 0, colour: int = 0, colours: bool = False) -> tuple[np.ndarray, np.ndarray]:
    chunk = [
        [-1, -2, -3, 1, 2, 3, -8, -8, -8, 0, 0, 0] + [0.25] * 3 * colours + [0.75] * 3 * colours
    ]
    return np.array(chunk, dtype=np.float64), np.array([[0, rotation, 0, colour]])


def read(path: Path, data: bytes):
    path.write_bytes(data)
    return read_compressed_ply(path)


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 600),
    kind=st.sampled_from(["little", "big"]),
)
def test_positions_and_scales_come_back(tmp_path: Path, seed: int, count: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    bits = np.array([11, 10, 11])
    parts = rng.integers(0, 2**bits, size=(2, count, 3))
    words = rng.integers(0, 2**32, size=(count, 4))
    for column, part in zip((0, 2), parts, strict=True):
        words[:, column] = part[:, 0] << 21 | part[:, 1] << 11 | part[:, 2]
    chunks = rng.normal(size=((count + 255) // 256, 12))
    cloud = read(tmp_path / "ä b.ply", packed(chunks, words, kind=kind))
    of = np.arange(count) // 256
    for value, part, first in ((cloud.means, parts[0], 0), (cloud.log_scales, parts[1], 6)):
        least, most = chunks[of, first : first + 3], chunks[of, first + 3 : first + 6]
        expected = least + (most - least) * part / (2**bits - 1)
        np.testing.assert_allclose(value, expected, atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1))
def test_rotations_come_back(tmp_path: Path, seed: int) -> None:
    quats = np.random.default_rng(seed).normal(size=(50, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    words = np.zeros((50, 4), dtype=np.int64)
    for i, quat in enumerate(quats):
        largest = int(np.abs(quat).argmax())
        others = np.delete(quat, largest) * np.sign(quat[largest])
        steps = np.rint((others / 2**0.5 + 0.5) * 1023).astype(np.int64)
        words[i, 1] = largest << 30 | steps[0] << 20 | steps[1] << 10 | steps[2]
    back = read(tmp_path / "a.ply", packed(one()[0], words)).quats
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1, atol=1e-6)
    cosine = np.abs((back * quats).sum(axis=1))
    assert np.degrees(2 * np.arccos(cosine.clip(0, 1))).max() < 0.4


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0 << 30 | 1023 << 20 | 512 << 10 | 512, [0.7071, 0.7071, 0, 0]),
        (1 << 30 | 1023 << 20 | 512 << 10 | 512, [0.7071, 0.7071, 0, 0]),
        (2 << 30 | 1023 << 20 | 512 << 10 | 512, [0.7071, 0, 0.7071, 0]),
        (3 << 30 | 512 << 20 | 0 << 10 | 512, [0, -0.7071, 0, 0.7071]),
        (0 << 30 | 1023 << 20 | 1023 << 10 | 1023, [0, 0.5774, 0.5774, 0.5774]),
    ],
)
def test_rotation_words_by_hand(tmp_path: Path, word: int, expected: list[float]) -> None:
    quat = read(tmp_path / "a.ply", packed(*one(rotation=word))).quats[0]
    np.testing.assert_allclose(quat / np.linalg.norm(quat), expected, atol=2e-3)


@pytest.mark.parametrize("colours", [False, True])
def test_colour_words_by_hand(tmp_path: Path, colours: bool) -> None:
    word = 255 << 24 | 0 << 16 | 51 << 8 | 204
    cloud = read(tmp_path / "a.ply", packed(*one(colour=word, colours=colours)))
    expected = np.array([1.0, 0.0, 0.2])
    expected = 0.25 + 0.5 * expected if colours else expected
    np.testing.assert_allclose(cloud.base_colours[0], expected, atol=1e-6)
    np.testing.assert_allclose(cloud.opacities[0], 0.8, atol=1e-6)


def test_harmonics_span_minus_four_to_four_channel_by_channel(tmp_path: Path) -> None:
    chunks, words = one()
    sh = np.array([[0, 255, 128, *range(6)]])
    cloud = read(tmp_path / "a.ply", packed(chunks, words, sh))
    assert cloud.sh.shape == (1, 4, 3)
    np.testing.assert_allclose(cloud.sh[0, 1:, 0], [-4, 4, 0.5 / 256 * 8], atol=1e-6)
    assert cloud.sh[0, 1, 1] == -4


def test_fully_opaque_and_empty_stay_finite(tmp_path: Path) -> None:
    chunks, words = one()
    words = np.repeat(words, 2, axis=0)
    words[:, 3] = [0, 255]
    cloud = read(tmp_path / "a.ply", packed(chunks, words))
    assert np.isfinite(cloud.logit_opacities).all()
    np.testing.assert_allclose(cloud.opacities, [0, 1], atol=1 / 255)


def test_what_does_not_fit_together(tmp_path: Path) -> None:
    chunks, words = one()
    many = np.repeat(words, 257, axis=0)
    with pytest.raises(InputError, match="1 chunks of 256 for 257"):
        read(tmp_path / "a.ply", packed(chunks, many))
    with pytest.raises(InputError, match=r'2 rows of "sh" for 1'):
        read(tmp_path / "a.ply", packed(chunks, words, np.zeros((2, 9))))
    with pytest.raises(InputError, match="10 properties f_rest"):
        read(tmp_path / "a.ply", packed(chunks, words, np.zeros((1, 10))))
    with pytest.raises(InputError, match="lack max_scale_z"):
        read(tmp_path / "a.ply", packed(chunks[:, :11], words))
    with pytest.raises(InputError, match="lack max_b"):
        read(tmp_path / "a.ply", packed(np.zeros((1, 17)), words))
    with pytest.raises(InputError, match="not a compressed splat"):
        read(
            tmp_path / "a.ply",
            b"ply\nformat ascii 1.0\nelement vertex 1\nproperty int x\nend_header\n1\n",
        )


def test_broken_chunk_is_counted(tmp_path: Path) -> None:
    chunks, words = one()
    chunks = np.repeat(chunks, 2, axis=0)
    chunks[1, 0] = np.nan
    cloud = read(tmp_path / "a.ply", packed(chunks, np.repeat(words, 300, axis=0)))
    assert len(cloud) == 256
    assert "44 of 300" in cloud.notes[0]


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    data = packed(*one(), np.zeros((1, 9)))
    read(tmp_path / "a.ply", data)
    for length in range(len(data)):
        with pytest.raises(InputError):
            read(tmp_path / "a.ply", data[:length])


@given(seed=st.integers(0, 2**32 - 1), hits=st.integers(1, 12))
def test_damage_never_crashes(tmp_path: Path, seed: int, hits: int) -> None:
    chunks, words = one(colours=True)
    data = packed(chunks, np.repeat(words, 5, axis=0), np.zeros((5, 24)))
    survives(read_compressed_ply, tmp_path / "a.ply", damaged(data, seed, hits))


def test_a_real_one(shared_data: Path) -> None:
    path = shared_data / "splats/biker.compressed.ply"
    assert read_header(path).kind == "compressed gaussians"
    cloud = read_compressed_ply(path)
    assert len(cloud) == 152_746
    assert cloud.sh_degree == 0
    assert cloud.notes == ()
    np.testing.assert_allclose(np.linalg.norm(cloud.quats, axis=1), 1, atol=1e-5)
    # A man of about 1.7 on his feet, dark leather: y points down in this file.
    extent = np.percentile(cloud.means, 99.5, axis=0) - np.percentile(cloud.means, 0.5, axis=0)
    assert extent.argmax() == 1
    assert 1.5 < extent[1] / extent[0] < 8
    assert cloud.base_colours[cloud.opacities > 0.5].mean() < 0.35
