"""The size and kind of a network; all that is needed, with its weights, to build it again."""

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["dit", "mmdit", "unet", "points"]
TRANSFORMERS: tuple[Kind, ...] = ("dit", "mmdit")
Places = Literal["fixed", "learned"]
"""Waves of row and column, or a vector of its own for each patch."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Plain numbers; not every one means something to every kind."""

    kind: Kind = "dit"
    height: int = 32
    """Of the images, in pixels."""
    width: int = 32
    channels: int = 3
    """3 for images in colour, 1 for grey ones."""
    variance: bool = False
    """As many channels again say how much noise a step adds, see `variance`."""
    tokens: int = 0
    """Size of the vocabulary with the tokens for nothing and unknown; 0 without condition."""
    longest: int = 16
    """Words of the longest caption."""
    cross: bool = False
    """Words are read in order and looked at; else their mean joins the time embedding, and that is
    all but for the transformer of two streams, which looks at them in any case."""
    features: int = 128
    """Width of the tokens of the transformer, of the U-Net's finest level, of the MLP."""
    depth: int = 4
    """Blocks of the transformer or the MLP; residual blocks per level of the U-Net."""
    heads: int = 4
    head_dim: int = 0
    """Width of one head of the transformer; 0 shares the features out to them."""
    mlp_ratio: float = 2.0
    """Width of the hidden layer of a transformer block over `features`."""
    patch: int = 4
    """Pixels along a side of what becomes one token of the transformer, or one place of the
    U-Net's finest level."""
    places: Places = "fixed"
    """What tells the transformer where a patch lies."""
    multipliers: tuple[int, ...] = (1, 2, 2)
    """Width of each level of the U-Net over `features`; each level halves the image."""
    attention: tuple[bool, ...] = (False, False, True)
    """Which levels of the U-Net attend."""

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence where the numbers do not go together."""
        if self.kind == "points":
            return
        levels = 1 if self.kind in TRANSFORMERS else len(self.multipliers)
        least = self.patch * 2 ** (levels - 1)
        if self.height % least or self.width % least:
            raise ValueError(
                f"Images of {self.width}x{self.height} pixels cannot be cut into parts of "
                f"{least}; choose a size that is a multiple of {least}"
            )
        parts = 4 if self.kind in TRANSFORMERS else self.heads
        if self.features % parts:
            raise ValueError(
                f"The width of the network is {self.features}; expected a multiple of {parts}"
            )
        if self.features % self.heads:
            raise ValueError(
                f"{self.features} features cannot be shared out to {self.heads} heads; choose a "
                "number of heads that divides them"
            )
        if len(self.multipliers) != len(self.attention):
            raise ValueError("Every level of the U-Net needs to be told whether it attends")

    @property
    def outputs(self) -> int:
        """Channels of what is predicted; for points, how many numbers of each."""
        return (2 if self.kind == "points" else self.channels) * (2 if self.variance else 1)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of the transformer's patches."""
        return self.height // self.patch, self.width // self.patch


PRESETS: dict[str, NetworkConfig] = {
    "dit laptop": NetworkConfig(heads=2, head_dim=32),
    "dit small": NetworkConfig(features=384, depth=12, heads=6, mlp_ratio=4.0),
    "dit base": NetworkConfig(features=768, depth=12, heads=12, mlp_ratio=4.0),
    "mmdit laptop": NetworkConfig(kind="mmdit", heads=2, head_dim=32),
    "mmdit small": NetworkConfig(kind="mmdit", features=384, depth=12, heads=6, mlp_ratio=4.0),
    "unet laptop": NetworkConfig(
        kind="unet", features=32, depth=1, patch=2, multipliers=(1, 2), attention=(False, True)
    ),
    "unet base": NetworkConfig(
        kind="unet",
        patch=1,
        features=128,
        depth=2,
        multipliers=(1, 2, 2, 2),
        attention=(False, True, True, True),
    ),
    "points": NetworkConfig(kind="points"),
}
"""By name, as people choose them. The laptop ones train on two cores, where the transformer's
attention is half as wide as its tokens: a sixth less time for steps that teach as much (see
`benchmarks`). Small and base are the sizes S and B of DiT (Peebles and Xie 2023, table 1) and the
widths of the U-Net of DDPM, which attends at 16x16 alone, for a GPU."""

_FINE = ("dit small", "dit base", "mmdit small")
"""Whose patches of latents are of 2x2."""
_FEW_TOKENS = ("dit laptop", "mmdit laptop")

LATENT_ATTENTION = 16
"""The largest side at which a U-Net attends among latents."""


def usual_rate(config: NetworkConfig) -> float:
    """The learning rate that suits a network when nobody says.

    That of the transformer of a laptop was found by trying at 96 and 128 features (see
    `benchmarks`); wider ones want less, the more so the wider they are.
    """
    if config.kind not in TRANSFORMERS:
        return 1e-3
    return 6e-3 * min(1.0, (128 / config.features) ** 2)


def usual_shift(config: NetworkConfig) -> float:
    """How far learning moves to more noise when nobody says, see `weighting.shifted`."""
    return 1.0 if config.kind == "points" else 2.0


def preset(
    name: str,
    *,
    height: int,
    width: int,
    tokens: int = 0,
    longest: int = 0,
    cross: bool = False,
    channels: int = 3,
    latent: bool = False,
) -> NetworkConfig:
    """The preset `name` for images of this size and vocabulary; KeyError if there is none.

    There is room for captions of `longest` words, and for those that the preset has room for.
    Patches grow with the image, so that a transformer of a laptop keeps 64 tokens or fewer. One
    place of `latent` images says as much as many pixels: patches begin at one of them, those of
    the large transformers are of 2x2 (Peebles and Xie 2023, section 4), and a U-Net attends on all
    levels of at most 16x16 places, where else it would on one of next to none.
    Raises ValueError with a sentence where it does not fit the images.
    """
    base = PRESETS[name]
    patch, attention = base.patch, base.attention
    if latent:
        patch = 2 if name in _FINE else 1
        sides = [max(height, width) >> level for level in range(len(attention))]
        attention = tuple(side <= LATENT_ATTENTION for side in sides)
    if name in _FEW_TOKENS and not (height % patch or width % patch):
        while height % patch or width % patch or (height // patch) * (width // patch) > 64:
            patch += 1
    return replace(
        base,
        height=height,
        width=width,
        tokens=tokens,
        longest=max(base.longest, longest),
        cross=cross,
        channels=channels,
        patch=patch,
        attention=attention,
    )
