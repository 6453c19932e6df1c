"""Attention made visible: which of what was captured to look at is chosen when looking.

All functions take what `Capture.chosen` gives and one row of the kept samples. Shares of the
softmax go in; what comes out are shares again unless it is said.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from engines.diffusion.capture import Attended

Fuse = Literal["mean", "max", "min"]
"""How heads become one; max and min are made to sum to 1 again by `rollout` alone."""
Known = dict[tuple[object, ...], Tensor]
"""What was worked out of each item, for who asks again when more is captured."""


def fused(values: Tensor, how: Fuse = "mean", heads: Sequence[int] | None = None) -> Tensor:
    """[..., queries, keys] of `values` [..., heads, queries, keys], over `heads` or all."""
    chosen = values if heads is None else values[..., list(heads), :, :]
    match how:
        case "mean":
            return chosen.mean(-3)
        case "max":
            return chosen.amax(-3)
        case "min":
            return chosen.amin(-3)


def averaged(
    items: Sequence[Attended],
    row: int = 0,
    *,
    how: Fuse = "mean",
    heads: Sequence[int] | None = None,
    over: Literal["mean", "max"] = "mean",
) -> Tensor:
    """[queries, keys] over all `items` (layers, calls) on one grid, heads fused by `how`.

    Raises ValueError where there is nothing or the grids differ.
    """
    if len({(item.grid, item.values.shape[-1]) for item in items}) != 1:
        raise ValueError("Attention can only be put together where it is of one size")
    stack = torch.stack([fused(item.values[row], how, heads) for item in items])
    return stack.mean(0) if over == "mean" else stack.amax(0)


def rollout(
    layers: Sequence[Attended], row: int = 0, *, how: Fuse = "mean", identity: float = 0.5
) -> Tensor:
    """[queries, tokens] how much each token of the input is in each token of the output.

    Abnar and Zuidema 2020, section 3: heads are fused first, then the way around attention is
    added as `identity` times the identity, rows are made to sum to 1, and layers are multiplied
    from first to last. `layers` are self-attention of one call, in order, all on one grid, or joint
    attention likewise; ValueError otherwise. Of the latter the words are tokens as the places are:
    what reaches a place by way of words counts, and what came from words is said.
    """
    sizes = {(item.kind, item.call, item.grid, item.values.shape[-1]) for item in layers}
    if len(sizes) != 1 or layers[0].kind == "cross":
        raise ValueError("Rollout needs the self-attention of one call, on one grid")
    eye = torch.eye(layers[0].values.shape[-1])
    flow = eye
    for item in layers:
        shares = fused(item.values[row], how)
        mixed = (1 - identity) * shares + identity * eye[: len(shares)]
        flow = (mixed / mixed.sum(-1, keepdim=True)) @ flow
    return flow


def entropy(item: Attended, row: int = 0, *, keys: int | None = None) -> Tensor:
    """[heads] mean over the places of -sum p log p, over log keys: 0 sharp, 1 all alike.

    `keys` is how many of them are not masked, None for all. 0 where there is a single key.
    """
    shares = item.values[row, :, : math.prod(item.grid)]
    keys = shares.shape[-1] if keys is None else keys
    if keys <= 1:
        return torch.zeros(shares.shape[0])
    return torch.special.entr(shares).sum(-1).mean(-1) / math.log(keys)


def query_map(shares: Tensor, query: int, grid: tuple[int, int]) -> Tensor:
    """[rows, columns] where `query` looks, of `shares` [queries, keys] that attend to a grid."""
    return shares[query].view(grid)


def received(items: Sequence[Attended], row: int = 0) -> Tensor:
    """[heads, rows, columns] how much each place is looked at, mean of all places and `items`.

    `items` are the softmax of one layer of self-attention in some calls, where the places of a head
    sum to 1, or of joint attention, where they sum to what is not given to words. Raises ValueError
    where there is nothing or where they attend to something else.
    """
    if not items or any(item.kind == "cross" for item in items):
        raise ValueError("What places receive needs self-attention or joint attention")
    count = math.prod(items[0].grid)
    shares = torch.stack([item.values[row, :, :count, :count].mean(-2) for item in items]).mean(0)
    return shares.unflatten(-1, items[0].grid)


def word_maps(
    items: Sequence[Attended],
    row: int = 0,
    *,
    how: Fuse = "mean",
    heads: Sequence[int] | None = None,
    size: tuple[int, int] | None = None,
    known: Known | None = None,
) -> Tensor:
    """[words, rows, columns] how much each place looks at each word, over all `items`.

    Attention of several grids is enlarged to the finest, or to `size`, and averaged (DAAM, Tang et
    al. 2023, section 2.2, sums instead). At every place the words of cross-attention sum to 1 if
    heads are fused by their mean; those of joint attention to what the place does not give to
    places. Maps of items that are in `known` are taken from there. Raises ValueError where nothing
    was captured.
    """
    if not items or any(item.to_words is None for item in items):
        raise ValueError("Word maps need cross-attention or joint attention")
    target = size or max((item.grid for item in items), key=lambda grid: grid[0] * grid[1])
    known = {} if known is None else known
    chosen = None if heads is None else tuple(heads)
    maps = []
    for item in items:
        about = item, row, how, chosen, target
        if about not in known:
            assert item.to_words is not None
            shares = fused(item.to_words[row], how, heads).T.reshape(1, -1, *item.grid)
            known[about] = torch.nn.functional.interpolate(
                shares, target, mode="bilinear", align_corners=False
            )[0]
        maps.append(known[about])
    return torch.stack(maps).mean(0)


def contrast(maps: Tensor, words: Tensor) -> Tensor:
    """`maps` [words, rows, columns] as factors over their mean, of words where `words` is True.

    A word that every place looks at a little more says nothing of where it is; a factor of 1
    is as much as on average. The others are 1 everywhere.
    """
    factors = maps / maps.mean((-2, -1), keepdim=True).clamp(min=1e-12)
    return torch.where(words[:, None, None], factors, torch.ones_like(factors))
