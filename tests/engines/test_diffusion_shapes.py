"""The bundled shapes: true to their captions, told apart by the judge, held out for good."""

import numpy as np
import pytest
import torch

from assets.errors import InputError
from engines.diffusion.data.pictures import Pictures, to_bytes, to_network
from engines.diffusion.data.shapes.draw import coverage, draw, word_masks
from engines.diffusion.data.shapes.judge import Verdict, judge
from engines.diffusion.data.shapes.scenes import (
    SHAPES,
    SIZE,
    Kind,
    Meaning,
    meant,
    random_meaning,
    random_scene,
)
from engines.diffusion.data.shapes.source import Shapes, make_shapes


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    return make_shapes(400, seed=11)


def arrays(pictures: Pictures) -> np.ndarray:
    return pictures.images.permute(0, 2, 3, 1).numpy()


def judged(pictures: Pictures, captions: tuple[str, ...]) -> list[Verdict]:
    return [judge(a, caption) for a, caption in zip(arrays(pictures), captions, strict=True)]


def test_the_judge_finds_true_pictures_right(shapes):
    verdicts = judged(shapes.pictures, shapes.pictures.texts)
    held_out = make_shapes(200, held_out=True).pictures
    verdicts += judged(held_out, held_out.texts)
    for part in ("colours", "shapes", "things", "relation", "right"):
        assert np.mean([getattr(verdict, part) for verdict in verdicts]) >= 0.99, part


def test_the_judge_is_near_chance_on_shuffled_captions(shapes):
    texts = shapes.pictures.texts
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = tuple(texts[i] for i in order)
    verdicts = judged(shapes.pictures, shuffled)
    pairs = [(meant(a), meant(b)) for a, b in zip(texts, shuffled, strict=True)]

    def chance(what) -> float:
        """How often another caption happens to say the same."""
        return np.mean([what(a) == what(b) for a, b in pairs])

    for part, what in {
        "right": lambda m: m.plain,
        "things": lambda m: frozenset(m.kinds),
        "colours": lambda m: sorted(kind.colour for kind in m.kinds),
        "shapes": lambda m: sorted(kind.shape for kind in m.kinds),
    }.items():
        rate = np.mean([getattr(verdict, part) for verdict in verdicts])
        assert abs(rate - chance(what)) < 0.01, part
    assert np.mean([verdict.right for verdict in verdicts]) < 0.03


def test_the_judge_sees_what_is_wrong():
    red, blue = Kind("red", "circle"), Kind("blue", "square")
    random = np.random.default_rng(2)
    picture = draw(random_scene(Meaning(red, "left of", blue), random))
    said = judge(picture, "a blue square right of a red circle")
    assert said.right
    assert [thing.kind for thing in said.seen] == [red, blue]
    mirrored = judge(picture, "a red circle right of a blue square")
    assert (mirrored.things, mirrored.relation) == (True, False)
    swapped = judge(picture, "a blue circle left of a red square")
    assert (swapped.colours, swapped.shapes, swapped.things) == (True, True, False)
    other = judge(picture, "a red triangle left of a blue square")
    assert (other.colours, other.shapes) == (True, False)
    fewer = judge(picture, "a red circle")
    assert (fewer.colours, fewer.shapes, fewer.right) == (False, False, False)
    noise = random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    assert not judge(noise, "a red circle").right
    assert not judge(np.full((SIZE, SIZE, 3), 240, dtype=np.uint8), "a red circle").right
    with pytest.raises(InputError, match="a red dog"):
        judge(picture, "a red dog")


def test_the_judge_bears_noise_and_blur(shapes):
    """Pictures of a model are not clean."""
    random = np.random.default_rng(3)
    noisy = arrays(shapes.pictures)[:150] + random.normal(0, 12, (150, SIZE, SIZE, 3))
    clean = np.clip(noisy, 0, 255).astype(np.uint8)
    right = [judge(a, t).right for a, t in zip(clean, shapes.pictures.texts, strict=False)]
    assert np.mean(right) > 0.97


def test_captions_and_meanings_are_each_other():
    random = np.random.default_rng(0)
    for _ in range(200):
        meaning = random_meaning(random, held_out=False)
        assert meant(meaning.caption) == meaning
        assert not meaning.held_out
        if meaning.second is not None:
            assert meaning.plain.relation in ("left of", "above")
            assert meaning.plain.held_out == meaning.held_out
    assert meant("A red circle left of a blue square") is not None
    assert meant("a red circle beside a blue square") is None


def test_what_is_held_out_is_never_learnt(shapes):
    held_out = make_shapes(300, held_out=True)
    learnt = {scene.meaning.plain for scene in make_shapes(2_000).scenes}
    new = {scene.meaning.plain for scene in held_out.scenes}
    assert not learnt & new
    assert len(new) > 100
    # Yet every thing in them is known.
    known = {kind for meaning in learnt for kind in meaning.kinds}
    assert {kind for meaning in new for kind in meaning.kinds} <= known


def test_the_same_numbers_give_the_same_pictures(shapes):
    again = make_shapes(400, seed=11)
    assert torch.equal(again.pictures.images, shapes.pictures.images)
    assert again.pictures.texts == shapes.pictures.texts
    assert not torch.equal(make_shapes(400, seed=12).pictures.images, shapes.pictures.images)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_smooth_at_the_edge_and_of_the_right_area(shape):
    radius = 6.0
    share = coverage(shape, np.array([16.0, 15.7]), np.array([16.0, 16.3]), radius)
    area = {
        "circle": np.pi,
        "square": 4 * 0.9**2,
        "triangle": np.sqrt(3),
        "cross": 4 * 0.38 * (2 - 0.38),
    }[shape]
    assert share.shape == (2, SIZE, SIZE)
    assert share.sum((1, 2)) == pytest.approx(area * radius**2, rel=0.02)
    assert ((share > 0.05) & (share < 0.95)).sum() > 20
    rows, columns = np.nonzero(share[0] > 0.5)
    assert np.ptp(columns) + 1 <= 2 * radius
    assert columns.min() + columns.max() + 1 == pytest.approx(32, abs=1)
    assert rows.min() + rows.max() + 1 == pytest.approx(32, abs=1.1)


def test_every_word_has_the_pixels_of_its_own_thing(shapes):
    for scene, picture in zip(shapes.scenes[:100], arrays(shapes.pictures), strict=False):
        found = word_masks(scene)
        assert " ".join(word for word, _ in found) == scene.meaning.caption
        marked = [(word, mask) for word, mask in found if mask is not None]
        assert [word for word, _ in marked] == [
            word for kind in scene.meaning.kinds for word in (kind.colour, kind.shape)
        ]
        for thing, (_, mask) in zip(scene.things, marked[::2], strict=True):
            seen = np.median(picture[mask], axis=0) / 255
            assert np.abs(seen - thing.colour).max() < 0.02
        ground = ~np.logical_or.reduce([mask for _, mask in marked])
        assert np.median(picture[ground] / 255) == pytest.approx(scene.ground, abs=0.01)


def test_pictures_split_and_become_what_networks_want(shapes):
    pictures = shapes.pictures
    batch = pictures.batch(torch.tensor([3, 5]))
    assert batch.shape == (2, 3, SIZE, SIZE)
    assert batch.dtype == torch.float32
    assert -1 <= batch.min() < batch.max() <= 1
    assert torch.equal(to_bytes(batch), pictures.images[[3, 5]])
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_network(every)), every)
    learnt, held = pictures.split(0.1, torch.Generator().manual_seed(0))
    assert (len(learnt), len(held)) == (360, 40)
    whole = {t.numpy().tobytes() for t in pictures.images}
    parts = [{t.numpy().tobytes() for t in part.images} for part in (learnt, held)]
    assert parts[0] | parts[1] == whole
    assert sorted(learnt.texts + held.texts) == sorted(pictures.texts)
    alone = pictures.part(torch.tensor([0]))
    assert [len(part) for part in alone.split(0.5, torch.Generator())] == [1, 0]
    vocabulary = pictures.vocabulary()
    assert vocabulary is not None
    assert set(vocabulary.words) == {
        *("a", "left", "right", "of", "above", "below"),
        *("red", "green", "blue", "yellow", "purple", *SHAPES),
    }
    assert vocabulary.longest == 8
