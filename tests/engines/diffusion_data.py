"""Images so few and small that a network of a laptop learns them within seconds."""

from collections.abc import Iterator

import pytest
import torch

from engines.diffusion import DiffusionConfig
from engines.diffusion.data.pictures import Pictures, Said
from kernels.threads import core_count, use_threads

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 210)}
QUICK = DiffusionConfig(
    size=8, steps=12, batch=8, warmup=2, holdout=0.25, evaluate_every=5, samples=3, sample_steps=3
)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Products this small are slower on two threads, above all beside other work."""
    use_threads(1)
    yield
    use_threads(core_count())


def make_pictures(count: int = 12, *, said: Said = "classes", size: int = 8) -> Pictures:
    """Images of one colour with a darker left half, in three classes or with captions."""
    names = list(COLOURS)
    images = torch.zeros(count, 3, size, size, dtype=torch.uint8)
    texts = []
    for i in range(count):
        name = names[i % 3]
        images[i] = torch.tensor(COLOURS[name], dtype=torch.uint8)[:, None, None]
        images[i, :, :, : size // 2] //= 2
        images[i, :, i % size] = 255
        texts.append({"nothing": "", "classes": name, "captions": f"a {name} square"}[said])
    return Pictures(name="colours", images=images, texts=tuple(texts), said=said)
