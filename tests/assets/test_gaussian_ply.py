"""The standard splat .ply: what is written is read, and what is broken says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assets_splat_files import assert_same, damaged, random_cloud, survives
from hypothesis import given
from hypothesis import strategies as st

from assets.errors import InputError
from assets.formats.gaussian_ply import read_gaussian_ply, write_gaussian_ply
from assets.formats.ply_header import read_header
from assets.formats.ply_table import read_tables

NAMES = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
NAMES += ["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]


def written(path: Path, names: list[str], values: np.ndarray, kind: str = "binary_little_endian",
            types: list[str] | None = None, count: int | None = None) -> Path:  # fmt: skip
    """A PLY file made by hand from `values` [n, len(names)]."""
    types = types or ["float"] * len(names)
    head = f"ply\nformat {kind} 1.0\ncomment by hand\nelement vertex {count or len(values)}\n"
    head += "".join(f"property {t} {n}\n" for t, n in zip(types, names, strict=True))
    codes = {"float": "f4", "double": "f8", "uchar": "u1", "short": "i2"}
    if kind == "ascii":
        body = "\n".join(" ".join(f"{v:.9g}" for v in row) for row in values).encode()
    else:
        order = ">" if kind == "binary_big_endian" else "<"
        rows = np.empty(
            len(values), dtype=[(n, order + codes[t]) for n, t in zip(names, types, strict=True)]
        )
        for i, name in enumerate(names):
            rows[name] = values[:, i]
        body = rows.tobytes()
    path.write_bytes(head.encode() + b"end_header\n" + body)
    return path


def columns_of(cloud, rest: int = 0) -> tuple[list[str], np.ndarray]:
    higher = cloud.sh[:, 1:].transpose(0, 2, 1).reshape(len(cloud), rest)
    parts = [cloud.means, cloud.sh[:, 0], cloud.logit_opacities[:, None], cloud.log_scales]
    return NAMES + [f"f_rest_{i}" for i in range(rest)], np.concatenate(
        [*parts, cloud.quats, higher], axis=1
    )


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40), degree=st.integers(0, 3))
def test_written_is_read(tmp_path: Path, seed: int, count: int, degree: int) -> None:
    cloud = random_cloud(seed, count, degree)
    path = tmp_path / "Möbius à deux.ply"
    write_gaussian_ply(cloud, path)
    back = read_gaussian_ply(path)
    assert_same(cloud, back)
    assert back.sh_degree == degree
    assert back.notes == ()


@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["ascii", "binary_little_endian", "binary_big_endian"]),
    degree=st.integers(0, 3),
    mixed=st.booleans(),
)
def test_any_order_type_and_extra_properties(
    tmp_path: Path, seed: int, kind: str, degree: int, mixed: bool
) -> None:
    cloud = random_cloud(seed, 7, degree)
    names, values = columns_of(cloud, 3 * ((degree + 1) ** 2 - 1))
    names, values = [*names, "mood"], np.concatenate([values, np.full((7, 1), 9.0)], axis=1)
    order = np.random.default_rng(seed).permutation(len(names))
    types = ["double" if mixed and i % 3 == 0 else "float" for i in range(len(names))]
    path = written(tmp_path / "a.ply", [names[i] for i in order], values[:, order], kind, types)
    assert_same(read_gaussian_ply(path), cloud)


def test_higher_harmonics_are_channel_by_channel_in_numeric_order(tmp_path: Path) -> None:
    names = sorted([*NAMES, *(f"f_rest_{i}" for i in range(45))])  # f_rest_10 before f_rest_2
    row = [float(n[7:]) if n.startswith("f_rest_") else 1.0 for n in names]
    sh = read_gaussian_ply(written(tmp_path / "a.ply", names, np.array([row]))).sh
    assert sh.shape == (1, 16, 3)
    assert sh[0, 1:, 0].tolist() == list(range(15))
    assert sh[0, 1:, 1].tolist() == list(range(15, 30))
    assert sh[0, 1:, 2].tolist() == list(range(30, 45))


def test_written_layout_is_the_usual_one(tmp_path: Path) -> None:
    write_gaussian_ply(random_cloud(0, 3, 1), tmp_path / "a.ply")
    header = read_header(tmp_path / "a.ply")
    rest = [f"f_rest_{i}" for i in range(9)]
    expected = ["x", "y", "z", "nx", "ny", "nz", *NAMES[3:6], *rest, *NAMES[6:]]
    assert list(header.properties) == expected
    assert header.kind == "gaussians"
    size = (tmp_path / "a.ply").stat().st_size
    assert size == header.body_offset + 3 * 4 * len(expected)


@pytest.mark.parametrize("field", ["means", "quats", "log_scales", "logit_opacities", "sh"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_left_out_and_counted(
    tmp_path: Path, field: str, value: float
) -> None:
    cloud = random_cloud(1, 5, 1)
    broken = getattr(cloud, field).copy()
    broken.reshape(5, -1)[2, -1] = value
    write_gaussian_ply(replace(cloud, **{field: broken}), tmp_path / "a.ply")
    back = read_gaussian_ply(tmp_path / "a.ply")
    assert_same(back, cloud.selected(np.array([0, 1, 3, 4])))
    assert len(back.notes) == 1
    assert "1 of 5 Gaussians" in back.notes[0]


def test_nothing_but_broken_rows_is_an_error(tmp_path: Path) -> None:
    cloud = random_cloud(1, 4)
    write_gaussian_ply(replace(cloud, quats=np.zeros_like(cloud.quats)), tmp_path / "a.ply")
    with pytest.raises(InputError, match="None of the 4 Gaussians"):
        read_gaussian_ply(tmp_path / "a.ply")


@pytest.mark.parametrize("rest", [1, 3, 8, 10, 46])
def test_wrong_number_of_harmonics(tmp_path: Path, rest: int) -> None:
    names = NAMES + [f"f_rest_{i}" for i in range(rest)]
    path = written(tmp_path / "a.ply", names, np.ones((2, len(names))))
    with pytest.raises(InputError, match=f"{rest} properties f_rest"):
        read_gaussian_ply(path)


def test_harmonics_with_a_gap(tmp_path: Path) -> None:
    names = NAMES + [f"f_rest_{i}" for i in [*range(8), 9]]
    with pytest.raises(InputError, match="f_rest_0 onwards"):
        read_gaussian_ply(written(tmp_path / "a.ply", names, np.ones((2, len(names)))))


def test_missing_properties_are_named(tmp_path: Path) -> None:
    names = [n for n in NAMES if n not in ("opacity", "rot_3")]
    with pytest.raises(InputError, match="lacks opacity, rot_3"):
        read_gaussian_ply(written(tmp_path / "a.ply", names, np.ones((2, len(names)))))


@pytest.mark.parametrize("count", [3, 10**9, 10**18, 10**19])
@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian"])
def test_more_rows_declared_than_there_are(tmp_path: Path, count: int, kind: str) -> None:
    path = written(tmp_path / "a.ply", NAMES, np.ones((2, 14)), kind, count=count)
    survives(read_gaussian_ply, tmp_path / "copy.ply", path.read_bytes())
    with pytest.raises(InputError, match=r"cut off|should have 3"):
        read_gaussian_ply(path)


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    write_gaussian_ply(random_cloud(3, 2), tmp_path / "whole.ply")
    data = (tmp_path / "whole.ply").read_bytes()
    for length in range(len(data)):
        (tmp_path / "part.ply").write_bytes(data[:length])
        with pytest.raises(InputError):
            read_gaussian_ply(tmp_path / "part.ply")


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    write_gaussian_ply(random_cloud(3, 5), path)
    header = read_header(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match='4 of 5 rows of "vertex"'):
        read_tables(path, header, ("vertex",))


@given(seed=st.integers(0, 2**32 - 1), hits=st.integers(1, 12), text=st.booleans())
def test_damage_never_crashes(tmp_path: Path, seed: int, hits: int, text: bool) -> None:
    names, values = columns_of(random_cloud(5, 3, 1), 9)
    kind = "ascii" if text else "binary_little_endian"
    data = written(tmp_path / "a.ply", names, values, kind).read_bytes()
    survives(read_gaussian_ply, tmp_path / "b.ply", damaged(data, seed, hits))


@given(data=st.binary(max_size=300), magic=st.booleans())
def test_noise_never_crashes(tmp_path: Path, data: bytes, magic: bool) -> None:
    survives(read_gaussian_ply, tmp_path / "a.ply", (b"ply\n" if magic else b"") + data)


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "story.ply").write_text("Once upon a time\n" * 100)
    with pytest.raises(InputError, match="not a PLY file"):
        read_gaussian_ply(tmp_path / "story.ply")
    with pytest.raises(InputError, match="No such file"):
        read_gaussian_ply(tmp_path / "missing.ply")
    with pytest.raises(InputError, match="cannot be read"):
        read_gaussian_ply(tmp_path)
    (tmp_path / "empty.ply").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        read_gaussian_ply(tmp_path / "empty.ply")


def test_a_real_one(shared_data: Path) -> None:
    cloud = read_gaussian_ply(shared_data / "splats/three-from-train.ply")
    assert len(cloud) == 3
    assert cloud.sh_degree == 3
    np.testing.assert_allclose(cloud.opacities, [0.7005, 0.0388, 0.1378], atol=1e-4)
