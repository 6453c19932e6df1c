"""Words are taught where their things are, and only where that is known."""

import math
from dataclasses import replace

import pytest
import torch

from engines.diffusion import DiffusionConfig, DiffusionEngine
from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.data.regions import Regions
from engines.diffusion.data.shapes.source import make_shapes
from engines.diffusion.grounding import Watched, grounding_loss
from engines.events import Stepped

GRID = (4, 4)
QUICK = DiffusionConfig(steps=60, warmup=5, batch=8, drop=0.0, evaluate_every=1_000, holdout=0.1)


@pytest.fixture(scope="module")
def shapes():
    return make_shapes(40, seed=3)


def told(words: int, count: int = 1) -> Condition:
    tokens = torch.arange(2, 2 + words).expand(count, -1).clone()
    return Condition(tokens, torch.ones_like(tokens, dtype=torch.bool))


def two_things() -> Regions:
    """Thing 1 in the two left columns of 8x8 pixels, thing 2 in the lower right corner."""
    things = torch.zeros(1, 8, 8, dtype=torch.uint8)
    things[:, :, :4] = 1
    things[:, 6:, 6:] = 2
    return Regions(things, torch.tensor([[0, 1, 0, 2]], dtype=torch.uint8))


def watched(shares: torch.Tensor) -> Watched:
    found = Watched()
    found.begin(torch.tensor([0.5]))
    found.take("block 1 cross", "cross", GRID, "softmax", shares)
    found.take("block 1 self", "self", GRID, "softmax", torch.rand(1, 2, 16, 16))
    found.take("block 1 cross", "cross", GRID, "masked", torch.rand(1, 2, 16, 4))
    return found


def test_masks_are_those_of_the_words(shapes):
    known = shapes.pictures.regions
    masks = known.masks((8, 8))
    for row in range(len(known)):
        words = shapes.word_masks(row)
        for number, (_, mask) in enumerate(words):
            want = torch.zeros(8, 8)
            if mask is not None:
                want = torch.from_numpy(mask).float().view(8, 4, 8, 4).mean((1, 3))
            assert torch.allclose(masks[row, number].view(8, 8), want), words
        assert not masks[row, len(words) :].any()


def test_parts_and_mirrored_images_keep_their_regions(shapes):
    pictures = shapes.pictures.part(torch.tensor([7, 2]))
    assert torch.equal(pictures.regions.things[0], shapes.pictures.regions.things[7])
    assert torch.equal(pictures.regions.named[1], shapes.pictures.regions.named[2])
    turned = pictures.regions.mirrored(torch.tensor([False, True]))
    assert torch.equal(turned.things[0], pictures.regions.things[0])
    assert torch.equal(turned.things[1], pictures.regions.things[1].flip(1))


def test_attention_from_the_own_thing_alone_costs_nothing():
    shares = torch.zeros(1, 2, 16, 4)
    inside = two_things().masks(GRID)[0].T > 0
    shares[:, :, inside] = 0.5
    assert float(grounding_loss(watched(shares), two_things(), told(4))) == pytest.approx(0)


def test_even_attention_costs_what_the_area_says():
    loss = grounding_loss(watched(torch.full((1, 2, 16, 4), 0.25)), two_things(), told(4))
    assert float(loss) == pytest.approx(-(math.log(8 / 16) + math.log(1 / 16)) / 2)


def test_a_dropped_caption_and_words_without_a_thing_teach_nothing():
    shares = watched(torch.full((1, 2, 16, 4), 0.25))
    dropped = told(4).dropped(torch.tensor([True]))
    assert grounding_loss(shares, two_things(), dropped) is None
    nothing = replace(two_things(), named=torch.zeros(1, 4, dtype=torch.uint8))
    assert grounding_loss(shares, nothing, told(4)) is None


def test_words_of_one_batch_may_be_fewer_or_more_than_the_longest_caption():
    few = grounding_loss(watched(torch.full((1, 2, 16, 2), 0.5)), two_things(), told(2))
    assert float(few) == pytest.approx(-math.log(8 / 16))
    many = grounding_loss(watched(torch.full((1, 2, 16, 6), 1 / 6)), two_things(), told(6))
    assert float(many) == pytest.approx(-(math.log(8 / 16) + math.log(1 / 16)) / 2)


def test_of_joint_attention_what_places_give_to_words_is_taught():
    """Whatever else places and words look at; how much that is for all words changes nothing."""
    to_words = torch.rand(1, 2, 16, 4, generator=torch.Generator().manual_seed(0))
    joint = torch.rand(1, 2, 20, 20, generator=torch.Generator().manual_seed(1))
    found = Watched()
    found.begin(torch.tensor([0.5]))
    joint[:, :, :16, 16:] = 0.1 * to_words
    found.take("block 1 joint", "joint", GRID, "softmax", joint)
    loss = float(grounding_loss(found, two_things(), told(4)))
    assert loss == pytest.approx(
        float(grounding_loss(watched(to_words), two_things(), told(4))), rel=1e-5
    )


def learnt(
    shapes, grounding: float, network: str = "dit laptop"
) -> tuple[DiffusionEngine, list[Stepped]]:
    config = replace(QUICK, grounding=grounding, network=network)
    engine = DiffusionEngine(shapes.pictures, config)
    return engine, [event for event in engine.run() if isinstance(event, Stepped)]


def share_inside(engine: DiffusionEngine, shapes) -> float:
    """exp of minus the grounding loss at t = 0.3, of the network that draws."""
    pictures = shapes.pictures
    generator = torch.Generator().manual_seed(0)
    condition = engine.vocabulary.encode(pictures.texts).condition
    x0 = pictures.batch(slice(None))
    eps = torch.randn(x0.shape, generator=generator)
    seen, t = Watched(), torch.full((len(x0),), 0.3)
    with torch.no_grad():
        engine.learner.errors(engine.learner.network, x0, eps, t, condition, seen)
    return math.exp(-float(grounding_loss(seen, pictures.regions, condition)))


@pytest.mark.parametrize("network", ["dit laptop", "mmdit laptop"])
def test_words_learn_where_their_things_are(shapes, network):
    taught, steps = learnt(shapes, 0.5, network)
    left_alone, plain = learnt(shapes, 0.0, network)
    assert all("grounding" in step.scalars for step in steps)
    assert not any("grounding" in step.scalars for step in plain)
    assert share_inside(taught, shapes) > 2 * share_inside(left_alone, shapes)


def test_images_without_regions_learn_as_ever(shapes):
    bare = replace(shapes.pictures, regions=None)
    engine = DiffusionEngine(bare, replace(QUICK, steps=2))
    steps = [event for event in engine.run() if isinstance(event, Stepped)]
    assert len(steps) == 2
    assert "grounding" not in steps[-1].scalars


def test_watching_keeps_what_gradients_need_and_capture_does_not():
    shares = torch.rand(1, 2, 16, 4, requires_grad=True)
    assert watched(shares * 2).seen[0][1].requires_grad
    plain = Capture()
    plain.begin(torch.tensor([0.5]))
    plain.take("block 1 cross", "cross", GRID, "softmax", shares * 2)
    assert not plain.kept[0].values.requires_grad
