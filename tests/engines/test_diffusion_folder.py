"""Folders of images of every kind, good and bad."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from assets.errors import InputError
from engines.diffusion.data.folder import read_image_folder
from engines.diffusion.data.listing import list_images

RED, BLUE = (200, 30, 20), (20, 30, 200)


def paint(path: Path, colour=RED, size=(20, 20), **save) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **save)
    return path


def test_subfolders_are_classes(tmp_path):
    paint(tmp_path / "cat" / "a.png")
    paint(tmp_path / "cat" / "deep" / "b.png")
    paint(tmp_path / "dog" / "a.png", BLUE)
    paint(tmp_path / "stray.png")
    (tmp_path / "deer").mkdir()
    (tmp_path / "dog" / "notes.pdf").write_text("x")
    pictures = read_image_folder(tmp_path, 8)
    assert pictures.said == "classes"
    assert pictures.names == ("cat/a.png", "cat/deep/b.png", "dog/a.png", "stray.png")
    assert pictures.texts == ("cat", "cat", "dog", "")
    vocabulary = pictures.vocabulary()
    assert vocabulary is not None
    assert vocabulary.words == ("cat", "dog")
    assert "Class deer has no images and cannot be learnt" in pictures.notes
    assert any("1 of 4 images lie beside" in note for note in pictures.notes)
    assert pictures.images.shape == (4, 3, 8, 8)
    assert torch.equal(pictures.images[2, :, 4, 4], torch.tensor(BLUE, dtype=torch.uint8))


def test_text_beside_an_image_is_its_caption(tmp_path):
    paint(tmp_path / "cat" / "a.png").with_suffix(".txt").write_text("A red\n square ")
    paint(tmp_path / "dog" / "b.png").with_suffix(".txt").write_bytes(b"\xff\xfe\xfa")
    paint(tmp_path / "dog" / "c.png")
    pictures = read_image_folder(tmp_path, 8)
    assert pictures.said == "captions"
    assert pictures.texts == ("A red square", "", "")
    assert any("caption of dog/b.png is no UTF-8" in note for note in pictures.notes)
    assert any("2 of 3 images have no caption" in note for note in pictures.notes)


def test_one_folder_is_no_class_and_one_image_is_little(tmp_path):
    paint(tmp_path / "images" / "a.png")
    pictures = read_image_folder(tmp_path, 8)
    assert pictures.said == "nothing"
    assert pictures.vocabulary() is None
    assert any("only one image" in note for note in pictures.notes)


@pytest.mark.parametrize("size", [(40, 20), (20, 40), (17, 31), (300, 200), (5, 3)])
def test_any_shape_is_cropped_or_padded(tmp_path, size):
    """A gradient along the longer side shows which part is left."""
    width, height = size
    longer = max(size)
    ramp = ((np.arange(longer) + 0.5) / longer * 255).astype(np.uint8)
    values = np.tile(ramp, (height, 1)) if width == longer else np.tile(ramp[:, None], (1, width))
    Image.fromarray(values).convert("RGB").save(tmp_path / "a.png")
    crop = read_image_folder(tmp_path, 16).images[0, 0].float()
    pad = read_image_folder(tmp_path, 16, fit="pad").images[0, 0].float()
    if width < height:
        crop, pad = crop.T, pad.T
    middle = min(size) / longer
    # Half a pixel may be missing to the exact middle.
    assert crop.mean() == pytest.approx(127.5, abs=8)
    assert float(crop[8, -1] - crop[8, 0]) == pytest.approx(255 * middle * 15 / 16, abs=26)
    assert float(pad[8, -1] - pad[8, 0]) == pytest.approx(255 * 15 / 16, abs=26)
    assert torch.equal(pad[0], torch.full((16,), 128.0))


def test_every_mode_of_an_image_is_read(tmp_path):
    paint(tmp_path / "rgb.png")
    Image.new("CMYK", (20, 20), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    deep = np.full((20, 20), 65535 // 2, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, BLUE, RED)]
    frames[0].save(tmp_path / "move.gif", save_all=True, append_images=frames[1:])
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("1", (20, 20), 1).save(tmp_path / "bits.png")
    turned = Image.new("RGB", (40, 20), RED)
    turned.paste(BLUE, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.png", exif=exif)
    pictures = read_image_folder(tmp_path, 8, fit="pad")
    middle = {
        name: image[:, 4, 4].tolist()
        for name, image in zip(pictures.names, pictures.images, strict=True)
    }
    assert middle["rgb.png"] == list(RED)
    assert middle["move.gif"] == pytest.approx(RED, abs=20)
    assert middle["cmyk.jpg"][0] > 200 > 60 > middle["cmyk.jpg"][1]
    assert middle["deep.png"] == pytest.approx([127, 127, 127], abs=1)
    assert middle["clear.png"] == [255, 255, 255]
    assert middle["bits.png"] == [255, 255, 255]
    upright = pictures.images[pictures.names.index("turned.png")]
    assert upright[2, 0, 4] > 150 > 100 > upright[2, 7, 4]
    text = " ".join(pictures.notes)
    assert "1 images are animated" not in text
    assert "1 image is animated; its first picture is learnt" in text
    assert "1 image is made for printing (CMYK)" in text
    assert "1 image has more than 8 bits" in text


def test_broken_files_are_left_out_with_their_reasons(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    paint(tmp_path / "cat" / "good.png")
    paint(tmp_path / "cat" / "large.png", size=(1200, 1000))  # Pillow would only warn
    whole = paint(tmp_path / "cat" / "cut.jpg", size=(300, 300), quality=95).read_bytes()
    (tmp_path / "cat" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cat" / "empty.png").touch()
    (tmp_path / "cat" / "text.jpg").write_text("no image")
    paint(tmp_path / "dog" / "bomb.png", size=(2000, 1500))
    paint(tmp_path / "dog" / "strip.png", size=(9000, 2))
    pictures = read_image_folder(tmp_path, 8)
    assert pictures.names == ("cat/good.png", "cat/large.png")
    (left_out,) = [note for note in pictures.notes if "left out" in note]
    assert left_out.startswith("5 of 7 images are left out because they cannot be read: ")
    assert "cat/cut.jpg (cannot be read to its end" in left_out
    assert any(note.startswith("No image of dog can be read") for note in pictures.notes)


def test_hopeless_folders_are_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="has no images; drop a folder with images"):
        read_image_folder(tmp_path, 8)
    (tmp_path / "a.png").write_text("x")
    (tmp_path / "b.png").write_text("x")
    with pytest.raises(InputError, match=r"None of the 2 images .* a\.png is not a photo"):
        read_image_folder(tmp_path, 8)
    with pytest.raises(InputError, match="cannot be read"):
        read_image_folder(tmp_path / "a.png", 8)


def test_reading_can_be_watched_and_stopped(tmp_path):
    for i in range(5):
        paint(tmp_path / f"{i}.png")
    seen = []
    read_image_folder(tmp_path, 8, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, 5) for i in range(5)]

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_image_folder(tmp_path, 8, progress=stop)
    assert list_images(tmp_path).megabytes(32) == pytest.approx(5 * 3 * 1024 / 1e6)


def test_a_real_folder_of_classes(shared_data):
    listing = list_images(shared_data / "cifar10")
    assert len(listing.files) == 6_000
    assert len(listing.classes) == 10
    birds = read_image_folder(shared_data / "cifar10" / "bird", 32)
    assert birds.images.shape == (600, 3, 32, 32)
    assert birds.notes == ()
    assert 90 < birds.images.float().mean() < 150
    with Image.open(shared_data / "cifar10" / "bird" / birds.names[7]) as image:
        assert np.array_equal(np.asarray(image), birds.images[7].permute(1, 2, 0).numpy())
