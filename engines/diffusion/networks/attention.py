"""Multi-head attention that can be looked into.

softmax(Q K^T / sqrt(d)) V with h projections side by side (Vaswani et al. 2017, sections
3.2.1 and 3.2.2). There is one way through it, watched or not, so watching changes no bit.
A fused kernel would not hand out the matrix, and at up to some hundred tokens saves little.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.capture import Capture, Kind
from engines.diffusion.networks.parts import ZeroLinear


class SelfAttention(nn.Module):
    """Every token looks at every token."""

    kind: Kind = "self"
    scales: Tensor

    def __init__(
        self, name: str, width: int, heads: int, dim: int = 0, *, zero: bool = False
    ) -> None:
        """Each head is `dim` wide, 0 for its share of `width`; `zero` makes it silent at first."""
        super().__init__()
        dim = dim or width // heads
        inner = heads * dim
        self.name, self.heads = name, heads
        self.scale = 1 / math.sqrt(dim)
        self.qkv = nn.Linear(width, 3 * inner, bias=False)
        self.out = (ZeroLinear if zero else nn.Linear)(inner, width)
        # To scale the weights of the queries is much less work than to scale the queries.
        scales = torch.ones(3 * inner, 1)
        scales[:inner] = self.scale
        self.register_buffer("scales", scales, persistent=False)

    def forward(
        self,
        x: Tensor,
        grid: tuple[int, int],
        mask: Tensor | None = None,
        capture: Capture | None = None,
    ) -> Tensor:
        """[n, tokens, width] as `x`; keys where `mask` [n, tokens] is False are not seen."""
        q, k, v = _split(F.linear(x, self.qkv.weight * self.scales), 3, self.heads)
        return self.out(_attend(self, q, k, v, grid, mask, capture))


class CrossAttention(nn.Module):
    """Every token of the image looks at the words."""

    kind: Kind = "cross"

    def __init__(self, name: str, width: int, words_width: int, heads: int, dim: int = 0) -> None:
        """Each head is `dim` wide, or its share of `width`; the output at first is zero."""
        super().__init__()
        dim = dim or width // heads
        inner = heads * dim
        self.name, self.heads = name, heads
        self.scale = 1 / math.sqrt(dim)
        self.q = nn.Linear(width, inner, bias=False)
        self.kv = nn.Linear(words_width, 2 * inner, bias=False)
        self.out = ZeroLinear(inner, width)

    def forward(
        self,
        x: Tensor,
        words: Tensor,
        grid: tuple[int, int],
        mask: Tensor,
        capture: Capture | None = None,
    ) -> Tensor:
        """[n, tokens, width] as `x`, of `words` [n, m, words_width] with `mask` [n, m]."""
        (q,) = _split(F.linear(x, self.q.weight * self.scale), 1, self.heads)
        k, v = _split(self.kv(words), 2, self.heads)
        return self.out(_attend(self, q, k, v, grid, mask, capture))


class JointAttention(nn.Module):
    """Patches and words, each with projections of their own, look at all there is of both.

    The joint attention of Esser et al. 2024, section 4: both sequences, one behind the other.
    """

    kind: Kind = "joint"

    def __init__(
        self, name: str, width: int, heads: int, dim: int = 0, *, words_ask: bool = True
    ) -> None:
        """Each head is `dim` wide, 0 for its share of `width`.

        Unless `words_ask`, words are looked at and do not look themselves.
        """
        super().__init__()
        dim = dim or width // heads
        inner = heads * dim
        self.name, self.heads = name, heads
        self.scale = 1 / math.sqrt(dim)
        self.qkv = nn.Linear(width, 3 * inner, bias=False)
        self.words_qkv = nn.Linear(width, (2 + words_ask) * inner, bias=False)
        self.out = nn.Linear(inner, width)
        self.words_out = nn.Linear(inner, width) if words_ask else None

    def forward(
        self,
        x: Tensor,
        words: Tensor,
        grid: tuple[int, int],
        mask: Tensor | None,
        capture: Capture | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """As `x` [n, patches, width] and as `words` [n, m, width]; None for words that do not ask.

        Keys where `mask` [n, patches + m] is False are not seen.
        """
        q, k, v = _split(self.qkv(x), 3, self.heads)
        told = _split(self.words_qkv(words), 2 + (self.words_out is not None), self.heads)
        k, v = torch.cat([k, told[-2]], dim=1), torch.cat([v, told[-1]], dim=1)
        if self.words_out is None:
            return self.out(_attend(self, q * self.scale, k, v, grid, mask, capture)), None
        q = torch.cat([q, told[0]], dim=1)
        seen = _attend(self, q * self.scale, k, v, grid, mask, capture)
        patches = x.shape[1]
        return self.out(seen[:, :patches]), self.words_out(seen[:, patches:])


def _split(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """`parts` times [n * heads, tokens, d] of [n, tokens, parts * heads * d]."""
    n, tokens, _ = x.shape
    by_head = x.view(n, tokens, parts, heads, -1).permute(2, 0, 3, 1, 4)
    return by_head.reshape(parts, n * heads, tokens, -1).unbind(0)


def _attend(
    layer: SelfAttention | CrossAttention | JointAttention,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    grid: tuple[int, int],
    mask: Tensor | None,
    capture: Capture | None,
) -> Tensor:
    """[n, queries, heads * d] from q (scaled), k and v, each [n * heads, tokens, d]."""
    (rows, queries, d), keys = q.shape, k.shape[1]
    scaled = (q @ k.transpose(1, 2)).view(rows // layer.heads, layer.heads, queries, keys)
    masked = scaled if mask is None else scaled.masked_fill(~mask[:, None, None], -math.inf)
    shares = masked.softmax(-1)
    if capture is not None:
        if capture.wants(layer.name, "scores"):
            capture.take(layer.name, layer.kind, grid, "scores", scaled / layer.scale)
        capture.take(layer.name, layer.kind, grid, "masked", masked)
        capture.take(layer.name, layer.kind, grid, "softmax", shares)
    seen = (shares.view(rows, queries, keys) @ v).view(-1, layer.heads, queries, d)
    return seen.transpose(1, 2).reshape(-1, queries, layer.heads * d)
