"""Where data come from, and points as data: found again, the same, split without overlap."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from assets.errors import InputError
from engines.diffusion import DiffusionConfig
from engines.diffusion.data import source as sources
from engines.diffusion.data.source import BUNDLED, Source, data_of
from engines.diffusion.data.toy import make_toy
from engines.diffusion.toys import TOYS

CONFIG = DiffusionConfig(size=8)


def test_names_are_bundled_data_and_all_else_folders():
    assert set(BUNDLED) == {"shapes", "mixture", "moons", "roll"}
    for name in BUNDLED:
        assert Source.named(name) == Source(bundled=name)
    assert Source.named("./moons") == Source(folder=Path("moons"))


def test_a_source_can_be_written_down(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    again = Source.of(Source.named("images").about())
    assert again.folder == tmp_path / "images", "found again from anywhere"
    assert Source.of(Source.named("roll").about()) == Source(bundled="roll")
    for nothing in (None, {}):
        with pytest.raises(InputError, match="does not say where its images were"):
            Source.of(nothing)


def test_folders_are_read_as_the_settings_say(tmp_path):
    for i in range(3):
        Image.new("RGB", (20, 10), (200, 0, 0)).save(tmp_path / f"{i}.png")
    seen = []
    source = Source.named(str(tmp_path))
    data = data_of(source, CONFIG, progress=lambda done, total: seen.append((done, total)))
    assert data.images.shape == (3, 3, 8, 8)
    assert data.source == source
    assert seen[-1] == (3, 3)
    assert data.images[0, 1, 0, 0] == 0
    padded = data_of(source, DiffusionConfig(size=8, fit="pad"))
    assert padded.images[0, 1, 0, 0] == 128
    with pytest.raises(InputError, match="cannot be read"):
        data_of(Source.named(str(tmp_path / "none")), CONFIG)


def test_folders_that_do_not_fit_into_memory_are_refused(tmp_path, monkeypatch):
    from engines.diffusion import memory

    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    monkeypatch.setattr(memory, "free_bytes", lambda device: 300)
    with pytest.raises(InputError, match="1 images of 8x8 pixels need about"):
        data_of(Source.named(str(tmp_path)), CONFIG)


def test_sizes_that_a_network_cannot_cut_are_refused_before_anything_is_read(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    seen = []
    with pytest.raises(InputError, match="10x10 pixels cannot be cut into parts of 4"):
        data_of(
            Source.named(str(tmp_path)),
            DiffusionConfig(size=10),
            progress=lambda *done: seen.append(done),
        )
    assert not seen
    assert data_of(Source.named(str(tmp_path)), DiffusionConfig(size=72)).images.shape[2] == 72


def test_shapes_have_captions_and_one_size(monkeypatch):
    from engines.diffusion.data.shapes import source as shapes

    monkeypatch.setattr(shapes, "make_shapes", lambda make=shapes.make_shapes: make(20))
    data = data_of(Source.named("shapes"), DiffusionConfig())
    assert data.images.shape == (20, 3, 32, 32)
    assert data.said == "captions"
    assert data.source == Source(bundled="shapes")
    with pytest.raises(InputError, match="drawn at 32 pixels, not 8"):
        data_of(Source.named("shapes"), CONFIG)


@pytest.mark.parametrize("name", sorted(TOYS))
def test_points_are_the_same_every_time(name):
    data = data_of(Source.named(name), CONFIG)
    assert data.source == Source(bundled=name)
    assert len(data) == 20_000
    assert data.places.shape == (20_000, 2)
    assert data.places.dtype == torch.float32
    assert torch.equal(data.places, make_toy(name).places)
    assert not torch.equal(data.places, make_toy(name, seed=1).places)
    assert 0.3 < float(data.places.std()) < 1.2


def test_points_are_split_without_overlap():
    data = make_toy("roll", 100)
    kept, held = data.split(0.25, torch.Generator())
    assert (len(kept), len(held)) == (75, 25)
    assert torch.equal(torch.cat([kept.places, held.places]), data.places)
    assert [len(part) for part in data.split(0.0, torch.Generator())] == [100, 0]
    assert [len(part) for part in make_toy("roll", 1).split(0.9, torch.Generator())] == [1, 0]
    assert [len(part) for part in make_toy("roll", 5).split(0.05, torch.Generator())] == [4, 1]
    assert [len(part) for part in make_toy("roll", 4).split(0.05, torch.Generator())] == [4, 0]
    assert torch.equal(kept.batch(torch.tensor([3, 1])), data.places[[3, 1]])
    assert kept.batch(slice(2, 4)).shape == (2, 2)
    assert kept.vocabulary() is None
    assert kept.texts == ("",) * 75
    with pytest.raises(KeyError):
        make_toy("square")


def test_every_bundled_name_can_be_made():
    assert sources.SHAPES in BUNDLED
    assert all(name in TOYS for name in BUNDLED if name != sources.SHAPES)
