"""The whole run: it learns, repeats itself, goes on where it stopped and fails politely."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.errors import InputError
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos, View
from engines.artifacts import Population
from engines.events import Evaluated, Failed, Finished, Refined, Stepped, Told, Warned
from engines.splats import SplatConfig, SplatEngine, train
from engines.splats.model import PARAMETERS
from tests.engines.conftest import ArrayPhoto, make_dataset

QUICK = SplatConfig(
    steps=60,
    refine_from=20,
    refine_every=10,
    refine_until=50,
    sh_every=15,
    evaluate_every=30,
    holdout=6,
    downscale=1,
)


def events_of(engine: SplatEngine) -> list:
    return list(engine.run())


def assert_same_state(one: SplatEngine, other: SplatEngine) -> None:
    assert one.step == other.step
    assert len(one.model) == len(other.model)
    for name in PARAMETERS:
        assert torch.equal(one.model[name], other.model[name]), name
        assert torch.equal(one.model.first[name], other.model.first[name]), name
        assert torch.equal(one.model.second[name], other.model.second[name]), name
    for name, row in one.model.rows.items():
        assert torch.equal(row, other.model.rows[name]), name
    assert one.lineage.all_births().tobytes() == other.lineage.all_births().tobytes()
    assert one.lineage.all_deaths().tobytes() == other.lineage.all_deaths().tobytes()


@pytest.mark.parametrize(("strategy", "gain", "good"), [("default", 4.5, 19.5), ("mcmc", 3, 14.5)])
def test_it_learns(tiny: PosedPhotos, strategy: str, gain: float, good: float):
    engine = SplatEngine(tiny, replace(QUICK, strategy=strategy, steps=150, refine_until=75))
    events = events_of(engine)
    steps = [e for e in events if isinstance(e, Stepped)]
    assert [e.step for e in steps] == list(range(1, 151))
    assert isinstance(events[-1], Finished)
    held_out = [e for e in events if isinstance(e, Evaluated) and e.split == "holdout"]
    trained = [e for e in events if isinstance(e, Evaluated) and e.split == "train"]
    assert set(held_out[-1].views) == {"000.png", "006.png"}
    assert set(trained[-1].views).isdisjoint(held_out[-1].views)
    first = np.mean([e.scalars["psnr"] for e in steps[:10]])
    assert trained[-1].psnr > first + gain
    assert held_out[-1].psnr > good
    refined = [e for e in events if isinstance(e, Refined)]
    assert sum(e.cloned + e.split + e.added + e.relocated for e in refined) > 0
    assert refined[-1].total == len(engine.model)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tiny: PosedPhotos):
    one, two = SplatEngine(tiny, QUICK), SplatEngine(tiny, QUICK)
    events_of(one)
    events_of(two)
    assert_same_state(one, two)
    other = SplatEngine(tiny, replace(QUICK, seed=1))
    events_of(other)
    assert not (
        len(other.model) == len(one.model) and torch.equal(other.model["means"], one.model["means"])
    )


@pytest.mark.parametrize("strategy", ["default", "mcmc"])
@pytest.mark.parametrize("stop", [7, 30, 31])
def test_a_resumed_run_equals_the_uninterrupted_one(tiny, tmp_path, strategy, stop):
    config = replace(QUICK, strategy=strategy)
    whole = SplatEngine(tiny, config)
    whole_events = events_of(whole)
    part = SplatEngine(tiny, config)
    run = part.run()
    for event in run:
        if isinstance(event, Stepped) and event.step == stop:
            break
    run.close()
    part.save_checkpoint(tmp_path / "saved")
    resumed = SplatEngine.resume(tmp_path / "saved", tiny)
    assert resumed.step == stop
    events_of(resumed)
    assert_same_state(whole, resumed)
    losses = [e.scalars["loss"] for e in whole_events if isinstance(e, Stepped)]
    resumed_losses = [e.scalars["loss"] for e in resumed.history if isinstance(e, Stepped)]
    assert losses == resumed_losses


def test_a_closed_run_goes_on_in_place(tiny: PosedPhotos):
    whole = SplatEngine(tiny, QUICK)
    events_of(whole)
    engine = SplatEngine(tiny, QUICK)
    run = engine.run()
    for event in run:
        if isinstance(event, Stepped) and event.step == 20:
            break
    run.close()
    events_of(engine)
    assert_same_state(whole, engine)


def test_every_gaussian_has_a_birth_and_the_books_balance(tiny: PosedPhotos):
    engine = SplatEngine(tiny, QUICK)
    events_of(engine)
    births, deaths = engine.lineage.all_births(), engine.lineage.all_deaths()
    present = set(engine.model.rows["id"].tolist())
    assert births["id"].tolist() == list(range(len(births)))
    assert present == set(births["id"].tolist()) - set(deaths["id"].tolist())
    assert len(set(deaths["id"].tolist())) == len(deaths)
    later = births[births["parent"] >= 0]
    assert len(later) > 0
    assert (later["parent"] < later["id"]).all()
    assert (later["gradient"] > engine.config.grow_gradient).all()


def test_a_non_finite_loss_stops_the_run_and_keeps_the_last_good_state(tiny, monkeypatch):
    engine = SplatEngine(tiny, QUICK)
    run = engine.run()
    for event in run:
        if isinstance(event, Stepped) and event.step == 12:
            break
    good = engine.cloud()
    honest = train.photometric_loss

    def burst(image: torch.Tensor, target: torch.Tensor, **settings):
        loss, l1, dssim = honest(image, target, **settings)
        return loss * float("nan"), l1, dssim

    monkeypatch.setattr(train, "photometric_loss", burst)
    rest = list(run)
    assert isinstance(rest[-1], Failed)
    assert "step 12 is kept" in rest[-1].message
    kept = engine.cloud()
    assert np.array_equal(kept.means, good.means)
    assert np.array_equal(kept.sh, good.sh)
    monkeypatch.setattr(train, "photometric_loss", honest)
    assert isinstance(next(iter(engine.run())), Stepped)


class BrokenPhoto(ArrayPhoto):
    def load(self, width: int, height: int) -> np.ndarray:
        assert (width, height) == (self.width, self.height)
        raise InputError("broken.png ends too early; expected a whole image")


def test_a_broken_photo_is_left_out_and_said(tiny: PosedPhotos):
    views = list(make_dataset().views)
    views[3] = View(views[3].name, BrokenPhoto(views[3].photo.pixels), views[3].camera)
    dataset = replace(tiny, views=tuple(views))
    engine = SplatEngine(dataset, replace(QUICK, steps=2))
    events = events_of(engine)
    said = [e.message for e in events if isinstance(e, Warned) and "broken.png" in e.message]
    assert len(said) == 1
    assert "003.png" not in [view.name for view in engine.scene.views]
    assert isinstance(events[-1], Finished)


def test_no_readable_photo_is_a_sentence(tiny: PosedPhotos):
    views = [View(v.name, BrokenPhoto(v.photo.pixels), v.camera) for v in tiny.views]
    engine = SplatEngine(replace(tiny, views=tuple(views)), QUICK)
    with pytest.raises(InputError, match="None of the 12 photos"):
        events_of(engine)


def test_a_single_photo_trains(tiny: PosedPhotos):
    engine = SplatEngine(replace(tiny, views=tiny.views[:1]), replace(QUICK, steps=5))
    events = events_of(engine)
    assert isinstance(events[-1], Finished)
    assert any(isinstance(e, Warned) and "hold" in e.message for e in events)


def test_without_points_it_starts_from_random_ones(tiny: PosedPhotos):
    engine = SplatEngine(replace(tiny, points=None), replace(QUICK, steps=3, start_count=500))
    events = events_of(engine)
    assert len(engine.model) == 500
    assert any(isinstance(e, Told) and "random points" in e.message for e in events)


def test_artifacts_are_made_only_when_wanted(tiny: PosedPhotos):
    engine = SplatEngine(tiny, replace(QUICK, steps=30))
    run = engine.run()
    next(e for e in run if isinstance(e, Stepped))
    assert engine.slots.take(GaussianCloud) is None
    engine.slots.want(GaussianCloud)
    engine.slots.want(Population)
    next(run)
    cloud, population = engine.slots.take(GaussianCloud), engine.slots.take(Population)
    assert len(cloud) == len(engine.model)
    assert len(population.gradients) == len(engine.model)
    assert engine.slots.take(GaussianCloud) is None
    assert np.isfinite(population.gradients).any()


def test_clouds_come_in_the_frame_of_the_input(tiny: PosedPhotos):
    engine = SplatEngine(tiny, replace(QUICK, steps=1))
    events_of(engine)
    assert engine.normalisation.scale == pytest.approx(1 / 3.1, rel=0.2)
    assert np.abs(engine.cloud().means - tiny.points.positions).max() < 0.01


def test_the_time_limit_ends_the_run(tiny: PosedPhotos):
    engine = SplatEngine(tiny, replace(QUICK, steps=100_000, seconds=0.5))
    events = events_of(engine)
    assert isinstance(events[-1], Finished)
    assert "0.5 s" in events[-1].reason
    assert 0.5 <= engine.seconds < 5


def test_a_broken_checkpoint_is_a_sentence(tiny: PosedPhotos, tmp_path):
    engine = SplatEngine(tiny, replace(QUICK, steps=2))
    events_of(engine)
    engine.save_checkpoint(tmp_path / "saved")
    state = tmp_path / "saved" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:500])
    with pytest.raises(InputError, match="incomplete or broken"):
        SplatEngine.resume(tmp_path / "saved", tiny)
    (tmp_path / "saved" / "checkpoint.json").write_text("{oops")
    with pytest.raises(InputError, match="not valid JSON"):
        SplatEngine.resume(tmp_path / "saved", tiny)
    with pytest.raises(InputError, match="holds no checkpoint"):
        SplatEngine.resume(tmp_path / "nowhere", tiny)


def test_resuming_with_other_photos_is_a_sentence(tiny: PosedPhotos, tmp_path):
    engine = SplatEngine(tiny, replace(QUICK, steps=2))
    events_of(engine)
    engine.save_checkpoint(tmp_path / "saved")
    resumed = SplatEngine.resume(tmp_path / "saved", replace(tiny, views=tiny.views[2:]))
    with pytest.raises(InputError, match="not those of the checkpoint"):
        events_of(resumed)
