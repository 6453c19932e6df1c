"""Drawing: the same seed, noise, words and edits do what they say, with every network."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from assets.errors import InputError
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Capture
from engines.diffusion.data.pictures import to_network
from engines.diffusion.heat import over, write_heat
from engines.diffusion.labelled import Labelled, composed
from engines.diffusion.likeness import nearest
from engines.diffusion.looking import calls_words, heat_of_words, words_of
from engines.diffusion.memory import pass_bytes
from engines.diffusion.saved import SavedModel, read_model, write_model
from engines.diffusion.sheet import GAP, sheet_of, write_sheet
from engines.diffusion.targets import POINTS_CLIP
from engines.diffusion.words import Vocabulary
from tests.conftest import ROOT
from tests.engines.diffusion_data import one_thread
from tests.engines.diffusion_nets import TINY_DIT, TINY_POINTS, TINY_UNET, stirred

__all__ = ["one_thread"]
pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = Vocabulary.of_captions(["a b c d e f g"])
WISH = Wish(count=3, texts=("a b", "c"), steps=4, seed=7)


def artist_of(config=TINY_DIT, *, words: bool = True) -> Artist:
    config = config if words else replace(config, tokens=0, cross=False)
    return Artist.snapshot(
        stirred(config, 0),
        stirred(config, 1),
        path="flow",
        target="velocity",
        vocabulary=WORDS if words else None,
    )


def saved(diffusion: dict) -> SavedModel:
    return SavedModel(name="m", network=stirred(TINY_DIT), vocabulary=WORDS, diffusion=diffusion)


@pytest.fixture(scope="module")
def artist() -> Artist:
    return artist_of()


@pytest.mark.parametrize("config", [TINY_DIT, TINY_UNET, TINY_POINTS], ids=lambda c: c.kind)
def test_the_same_seed_is_the_same_picture(config):
    artist = artist_of(config)
    first = artist.samples(WISH)
    assert first.shape == (3, *artist.shape)
    assert torch.isfinite(first).all()
    assert torch.equal(first, artist.samples(WISH))
    assert not torch.equal(first, artist.samples(replace(WISH, seed=8)))


@pytest.mark.parametrize(
    "change",
    [{"texts": ("d",)}, {"guidance": 3.0}, {"sampler": "euler"}, {"averaged": False}],
    ids=lambda change: next(iter(change)),
)
def test_it_begins_at_the_same_noise_whatever_is_asked_for(artist, change):
    first, other = (next(artist.draw(wish)) for wish in (WISH, replace(WISH, **change)))
    assert (first.index, first.t) == (0, 1.0)
    assert torch.equal(first.x, other.x)
    ends = [artist.samples(wish) for wish in (WISH, replace(WISH, **change))]
    assert not torch.equal(*ends), "and what is asked for is seen in the end"


def test_the_noise_of_ddpm_is_chosen_and_no_other_sampler_reads_it():
    config = replace(TINY_DIT, tokens=0, cross=False)
    wish = Wish(count=64, steps=4, sampler="ddpm")
    fixed, learnt = (artist_of(replace(config, variance=v), words=False) for v in (False, True))
    auto, small, large = (fixed.samples(replace(wish, noise=n)) for n in ("auto", "small", "large"))
    assert torch.equal(auto, small), "where nothing was learnt"
    assert not torch.equal(small, large)
    assert not fixed.notes(replace(wish, noise="large"))
    auto, small = (learnt.samples(replace(wish, noise=n)) for n in ("auto", "small"))
    assert not torch.equal(auto, small), "what was learnt lies between them"
    other = replace(wish, sampler="euler", noise="large")
    assert torch.equal(fixed.samples(other), fixed.samples(replace(other, noise="auto")))
    assert fixed.notes(other) == (
        "Only ddpm has a choice of small or large noise; euler does not read it",
    )
    with pytest.raises(InputError, match='no noise "huge" for ddpm; choose one of auto, small'):
        fixed.check(replace(wish, noise="huge"))


def test_texts_are_taken_in_turn_and_read_without_case(artist):
    assert torch.equal(
        artist.samples(replace(WISH, texts=("a b", "c"))),
        artist.samples(replace(WISH, texts=("A  B!", "c", "a b"))),
    ), "texts are taken in turn"


def test_strokes_lead_from_noise_to_the_samples(artist):
    strokes = list(artist.draw(WISH))
    assert [s.index for s in strokes] == [0, 1, 2, 3, 4]
    assert [s.t for s in strokes] == sorted((s.t for s in strokes), reverse=True)
    assert strokes[-1].t == 0
    assert torch.equal(strokes[-1].x, artist.samples(WISH))
    first = strokes[1]
    mixed = (1 - first.t) * first.x0 + first.t * first.eps
    assert torch.allclose(mixed, first.x, atol=1e-4), "x_t is a mixture of what is seen in it"
    for what in ("x", "x0", "eps"):
        pixels = first.bytes_of(what)
        assert (pixels.shape, pixels.dtype) == ((3, 8, 12, 3), np.uint8)


def test_a_snapshot_stays_as_it_is():
    averaged, raw = stirred(TINY_DIT, 0), stirred(TINY_DIT, 1)
    artist = Artist.snapshot(averaged, raw, path="flow", target="velocity", vocabulary=WORDS)
    wishes = (WISH, replace(WISH, averaged=False))
    before = [artist.samples(wish) for wish in wishes]
    with torch.no_grad():
        for network in (averaged, raw):
            for parameter in network.parameters():
                parameter.zero_()
    assert all(torch.equal(a, artist.samples(w)) for a, w in zip(before, wishes, strict=True))


def test_a_file_draws_what_its_average_draws(tmp_path):
    network = stirred(TINY_DIT, 0)
    model = replace(saved({"path": "flow", "target": "velocity"}), network=network)
    write_model(model, tmp_path / "m.safetensors")
    again = Artist.of(read_model(tmp_path / "m.safetensors"))
    assert torch.equal(again.samples(WISH), artist_of().samples(WISH))
    assert torch.equal(again.samples(replace(WISH, averaged=False)), again.samples(WISH)), (
        "a file has no other weights"
    )


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"path": "flow"},
        {"path": "detour", "target": "x0"},
        {"path": "flow", "target": "curl"},
        {"path": ["flow"], "target": "x0"},
        {"path": "flow", "target": {"x0": 1}},
        {"path": None, "target": None},
    ],
)
def test_a_card_that_says_too_little_is_refused(about):
    with pytest.raises(InputError, match="does not say what path and target"):
        Artist.of(saved(about))


def test_guidance_of_zero_is_the_conditional_model(artist):
    """Held against the network itself, asked with the condition and with nothing."""
    wish = replace(WISH, guidance=0.0)
    x, t = torch.randn(3, *artist.shape), torch.full((3,), 0.5)
    (condition,), shares = artist.conditions_of(wish)
    assert shares.tolist() == [[1, 1, 1]]
    conditional = artist.averaged(x, t, condition)
    nothing = artist.averaged(x, t)
    for scale in (0.0, -1.0, 2.5):
        found = artist._model(replace(wish, guidance=scale), None)(x, t)
        wanted = (1 + scale) * conditional - scale * nothing
        assert torch.allclose(found, wanted, atol=1e-4), scale
    assert torch.equal(
        artist.samples(replace(wish, texts=(), guidance=5.0)),
        artist.samples(replace(wish, texts=())),
    ), "nothing to guide towards"


def test_a_mix_is_the_weighted_sum_of_what_it_names(artist):
    """Held against the network itself, asked for each part and for nothing."""
    texts = ("3 a b + 1 c", "d", "1 c + 1 e f g + 2 a")
    x, t = torch.randn(3, *artist.shape), torch.full((3,), 0.5)

    def asked(*parts: str) -> torch.Tensor:
        return artist.averaged(x, t, WORDS.encode(parts).condition)

    first, second, third = asked("a b", "d", "c"), asked("c", "", "e f g"), asked("", "", "a")
    weights = torch.tensor([[0.75, 1, 0.25], [0.25, 0, 0.25], [0, 0, 0.5]])[..., None, None, None]
    mixed = (weights * torch.stack([first, second, third])).sum(0)
    for scale in (0.0, 2.5):
        wish = replace(WISH, texts=texts, guidance=scale)
        wanted = (1 + scale) * mixed - scale * artist.averaged(x, t)
        assert torch.allclose(artist._model(wish, None)(x, t), wanted, atol=1e-4), scale
    ends = [artist.samples(replace(WISH, texts=(text,))) for text in ("2 c + 0 d", "0 d + 1 c")]
    alone = artist.samples(replace(WISH, texts=("c",)))
    for end in ends:
        assert torch.allclose(end, alone, atol=1e-4)
    with pytest.raises(InputError, match="only some parts have a weight"):
        artist.samples(replace(WISH, texts=("0.7 a + b",)))


def test_classes_mix_and_a_name_that_looks_like_a_mix_is_one():
    names = Vocabulary.of_classes(["cat", "dog", "2 Cats + 3 Dogs"])
    config = replace(TINY_DIT, tokens=names.size, cross=False)
    artist = Artist(averaged=stirred(config), raw=None, path="flow", target="v", vocabulary=names)
    wish = replace(WISH, count=1, texts=("0.7 Cat + 0.3 dog",))
    assert artist.mix_for(wish, 0) == ((0.7, "Cat"), (0.3, "dog"))
    assert artist.notes(wish) == ()
    x, t = torch.randn(1, *artist.shape), torch.full((1,), 0.5)
    cat, dog = (artist.averaged(x, t, names.encode([n]).condition) for n in ("cat", "dog"))
    assert torch.allclose(artist._model(wish, None)(x, t), 0.7 * cat + 0.3 * dog, atol=1e-5)
    (note,) = artist.notes(replace(wish, texts=("1 cat + 1 okapi",)))
    assert "the class “okapi” and takes" in note
    one = replace(wish, texts=("2 cats + 3 dogs",))
    assert artist.mix_for(one, 0) == ((1.0, "2 cats + 3 dogs"),)
    literal = replace(wish, texts=("0.7 cat + okapi",), literal=True)
    assert artist.mix_for(literal, 0) == ((1.0, "0.7 cat + okapi"),)


def test_what_is_looked_at_in_a_mix_is_its_first_part(artist):
    wish = replace(WISH, texts=("0.5 a b + 0.5 c", "d"), guidance=1.0)
    assert [words_of(artist, wish, row) for row in range(3)] == [["a", "b"], ["d"], ["a", "b"]]
    mixed, plain = Capture(samples=3), Capture(samples=3)
    next(artist.draw(wish, capture=mixed))
    next(artist.draw(replace(wish, texts=("a b", "d")), capture=plain))
    for one, other in zip(mixed.kept, plain.kept, strict=True):
        assert torch.allclose(one.values, other.values, atol=1e-5)


def test_notes_name_what_is_not_followed(artist):
    assert artist.notes(WISH) == ()
    (note,) = artist.notes(replace(WISH, texts=("a zebra", "b okapi")))
    assert "“zebra”, “okapi”" in note
    (note,) = artist.notes(replace(WISH, texts=(), guidance=2.0))
    assert "Guidance needs a caption or class" in note
    (note,) = artist.notes(replace(WISH, eta=0.5))
    assert "Only ddim adds noise by eta; dpmpp_2m does not read it" in note
    assert artist.notes(replace(WISH, eta=0.5, sampler="ddim")) == ()
    (note,) = artist.notes(replace(WISH, repeats=2))
    assert "Only the filling of a hole is repeated" in note
    plain = artist_of(words=False)
    words, guidance = plain.notes(replace(WISH, guidance=2.0))
    assert "learnt without words" in words
    assert "unconditional, so guidance changes nothing" in guidance
    assert plain.notes(Wish()) == ()
    assert torch.equal(plain.samples(WISH), plain.samples(replace(WISH, guidance=2.0, texts=())))


def test_eta_is_read_by_ddim_alone(artist):
    ddim = replace(WISH, sampler="ddim")
    assert not torch.equal(artist.samples(ddim), artist.samples(replace(ddim, eta=1.0)))
    assert torch.equal(artist.samples(WISH), artist.samples(replace(WISH, eta=1.0)))


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


def test_an_edit_forgets_as_much_as_it_is_told(artist):
    wish = replace(WISH, count=2, image=picture(), steps=8)
    same = artist.samples(replace(wish, strength=0.0))
    truth = to_network(torch.from_numpy(picture())).permute(2, 0, 1)
    assert torch.equal(same, truth.expand(2, -1, -1, -1))
    little = artist.samples(replace(wish, strength=0.05))
    much = artist.samples(replace(wish, strength=0.9))
    assert 0 < (little - same).square().mean() < (much - same).square().mean()
    assert torch.equal(
        artist.samples(replace(wish, strength=1.0)),
        artist.samples(replace(wish, strength=1.0, image=255 - picture())),
    ), "at 1 the image is forgotten"


def test_only_the_hole_is_drawn_anew(artist):
    hole = np.zeros((8, 12), dtype=bool)
    hole[2:6, 3:9] = True
    found = artist.samples(replace(WISH, image=picture(), hole=hole))
    truth = to_network(torch.from_numpy(picture())).permute(2, 0, 1).expand(3, -1, -1, -1)
    changed = (found != truth).any(1)
    assert not changed[:, ~torch.from_numpy(hole)].any()
    assert changed[:, torch.from_numpy(hole)].float().mean() > 0.9
    assert not torch.equal(found[0], found[1])


def test_the_steps_of_a_hole_are_gone_through_again(artist):
    hole = np.zeros((8, 12), dtype=bool)
    hole[2:6, 3:9] = True
    wish = replace(WISH, image=picture(), hole=hole, steps=8)
    ends = []
    for repeats in (1, 3):
        again = replace(wish, repeats=repeats)
        strokes = list(artist.draw(again))
        assert [stroke.index for stroke in strokes] == list(range(8 * repeats + 1))
        assert artist.steps_of(again) == 8 * repeats
        told = [1 - i / 8 for i in range(8) for _ in range(repeats)] + [0]
        assert [stroke.t for stroke in strokes] == pytest.approx(told)
        ends.append(strokes[-1].x)
    assert not torch.equal(*ends)
    left = ~torch.from_numpy(hole)
    assert torch.equal(ends[0][..., left], ends[1][..., left])
    assert torch.equal(artist.samples(replace(WISH, repeats=3)), artist.samples(WISH)), "no hole"


def test_steps_and_bytes_are_told_before_they_are_there(artist):
    points = artist_of(TINY_POINTS)
    edit = replace(WISH, image=picture(), strength=0.4, steps=10)
    for by, wish in ((artist, WISH), (points, WISH), (artist, edit)):
        strokes = list(by.draw(wish))
        assert by.steps_of(wish) == len(strokes) - 1
        kept = sum(part.nbytes for s in strokes for part in (s.x, s.x0, s.eps))
        assert by.kept_bytes(wish) == kept


class Hungry(torch.nn.Module):
    """Holds no more than two tensors of 4,000 bytes at once, and one weight of as many."""

    config = TINY_POINTS

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1000))

    def forward(self, x, t, condition=None, *, capture=None):
        wide = x.repeat(1, 500) * self.weight.view(1, 1000)
        for _ in range(5):
            wide = (wide + 1).view(2, 500).add_(1).view(1, 1000)
        return wide[:, :2]


def test_the_bytes_of_a_pass_are_those_that_are_held_at_once():
    assert pass_bytes(Hungry(), (2,)) == 8000
    one = artist_of(TINY_UNET)
    assert pass_bytes(one.averaged, one.shape) > 8 * 12 * 8 * 4 * 2, "more than its finest level"
    assert one.samples(WISH).isfinite().all()


def test_telling_the_bytes_loads_no_compiler():
    code = (
        "import sys, torch; from engines.diffusion.memory import _Alive\n"
        "with _Alive(): torch.zeros(2) + 1\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_points_and_pixels_are_kept_within_their_range(artist):
    for by, bound in ((artist, 1.0), (artist_of(TINY_POINTS), POINTS_CLIP)):
        x = 1e5 * torch.randn(3, *by.shape)
        found = by.denoiser(WISH)(x, torch.tensor(0.9, dtype=torch.float64))
        assert float(found.x0.abs().max()) == bound


def test_what_does_not_fit_into_memory_is_refused(artist, monkeypatch):
    monkeypatch.setattr("engines.diffusion.artist.free_bytes", lambda device: 3 * 1.3e6)
    count = int(3e6 / artist._pass_bytes)
    most = replace(WISH, count=count)
    artist.check(most)
    for change in ({"count": count + 1}, {"guidance": 1.0}, {"texts": ("1 a + 1 b",)}):
        with pytest.raises(InputError, match=r"samples at once would need about .* draw fewer"):
            artist.check(replace(most, **change))
    artist.check(replace(most, guidance=1.0, texts=()))
    artist.check(replace(most, count=count // 3, guidance=1.0, texts=("1 a + 1 b",)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"repeats": 0}, "at least once"),
        ({"repeats": 101, "steps": 100}, "at most 10,000 steps together"),
        ({"sampler": "magic"}, "no sampler .magic.; choose one of ddpm"),
        ({"count": 0}, "at least one sample"),
        ({"steps": 0}, "1 to 10,000 steps"),
        ({"steps": 10_001}, "1 to 10,000 steps"),
        ({"strength": 1.5}, "both lie from 0 to 1"),
        ({"eta": -0.1}, "both lie from 0 to 1"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"image": np.zeros((12, 8, 3), np.uint8)}, "draws 12x8 pixels of 3 channels"),
        (
            {"image": np.zeros((8, 12, 3), np.uint8), "hole": np.ones((9, 9), bool)},
            "mask is 9x9 pixels; expected 12x8",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(artist, change, sentence):
    with pytest.raises(InputError, match=sentence):
        artist.samples(replace(WISH, **change))


def test_points_have_no_image_to_start_from():
    with pytest.raises(InputError, match="no image to start from"):
        artist_of(TINY_POINTS).samples(replace(WISH, image=picture()))


def test_the_nearest_image_is_found_across_batches():
    images = torch.randint(0, 256, (50, 3, 4, 4), dtype=torch.uint8)
    rows = torch.tensor([49, 3, 17])
    samples = to_network(images[rows]) + 0.01
    for batch in (7, 50, 1_024):
        found, distance = nearest(samples, images, batch=batch)
        assert torch.equal(found, rows)
        assert torch.allclose(distance, torch.full((3,), 0.01), atol=1e-3)
    assert torch.equal(nearest(samples, to_network(images))[0], rows)
    apart = nearest(-torch.ones(1, 3, 4, 4), torch.full((1, 3, 4, 4), 255, dtype=torch.uint8))[1]
    assert float(apart) == pytest.approx(2.0)


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 1)), (2, (1, 2)), (5, (2, 3)), (16, (4, 4))])
def test_a_sheet_has_every_image_in_its_place(count, shape):
    images = np.random.default_rng(0).integers(30, 256, (count, 3, 4, 3), dtype=np.uint8)
    sheet = sheet_of(images)
    rows, columns = shape
    assert sheet.shape == (rows * 4 - 1, columns * 5 - 1, 3)
    for i in range(rows * columns):
        top, left = i // columns * 4, i % columns * 5
        place = sheet[top : top + 3, left : left + 4]
        assert np.array_equal(place, images[i]) if i < count else (place == GAP).all()
    assert (sheet[3::4] == GAP).all()
    assert (sheet[:, 4::5] == GAP).all()


def test_a_sheet_is_written_whole_or_not_at_all(artist, tmp_path):
    *_, end = artist.draw(WISH)
    write_sheet(tmp_path / "a.png", end)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), sheet_of(end.bytes_of("x")))
    *_, points = artist_of(TINY_POINTS).draw(replace(WISH, count=200))
    write_sheet(tmp_path / "p.png", points)
    with Image.open(tmp_path / "p.png") as image:
        assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) == 2
    with pytest.raises(InputError, match="does not exist"):
        write_sheet(tmp_path / "no" / "a.png", end)


def test_every_word_of_every_sample_has_its_picture(artist, tmp_path):
    capture = Capture(samples=3)
    *_, end = artist.draw(replace(WISH, guidance=2.0), capture=capture)
    written = write_heat(tmp_path, artist, WISH, capture, end)
    assert [path.name for path in written] == [
        "sample 1 word 1 a.png",
        "sample 1 word 2 b.png",
        "sample 2 word 1 c.png",
        "sample 3 word 1 a.png",
        "sample 3 word 2 b.png",
    ]
    for path, row, number, word in ((written[1], 0, 2, "b"), (written[2], 1, 1, "c")):
        words = words_of(artist, WISH, row)
        heat = heat_of_words(capture, row, len(words))[number - 1].numpy()
        shown = Labelled(pixels=over(end.bytes_of("x")[row], heat), words=word)
        heading = f"Sample {row + 1}, word {number} of {len(words)}, mean of all layers and heads"
        expected = composed([shown], f"{heading}, {WISH.steps} calls of the network")
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), np.asarray(expected))
    assert not write_heat(tmp_path, artist, replace(WISH, texts=()), capture, end)


@pytest.mark.parametrize(("sampler", "calls"), [("heun", 7), ("midpoint", 8), ("euler", 4)])
def test_pictures_of_words_count_the_calls_of_the_sampler(artist, tmp_path, sampler, calls):
    capture = Capture(samples=1)
    wish = replace(WISH, sampler=sampler)
    *_, end = artist.draw(wish, capture=capture)
    assert calls_words(capture) == f"{calls} calls of the network"
    first, *_ = write_heat(tmp_path, artist, wish, capture, end)
    heat = heat_of_words(capture, 0, 2)[0].numpy()
    shown = Labelled(pixels=over(end.bytes_of("x")[0], heat), words="a")
    means = f"mean of all layers and heads, {calls} calls of the network"
    with Image.open(first) as image:
        assert np.array_equal(
            np.asarray(image), composed([shown], f"Sample 1, word 1 of 2, {means}")
        )


def test_heat_is_warm_where_it_is_looked_at():
    heat = np.zeros((2, 3), dtype=np.float32)
    heat[0, 1] = 0.2
    seen = over(np.full((8, 12, 3), 100, np.uint8), heat).astype(int)
    assert seen.shape == (8, 12, 3)
    warm = seen[..., 0] - seen[..., 2]
    assert (warm[:4, 4:8] > 50).all()
    warm[:4, 4:8] = 0
    assert (warm == 0).all()
    assert (seen[4:] == 20).all()
