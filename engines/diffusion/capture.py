"""What attends to what, written down while a network runs; asked for call by call.

A network that is handed a `Capture` tells it of every attention layer it passes. Nothing is
computed otherwise because of it, so outputs are the same bit for bit.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["self", "cross", "joint"]
"""What looks at what: places at places, places at words, or both at both in one matrix.

Queries and keys of joint attention are the places of the image, then the words. A layer after
which nobody reads the words any more has only places for queries.
"""
Stage = Literal["scores", "masked", "softmax"]
"""q.k as it is; over the root of the head's width and minus infinity where masked; softmax."""
STAGES: tuple[Stage, ...] = ("scores", "masked", "softmax")


@dataclass(frozen=True, eq=False, kw_only=True)
class Attended:
    """One stage of one attention layer in one call of the network."""

    call: int
    """Which call of the network, from 0; one per step for samplers that ask once a step."""
    t: float
    """Noise level of that call, of the first kept sample."""
    layer: str
    """Such as "block 3 self"."""
    kind: Kind
    stage: Stage
    grid: tuple[int, int]
    """(rows, columns) of the queries on the image."""
    values: Tensor
    """[kept samples, heads, queries, keys] float32, on the CPU."""

    @property
    def to_words(self) -> Tensor | None:
        """[kept samples, heads, places, words] of `values`; None where no words are looked at."""
        return to_words(self.values, self.kind, self.grid)


def to_words(values: Tensor, kind: Kind, grid: tuple[int, int]) -> Tensor | None:
    """[..., places, words] how places look at words, of `values` [..., queries, keys].

    None for attention among places. Of joint attention these are shares of all that a place looks
    at, so over the words alone they do not sum to 1.
    """
    match kind:
        case "self":
            return None
        case "cross":
            return values
        case "joint":
            places = math.prod(grid)
            return values[..., :places, places:]


@dataclass(eq=False, kw_only=True)
class Capture:
    """Collects attention of the calls that it is handed to, up to a number of bytes."""

    stages: frozenset[Stage] = frozenset({"softmax"})
    layers: frozenset[str] | None = None
    """Names of the layers to keep, or None for all."""
    samples: int | None = None
    """How many samples to keep, from the first of the batch on, or None for all.

    Guided sampling asks with the condition for the first half of its batch."""
    budget_bytes: int = 512 << 20
    """What would go beyond is not kept, and `note` says so."""
    kept: list[Attended] = field(default_factory=list)
    used_bytes: int = 0
    left_out: int = 0
    """How many stages of layers did not fit."""
    calls: int = 0
    _t: float = 0.0

    def begin(self, t: Tensor) -> None:
        """A network starts to work on a batch at noise levels `t` [n]."""
        self._t = float(t[0])
        self.calls += 1

    def wants(self, layer: str, stage: Stage) -> bool:
        """Whether `take` would keep this; saves computing what it would not."""
        return stage in self.stages and (self.layers is None or layer in self.layers)

    def take(
        self, layer: str, kind: Kind, grid: tuple[int, int], stage: Stage, values: Tensor
    ) -> None:
        """Keep `values` [n, heads, queries, keys] if they are wanted and there is room."""
        if not self.wants(layer, stage):
            return
        chosen = values.detach()[: self.samples]
        size = chosen.numel() * 4
        # Once full, always full: what is kept is all there is up to some call and layer.
        if self.left_out or self.used_bytes + size > self.budget_bytes:
            self.left_out += 1
            return
        if chosen.shape[0] != values.shape[0]:
            chosen = chosen.clone()  # a view would keep the rest in memory as well
        self.used_bytes += size
        self.kept.append(
            Attended(
                call=self.calls - 1,
                t=self._t,
                layer=layer,
                kind=kind,
                stage=stage,
                grid=grid,
                values=chosen.to("cpu", torch.float32),
            )
        )

    @property
    def note(self) -> str:
        """What is missing, as a sentence to which may be added what can be done; or nothing."""
        if not self.left_out:
            return ""
        complete = self.kept[-1].call + 1 if self.kept else 0
        return (
            f"Attention fills its {self.budget_bytes / 1e6:.0f} MB, so {self.left_out} maps of "
            f"{self.left_out + len(self.kept)} are left out, from call {complete} of {self.calls} "
            "on"
        )

    def chosen(
        self,
        *,
        stage: Stage = "softmax",
        kind: Kind | None = None,
        layers: Iterable[str] | None = None,
        calls: Iterable[int] | None = None,
    ) -> list[Attended]:
        """What was kept of a stage, of these layers and calls, in the order of the network."""
        wanted_layers = None if layers is None else set(layers)
        wanted_calls = None if calls is None else set(calls)
        return [
            item
            for item in self.kept
            if item.stage == stage
            and (kind is None or item.kind == kind)
            and (wanted_layers is None or item.layer in wanted_layers)
            and (wanted_calls is None or item.call in wanted_calls)
        ]

    def names(self, kind: Kind | None = None) -> list[str]:
        """The layers of which something was kept, in the order of the network."""
        found = (item.layer for item in self.kept if kind is None or item.kind == kind)
        return list(dict.fromkeys(found))
