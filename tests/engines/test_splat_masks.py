"""Masks: what lies under them is neither learnt nor judged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from assets.photos import FilePhoto
from assets.posed import PosedPhotos
from engines.events import Evaluated, Finished, Stepped, Warned
from engines.splats import SplatConfig, SplatEngine
from tests.engines.conftest import ArrayPhoto, make_dataset

CONFIG = SplatConfig(steps=80, downscale=1, holdout=6, refine_until=0, evaluate_every=80)
SPOILT = np.s_[5:22, 12:30]


def spoilt(folder: Path, *, masked: bool) -> PosedPhotos:
    """Photos with a magenta square in the middle; masks, if any, hide it with a margin."""
    dataset = make_dataset()
    views = []
    for view in dataset.views:
        pixels = view.photo.load(40, 30).copy()
        pixels[SPOILT] = (1.0, 0.0, 1.0)
        mask = None
        if masked:
            kept = np.full((30, 40), 255, np.uint8)
            kept[SPOILT] = 0
            mask = folder / f"{view.name}.png"
            Image.fromarray(kept).save(mask)
        views.append(replace(view, photo=ArrayPhoto(pixels), mask=mask))
    return replace(dataset, views=tuple(views))


def trained(dataset: PosedPhotos) -> tuple[SplatEngine, list]:
    engine = SplatEngine(dataset, CONFIG)
    return engine, list(engine.run())


def magenta_in(engine: SplatEngine) -> float:
    """How much of the wrong colour is in the middle of the pictures that the run draws."""
    worst = 0.0
    for index in range(len(engine.scene.views)):
        image = engine.source().render(engine.scene.dataset.views[index].camera).image
        red, green, blue = np.moveaxis(np.asarray(image)[SPOILT], 2, 0)
        worst = max(worst, float((np.minimum(red, blue) - green).mean()))
    return worst


def test_what_a_mask_hides_is_not_learnt(tmp_path):
    hidden, _ = trained(spoilt(tmp_path, masked=True))
    seen, _ = trained(spoilt(tmp_path, masked=False))
    clean, _ = trained(make_dataset())
    assert magenta_in(seen) > magenta_in(clean) + 0.2
    assert magenta_in(hidden) < magenta_in(clean) + 0.05


def test_what_a_mask_hides_is_not_judged(tmp_path):
    masked, events = trained(spoilt(tmp_path, masked=True))
    judged = {e.split: e for e in events if isinstance(e, Evaluated)}
    _, plain_events = trained(spoilt(tmp_path, masked=False))
    plain = {e.split: e for e in plain_events if isinstance(e, Evaluated)}
    assert judged["holdout"].psnr > plain["holdout"].psnr + 3
    assert judged["holdout"].ssim > plain["holdout"].ssim
    steps = [e.scalars["psnr"] for e in events if isinstance(e, Stepped)]
    assert np.mean(steps[-5:]) > 17
    weights = masked.scene.weights(0)
    assert weights.shape == (30, 40)
    assert weights[SPOILT].sum() == 0
    assert weights.sum() == 30 * 40 - 17 * 18


def test_views_without_masks_have_no_weights(tiny):
    engine = SplatEngine(tiny, replace(CONFIG, steps=1))
    list(engine.run())
    assert engine.scene.weights(0) is None


def test_alpha_keeps_its_meaning_under_a_mask(tmp_path):
    dataset = make_dataset()
    views = []
    for view in dataset.views:
        pixels = np.concatenate([view.photo.load(40, 30), np.ones((30, 40, 1), np.float32)], axis=2)
        pixels[:, :10, 3] = 0
        mask = tmp_path / f"{view.name}.png"
        kept = np.full((30, 40), 255, np.uint8)
        kept[:, :10] = 0  # as is written for what is transparent
        kept[:5] = 0
        Image.fromarray(kept).save(mask)
        views.append(replace(view, photo=ArrayPhoto(pixels), mask=mask))
    engine = SplatEngine(replace(dataset, views=tuple(views)), replace(CONFIG, steps=1))
    list(engine.run())
    weights = engine.scene.weights(0)
    assert (weights[:, :10] == 1).all()
    assert (weights[:5, 10:] == 0).all()
    assert (weights[5:] == 1).all()


def test_black_and_broken_masks_and_photos_are_each_told_once(tmp_path, tiny):
    views = list(tiny.views)
    for i in (1, 2):
        Image.fromarray(np.zeros((30, 40), np.uint8)).save(tmp_path / f"black{i}.png")
        views[i] = replace(views[i], mask=tmp_path / f"black{i}.png")
    for i in (4, 5, 7, 8):
        views[i] = replace(views[i], photo=FilePhoto(tmp_path / views[i].name, 40, 30))
    (tmp_path / views[5].name).write_bytes(b"")
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(tmp_path / "square.png")
    views[9] = replace(views[9], mask=tmp_path / "square.png")
    engine = SplatEngine(replace(tiny, views=tuple(views)), replace(CONFIG, steps=1))
    events = list(engine.run())
    said = [e.message for e in events if isinstance(e, Warned) and "left out" in e.message]
    assert said == [
        "5 of 12 photos are left out because they cannot be read: 004.png (does not exist), "
        "005.png (is empty (0 bytes)), 007.png (does not exist) and 2 more",
        "2 of 12 photos are left out because their masks are all black: 001.png, 002.png",
    ]
    assert isinstance(events[-1], Finished)
    assert len(engine.scene.views) == 5


def test_reading_that_was_broken_off_starts_over(tiny: PosedPhotos):
    engine = SplatEngine(tiny, replace(CONFIG, steps=1))
    reading = engine.scene.prepare()
    for _ in range(5):
        next(reading)
    reading.close()
    list(engine.run())
    assert len(engine.scene.views) == 12


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_quality_counts_kept_pixels_only(share: float):
    from engines.quality import judge

    random = torch.Generator().manual_seed(0)
    target = torch.rand(30, 40, 3, generator=random)
    image, weights = target.clone(), torch.ones(30, 40)
    image[:, :20] = 1 - image[:, :20]
    weights[:, :20] = 1 - share
    quality = judge(["a"], lambda name: (image, target), lambda name: weights)
    if share == 1:
        assert (quality.psnr, quality.ssim) == (100.0, pytest.approx(1.0))
    else:
        assert quality.psnr < 20
        assert quality.ssim < 0.8
