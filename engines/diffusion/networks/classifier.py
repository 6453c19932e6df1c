"""What names the class of something noisy, so that its gradient can steer a diffusion.

The half of the U-Net that goes down, with class scores in place of the half that goes up
(Dhariwal and Nichol 2021, section 4); for points the small network of points. It is told the
noise level. What it says is

    log p(c | x_t) = log p(c) + a(t) evidence_c(x_t, t) + normalisation,

with the known shares p(c) of the classes: where no data are left, a = 0, x_t says nothing, and
next to there what it says is of first order in a (expand the density of N(a x0, s^2 I)). So
a gradient may be divided by a, as guidance does, on every path and at every level.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.diffusion.networks.parts import ZeroLinear, start
from engines.diffusion.networks.points import Block as PointsBlock
from engines.diffusion.networks.time import TimeEmbedding
from engines.diffusion.networks.unet import Block, Shrink, Told, groups_of
from engines.diffusion.paths import PATHS

COARSEST = 4
"""Rows or columns, at most, of the level whose mean is taken."""
WIDEST = 4
"""No level is wider than so many times the first."""
DEPTH = 3
"""Blocks for points."""


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """All that is needed, with its weights, to build a classifier again."""

    classes: tuple[str, ...]
    """Their names, in the order of the scores."""
    path: str
    """How what it sees was noised: a name in `PATHS`."""
    kind: Literal["images", "points"] = "images"
    height: int = 32
    width: int = 32
    channels: int = 3
    features: int = 32
    """Width of the first level of images, half that of points."""

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence where the values do not go together."""
        if len(self.classes) < 2:
            raise ValueError(f"There must be two classes to tell apart, not {len(self.classes)}")
        if self.path not in PATHS:
            raise ValueError(f'There is no path "{self.path}"; expected one of {", ".join(PATHS)}')

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is looked at: (c, h, w), or (2,) for points."""
        return (2,) if self.kind == "points" else (self.channels, self.height, self.width)


class Classifier(nn.Module):
    """See the module."""

    prior: Tensor

    def __init__(self, config: ClassifierConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.config, self.path = config, PATHS[config.path]()
        trunk = _Points if config.kind == "points" else _Encoder
        self.evidence = trunk(config)
        count = len(config.classes)
        self.register_buffer("prior", torch.full((count,), -math.log(count)))
        start(self, generator)

    def set_shares(self, shares: Tensor) -> None:
        """Of the data, `shares` [classes] > 0 belong to each class; they sum to 1."""
        self.prior.copy_(shares.log())

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """[n, classes] log p(class | x_t) of x [n, ...] at noise levels `t` [n] in [0, 1]."""
        a, _ = self.path.at(t)
        return (self.prior + a[:, None] * self.evidence(x, t)).log_softmax(1)


class _Encoder(nn.Module):
    """Residual blocks on ever coarser levels, then the mean over the coarsest."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        now = config.features
        told = 4 * now
        self.time = TimeEmbedding(told)
        # Half the size from the start: a class is told from less than every pixel.
        self.first = nn.Conv2d(config.channels, now, 3, stride=2, padding=1)
        self.down = nn.ModuleList([Block(now, now, told)])
        size = -(-max(config.height, config.width) // 2)
        while size > COARSEST:
            self.down.append(Shrink(now))
            wider = min(2 * now, WIDEST * config.features)
            self.down.append(Block(now, wider, told))
            now, size = wider, -(-size // 2)
        self.norm = nn.GroupNorm(groups_of(now), now)
        self.last = ZeroLinear(now, len(config.classes))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        told = Told(F.silu(self.time(t)), None, None, None)
        x = self.first(x)
        for block in self.down:
            x = block(x, told)
        return self.last(F.silu(self.norm(x)).mean((2, 3)))


class _Points(nn.Module):
    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        width = 2 * config.features
        self.time = TimeEmbedding(width)
        self.first = nn.Linear(2, width)
        self.blocks = nn.ModuleList(PointsBlock(width) for _ in range(DEPTH))
        self.last = ZeroLinear(width, len(config.classes))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        told, x = F.silu(self.time(t)), self.first(x)
        for block in self.blocks:
            x = block(x, told)
        return self.last(F.silu(x))
