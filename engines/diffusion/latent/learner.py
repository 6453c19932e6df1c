"""One training step of an autoencoder after the other."""

from dataclasses import replace

import torch
from torch import Tensor

from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.descent import adamw, descend
from engines.diffusion.flat import FlatWeights
from engines.diffusion.latent.autoencoder import Autoencoder

RATE = 4e-3
"""Learning rate of the narrow autoencoder; wider ones want less, the more so the wider."""
WARMUP = 50


class AutoencoderLearner:
    """An autoencoder that is learnt by L1 + lambda KL (Rombach et al. 2022, section 3.1).

    The L1 is the mean over all pixels, the KL the sum over the latents of an image. What that
    paper adds, a perceptual and an adversarial loss, would need weights of other networks: without
    them images come back smooth where they have fine texture.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        config: DiffusionConfig,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        """`config` is that of the whole run, of which this learns the share that it says."""
        self.device, self._generator = device, generator
        self.autoencoder = autoencoder.to(device).train()
        self.weights = FlatWeights(self.autoencoder)
        rate = RATE * min(1.0, 32 / autoencoder.config.features)
        self.config = replace(
            config,
            latent="off",
            steps=config.autoencoder_steps,
            seconds=config.autoencoder_seconds,
            rate=rate,
            warmup=min(config.warmup, WARMUP),
        )
        self._schedule = Schedule(self.config)
        self._mixed = self._schedule.is_mixed(device.type)
        self._pull = config.divergence
        self.optimiser = adamw(self.weights, rate=rate, decay=0.0)

    def learn(self, images: Tensor, step: int, *, seconds: float = 0.0) -> dict[str, float]:
        """Make training step number `step` (from 1) on `images` [n, c, h, w] in [-1, 1].

        `seconds` of training lie behind. Returns figures for the curves. Raises Stuck when the
        step cannot be made.
        """
        factor = self.autoencoder.config.factor
        shape = len(images), 4, images.shape[2] // factor, images.shape[3] // factor
        noise = torch.randn(shape, generator=self._generator).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._mixed):
            back, posterior = self.autoencoder(images, noise)
        error = (back.float() - images).abs().mean()
        divergence = posterior.divergence().mean()
        rate = self._schedule.rate(step, seconds)
        norm = descend(
            error + self._pull * divergence,
            self.weights,
            self.optimiser,
            rate=rate,
            clip=self.config.clip,
            step=step,
        )
        return {
            "autoencoder": float(error.detach()),
            "divergence": float(divergence.detach()),
            "gradient": norm,
            "lr": rate,
        }


@torch.no_grad()
def there_and_back(autoencoder: Autoencoder, images: Tensor) -> Tensor:
    """[n, c, h, w] in [-1, 1] what `images` become by way of the means of their latents."""
    return autoencoder.decode(autoencoder.posterior(images).mean).float().clamp(-1, 1)


def decibels(images: Tensor, others: Tensor) -> Tensor:
    """[n] PSNR of `others` in dB, both [n, c, h, w] in [-1, 1], of which the peak is 2."""
    error = (images - others).square().flatten(1).mean(1).clamp_min(1e-10)
    return 10 * (4 / error).log10()
