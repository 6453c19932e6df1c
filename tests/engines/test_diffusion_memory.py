"""Memory is told beforehand, and what does not fit is refused."""

from dataclasses import replace

import pytest
import torch

from assets.errors import InputError
from engines.diffusion import DiffusionEngine, memory, train
from engines.diffusion.networks.choose import build, weights
from engines.diffusion.networks.config import preset
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")


def test_what_does_not_fit_into_memory_is_refused_before_it_starts(monkeypatch):
    huge = memory.forecast(preset("dit base", height=512, width=512), 64)
    with pytest.raises(InputError, match=r"about 1[\d,.]+ GB .* 2\.0 GB are free.*512x512 pixels"):
        memory.check_room(huge, 2_000_000_000)
    needs = memory.forecast(preset("dit laptop", height=8, width=8, tokens=5), QUICK.batch)
    engine = DiffusionEngine(make_pictures(), QUICK)
    monkeypatch.setattr(train, "free_bytes", lambda device: needs.total - 1)
    with pytest.raises(InputError, match=r"would need about 0\.0 GB of memory"):
        run(engine)
    assert engine.learner is None
    monkeypatch.setattr(train, "free_bytes", lambda device: needs.total)
    run(engine, until=1)
    assert engine.amount["parameters"] == needs.parameters


def test_bytes_are_told_in_a_unit_that_suits_them():
    told = {1: "1 MB", 38_400_000: "38 MB", 949_000_000: "949 MB", 950_000_000: "0.9 GB"}
    told |= {12_345_000_000: "12.3 GB"}
    assert {count: memory.amount_of(count) for count in told} == told


def test_the_forecast_grows_with_what_it_should():
    small = memory.forecast(preset("unet laptop", height=32, width=32), 8)
    assert small.weights == small.parameters * 24
    more = memory.forecast(preset("unet laptop", height=32, width=32), 16)
    assert more.step == pytest.approx(2 * small.step)
    larger = memory.forecast(preset("unet laptop", height=64, width=64), 8)
    assert 4 * small.step < larger.step < 16 * small.step, "attention grows by the square"
    assert larger.weights == small.weights
    half = memory.forecast(preset("unet laptop", height=32, width=32), 8, mixed=True)
    assert half.step < small.step
    streams = preset("mmdit laptop", height=32, width=32, tokens=20, cross=True)
    one, both = (memory.forecast(replace(streams, tokens=count), 8) for count in (0, 20))
    assert one.step < both.step, "words are kept as well"
    assert both.parameters == weights(build(streams, torch.Generator()))
    with pytest.raises(InputError, match="choose smaller images or fewer"):
        memory.check_images(100_000_000, 512)
