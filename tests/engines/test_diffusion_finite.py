"""Samples whose numbers are not finite are said to be lost, and none of them becomes a picture."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from assets.errors import InputError
from engines.diffusion.artist import Artist
from engines.diffusion.finite import check_finite, lost_note, lost_rows
from engines.diffusion.latent.autoencoder import Autoencoder, AutoencoderConfig
from engines.diffusion.latent.space import LatentSpace
from engines.diffusion.saved import SavedModel, write_model
from engines.diffusion.wish import Wish
from main import main
from tests.engines.diffusion_data import one_thread
from tests.engines.diffusion_nets import TINY_DIT, stirred

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

WISH = Wish(count=3, steps=4, sampler="euler")


def artist_of(breaking: float | None = None, rows: slice = slice(None)) -> Artist:
    """One whose weights are NaN, or that tells so of some samples where `breaking` is below t."""
    config = replace(TINY_DIT, tokens=0, cross=False, width=8)
    saved = SavedModel(
        name="broken",
        network=stirred(config),
        vocabulary=None,
        diffusion={"path": "flow", "target": "velocity"},
    )
    if breaking is None:
        for parameter in saved.network.parameters():
            parameter.data.fill_(torch.nan)
    else:

        def spoil(_module: nn.Module, given: tuple, found: torch.Tensor) -> torch.Tensor:
            found = found.clone()
            if given[1][0] <= breaking:
                found[rows] = torch.inf
                found[rows, :, 0] = torch.nan
            return found

        saved.network.register_forward_hook(spoil)
    return Artist.of(saved)


def test_lost_samples_are_counted_and_only_whole_loss_is_an_error():
    artist = artist_of(0.6, slice(1, 3))
    first, *_, end = artist.draw(WISH)
    assert lost_rows(first).tolist() == [False, False, False]
    assert lost_note(first) == ""
    assert lost_rows(end).tolist() == [False, True, True]
    assert lost_note(end).startswith("2 of 3 samples have numbers that are not finite")
    check_finite(end, artist, WISH)


def test_the_error_comes_at_once_and_tells_why():
    broken = artist_of()
    with pytest.raises(InputError, match=r"All 3 samples .* t = 1: .* its weights hold such"):
        check_finite(next(broken.draw(WISH)), broken, WISH)
    led_astray = artist_of(0.6)
    strokes = led_astray.draw(WISH)
    check_finite(next(strokes), led_astray, WISH)
    *_, end = strokes
    with pytest.raises(InputError, match=r"t = 0: .* its weights are finite, so ask for less"):
        check_finite(end, led_astray, WISH)


def test_a_decoder_that_came_apart_is_found_in_the_end():
    network = stirred(replace(TINY_DIT, tokens=0, cross=False, width=8, channels=4))
    space = LatentSpace.measured(
        Autoencoder(AutoencoderConfig(factor=2, features=8), torch.Generator().manual_seed(0)),
        torch.rand(4, 3, 16, 16) * 2 - 1,
        psnr=20.0,
        held_out=False,
    )
    about = {"path": "flow", "target": "velocity"}
    saved = SavedModel(name="a", network=network, vocabulary=None, diffusion=about, space=space)
    artist = Artist.of(saved)
    *_, end = artist.draw(WISH)
    check_finite(end, artist, WISH)
    next(space.autoencoder.parameters()).data.fill_(torch.nan)
    *_, end = artist.draw(WISH)
    with pytest.raises(InputError, match="its autoencoder hold"):
        check_finite(end, artist, WISH)


def test_the_command_writes_no_grid_of_lost_samples(tmp_path, capsys):
    config = replace(TINY_DIT, tokens=0, cross=False, width=8)
    network = stirred(config)
    about = {"path": "flow", "target": "velocity"}
    saved = SavedModel(name="a", network=network, vocabulary=None, diffusion=about)
    words = ["sample", str(tmp_path / "m.safetensors"), "--out", str(tmp_path / "o.png")]
    next(network.parameters()).data.fill_(torch.nan)
    write_model(saved, tmp_path / "m.safetensors")
    assert main([*words, "--steps", "2"]) == 1
    assert "are lost at noise level t = 1" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "o.png").exists()
