"""Mixes: what a text asks for, and what is not read as a mix."""

import pytest

from assets.errors import InputError
from engines.diffusion.mix import mix_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.7 cat + 0.3 dog", [(0.7, "cat"), (0.3, "dog")]),
        (" 2 a red circle+ 1 a blue square +1 x", [(0.5, "a red circle"), (0.25, "a blue square"),
                                                   (0.25, "x")]),
        (".5 a + 0 b", [(1.0, "a"), (0.0, "b")]),
        ("1. a + 3 7 dwarfs", [(0.25, "a"), (0.75, "7 dwarfs")]),
    ],
)  # fmt: skip
def test_weights_come_first_and_are_scaled_to_sum_to_1(text, parts):
    found = mix_of(text)
    assert [said for _, said in found] == [said for _, said in parts]
    assert [weight for weight, _ in found] == pytest.approx([weight for weight, _ in parts])


@pytest.mark.parametrize("text", ["", "cat", "2 cats", "0.7 cat", "c++", "black + white", "1 + 2"])
def test_other_texts_are_what_they_are(text):
    assert mix_of(text) == ((1.0, text),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0.7 cat + dog", 'In "0.7 cat . dog" only some parts have a weight; write'),
        ("0.7 cat +", "only some parts have a weight"),
        ("0.7 + 0.3 dog", "only some parts have a weight"),
        ("0.7 cat + -1 dog", "only some parts have a weight"),
        ("0 cat + 0.0 dog", "sum to 0; give at least one part more than 0"),
        ("9" * 400 + " cat + 1 dog", "sum to inf"),
    ],
)
def test_a_broken_mix_is_refused_in_words(text, sentence):
    with pytest.raises(InputError, match=sentence):
        mix_of(text)
