"""Samples that were learnt by heart are found, among images made as the model learnt them."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from assets.errors import InputError
from engines.diffusion.data.folder import read_image
from engines.diffusion.data.source import Source
from engines.diffusion.labelled import Labelled, composed
from engines.diffusion.likeness import (
    Likeness,
    images_like,
    likenesses,
    usual_distance,
    write_pairs,
)
from engines.diffusion.networks.choose import build
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.saved import SavedModel
from engines.diffusion.sheet import GAP
from tests.engines.diffusion_nets import TINY_POINTS, stirred


@pytest.fixture
def train() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (30, 3, 8, 8), np.uint8))


def test_a_copy_of_a_training_image_is_memorised(train):
    sample = train[17].permute(1, 2, 0).numpy()
    like = likeness(sample, train, usual_distance(train))
    assert like.row == 17
    assert np.array_equal(like.image, sample)
    assert like.distance == pytest.approx(0, abs=1e-3)
    assert like.sentence.startswith("Memorised: 0.000 apart")


def test_another_image_is_not(train):
    usual = usual_distance(train)
    flat = train.double().flatten(1) / 127.5 - 1
    apart = torch.cdist(flat, flat).fill_diagonal_(torch.inf).min(dim=1).values
    assert usual == pytest.approx(float(apart.median()) / flat.shape[1] ** 0.5, rel=1e-3)
    like = likeness(np.full((8, 8, 3), 128, np.uint8), train, usual)
    assert not like.by_heart
    assert like.sentence.startswith("Not memorised")


def test_of_one_image_nothing_is_said_of_others(train):
    usual = usual_distance(train[:1])
    assert math.isnan(usual)
    assert "no other image" in likeness(np.zeros((8, 8, 3), np.uint8), train[:1], usual).sentence


def likeness(sample: np.ndarray, images: torch.Tensor, usual: float, **more: bool) -> Likeness:
    [found] = likenesses(sample[None], images, usual, **more)
    return found


def test_a_mirrored_image_counts_where_such_were_learnt_from(train):
    usual, mirrored = usual_distance(train), train[4].flip(2).permute(1, 2, 0).numpy()
    assert not likeness(mirrored, train, usual).by_heart
    like = likeness(mirrored, train, usual, flip=True)
    assert like.row == 4
    assert like.by_heart
    assert np.array_equal(like.image, mirrored)
    as_it_is = likeness(train[4].permute(1, 2, 0).numpy(), train, usual, flip=True)
    assert np.array_equal(as_it_is.image, train[4].permute(1, 2, 0).numpy())


def saved_of(size: int = 8, **trained: object) -> SavedModel:
    config = NetworkConfig(height=size, width=size, features=16, depth=1, heads=2)
    network = build(config, torch.Generator().manual_seed(0))
    return SavedModel(name="m", network=network, vocabulary=None, diffusion={}, trained=trained)


def test_images_are_read_as_the_model_learnt_them(tmp_path):
    path = tmp_path / "wide.png"
    colours = np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8)
    Image.fromarray(colours).save(path)
    for fit in ("crop", "pad"):
        found = images_like(saved_of(fit=fit), Source(folder=tmp_path))
        assert np.array_equal(found.images[0].permute(1, 2, 0), read_image(path, 8, fit)[0])
        assert found.names == ("wide.png",)
    assert len(images_like(saved_of(32), Source.named("shapes"))) > 1_000


@pytest.mark.parametrize(
    ("saved", "source", "why"),
    [
        (saved_of(), Source.named("shapes"), "name the folder of images"),
        (saved_of(32), Source.named("moons"), "name the folder of images"),
        (
            SavedModel(name="m", network=stirred(TINY_POINTS), vocabulary=None, diffusion={}),
            Source.named("moons"),
            "draws points",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(saved, source, why):
    with pytest.raises(InputError, match=why):
        images_like(saved, source)


def test_pairs_are_seen_one_above_the_other(train, tmp_path):
    samples = train[[3, 5]].permute(0, 2, 3, 1).numpy().copy()
    samples[1] = 128
    found = likenesses(samples, train, usual_distance(train))
    write_pairs(tmp_path / "p.png", samples, found, "Both")
    gap = np.full((1, 8, 3), GAP, np.uint8)
    pairs = [np.concatenate([s, gap, like.image]) for s, like in zip(samples, found, strict=True)]
    words = [f"1: {found[0].distance:.3f}, memorised", f"2: {found[1].distance:.3f}"]
    shown = [Labelled(pixels=p, words=w) for p, w in zip(pairs, words, strict=True)]
    with Image.open(tmp_path / "p.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(composed(shown, "Both")))
