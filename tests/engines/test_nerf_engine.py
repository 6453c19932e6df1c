"""The whole run of a radiance field: it learns, repeats itself, goes on, and fails politely."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.camera import look_at
from assets.errors import InputError
from assets.export import export
from assets.open import open_path
from assets.posed import PosedPhotos, View
from engines.artifacts import Portrait
from engines.events import Evaluated, Failed, Finished, Stepped, Told, Warned
from engines.nerf import FieldSource, NerfConfig, NerfEngine, learner, render, train
from tests.engines.conftest import ArrayPhoto
from tests.engines.running import run

_draw = render.draw
QUICK = NerfConfig(
    steps=24,
    samples=4_096,
    table_size=12,
    levels=4,
    finest=64,
    holdout=6,
    downscale=1,
    evaluate_every=12,
)
FIELDS = {
    "hash": QUICK,
    "voxels": replace(QUICK, field="voxels", finest=32),
    "classic": replace(
        QUICK, field="classic", hidden=32, samples=2_048, coarse_samples=12, fine_samples=12
    ),
}


@pytest.fixture(params=FIELDS)
def config(request: pytest.FixtureRequest) -> NerfConfig:
    return FIELDS[request.param]


def assert_same(one: NerfEngine, other: NerfEngine) -> None:
    assert one.step == other.step
    mine, theirs = one.model.parameters, other.model.parameters
    assert mine.keys() == theirs.keys()
    for name, parameter in mine.items():
        assert torch.equal(parameter, theirs[name]), name
        assert torch.equal(one.learner.first[name], other.learner.first[name]), name
        assert torch.equal(one.learner.second[name], other.learner.second[name]), name
    if one.model.occupancy is not None:
        assert torch.equal(one.model.occupancy.density, other.model.occupancy.density)


@pytest.fixture(scope="module")
def learnt(tiny: PosedPhotos) -> NerfEngine:
    engine = NerfEngine(tiny, replace(QUICK, steps=250, evaluate_every=1_000))
    run(engine)
    return engine


def test_it_learns(learnt: NerfEngine):
    steps = [e for e in learnt.history if isinstance(e, Stepped)]
    assert [e.step for e in steps] == list(range(1, 251))
    assert isinstance(learnt.history[-1], Finished)
    held_out = [e for e in learnt.history if isinstance(e, Evaluated) and e.split == "holdout"]
    assert set(held_out[-1].views) == {"000.png", "006.png"}
    first = np.mean([e.scalars["psnr"] for e in steps[:5]])
    last = np.mean([e.scalars["psnr"] for e in steps[-20:]])
    assert last > first + 6
    assert held_out[-1].psnr > 15
    told = [e.message for e in learnt.history if isinstance(e, Told)]
    assert any("hash field" in message for message in told)


def test_what_takes_long_to_judge_is_judged_by_some_of_its_pixels(learnt: NerfEngine, monkeypatch):
    whole = learnt.evaluate("holdout")
    views = [v for v in learnt.dataset.views if v.name in whole.views]
    pixels = sum(view.camera.width * view.camera.height for view in views)
    drawn = []
    monkeypatch.setattr(train, "LEAST_JUDGED", 8)
    monkeypatch.setattr(
        render, "draw", lambda r, rays, *rest, **more: (drawn.append(len(rays)), _draw(r, rays))[1]
    )
    monkeypatch.setattr(type(learnt.model.field), "judged", {"cpu": pixels // 4})
    some = learnt.evaluate("holdout")
    assert sum(drawn) == pixels // 4
    assert some.psnr == pytest.approx(whole.psnr, abs=0.7)
    assert some.psnr != whole.psnr


def test_a_resumed_run_equals_the_uninterrupted_one(tiny, tmp_path, config):
    whole = NerfEngine(tiny, config)
    run(whole)
    part = NerfEngine(tiny, config)
    run(part, until=9)
    part.save_checkpoint(tmp_path / "saved")
    resumed = NerfEngine.resume(tmp_path / "saved", tiny)
    assert (resumed.step, resumed.config) == (9, config)
    run(resumed)
    assert_same(whole, resumed)
    assert [e.scalars for e in whole.history if isinstance(e, Stepped)] == [
        e.scalars for e in resumed.history if isinstance(e, Stepped)
    ]


def test_a_file_draws_what_the_run_draws(tiny, tmp_path, config):
    engine = NerfEngine(tiny, config)
    run(engine)
    path = tmp_path / "field.safetensors"
    export(engine.saved_field(), path)
    source, again = engine.source(), FieldSource.of(open_path(path))
    camera = tiny.views[0].camera
    assert again.modes == source.modes
    for mode in source.modes:
        one, other = source.render(camera, mode=mode), again.render(camera, mode=mode)
        assert np.array_equal(one.image, other.image), mode
        assert one.depth.shape == (30, 40)
        assert 0 <= one.image.min() <= one.image.max() <= 1, mode
    assert np.allclose(source.box, again.box)
    evaluated = engine.evaluate("holdout")
    photo = again.photo(engine.dataset.views[0].camera)
    truth = tiny.views[0].photo.load(40, 30)
    psnr = -10 * np.log10(np.mean((photo - truth) ** 2))
    assert evaluated.views["000.png"] == pytest.approx(psnr, abs=0.05)


def test_views_become_better_and_better_and_the_last_is_whole(learnt: NerfEngine):
    source, camera = learnt.source(), learnt.dataset.views[3].camera.resized(320, 240)
    views = list(source.refine(camera))
    widths = [view.camera.width for view in views]
    assert widths == sorted(widths)
    assert widths[0] < 320
    assert widths[-1] == 320
    assert np.allclose(views[-1].image, source.render(camera).image, atol=1e-6)
    quick = FieldSource(learnt.model.snapshot(), learnt.normalisation)
    assert quick.render(camera, budget_ms=1).camera.width == 40


def test_a_probe_agrees_with_the_picture(learnt: NerfEngine):
    source, camera = learnt.source(), learnt.dataset.views[2].camera
    view = source.render(camera)
    for x, y in ((20.2, 15.9), (10.0, 8.0), (33.5, 21.5)):
        ray = source.probe(camera, x, y)
        level = ray.levels[-1]
        seen = (level.weights[:, None] * level.colours).sum(axis=0)
        along = torch.from_numpy(ray.direction[None].astype(np.float32))
        behind = learnt.model.backdrop.colours(along)[0].detach().numpy()
        seen = seen + (1 - ray.accumulation) * behind
        assert np.allclose(seen, ray.colour, atol=1e-5)
        assert np.allclose(ray.colour, view.image[int(y), int(x)], atol=0.02)
        assert ray.accumulation == pytest.approx(level.weights.sum(), abs=1e-5)
        thickness = level.sigma * (level.t_end - level.t_start)
        assert np.allclose(level.weights, level.transmittance * (1 - np.exp(-thickness)), atol=1e-5)
        assert ray.direction @ camera.forward > 0.7
        place = camera.project((ray.origin + 2 * ray.direction)[None])[0][0]
        assert np.allclose(place, ray.pixel, atol=1e-3)


def test_density_is_per_unit_of_the_input(learnt: NerfEngine):
    source = learnt.source()
    ray = source.probe(learnt.dataset.views[2].camera, 20, 15)
    level = ray.levels[-1]
    middles = (level.t_start + level.t_end) / 2
    points = ray.origin + middles[:, None] * ray.direction
    assert np.allclose(source.density(points), level.sigma, rtol=1e-3, atol=1e-3)
    along = np.tile(ray.direction, (len(points), 1))
    assert np.allclose(source.colours(points, along), level.colours, atol=1e-3)


def test_a_portrait_comes_when_it_is_wanted(tiny: PosedPhotos):
    engine = NerfEngine(tiny, QUICK)
    engine.slots.want(Portrait)
    run(engine, until=3)
    portrait = engine.slots.take(Portrait)
    assert portrait is not None
    assert portrait.megabytes > 0
    assert engine.slots.take(Portrait) is None
    before = portrait.source.render(tiny.views[0].camera).image
    run(engine)
    assert np.array_equal(before, portrait.source.render(tiny.views[0].camera).image)


def test_a_loss_that_is_not_finite_ends_the_run_with_its_last_good_state(tiny, monkeypatch):
    engine = NerfEngine(tiny, QUICK)
    run(engine, until=5)
    kept = {name: p.clone() for name, p in engine.model.parameters.items()}
    monkeypatch.setattr(learner, "all_finite", lambda *_: False)
    events = run(engine)
    assert isinstance(events[-1], Failed)
    assert "non-finite at step 6" in events[-1].message
    assert engine.step == 5
    assert all(torch.equal(p, kept[name]) for name, p in engine.model.parameters.items())


def test_photos_that_see_nothing_in_common_are_refused(tiny: PosedPhotos):
    def turned(view: View, way: float) -> View:
        eye, up = np.array([way, 0, 0]), np.array([0, 0, 1.0])
        pose = look_at(eye, eye + np.array([way, 0, 0]), up)
        return View(view.name, view.photo, view.camera.moved(pose))

    views = tuple(turned(v, way) for v, way in zip(tiny.views, (-1.0, 1.0), strict=False))
    engine = NerfEngine(replace(tiny, views=views, points=None), replace(QUICK, holdout=0))
    with pytest.raises(InputError, match="see the same place"):
        run(engine)


def test_one_photo_is_enough_to_run(tiny: PosedPhotos):
    engine = NerfEngine(replace(tiny, views=tiny.views[:1]), replace(QUICK, steps=3))
    events = run(engine)
    assert isinstance(events[-1], Finished)
    assert any("hold any out" in e.message for e in events if isinstance(e, Warned))


def test_a_box_that_misses_the_scene_is_set_anew(tiny: PosedPhotos):
    far = replace(QUICK, steps=1, box=(50.0, 50.0, 50.0, 51.0, 51.0, 51.0))
    engine = NerfEngine(tiny, far)
    events = run(engine)
    warned = [e.message for e in events if isinstance(e, Warned)]
    assert any("set from cameras and points" in message for message in warned)
    box = engine.source().box
    assert (box[0] < 0.1).all()
    assert (box[1] > -0.1).all()
    assert np.abs(box).max() < 5


def test_photos_with_transparency_are_laid_over_what_lies_behind(tiny: PosedPhotos):
    def cut(view: View) -> View:
        pixels = view.photo.load(40, 30)
        alpha = (pixels.sum(axis=2, keepdims=True) > 0.15).astype(np.float32)
        return View(view.name, ArrayPhoto(np.concatenate([pixels, alpha], axis=2)), view.camera)

    dataset = replace(tiny, views=tuple(cut(view) for view in tiny.views))
    engine = NerfEngine(dataset, replace(QUICK, steps=40))
    run(engine)
    assert engine.model.backdrop.kind == "random"
    assert engine.model.space.stretch == 1.0
    assert np.array_equal(engine.source().behind.numpy(), [1, 1, 1])


def test_appearance_codes_can_be_blended(tiny: PosedPhotos):
    engine = NerfEngine(tiny, replace(QUICK, appearance=4, steps=40))
    run(engine)
    source = engine.source()
    assert len(source.photos) == 10
    assert float(engine.model.codes.detach().abs().max()) > 0
    first, last = source.photos[0], source.photos[-1]
    camera = tiny.views[0].camera
    one = source.lit_as(first).render(camera).image
    other = source.lit_as(last).render(camera).image
    half = source.lit_as(first, last, 0.5).render(camera).image
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, half)
    assert np.array_equal(source.lit_as(first, last, 1.0).render(camera).image, other)
    with pytest.raises(KeyError):
        source.lit_as("nobody.png")
