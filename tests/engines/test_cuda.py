"""Every engine on an NVIDIA GPU: it learns as on the CPU, shows what it learnt, and goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.export import export
from assets.open import open_path
from assets.posed import PosedPhotos, View
from engines.diffusion import DiffusionEngine
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import STAGES, Capture
from engines.diffusion.saved import read_model, write_model
from engines.events import Finished, Judged, Stepped
from engines.mesh import MeshConfig, mesher_of_cloud
from engines.nerf import FieldSource, NerfConfig, NerfEngine
from engines.splats import SplatConfig, SplatEngine
from tests.engines.conftest import ArrayPhoto
from tests.engines.diffusion_data import QUICK as DIFFUSION
from tests.engines.diffusion_data import make_pictures

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
SPLATS = SplatConfig(
    device="cuda",
    steps=120,
    refine_from=20,
    refine_every=10,
    refine_until=60,
    sh_every=15,
    holdout=6,
    downscale=1,
)
FIELD = NerfConfig(
    device="cuda",
    steps=120,
    samples=4_096,
    table_size=12,
    levels=4,
    finest=64,
    holdout=6,
    downscale=1,
)
FIELDS = {
    "hash": FIELD,
    "voxels": replace(FIELD, field="voxels", finest=32),
    "classic": replace(
        FIELD, field="classic", hidden=32, samples=2_048, coarse_samples=12, fine_samples=12
    ),
}

GOOD = {
    ("hash", False): 11.0,
    ("voxels", False): 8.2,
    ("classic", False): 10.5,
    ("hash", True): 16.6,
    ("voxels", True): 14.9,
    ("classic", True): 12.4,
}
"""Decibels that the CPU reaches, without and with surroundings."""


@pytest.mark.parametrize(("strategy", "good"), [("default", 20.1), ("mcmc", 14.9)])
def test_splats(tiny: PosedPhotos, strategy: str, good: float, tmp_path: Path):
    engine, camera = SplatEngine(tiny, replace(SPLATS, strategy=strategy)), tiny.views[2].camera
    assert isinstance(list(engine.run())[-1], Finished)
    assert engine.evaluate("holdout").psnr > good - 1.0
    engine.save_checkpoint(tmp_path)
    resumed = SplatEngine.resume(tmp_path, tiny, replace(engine.config, steps=125))
    assert resumed.device.type == "cuda"
    assert isinstance(list(resumed.run())[-1], Finished)
    view = engine.source().render(camera)
    assert view.image.shape == (camera.height, camera.width, 3)
    assert len(engine.source().probe(camera, 20.0, 15.0).rows)
    cloud = engine.cloud()
    mesher = mesher_of_cloud(cloud, [v.camera for v in tiny.views], MeshConfig(resolution=24))
    list(mesher.run())
    assert len(mesher.result.faces)


def cut_out(view: View) -> View:
    """The same with transparency where it is black, so that no surroundings are learnt."""
    pixels = view.photo.load(view.camera.width, view.camera.height)
    alpha = (pixels.sum(axis=2, keepdims=True) > 0.15).astype(np.float32)
    return replace(view, photo=ArrayPhoto(np.concatenate([pixels, alpha], axis=2)))


@pytest.mark.parametrize("surroundings", [False, True])
@pytest.mark.parametrize("name", FIELDS)
def test_fields(tiny: PosedPhotos, name: str, surroundings: bool, tmp_path: Path):
    if not surroundings:
        tiny = replace(tiny, views=tuple(cut_out(view) for view in tiny.views))
    engine, camera = NerfEngine(tiny, FIELDS[name]), tiny.views[2].camera
    assert isinstance(list(engine.run())[-1], Finished)
    good = GOOD[name, surroundings]
    assert engine.evaluate("holdout").psnr > good - 1.0
    engine.save_checkpoint(tmp_path / "checkpoint")
    resumed = NerfEngine.resume(
        tmp_path / "checkpoint", tiny, replace(engine.config, steps=engine.step + 5)
    )
    assert isinstance(list(resumed.run())[-1], Finished)
    source = engine.source()
    whole = source.render(camera).image
    *_, last = source.refine(camera)
    assert np.abs(last.image - whole).max() < 1e-3
    assert source.probe(camera, 20.0, 15.0).levels
    export(engine.saved_field(), tmp_path / "a.safetensors")
    on_cpu = FieldSource.of(open_path(tmp_path / "a.safetensors"))
    assert np.abs(on_cpu.render(camera).image - whole).max() < 0.02


@pytest.mark.parametrize(
    ("network", "latent"),
    [("dit laptop", "off"), ("mmdit laptop", "off"), ("unet laptop", "off"), ("dit laptop", "2")],
)
@pytest.mark.parametrize("said", ["nothing", "classes", "captions"])
def test_diffusion(network: str, latent: str, said: str, tmp_path: Path):
    steps = 40 if latent == "off" else 60
    config = replace(DIFFUSION, network=network, latent=latent, size=16, device="cuda", steps=steps)
    pictures = make_pictures(24, said=said, size=16)
    engine = DiffusionEngine(pictures, config)
    events = list(engine.run())
    scalars = [event.scalars for event in events if isinstance(event, Stepped)]
    losses = [each["loss"] for each in scalars if "loss" in each]
    assert np.mean(losses[-8:]) < np.mean(losses[:8])
    assert any(isinstance(event, Judged) for event in events)
    engine.save_checkpoint(tmp_path / "checkpoint")
    longer = replace(config, steps=steps + 5)
    resumed = DiffusionEngine.resume(tmp_path / "checkpoint", pictures, longer)
    assert isinstance(list(resumed.run())[-1], Finished)

    texts = {"nothing": (), "classes": ("red",), "captions": ("a red square",)}[said]
    wish = Wish(count=2, steps=3, texts=texts, guidance=1.0 if texts else 0.0)
    capture = Capture(stages=frozenset(STAGES))
    artist = engine.artist()
    *_, plain = artist.draw(wish)
    *_, watched = artist.draw(wish, capture=capture)
    assert torch.equal(plain.x0, watched.x0)
    assert capture.kept

    write_model(engine.saved_model(), tmp_path / "m.safetensors")
    again = Artist.of(read_model(tmp_path / "m.safetensors", torch.device("cuda")))
    *_, read = again.draw(wish)
    assert torch.allclose(read.x0, plain.x0, atol=1e-5)
