"""Small diffusion runs from the command line, and what they leave to draw from."""

from pathlib import Path

import pytest
from PIL import Image

from main import main
from tests.engines.diffusion_data import make_pictures

QUICK = ["--size", "8", "--batch", "8", "--warmup", "2", "--holdout", "0.25", "--samples", "5",
         "--sample-steps", "2", "--evaluate-every", "3"]  # fmt: skip


def write_images(folder: Path, said: str, count: int = 12) -> Path:
    """`count` images in folders of their class, or with captions beside them."""
    pictures = make_pictures(count, said=said)
    for i, (image, text) in enumerate(zip(pictures.images, pictures.texts, strict=True)):
        place = folder / text if said == "classes" else folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f"{i:02d}.png")
        if said == "captions":
            (place / f"{i:02d}.txt").write_text(text)
    return folder


def learn(data: Path | str, out: Path, *more: object) -> int:
    options = [str(word) for word in more]
    return main(["train", "diffusion", str(data), "--out", str(out), *QUICK, *options])


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("cli") / "Höhle mit Licht", "classes")


@pytest.fixture(scope="module")
def whole(one_thread, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of an uninterrupted run of 8 steps on classes."""
    folder = tmp_path_factory.mktemp("whole")
    assert learn(images, folder / "a.safetensors", "--steps", 8, "--report", folder / "r.json",
                 "--grid", folder / "g.png", "--checkpoint", folder / "kept") == 0  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def captioned(one_thread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that learnt captions for two steps."""
    folder = tmp_path_factory.mktemp("captions")
    data = write_images(folder / "data", "captions")
    assert learn(data, folder / "a.safetensors", "--steps", 2) == 0
    return folder / "a.safetensors"


@pytest.fixture(scope="module")
def plain(one_thread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of points, which is unconditional."""
    path = tmp_path_factory.mktemp("points") / "p.safetensors"
    assert main(["train", "diffusion", "moons", "--out", str(path), "--steps", "2",
                 "--batch", "16", "--grid", str(path.with_suffix(".png"))]) == 0  # fmt: skip
    return path


def draw(model: Path, out: Path, *more: object) -> int:
    words = ["sample", model, "--out", out, "--steps", "2", "--count", "4", *more]
    return main([str(word) for word in words])


def refused(capsys, words: list[str]) -> tuple[int, str]:
    try:
        ended = main(words)
    except SystemExit as exit_:
        ended = exit_.code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return ended, " ".join((said.err + said.out).replace("│", " ").split())
