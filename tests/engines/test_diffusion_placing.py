"""The likeness of place embeddings: what is known of waves, and where each map lies."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engines.diffusion import DiffusionEngine
from engines.diffusion.capture import Capture
from engines.diffusion.mapfiles import write_arrays
from engines.diffusion.networks.choose import build
from engines.diffusion.placing import place_similarity, tiled
from tests.engines.diffusion_data import QUICK, make_pictures, one_thread
from tests.engines.diffusion_nets import (
    LEARNED_PLACES,
    TINY_DIT,
    TINY_MMDIT,
    TINY_POINTS,
    TINY_UNET,
    inputs,
    stirred,
)
from tests.engines.running import run

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")


def test_waves_are_alike_by_how_far_apart_rows_and_columns_are():
    """cos(w i) cos(w j) + sin(w i) sin(w j) = cos(w (i - j)), averaged over all w."""
    found = place_similarity(stirred(TINY_DIT))
    assert found.shape == (2, 3, 2, 3)
    quarter = TINY_DIT.features // 4
    speeds = 10_000.0 ** (-np.arange(quarter) / quarter)
    rows, columns = np.meshgrid(np.arange(2), np.arange(3), indexing="ij")
    for row in range(2):
        for column in range(3):
            down = np.cos(speeds * (rows - row)[..., None]).mean(-1)
            across = np.cos(speeds * (columns - column)[..., None]).mean(-1)
            np.testing.assert_allclose(found[row, column], (down + across) / 2, atol=1e-6)
    np.testing.assert_array_equal(place_similarity(stirred(TINY_MMDIT)), found)
    assert place_similarity(stirred(TINY_UNET)) is None
    assert place_similarity(stirred(TINY_POINTS)) is None


def test_places_that_are_learnt_begin_unlike_and_come_to_know_their_neighbours():
    network = build(LEARNED_PLACES, torch.Generator().manual_seed(0))
    first = place_similarity(network)
    others = ~np.eye(6, dtype=bool).reshape(first.shape)
    assert np.abs(first[others]).max() < 0.9
    config = replace(QUICK, size=32, steps=60, rate=3e-3, holdout=0, places="learned")
    engine = DiffusionEngine(make_pictures(size=32, said="nothing"), config)
    run(engine)
    found = place_similarity(engine.artist().averaged)
    rows, columns = np.meshgrid(np.arange(8), np.arange(8), indexing="ij")
    apart = np.abs(rows[..., None, None] - rows) + np.abs(columns[..., None, None] - columns)
    assert found[apart == 1].mean() > found[apart >= 6].mean() + 0.02


def test_each_map_lies_where_its_patch_does(tmp_path):
    network = stirred(TINY_DIT)
    found = place_similarity(network)
    whole = tiled(found)
    assert whole.shape == (2 * 3 - 1, 3 * 4 - 1)
    np.testing.assert_array_equal(whole[3:5, 4:7], found[1, 1])
    assert np.isnan(whole[2]).all()
    assert np.isnan(whole[:, 3]).all()
    capture = Capture()
    with torch.no_grad():
        network(*inputs(TINY_DIT), capture=capture)
    write_arrays(tmp_path / "a.npz", capture, places=found)
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["places"], found)
