"""Captions and classes as numbers, with unknown words named."""

import pytest
import torch

from engines.diffusion.condition import NOTHING, UNKNOWN
from engines.diffusion.words import (
    HIDDEN,
    LONGEST,
    Vocabulary,
    hidden_at_random,
    split,
    unknown_note,
)


def test_captions_are_split_into_words():
    assert split("A red circle, left-of the Ätna’s 2nd café!") == [
        *("a", "red", "circle", "left-of", "the", "ätna’s", "2nd", "café")
    ]
    assert split("cafe\u0301") == split("café")
    assert split("  ...  ") == []


def test_a_vocabulary_numbers_its_words_and_names_the_others():
    vocabulary = Vocabulary.of_captions(["a red circle", "A blue square."])
    assert vocabulary.words == ("a", "blue", "circle", "red", "square")
    assert vocabulary.size == 7
    condition, unknown, cut = vocabulary.encode(["red square", "", "a green dog green"])
    assert condition.tokens.tolist() == [[5, 6, 0], [0, 0, 0], [2, 1, 1]]
    assert condition.mask.tolist() == [[True, True, False], [True, False, False], [True] * 3]
    assert unknown == ("green", "dog")
    assert cut == 1
    note = unknown_note(unknown, vocabulary)
    assert "words “green”, “dog”" in note
    assert "blue" in note
    assert unknown_note((), vocabulary) == ""


def test_the_name_of_a_class_is_one_word():
    vocabulary = Vocabulary.of_classes(["fire truck", "Dog", "dog", ""])
    assert vocabulary.words == ("dog", "fire truck")
    condition, unknown, cut = vocabulary.encode(["Fire  Truck", "", "truck"])
    assert condition.tokens.tolist() == [[3], [0], [1]]
    assert unknown == ("truck",)
    assert not cut
    assert "the class “truck” and takes it" in unknown_note(unknown, vocabulary)


def test_a_vocabulary_survives_its_numbers():
    for vocabulary in (Vocabulary.of_classes(["a", "b"]), Vocabulary.of_captions(["one two"])):
        assert Vocabulary.of(vocabulary.about()) == vocabulary


def test_endless_captions_are_cut():
    vocabulary = Vocabulary.of_captions(["word " * 100])
    condition, _, cut = vocabulary.encode(["word " * 100])
    assert condition.tokens.shape == (1, LONGEST)
    assert cut == 1


def test_some_words_are_learnt_from_as_if_unknown():
    vocabulary = Vocabulary.of_captions(["a red circle"])
    condition = vocabulary.encode(["a red circle", "a", ""] * 5_000).condition
    found = hidden_at_random(condition, torch.Generator().manual_seed(0))
    words = condition.mask & (condition.tokens != NOTHING)
    hidden = found.tokens == UNKNOWN
    assert float(hidden[words].float().mean()) == pytest.approx(HIDDEN, rel=0.2)
    assert not bool(hidden[~words].any()), "neither padding nor what asks for nothing is a word"
    assert torch.equal(found.tokens[~hidden], condition.tokens[~hidden])
    assert torch.equal(found.mask, condition.mask)
