"""A probed pixel is the rasteriser's pixel, and every Gaussian in it is who it says it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from assets.camera import Camera, look_at
from engines.events import Refined, Stepped
from engines.splats import CloudSource, SplatConfig, SplatEngine
from engines.splats.lineage import Birth
from engines.splats.probe import probe
from engines.splats.render import CloudTensors, render
from tests.engines.conftest import make_cloud

CONFIG = SplatConfig(
    steps=60,
    refine_from=10,
    refine_every=10,
    refine_until=50,
    evaluate_every=100,
    holdout=0,
    downscale=1,
)


def camera_of(random: np.random.Generator) -> Camera:
    """Somewhere around `make_cloud()`, with a lens that is not centred."""
    eye = random.normal(size=3)
    eye *= random.uniform(1.2, 4.0) / np.linalg.norm(eye)
    return Camera(
        width=160,
        height=90,
        fx=150.0,
        fy=140.0,
        cx=70.5,
        cy=50.25,
        camera_to_world=look_at(eye, random.normal(size=3) * 0.3, np.array([0, 0, 1])),
    )


def test_it_is_the_pixel_that_is_drawn() -> None:
    random = np.random.default_rng(5)
    tensors = CloudTensors.of(make_cloud(2000), torch.device("cpu"))
    looked_into = 0
    for _ in range(6):
        camera = camera_of(random)
        drawn = render(tensors, camera)
        for _ in range(40):
            x, y = random.uniform(0, camera.width), random.uniform(0, camera.height)
            ray = probe(tensors, camera, x, y)
            column, row = int(x), int(y)
            alpha = float(drawn.alpha[row, column])
            assert ray.pixel == (column + 0.5, row + 0.5)
            assert ray.colour == pytest.approx(drawn.image[row, column].numpy(), abs=1e-5)
            assert ray.accumulation == pytest.approx(alpha, abs=1e-5)
            assert ray.weights.sum() == pytest.approx(alpha, abs=1e-5)
            assert ray.weights == pytest.approx(ray.alpha * ray.transmittance, abs=1e-7)
            assert (np.diff(ray.depths) >= 0).all()
            if not len(ray.rows):
                assert ray.depth == 0.0
                continue
            looked_into += 1
            z = float(ray.direction @ camera.forward)
            assert ray.t * z == pytest.approx(ray.depths, rel=1e-5)
            assert ray.depth * z == pytest.approx(float(drawn.depth[row, column]) / alpha, rel=1e-4)
            on_ray = ray.origin + ray.t[:, None] * ray.direction
            pixels, depths = camera.project(on_ray)
            assert pixels == pytest.approx(np.tile(ray.pixel, (len(on_ray), 1)), abs=1e-3)
            assert depths == pytest.approx(camera.project(ray.means)[1], rel=1e-4)
            assert np.array_equal(ray.means, tensors.means[ray.rows].numpy())
    assert looked_into > 150


def test_a_place_beside_the_image_is_refused() -> None:
    camera = camera_of(np.random.default_rng(0))
    source = CloudSource(make_cloud(10))
    for x, y in ((-0.1, 5), (160, 5), (5, 90)):
        with pytest.raises(ValueError, match="160 x 90"):
            source.probe(camera, x, y)


def test_nobody_knows_who_the_gaussians_of_a_file_are() -> None:
    cloud = make_cloud(50)
    camera = camera_of(np.random.default_rng(1))
    ray = CloudSource(cloud).probe(camera, 70.0, 50.0)
    assert len(ray.rows)
    assert ray.ids is ray.parents is ray.causes is ray.born is None
    named = CloudSource(replace(cloud, ids=np.arange(50, dtype=np.int64) + 7))
    ray = named.probe(camera, 70.0, 50.0)
    assert np.array_equal(ray.ids, ray.rows + 7)
    assert ray.causes is None


@pytest.mark.parametrize("strategy", ["default", "mcmc"])
def test_every_gaussian_is_who_it_says_after_clone_split_and_prune(tiny, strategy) -> None:
    engine = SplatEngine(tiny, replace(CONFIG, strategy=strategy))
    older, causes, sizes = None, set(), set()
    for event in engine.run():
        if isinstance(event, Stepped) and event.step == 25:
            older = engine.cloud(), engine.source()
        if isinstance(event, Refined) or (isinstance(event, Stepped) and event.step == 5):
            source, cloud = engine.source(), engine.cloud()
            ray = rays_through(source, tiny.views[0].camera)
            told_right(ray, cloud, engine)
            causes |= set(ray.causes.tolist())
            sizes.add(len(cloud))
    born_later = {Birth.CLONE, Birth.SPLIT} if strategy == "default" else {Birth.SAMPLE}
    assert causes >= {Birth.START, *born_later}
    assert len(sizes) > 1
    # A snapshot goes on telling the truth of its own time.
    cloud, source = older
    ray = rays_through(source, tiny.views[0].camera)
    told_right(ray, cloud, engine)
    assert (ray.born <= 25).all()


def rays_through(source, camera):
    """Some rays' Gaussians as if they were one ray's."""
    rays = [source.probe(camera, x, y) for x in range(3, 40, 6) for y in range(3, 30, 6)]
    joined = {
        name: np.concatenate([getattr(ray, name) for ray in rays])
        for name in ("rows", "means", "ids", "parents", "causes", "born")
    }
    return replace(rays[0], **joined)


def told_right(ray, cloud, engine) -> None:
    assert np.array_equal(ray.means, cloud.means[ray.rows])
    assert np.array_equal(ray.ids, cloud.ids[ray.rows])
    births = engine.lineage.all_births()[ray.ids]
    assert np.array_equal(births["id"], ray.ids)
    for mine, theirs in (("parents", "parent"), ("causes", "cause"), ("born", "step")):
        assert np.array_equal(getattr(ray, mine), births[theirs])
    assert ((ray.parents == -1) == (ray.causes == Birth.START)).all()


def test_ids_that_never_were_have_no_birth(tiny) -> None:
    engine = SplatEngine(tiny, CONFIG)
    for event in engine.run():
        if isinstance(event, Stepped) and event.step == 30:
            break
    lineage = engine.lineage
    assert len(lineage.births) > 2
    every = lineage.births_of(np.arange(lineage.next_id))
    assert every.tobytes() == lineage.all_births().tobytes()
    assert len(lineage.births_of(np.empty(0, np.int64))) == 0
    for wrong in (-1, lineage.next_id):
        with pytest.raises(KeyError):
            lineage.births_of(np.array([0, wrong]))
