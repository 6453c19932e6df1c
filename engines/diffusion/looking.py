"""Questions one asks of attention that was written down: of a call, layers, heads and a sample.

What is asked is chosen when looking; nothing here changes what was recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engines.diffusion.artist import Artist, Wish
from engines.diffusion.capture import Attended, Capture, Kind, Stage
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
    """[queries, keys]."""
    grid: tuple[int, int]
    """(rows, columns) of the queries, and of the keys of self-attention."""
    keys: tuple[str | None, ...] | None = None
    """The words that are the keys of cross-attention, None where masked; None for places."""


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
    together like those after it. Rollout takes the self-attention on the grid of the chosen
    layer, up to it; it knows the softmax alone and nothing of words.
    """
    item = item_of(capture, choice.call, choice.layer, stage)
    if item is None:
        return None
    values = item.values[choice.row]
    keys = keys_of(words, values.shape[-1]) if item.kind == "cross" else None
    match choice.way:
        case "head":
            return Shares(values[choice.head], item.grid, keys)
        case "mean" | "max":
            return Shares(fused(values, choice.way), item.grid, keys)
    if stage != "softmax" or item.kind != "self":
        return None
    layers = []
    for other in capture.chosen(kind="self", calls=[choice.call]):
        if other.grid == item.grid:
            layers.append(other)
        if other is item:
            break
    return Shares(rollout(layers, choice.row), item.grid)


def entropies(
    capture: Capture,
    layer: str,
    row: int = 0,
    *,
    words: Sequence[str] = (),
    known: Known | None = None,
) -> tuple[list[int], Tensor]:
    """The calls of which `layer` was kept, and [calls, heads] its entropy, 0 sharp to 1 even.

    Of cross-attention the keys of `words` count; what is in `known` is not worked out again.
    """
    known = {} if known is None else known
    items = capture.chosen(layers=[layer])
    if not items:
        return [], torch.empty(0, 0)
    found = []
    for item in items:
        keys = max(1, len(words)) if item.kind == "cross" else None
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
    """What each of `count` keys of cross-attention stands for: a word, or None for padding."""
    told = (*(words or [NO_WORD]),)[:count]
    return (*told, *[None] * (count - len(told)))


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
    items = capture.chosen(kind="cross", layers=layers, calls=calls)
    if heads is not None:
        items = [item for item in items if max(heads, default=0) < item.values.shape[1]]
    if not items or not count:
        return None
    return word_maps(items, row, how=how, heads=heads, known=known)[:count]


def most_heads(capture: Capture, kind: Kind) -> int:
    """The most heads that a layer of this kind has."""
    return max((i.values.shape[1] for i in capture.kept if i.kind == kind), default=0)
