"""The first stage of a run in a latent space: an autoencoder is learnt, then images are encoded."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from assets.errors import InputError
from engines.checkpoints import under
from engines.diffusion.artifacts import Sheet
from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.data.pictures import Pictures, to_bytes
from engines.diffusion.descent import give_moments, moments_of
from engines.diffusion.latent.autoencoder import (
    CHANNELS,
    Autoencoder,
    AutoencoderConfig,
    autoencoder_for,
)
from engines.diffusion.latent.learner import AutoencoderLearner, decibels, there_and_back
from engines.diffusion.latent.shape import latent_shape
from engines.diffusion.latent.space import MEASURED, LatentSpace
from engines.diffusion.memory import BYTES_PER_WEIGHT, Forecast, kept_bytes, step_bytes
from engines.diffusion.networks.choose import weights
from engines.events import Reconstructed, Told, Warned
from kernels.threads import torch_at_work

JUDGED = 256
"""Held-out images that go through the autoencoder to judge it."""
BLURRED_DB = 20.0
"""Below this people see at once that an image has been through the autoencoder."""
ENCODED = 512
"""Images between two words on how many are encoded."""


class Judgement(NamedTuple):
    """What images that went through an autoencoder come back as."""

    loss: float
    """Mean absolute difference, of pixels in [-1, 1]."""
    psnr: float
    """In dB, the mean over images."""
    images: int


@dataclass(eq=False)
class FirstStage:
    """Belongs to a run, which decides when what is called."""

    config: DiffusionConfig
    train: Pictures
    held_out: Pictures
    learner: AutoencoderLearner | None = None
    """Once it has begun, until it is over."""
    space: LatentSpace | None = None
    """Once it is over."""
    steps: int = 0
    """Steps after which it was over, and training time."""
    seconds: float = 0.0
    _latents: dict[tuple[Pictures, bool], Tensor] = field(default_factory=dict)
    """[n, 4, h, w] of all images of some, and whether those were mirrored."""

    @classmethod
    def of(cls, config: DiffusionConfig, train: object, held_out: object) -> "FirstStage | None":
        """That of a run with such data; None where it has none."""
        if config.factor and isinstance(train, Pictures) and isinstance(held_out, Pictures):
            return cls(config, train, held_out)
        return None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(4, h, w) of the latents; InputError where the images have none."""
        _, height, width = self.train.images.shape[1:]
        return latent_shape(self.config.network, self.config.factor, height, width)

    @property
    def has_begun(self) -> bool:
        """Whether there is anything of it."""
        return self.learner is not None or self.space is not None

    # -- learning --------------------------------------------------------------------------------

    def ready(self, device: torch.device, generator: torch.Generator) -> AutoencoderLearner:
        """Have the autoencoder that nothing has been taught yet; done once."""
        if self.learner is None:
            autoencoder = Autoencoder(self._autoencoder_config(), generator)
            self.learner = AutoencoderLearner(autoencoder, self.config, device, generator)
        return self.learner

    def is_done(self, step: int, seconds: float) -> bool:
        """Whether the run has spent the share of it that belongs to the autoencoder."""
        limit = self.config.autoencoder_seconds
        return step >= self.config.autoencoder_steps or bool(limit and seconds >= limit)

    def judge(self) -> Judgement:
        """Of held-out images that went there and back, or of those to learn from if none are."""
        assert self.learner is not None
        images = _some(self.held_out if len(self.held_out) else self.train, JUDGED)
        loss = psnr = 0.0
        with torch.no_grad(), torch_at_work():
            for part in images.split(32):
                shown = part.to(self.learner.device)
                back = there_and_back(self.learner.autoencoder, shown)
                loss += float((back - shown).abs().flatten(1).mean(1).sum())
                psnr += float(decibels(shown, back).sum())
        return Judgement(loss / len(images), psnr / len(images), len(images))

    def reconstructed(self, step: int, seconds: float) -> Reconstructed:
        """How well images come back, as an event."""
        return Reconstructed(step=step, seconds=seconds, **self.judge()._asdict())

    def sheet(self, step: int, seconds: float) -> Sheet:
        """Images; each second one is what the one before it came back as."""
        assert self.learner is not None
        count = max(1, self.config.samples // 2)
        images = _some(self.held_out if len(self.held_out) else self.train, count)
        with torch.no_grad(), torch_at_work():
            back = there_and_back(self.learner.autoencoder, images.to(self.learner.device)).cpu()
        both = torch.stack([images, back.nan_to_num()], dim=1).flatten(0, 1)
        pairs = to_bytes(both).permute(0, 2, 3, 1).contiguous().numpy()
        texts = ("image", "from its latents")
        return Sheet(step=step, seconds=seconds, averaged=pairs, raw=pairs, texts=texts, pairs=True)

    def end(self, step: int, seconds: float) -> LatentSpace:
        """Learn no more; the space in which the run goes on. InputError where it is none."""
        assert self.learner is not None
        psnr = self.judge().psnr
        try:
            with torch_at_work():
                self.space = LatentSpace.measured(
                    self.learner.autoencoder,
                    _some(self.train, MEASURED),
                    psnr=psnr,
                    held_out=bool(len(self.held_out)),
                )
        except ValueError as error:
            raise InputError(f"{error}; start again with another seed") from error
        self.steps, self.seconds, self.learner = step, seconds, None
        return self.space

    def plan(self, memory: str) -> Told:
        """What will be done, before it begins, and what of `memory` the run will take."""
        assert self.learner is not None
        count = weights(self.learner.autoencoder)
        return Told(
            message=f"First an autoencoder of {count:,} weights learns to make latents of "
            f"{len(self.train):,} images, in {self.config.autoencoder:.0%} of the run; {memory}"
        )

    def verdict(self) -> Told | Warned:
        """What it has come to."""
        assert self.space is not None
        if self.space.psnr < BLURRED_DB:
            return Warned(
                message=f"The autoencoder blurs images ({self.space.psnr:.1f} dB; "
                f"{BLURRED_DB:.0f} are expected), so samples will be blurred; give it a larger "
                "share of the run, more steps or a smaller factor"
            )
        images = "Held-out images" if self.space.held_out else "Images"
        return Told(
            message=f"{images} come back from the autoencoder with {self.space.psnr:.1f} dB, which "
            "is the ceiling of quality: no sample is sharper than that"
        )

    def for_learner(self) -> dict[str, Any]:
        """What a `Learner` has to know of the stage before it."""
        assert self.space is not None
        return {"after": (self.steps, self.seconds), "bound": self.space.bound}

    # -- what is learnt afterwards ---------------------------------------------------------------

    def encode(self) -> Iterator[tuple[int, int]]:
        """Have the latents of all images; how many of how many are encoded, as it goes on."""
        assert self.space is not None
        wanted = [(self.train, False), (self.held_out, False)]
        wanted += [(self.train, True)] if self.config.flip else []
        wanted = [key for key in wanted if key not in self._latents]
        total, done = sum(len(part) for part, _ in wanted), 0
        for part, mirrored in wanted:
            found = [torch.empty(0, *self.shape)]
            for first in range(0, len(part), ENCODED):
                images = part.batch(slice(first, first + ENCODED))
                with torch_at_work():
                    found.append(self.space.encode(images.flip(3) if mirrored else images))
                done += len(images)
                yield done, total
            self._latents[part, mirrored] = torch.cat(found)

    def latents(self, part: Pictures, rows: Tensor | slice, *, mirrored: bool = False) -> Tensor:
        """[b, 4, h, w] of these rows of `part`; all are encoded now if they were not before."""
        for _ in self.encode():
            pass
        return self._latents[part, mirrored][rows]

    # -- what it takes ---------------------------------------------------------------------------

    def forecast(self, batch: int, device_type: str) -> Forecast:
        """What learning the autoencoder with `batch` images a step needs in memory."""
        _, height, width = self.train.images.shape[1:]
        config = self._autoencoder_config()
        with torch.device("meta"):
            network = Autoencoder(config, torch.Generator("cpu"))
            images = torch.empty(1, config.colours, height, width)
            noise = torch.empty(1, *self.shape)
        saved, count = kept_bytes(network, lambda: network(images, noise)), weights(network)
        mixed = Schedule(self.config).is_mixed(device_type)
        return Forecast(
            parameters=count,
            weights=count * BYTES_PER_WEIGHT,
            step=step_bytes(saved, batch, mixed=mixed),
            batch=batch,
            size=(height, width),
        )

    def beside(self, needs: Forecast) -> Forecast:
        """What a network that `needs` so much needs with the latents of all images beside it."""
        _, height, width = self.shape
        each = 4 * CHANNELS * height * width * (2 if self.config.flip else 1)
        _, _, image_height, image_width = self.train.images.shape
        latents = each * (len(self.train) + len(self.held_out))
        return replace(needs, size=(image_height, image_width), latents=latents)

    # -- on disk ---------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """JSON values and tensors from which `restore` makes this moment again."""
        if self.space is not None:
            about = {"steps": self.steps, "seconds": self.seconds, "space": self.space.about()}
            return about, dict(self.space.autoencoder.state_dict())
        assert self.learner is not None
        tensors = dict(self.learner.autoencoder.state_dict())
        tensors |= moments_of(self.learner.optimiser, "optimiser/")
        return {"space": None}, tensors

    def restore(
        self,
        about: dict[str, Any],
        tensors: dict[str, Tensor],
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        """Stand where `state` was taken; raises KeyError, TypeError, ValueError, RuntimeError."""
        own = {name: t for name, t in tensors.items() if not name.startswith("optimiser/")}
        if about["space"] is not None:
            self.space = LatentSpace.of(about["space"], own).on(device)
            self.steps, self.seconds = int(about["steps"]), float(about["seconds"])
            return
        learner = self.ready(device, generator)
        learner.autoencoder.load_state_dict(own)
        give_moments(learner.optimiser, under(tensors, "optimiser/"))

    def _autoencoder_config(self) -> AutoencoderConfig:
        colours = self.train.images.shape[1]
        return autoencoder_for(self.config.network, factor=self.config.factor, colours=colours)


def _some(pictures: Pictures, count: int) -> Tensor:
    """[n, c, h, w] in [-1, 1]: at most `count`, always the same, from all over `pictures`."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))
    return pictures.batch(order[:count])
