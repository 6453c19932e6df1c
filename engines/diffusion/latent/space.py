"""Where a diffusion model learns instead of among pixels: latents of unit scale, and the way back.

Images are encoded to the mean of their posterior; its deviation is small beside the deviation of
the means, so nothing that a decoder could show is lost. Channels are moved to a mean of 0 and all
of them divided by one deviation, as Rombach et al. 2022, appendix G, do: noise of variance 1 then
hides latents when it should.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engines.diffusion.latent.autoencoder import CHANNELS, Autoencoder, AutoencoderConfig

PIXELS_AT_ONCE = 1 << 18
"""What goes through encoder or decoder together, so that memory does not grow with the images."""
MEASURED = 2_048
"""Images by which latents are brought to unit scale."""
LEAST = 1e-6
"""The least deviation that is divided by: that of latents of images that are all alike."""
SPREAD = 0.5
"""A latent is drawn from black to white over this much of [-1, 1], as noise of variance 1 is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LatentSpace:
    """A trained autoencoder and the scale of its latents; nothing in it changes any more."""

    autoencoder: Autoencoder
    shift: tuple[float, ...]
    """Mean of each channel of the encoder's latents."""
    scale: float
    """Their deviation from that, over all channels."""
    bound: float
    """The largest that was seen, after shift and scale."""
    psnr: float
    """In dB, the mean over images that were encoded and decoded: the ceiling of quality."""
    held_out: bool
    """Those were held out of training."""

    @classmethod
    @torch.no_grad()
    def measured(
        cls, autoencoder: Autoencoder, images: Tensor, *, psnr: float, held_out: bool
    ) -> "LatentSpace":
        """The space of `autoencoder`, its scale by `images` [n, c, h, w] in [-1, 1].

        Raises ValueError where latents are not finite.
        """
        autoencoder = autoencoder.requires_grad_(False).eval()
        plain = cls(
            autoencoder=autoencoder,
            shift=(0.0,) * CHANNELS,
            scale=1.0,
            bound=math.inf,
            psnr=psnr,
            held_out=held_out,
        )
        latents = plain.encode(images[:MEASURED])
        shift = latents.mean((0, 2, 3))
        away = latents - shift[:, None, None]
        scale = away.square().mean().sqrt().clamp_min(LEAST)
        bound = float(away.abs().max() / scale)
        if not math.isfinite(bound):
            raise ValueError("The latents of the autoencoder are not finite")
        return dataclasses.replace(
            plain, shift=tuple(shift.tolist()), scale=float(scale), bound=max(1.0, bound)
        )

    @property
    def factor(self) -> int:
        """Pixels along a side of one place of the latents."""
        return self.autoencoder.config.factor

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.autoencoder.parameters()).device

    def image_shape(self, latents: tuple[int, ...]) -> tuple[int, int, int]:
        """(colours, h, w) of the images that latents of this shape (4, h, w) stand for."""
        _, height, width = latents
        return self.autoencoder.config.colours, self.factor * height, self.factor * width

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """[n, 4, h / factor, w / factor] of `images` [n, c, h, w] in [-1, 1], on their device."""
        found = [
            self.autoencoder.posterior(part.to(self.device)).mean
            for part in images.split(self._at_once(images.shape[-2] * images.shape[-1]))
        ]
        return ((torch.cat(found) - self._shift()) / self.scale).to(images.device)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """[n, c, h, w] float32 about in [-1, 1] of `latents`, on their device."""
        parts = latents.split(self._at_once(self.factor**2 * latents.shape[-2] * latents.shape[-1]))
        found = [
            self.autoencoder.decode(part.to(self.device) * self.scale + self._shift())
            for part in parts
        ]
        return torch.cat(found).float().to(latents.device)

    def about(self) -> dict[str, Any]:
        """JSON values from which, with its weights, `of` makes it again."""
        said = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return said | {
            "autoencoder": dataclasses.asdict(self.autoencoder.config),
            "shift": list(self.shift),
        }

    @classmethod
    def of(cls, about: dict[str, Any], weights: dict[str, Tensor]) -> "LatentSpace":
        """The inverse of `about`; raises KeyError, TypeError, ValueError or RuntimeError."""
        autoencoder = Autoencoder(AutoencoderConfig(**about["autoencoder"]), torch.Generator())
        autoencoder.load_state_dict(weights)
        numbers = {name: float(about[name]) for name in ("scale", "bound", "psnr")}
        shift = tuple(map(float, about["shift"]))
        if len(shift) != CHANNELS or not numbers["scale"] > 0:
            raise ValueError("the scale of its latents is none")
        return cls(
            autoencoder=autoencoder.requires_grad_(False).eval(),
            shift=shift,
            held_out=bool(about["held_out"]),
            **numbers,
        )

    def on(self, device: torch.device | str) -> "LatentSpace":
        """The same on `device`; the autoencoder moves there."""
        self.autoencoder.to(device)
        return self

    def _shift(self) -> Tensor:
        return torch.tensor(self.shift, device=self.device)[:, None, None]

    def _at_once(self, pixels: int) -> int:
        return max(1, PIXELS_AT_ONCE // pixels)


def mosaic(latents: Tensor, factor: int) -> Tensor:
    """[n, 1, factor * h, factor * w]: the channels of `latents` [n, 4, h, w], two by two.

    Numbers of unit scale reach from black to white within two deviations; grey is 0.
    """
    n, channels, height, width = latents.shape
    rows = latents.view(n, channels // 2, 2, height, width).permute(0, 1, 3, 2, 4)
    flat = rows.reshape(n, 1, channels // 2 * height, 2 * width) * SPREAD
    each = factor // 2
    return flat.repeat_interleave(each, 2).repeat_interleave(each, 3)
