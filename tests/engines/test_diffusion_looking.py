"""What is asked of recorded attention, the field in the plane, and what is taken out of both."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from assets.errors import InputError
from assets.ffmpeg import probe
from engines.commands.sampleattention import CURE, Attention
from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import STAGES, Capture
from engines.diffusion.film import at_level, write_path
from engines.diffusion.flowfield import field_of, known_truth, score_errors
from engines.diffusion.heat import over, write_received
from engines.diffusion.labelled import Labelled, composed
from engines.diffusion.looking import (
    Choice,
    attention_layers,
    calls_of,
    entropies,
    head_maps,
    heat_of_words,
    layers_of_words,
    rows_of,
    shares_of,
    words_of,
)
from engines.diffusion.mapfiles import write_arrays
from engines.diffusion.maps import received, rollout
from engines.diffusion.networks.classifier import ClassifierConfig
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.paths import PATHS
from engines.diffusion.toys import CLASSES, GaussianMixture, ring_of_gaussians
from engines.diffusion.words import Vocabulary
from tests.engines.diffusion_nets import TINY_DIT, TINY_MMDIT, TINY_POINTS, stirred

WORDS = Vocabulary(("a", "blue", "circle", "left", "of", "red", "square"), longest=8)
WISH = Wish(count=3, texts=("a red circle", "blue square"), steps=4, sampler="ddim", guidance=1.0)


def artist_of(config: NetworkConfig, vocabulary: Vocabulary | None, target="velocity") -> Artist:
    return Artist(
        averaged=stirred(config), raw=None, path="flow", target=target, vocabulary=vocabulary
    )


@pytest.fixture(scope="module")
def seen():
    artist, capture = artist_of(TINY_DIT, WORDS), Capture(stages=frozenset(STAGES))
    return artist, list(artist.draw(WISH, capture=capture)), capture


def test_guided_samples_are_kept_once_and_every_call_has_its_level(seen):
    _, strokes, capture = seen
    assert rows_of(capture, WISH.count) == 3
    assert [t for _, t in calls_of(capture)] == pytest.approx([s.t for s in strokes[:-1]])


def test_the_matrix_of_a_head_is_the_captured_tensor_and_sums_to_one(seen):
    capture = seen[2]
    choice = Choice(call=2, layer="block 2 self", head=3, row=1)
    item = next(
        i for i in capture.kept if (i.call, i.layer, i.stage) == (2, choice.layer, "softmax")
    )
    found = shares_of(capture, choice)
    assert found is not None
    assert torch.equal(found.values, item.values[1, 3])
    assert found.grid == item.grid
    for way in ("head", "mean", "rollout"):
        shares = shares_of(capture, replace(choice, way=way))
        assert shares is not None
        assert torch.allclose(shares.values.sum(-1), torch.ones(6), atol=1e-5)
    most = shares_of(capture, replace(choice, way="max"))
    assert most is not None
    assert torch.equal(most.values, item.values[1].amax(0))


def test_rollout_goes_up_to_the_chosen_layer(seen):
    capture = seen[2]
    layers = capture.chosen(kind="self", calls=[0])
    assert len(layers) == 2
    for upto, item in enumerate(layers, 1):
        shares = shares_of(capture, Choice(call=0, layer=item.layer, way="rollout"))
        assert shares is not None
        assert torch.equal(shares.values, rollout(layers[:upto]))


def test_stages_that_were_not_kept_are_none(seen):
    artist = seen[0]
    capture = Capture()
    list(artist.draw(WISH, capture=capture))
    choice = Choice(call=0, layer="block 1 self")
    assert shares_of(capture, choice, "scores") is None
    assert shares_of(capture, replace(choice, call=99)) is None


def test_entropy_has_a_row_for_each_call(seen):
    calls, values = entropies(seen[2], "block 1 self")
    assert calls == [0, 1, 2, 3]
    assert values.shape == (4, 4)
    assert ((values > 0) & (values <= 1)).all()
    assert entropies(seen[2], "no such")[0] == []


def test_words_of_each_sample_share_every_place(seen):
    artist, _, capture = seen
    assert words_of(artist, WISH, 0) == ["a", "red", "circle"]
    assert words_of(artist, WISH, 1) == ["blue", "square"]
    assert words_of(artist, replace(WISH, texts=()), 1) == []
    maps = heat_of_words(capture, 1, 2)
    assert maps is not None
    assert maps.shape == (2, 2, 3)
    assert torch.allclose(maps.sum(0), torch.ones(2, 3), atol=1e-5)
    one = heat_of_words(capture, 1, 2, heads=[0], calls=[3])
    item = capture.chosen(kind="cross", calls=[3])[0]
    assert one is not None
    assert torch.allclose(one.flatten(1), item.values[1, 0].T[:2], atol=1e-6)
    assert heat_of_words(capture, 0, 3, layers=["block 1 self"]) is None
    some = heat_of_words(capture, 1, 2, heads=[0, 3], calls=[1, 3], how="max")
    items = capture.chosen(kind="cross", calls=[1, 3])
    by_hand = torch.stack([i.values[1, [0, 3]].amax(0).T[:2] for i in items]).mean(0)
    assert some is not None
    assert torch.allclose(some.flatten(1), by_hand, atol=1e-6)
    assert heat_of_words(capture, 1, 2, heads=[0, 4]) is None


def test_what_is_known_of_words_and_entropy_is_not_worked_out_again(seen):
    capture, known = seen[2], {}
    asked = {"heads": [1], "known": known}
    first = heat_of_words(capture, 0, 3, calls=[0, 1], **asked)
    count = len(known)
    assert count == len(capture.chosen(kind="cross", calls=[0, 1]))
    assert torch.equal(heat_of_words(capture, 0, 3, calls=[0, 1], **asked), first)
    assert len(known) == count
    for about in known:
        known[about] = torch.zeros_like(known[about])
    assert not heat_of_words(capture, 0, 3, calls=[0, 1], **asked).any()
    # Another sample, other heads or another way are other questions.
    for row, heads, how in ((1, [1], "mean"), (0, [0], "mean"), (0, [0, 1], "max")):
        other = {"heads": heads, "how": how, "calls": [0, 1]}
        fresh = heat_of_words(capture, row, 2, **other)
        assert torch.equal(heat_of_words(capture, row, 2, known=known, **other), fresh)
    _, values = entropies(capture, "block 1 self", known=known)
    assert torch.equal(entropies(capture, "block 1 self")[1], values)


def test_a_head_that_looks_at_words_has_their_names_and_padding_has_none(seen):
    capture = seen[2]
    choice = Choice(call=1, layer="block 1 cross", head=2, row=1)
    for stage in STAGES:
        shares = shares_of(capture, choice, stage, words=["blue", "square"])
        item = capture.chosen(stage=stage, layers=[choice.layer], calls=[1])[0]
        assert shares is not None
        assert torch.equal(shares.values, item.values[1, 2])
        assert shares.keys == ("blue", "square", None)
        padding = [key is None for key in shares.keys]
        if stage == "masked":
            assert shares.values.isneginf().all(0).tolist() == padding
    assert shares.values[:, :2].sum(-1).sub(1).abs().max() < 1e-5
    assert shares_of(capture, replace(choice, way="rollout"), words=["blue", "square"]) is None
    most = shares_of(capture, replace(choice, way="max"))
    assert most is not None
    assert most.keys == ("no words", None, None)
    _, values = entropies(capture, choice.layer, 1, words=["blue", "square"])
    shares = torch.stack([i.values[1] for i in capture.chosen(layers=[choice.layer])])
    by_hand = torch.special.entr(shares[..., :2]).sum(-1).mean(-1) / np.log(2)
    assert torch.allclose(values, by_hand.float(), atol=1e-6)


@pytest.fixture(scope="module")
def joint():
    capture = Capture(stages=frozenset(STAGES))
    list(artist_of(TINY_MMDIT, WORDS).draw(WISH, capture=capture))
    return capture


@pytest.mark.parametrize("number", [1, 2])
def test_joint_attention_is_places_and_words_without_padding(joint, number):
    choice = Choice(call=1, layer=f"block {number} joint", head=2, row=1)
    words, queries = ["blue", "square"], {1: 8, 2: 6}[number]
    for stage in STAGES:
        shares = shares_of(joint, choice, stage, words=words)
        item = joint.chosen(stage=stage, layers=[choice.layer], calls=[1])[0]
        assert shares is not None
        assert torch.equal(shares.values, item.values[1, 2, :queries, :8])
        assert shares.keys == ("blue", "square")
        assert torch.equal(shares.to_places, item.values[1, 2, :6, :6])
        assert torch.equal(shares.to_words, item.values[1, 2, :6, 6:8])
    assert shares.values.sum(-1).sub(1).abs().max() < 1e-5, "padding is not looked at"
    flow = shares_of(joint, replace(choice, way="rollout"), words=words)
    layers = joint.chosen(calls=[1])[:number]
    assert flow is not None
    assert torch.equal(flow.values, rollout(layers, 1)[:queries, :8])
    assert flow.values.sum(-1).sub(1).abs().max() < 1e-5
    _, values = entropies(joint, choice.layer, 1, words=words)
    shares = torch.stack([i.values[1] for i in joint.chosen(layers=[choice.layer])])
    by_hand = torch.special.entr(shares[..., :6, :8]).sum(-1).mean(-1) / np.log(8)
    assert torch.allclose(values, by_hand.float(), atol=1e-6)


def test_words_of_joint_attention_have_maps(joint):
    assert layers_of_words(joint) == (("block 1 joint", "block 2 joint"), 4)
    maps = heat_of_words(joint, 1, 2, heads=[0], calls=[3])
    by_hand = torch.stack([i.values[1, 0, :6, 6:8].T for i in joint.chosen(calls=[3])]).mean(0)
    assert torch.allclose(maps.flatten(1), by_hand, atol=1e-6)


def test_all_heads_show_a_word_a_place_or_all_there_is(seen, joint):
    words = ["blue", "square"]
    one = joint.chosen(layers=["block 1 joint"], calls=[0])[0]
    asked = {"row": 1, "words": words}
    assert torch.equal(head_maps(one, **asked), one.values[1, :, :8, :8])
    place = head_maps(one, **asked, query=4)
    assert torch.equal(place, one.values[1, :, 4, :6].view(4, 2, 3))
    word = head_maps(one, **asked, query=4, word=1)
    assert torch.equal(word, one.values[1, :, :6, 7].view(4, 2, 3))
    assert torch.equal(head_maps(one, **asked, query=7), head_maps(one, **asked)), "no place"
    cross = seen[2].chosen(kind="cross", calls=[0])[0]
    assert torch.equal(head_maps(cross, **asked), cross.values[1])
    assert torch.equal(head_maps(cross, **asked, query=4), cross.values[1, :, 4:5])
    assert torch.equal(head_maps(cross, **asked, word=1), cross.values[1, :, :, 1].view(4, 2, 3))
    among = seen[2].chosen(kind="self", calls=[0])[0]
    assert torch.equal(head_maps(among, **asked, word=1), among.values[1])


def test_arrays_come_back_as_they_were(seen, tmp_path):
    capture = seen[2]
    write_arrays(tmp_path / "a.npz", capture, rows=2)
    with np.load(tmp_path / "a.npz") as found:
        item = capture.kept[-1]
        name = f"call {item.call}/{item.layer}/{item.stage}"
        assert np.array_equal(found[name], item.values[:2].numpy())
        assert found["t"].tolist() == [t for _, t in calls_of(capture)]
        assert tuple(found[f"grid/{item.layer}"]) == item.grid
    with pytest.raises(InputError, match="Nothing was recorded"):
        write_arrays(tmp_path / "b.npz", Capture())
    assert not (tmp_path / "b.npz").exists()


def test_the_command_says_what_did_not_fit_and_what_one_can_do(seen, tmp_path, capsys):
    capture = Capture(budget_bytes=10_000)
    *_, end = seen[0].draw(WISH, capture=capture)
    Attention(folder=tmp_path / "maps").write(seen[0], WISH, capture, end)
    said = " ".join(capsys.readouterr().out.split())
    assert said.endswith("on; " + CURE)


def test_what_is_recorded_is_what_was_asked_for(seen, tmp_path, capsys):
    artist = seen[0]
    attention = Attention(
        folder=tmp_path / "maps",
        stages=("scores", "masked"),
        layers=("Block 2  self",),
        samples=2,
        memory_mb=1,
    )
    capture = attention.capture(artist, 3)
    assert capture.budget_bytes == 1_000_000
    *_, end = artist.draw(WISH, capture=capture)
    attention.write(artist, WISH, capture, end)
    assert "none without the stage softmax" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["attention.npz"]
    with np.load(tmp_path / "maps" / "attention.npz") as found:
        names = {name.partition("/")[2] for name in found if name.startswith("call ")}
        assert names == {"block 2 self/scores", "block 2 self/masked"}
        assert found["call 0/block 2 self/scores"].shape == (2, 4, 6, 6)
    assert Attention(folder=tmp_path, samples=9).capture(artist, 3).samples == 3
    with pytest.raises(InputError, match='called "block 9"; it has block 1 self, block 1 cross'):
        Attention(folder=tmp_path, layers=("block 9",)).capture(artist, 3)
    for wrong in ({"memory_mb": 0}, {"samples": 0}):
        with pytest.raises(InputError, match="at least one sample"):
            Attention(folder=tmp_path / "maps", **wrong).check()


def test_each_layer_has_a_picture_of_what_its_heads_look_at(tmp_path):
    artist = artist_of(replace(TINY_DIT, tokens=0, cross=False), None)
    wish = Wish(count=2, steps=3, sampler="heun")
    capture = Capture(samples=2)
    *_, end = artist.draw(wish, capture=capture)
    assert attention_layers(artist) == ["block 1 self", "block 2 self"] == capture.names()
    written = write_received(tmp_path, wish, capture, end)
    assert [path.name for path in written] == [
        f"sample {row} block {block} self.png" for row in (1, 2) for block in (1, 2)
    ]
    items = capture.chosen(layers=["block 2 self"])
    assert len(items) == 5
    by_hand = torch.stack([item.values[1].mean(1).view(4, 2, 3) for item in items]).mean(0)
    assert torch.allclose(by_hand.sum((1, 2)), torch.ones(4), atol=1e-5)
    image = end.bytes_of("x")[1]
    heads = [
        Labelled(pixels=over(image, by_hand[head].numpy()), words=f"head {head + 1}")
        for head in range(4)
    ]
    heading = (
        "Sample 2, block 2, how much each place is looked at, mean of all places and 5 calls of "
        "the network"
    )
    with Image.open(written[3]) as picture:
        assert np.array_equal(np.asarray(picture), np.asarray(composed(heads, heading)))
    with pytest.raises(ValueError, match="self-attention"):
        received([])


def test_what_places_receive_of_joint_attention_is_what_words_do_not():
    artist, capture = artist_of(TINY_MMDIT, WORDS), Capture()
    for _ in artist.draw(replace(WISH, guidance=0.0), capture=capture):
        pass
    items = capture.chosen(layers=["block 1 joint"])
    found = received(items)
    assert found.shape == (4, 2, 3)
    to_words = torch.stack([item.to_words[0, :].mean(1).sum(-1) for item in items]).mean(0)
    assert torch.allclose(found.sum((1, 2)), 1 - to_words, atol=1e-5)


# -- the plane ---------------------------------------------------------------------------


class Truth(torch.nn.Module):
    """A network that knows the mixture."""

    def __init__(self, bias: float) -> None:
        super().__init__()
        self.config, self.bias = TINY_POINTS, bias
        self.place = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x, t, condition=None, *, capture=None):
        model = ring_of_gaussians().model(PATHS["flow"](), "noise")
        return model(x, t) * (1 + self.bias)


def knowing(bias: float = 0.0) -> Artist:
    return Artist(averaged=Truth(bias), raw=None, path="flow", target="noise", vocabulary=None)


def test_the_field_of_the_truth_is_without_error_and_flows_as_points_do():
    artist, wish = knowing(), Wish(count=50, steps=400, sampler="euler")
    truth = known_truth("mixture")
    field = field_of(artist, wish, 0.5, truth=truth)
    assert field.error is not None
    assert field.error.shape == (17, 17)
    assert field.error.max() < 1e-4
    strokes = list(artist.draw(wish))
    assert np.nanmax(score_errors(strokes, artist, wish, truth)) < 1e-4
    assert np.isnan(score_errors(strokes, artist, wish, truth)[-1])
    # A place of the grid walked one short step goes along the arrow that stands there.
    x = torch.tensor(field.places[5, 9])[None]
    seen = artist.denoiser(replace(wish, count=1))(x, torch.tensor(0.5, dtype=torch.float64))
    moved = (artist.path.noised(seen.x0, seen.eps, torch.tensor(0.499)) - x)[0] / 0.001
    assert moved.numpy() == pytest.approx(field.flow[5, 9], abs=1e-3)


class Posterior(torch.nn.Module):
    """A classifier that knows the modes of the mixture; far ones are told apart in float64."""

    config = ClassifierConfig(classes=CLASSES["mixture"], path="flow", kind="points")

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x, t):
        ring = ring_of_gaussians()
        exact = GaussianMixture(ring.means.double(), ring.stds.double(), ring.weights.double())
        return exact.posterior(x.double(), t.double(), PATHS["flow"]()).log().float()


def test_a_guided_score_is_held_against_the_guided_truth():
    artist, truth = knowing(), known_truth("mixture")
    artist.classifier = Posterior()  # pyright: ignore[reportAttributeAccessIssue]
    wish = Wish(count=50, steps=40, sampler="euler", texts=("mode 4",), classifier_guidance=1.0)
    plain = field_of(artist, replace(wish, classifier_guidance=0.0), 0.5, truth=truth)
    field = field_of(artist, wish, 0.5, truth=truth)
    assert field.error is not None
    assert field.error.max() < 1e-4
    np.testing.assert_allclose(field.score - field.pull, plain.score, atol=1e-3)
    assert np.abs(field.pull).max() > 1
    # Samples that are led to unlike modes are each held against its own.
    both = replace(wish, texts=("mode 4", "mode 8"))
    errors = score_errors(list(artist.draw(both)), artist, both, truth)
    assert np.nanmax(errors) < 1e-3
    blind = score_errors(list(artist.draw(both)), artist, wish, truth)
    assert np.nanmax(blind) > 0.3


def test_a_score_that_is_a_tenth_too_long_is_said_to_be():
    artist, wish = knowing(0.1), Wish(count=200, steps=5, sampler="euler")
    truth = known_truth("mixture")
    errors = score_errors(list(artist.draw(wish)), artist, wish, truth)
    assert errors[0] < 1e-3, "where all is noise it is told from x itself"
    assert errors[1:-1] == pytest.approx(0.1, abs=1e-4)
    field = field_of(artist, wish, 0.3, truth=truth)
    assert field.error is not None
    assert np.sqrt((field.error**2).mean()) == pytest.approx(0.1, abs=1e-3)
    assert known_truth("moons") is None
    assert field_of(artist, wish, 0.0).error is None


def test_images_have_no_field():
    with pytest.raises(ValueError, match="points"):
        field_of(artist_of(TINY_DIT, None), Wish(), 0.5)


# -- films -------------------------------------------------------------------------------


def frames_in(film: Path) -> np.ndarray:
    """[frames, h, w, 3] uint8; imageio would leave pipes of ffmpeg open on a busy machine."""
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(film)]
    raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    found = subprocess.run([*command, *raw], capture_output=True, check=True).stdout
    about = probe(film)
    return np.frombuffer(found, np.uint8).reshape(-1, about.height, about.width, 3)


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_film_has_a_frame_for_each_step(seen, tmp_path, suffix):
    strokes, place = seen[1], tmp_path / f"path{suffix}"
    write_path(place, [strokes, strokes[1:]], row=2)
    frames = frames_in(place)
    assert len(frames) == len(strokes) + (2 if suffix == ".mp4" else 0)
    height, width = frames.shape[1:3]
    assert width > height > 256
    # The picture of x_t in the first frame is noise, in the last the sample.
    corner = np.s_[20:30, 20:24]
    shown = strokes[-1].bytes_of("x")[2, 0, 0]
    assert np.abs(frames[-1][corner].mean((0, 1)) - shown).max() < 25
    assert [p.name for p in tmp_path.iterdir()] == [place.name]


def test_a_sheet_holds_the_first_and_the_last_step(seen, tmp_path):
    strokes = seen[1]
    write_path(tmp_path / "path.png", [strokes])
    with Image.open(tmp_path / "path.png") as found:
        sheet = np.asarray(found)
    x, x0 = (strokes[0].bytes_of(what)[0, 0, 0] for what in ("x", "x0"))
    assert (sheet[8, 8] == x).all()
    assert (sheet[8 + (sheet.shape[0] - 8) // 3, 8] == x0).all()
    assert (sheet[8, -9] == strokes[-1].bytes_of("x")[0, 0, -1]).all()


def test_what_cannot_be_written_is_refused_with_a_sentence(seen, tmp_path):
    for path, runs, words in (
        ("a.avi", [seen[1]], "use one of"),
        ("a.gif", [[]], "Nothing was drawn"),
        ("none/a.png", [seen[1]], "does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            write_path(tmp_path / path, runs)
    assert not list(tmp_path.iterdir())


def test_points_are_filmed_too(tmp_path):
    strokes = list(artist_of(TINY_POINTS, WORDS).draw(Wish(count=20, steps=3)))
    write_path(tmp_path / "points.gif", [strokes])
    with Image.open(tmp_path / "points.gif") as film:
        assert film.n_frames == 4
    assert at_level(strokes, 0.0) is strokes[-1]
