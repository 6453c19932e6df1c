"""Model files: what is written comes back, and what cannot be used is refused in words."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from assets.errors import InputError
from assets.field import SavedField
from assets.formats.field_file import write_field
from engines.diffusion import saved
from engines.diffusion.saved import SavedModel, read_model, write_model
from engines.diffusion.words import Vocabulary
from tests.engines.diffusion_nets import (
    LEARNED_PLACES,
    TINY_DIT,
    TINY_MMDIT,
    TINY_POINTS,
    TINY_UNET,
    inputs,
    stirred,
)


def model(config, vocabulary=None) -> SavedModel:
    vocabulary = vocabulary or Vocabulary.of_captions(["a b c d e f g"])
    assert vocabulary.size == config.tokens
    return SavedModel(
        name="tiny",
        network=stirred(config),
        vocabulary=vocabulary,
        diffusion={"path": "flow", "target": "velocity"},
        trained={"steps": 12},
    )


@pytest.mark.parametrize(
    "config",
    [TINY_DIT, LEARNED_PLACES, TINY_MMDIT, TINY_UNET, TINY_POINTS],
    ids=lambda c: c.kind,
)
def test_a_model_comes_back_bit_for_bit(tmp_path, config):
    first = model(config)
    write_model(first, tmp_path / "m.safetensors")
    again = read_model(tmp_path / "m.safetensors")
    x, t, condition = inputs(config)
    with torch.no_grad():  # where nothing is to be learnt, a convolution may be computed otherwise
        assert torch.equal(again.network(x, t, condition), first.network(x, t, condition))
    assert again.network.config == config
    assert (again.name, again.vocabulary) == ("tiny", first.vocabulary)
    assert (again.diffusion, again.trained) == (first.diffusion, first.trained)
    assert not any(p.requires_grad for p in again.network.parameters())


def test_the_card_can_be_read_by_people(tmp_path):
    write_model(model(TINY_DIT), tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="pt") as file:
        card = json.loads(file.metadata()["zograscope"])
    assert card["kind"] == "diffusion model"
    assert card["version"] == 1
    assert card["network"]["kind"] == "dit"
    assert card["vocabulary"]["words"] == list("abcdefg")
    assert card["trained"]["steps"] == 12


def test_other_and_broken_files_are_refused_in_words(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    with pytest.raises(InputError, match="does not exist"):
        read_model(path)
    write_model(model(TINY_DIT), path)
    whole = path.read_bytes()
    for size in (0, 5, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="may be cut off"):
            read_model(path)
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="holds no diffusion model of this program"):
        read_model(path)
    field = SavedField(name="f", about={}, arrays={"a": np.zeros(3, dtype=np.float32)})
    write_field(field, path)
    with pytest.raises(InputError, match="holds a radiance field; expected"):
        read_model(path)
    monkeypatch.setattr(saved, "VERSION", 2)
    write_model(model(TINY_DIT), path)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"is of version 2; this program reads version 1, so up"):
        read_model(path)


def test_cards_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    write_model(model(TINY_DIT), path)
    with safe_open(path, framework="pt") as file:
        card = json.loads(file.metadata()["zograscope"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def rewritten(**changes) -> None:
        save_file(tensors, path, metadata={"zograscope": json.dumps(card | changes)})
        with pytest.raises(InputError, match=r"incomplete or broken .*; export it again"):
            read_model(path)

    rewritten(network=card["network"] | {"features": 32})
    rewritten(network=card["network"] | {"depth": 3})
    rewritten(network=card["network"] | {"wings": 2})
    rewritten(network=None)
    rewritten(vocabulary=None)
    rewritten(vocabulary={"words": 3})
    rewritten(vocabulary=card["vocabulary"] | {"words": ["a"]})
    rewritten(diffusion=None)
    tensors.pop("embed.weight")
    rewritten()
