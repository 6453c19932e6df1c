"""Questions one asks of attention that was written down: of a call, layers, heads and a sample.

What is asked is chosen when looking; nothing here changes what was recorded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Attended, Capture, Kind, Stage, to_words
from engines.diffusion.maps import Known, entropy, fused, rollout, word_maps
from kernels.threads import torch_at_work

Way = Literal["head", "mean", "max", "rollout"]
"""One head as it is, the heads of a layer put together, or all layers up to this one."""
NO_WORD = "no words"
"""The one key of a sample that was drawn without words."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which attention is looked at."""

    call: int
    layer: str
    head: int = 0
    way: Way = "head"
    row: int = 0
    """Which of the kept samples."""


@dataclass(frozen=True, eq=False)
class Shares:
    """One matrix and the places that its queries stand for."""

    values: Tensor
    """[queries, keys]; of joint attention without the padding of words."""
    grid: tuple[int, int]
    """(rows, columns) of the places that ask, and of those that are looked at."""
    keys: tuple[str | None, ...] | None = None
    """The words that are looked at, None where masked; None for places alone."""
    kind: Kind = "self"

    @property
    def to_places(self) -> Tensor | None:
        """[places, places] of `values`; None where words alone are looked at."""
        places = math.prod(self.grid)
        return None if self.kind == "cross" else self.values[:places, :places]

    @property
    def to_words(self) -> Tensor | None:
        """[places, words] of `values`; None where no words are looked at."""
        return to_words(self.values, self.kind, self.grid)


def calls_of(capture: Capture) -> list[tuple[int, float]]:
    """(call, t) of every call of which something was kept, in order."""
    return list({item.call: item.t for item in capture.kept}.items())


def attention_layers(artist: Artist) -> list[str]:
    """The names of all layers that attend, in the order of the network; it is asked once."""
    capture = Capture(samples=1)
    x = torch.zeros(1, *artist.noise_shape, device=artist.device)
    with torch.no_grad(), torch_at_work():
        artist.denoiser(Wish(count=1), capture=capture)(x, torch.ones(()))
    return capture.names()


def calls_words(capture: Capture) -> str:
    """Of how many calls something was kept: "7 calls"; some samplers make two a step."""
    return counted_calls(len(calls_of(capture)))


def counted_calls(count: int) -> str:
    """`count` in words."""
    return f"{count:,} call{'s' * (count != 1)} of the network"


def rows_of(capture: Capture, count: int) -> int:
    """Of how many of `count` samples attention was kept; guidance asks for each twice."""
    return min((min(count, item.values.shape[0]) for item in capture.kept), default=0)


def item_of(capture: Capture, call: int, layer: str, stage: Stage = "softmax") -> Attended | None:
    """What was kept of this, or None."""
    found = capture.chosen(stage=stage, layers=[layer], calls=[call])
    return found[0] if found else None


def shares_of(
    capture: Capture, choice: Choice, stage: Stage = "softmax", *, words: Sequence[str] = ()
) -> Shares | None:
    """The matrix that `choice` means, None where it was not kept.

    `words` are those of the chosen sample. Heads of the stages before the softmax are put
    together like those after it. Rollout takes the layers of the chosen one's kind and grid, up to
    it; it knows the softmax alone, and words where they are in one matrix with places.
    """
    item = item_of(capture, choice.call, choice.layer, stage)
    if item is None:
        return None
    keys = None
    if item.to_words is not None:
        keys = keys_of(words, item.to_words.shape[-1])
    if item.kind == "joint":
        keys = keys_of(words, _told(words))
    values = without_padding(item, choice.row, words)
    match choice.way:
        case "head":
            return Shares(values[choice.head], item.grid, keys, item.kind)
        case "mean" | "max":
            return Shares(fused(values, choice.way), item.grid, keys, item.kind)
    if stage != "softmax" or item.kind == "cross":
        return None
    layers = []
    for other in capture.chosen(kind=item.kind, calls=[choice.call]):
        if other.grid == item.grid:
            layers.append(other)
        if other is item:
            break
    flow = rollout(layers, choice.row)
    return Shares(flow[: values.shape[-2], : values.shape[-1]], item.grid, keys, item.kind)


def without_padding(item: Attended, row: int, words: Sequence[str]) -> Tensor:
    """[heads, queries, keys] of one sample; of joint attention only places and its `words`."""
    values = item.values[row]
    if item.kind != "joint":
        return values
    told = math.prod(item.grid) + _told(words)
    return values[:, :told, :told]


def head_maps(
    item: Attended,
    row: int,
    *,
    words: Sequence[str] = (),
    query: int = -1,
    word: int = -1,
) -> Tensor:
    """[heads, rows, columns] what there is of a layer: who looks at `word`, or where `query` looks.

    Its matrices where neither is given, or the layer knows no words and `query` is none. A place
    that looks at words alone has one row of them.
    """
    if word >= 0 and item.to_words is not None:
        return item.to_words[row, :, :, word].unflatten(1, item.grid)
    values, places = without_padding(item, row, words), math.prod(item.grid)
    if not 0 <= query < places:
        return values
    if item.kind == "cross":
        return values[:, query].unflatten(1, (1, -1))
    return values[:, query, :places].unflatten(1, item.grid)


def entropies(
    capture: Capture,
    layer: str,
    row: int = 0,
    *,
    words: Sequence[str] = (),
    known: Known | None = None,
) -> tuple[list[int], Tensor]:
    """The calls of which `layer` was kept, and [calls, heads] its entropy, 0 sharp to 1 even.

    Of words as keys those of `words` count; what is in `known` is not worked out again.
    """
    known = {} if known is None else known
    items = capture.chosen(layers=[layer])
    if not items:
        return [], torch.empty(0, 0)
    found = []
    for item in items:
        keys = {
            "self": None,
            "cross": _told(words),
            "joint": math.prod(item.grid) + _told(words),
        }[item.kind]
        about = item, row, keys
        if about not in known:
            known[about] = entropy(item, row, keys=keys)
        found.append(known[about])
    return [item.call for item in items], torch.stack(found)


def words_of(artist: Artist, wish: Wish, row: int) -> list[str]:
    """The words that sample `row` was drawn for, as the model reads them; of a mix the first part.

    That part is what a `Capture` keeps.
    """
    if artist.vocabulary is None or not wish.texts:
        return []
    (_, text), *_ = artist.mix_for(wish, row)
    return artist.vocabulary.split(text)


def keys_of(words: Sequence[str], count: int) -> tuple[str | None, ...]:
    """What each of `count` keys that are words stands for: a word, or None for padding."""
    told = (*(words or [NO_WORD]),)[:count]
    return (*told, *[None] * (count - len(told)))


def _told(words: Sequence[str]) -> int:
    """How many keys are words: without any there is one for nothing."""
    return max(1, len(words))


def heat_of_words(
    capture: Capture,
    row: int,
    count: int,
    *,
    layers: Sequence[str] | None = None,
    heads: Sequence[int] | None = None,
    calls: Sequence[int] | None = None,
    how: Literal["mean", "max"] = "mean",
    known: Known | None = None,
) -> Tensor | None:
    """[count, rows, columns] how much places look at each of `count` words, over what is chosen.

    See `word_maps`; None stands for all there are, and is the answer where nothing of that was
    kept. Layers that lack one of the `heads` do not count. What is in `known` is not worked out
    again.
    """
    items = capture.chosen(layers=layers, calls=calls)
    items = [item for item in items if item.to_words is not None]
    if heads is not None:
        items = [item for item in items if max(heads, default=0) < item.values.shape[1]]
    if not items or not count:
        return None
    return word_maps(items, row, how=how, heads=heads, known=known)[:count]


def layers_of_words(capture: Capture) -> tuple[tuple[str, ...], int]:
    """The layers that look at words, in the order of the network, and the most heads of one."""
    items = [item for item in capture.kept if item.kind != "self"]
    names = tuple(dict.fromkeys(item.layer for item in items))
    return names, max((item.values.shape[1] for item in items), default=0)
