"""The first stage of a run in a latent space: an autoencoder is learnt, then images are encoded."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assets.errors import InputError
from engines.diffusion.config import DiffusionConfig, Schedule
from engines.diffusion.data.pictures import Pictures, to_bytes
from engines.diffusion.latent.autoencoder import CHANNELS, Autoencoder, autoencoder_for
from engines.diffusion.latent.learner import AutoencoderLearner, decibels, there_and_back
from engines.diffusion.latent.shape import latent_shape
from engines.diffusion.latent.space import MEASURED, LatentSpace
from engines.diffusion.memory import BYTES_PER_WEIGHT, Forecast, kept_bytes, step_bytes
from engines.diffusion.networks.choose import weights
from kernels.threads import torch_at_work

JUDGED = 256
"""Held-out images that go through the autoencoder to judge it."""
BLURRED_DB = 20.0
"""Below this people see at once that an image has been through the autoencoder."""
ENCODED = 512
"""Images between two words on how many are encoded."""


@dataclass(eq=False)
class FirstStage:
    """Belongs to a run whose images are `data`; the run decides when what is called."""

    config: DiffusionConfig
    data: Pictures
    learner: AutoencoderLearner | None = None
    """Once it has begun, until it is over."""
    space: LatentSpace | None = None
    """Once it is over."""
    steps: int = 0
    """Steps after which it was over, and training time."""
    seconds: float = 0.0
    _latents: dict[tuple[Pictures, bool], Tensor] = field(default_factory=dict)
    """[n, 4, h, w] of all images of some, and whether those were mirrored."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(4, h, w) of the latents; InputError where the images have none."""
        _, height, width = self.data.images.shape[1:]
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

    def judge(self, held_out: Pictures, train: Pictures) -> tuple[float, int]:
        """Mean PSNR in dB of held-out images that went there and back, and how many they are.

        Those to learn from stand in where none are held out.
        """
        assert self.learner is not None
        images = _some(held_out if len(held_out) else train, JUDGED)
        found = []
        with torch.no_grad(), torch_at_work():
            for part in images.split(32):
                shown = part.to(self.learner.device)
                found.append(decibels(shown, there_and_back(self.learner.autoencoder, shown)).cpu())
        return float(torch.cat(found).mean()), len(images)

    def sheet(self, held_out: Pictures, train: Pictures, count: int) -> np.ndarray:
        """[count, h, w, c] uint8: each second one is what the one before it came back as."""
        assert self.learner is not None
        images = _some(held_out if len(held_out) else train, max(1, count // 2))
        with torch.no_grad(), torch_at_work():
            back = there_and_back(self.learner.autoencoder, images.to(self.learner.device)).cpu()
        both = torch.stack([images, back.nan_to_num()], dim=1).flatten(0, 1)
        return to_bytes(both).permute(0, 2, 3, 1).contiguous().numpy()

    def end(self, step: int, seconds: float, held_out: Pictures, train: Pictures) -> LatentSpace:
        """Learn no more; the space in which the run goes on. InputError where it is none."""
        assert self.learner is not None
        psnr, _ = self.judge(held_out, train)
        try:
            with torch_at_work():
                self.space = LatentSpace.measured(
                    self.learner.autoencoder,
                    _some(train, MEASURED),
                    psnr=psnr,
                    held_out=bool(len(held_out)),
                )
        except ValueError as error:
            raise InputError(f"{error}; start again with another seed") from error
        self.steps, self.seconds, self.learner = step, seconds, None
        return self.space

    def words(self) -> str:
        """What it has come to, in a sentence."""
        assert self.space is not None
        images = "Held-out images" if self.space.held_out else "Images"
        return (
            f"{images} come back from the autoencoder with {self.space.psnr:.1f} dB, which is the "
            "ceiling of quality: no sample is sharper than that"
        )

    def complaint(self) -> str:
        """What is wrong with it and what to do, in a sentence; or nothing."""
        assert self.space is not None
        if self.space.psnr >= BLURRED_DB:
            return ""
        return (
            f"The autoencoder blurs images ({self.space.psnr:.1f} dB; {BLURRED_DB:.0f} are "
            "expected), so samples will be blurred; give it a larger share of the run, more steps "
            "or a smaller factor"
        )

    # -- what is learnt afterwards ---------------------------------------------------------------

    def encode(self, *parts: Pictures) -> Iterator[tuple[int, int]]:
        """Have the latents of all images of `parts`; how many of how many are encoded."""
        assert self.space is not None
        wanted = [(part, False) for part in parts]
        wanted += [(part, True) for part in parts[:1] if self.config.flip]
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
        """[b, 4, h, w] of these rows of `part`, which are encoded now if they were not before."""
        if (part, mirrored) not in self._latents:
            for _ in self.encode(part):
                pass
        return self._latents[part, mirrored][rows]

    # -- what it takes ---------------------------------------------------------------------------

    def forecast(self, batch: int, device_type: str) -> Forecast:
        """What learning the autoencoder with `batch` images a step needs in memory."""
        _, height, width = self.data.images.shape[1:]
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
        size = tuple(self.data.images.shape[2:])
        return replace(needs, size=size, latents=each * len(self.data))

    # -- on disk ---------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """JSON values and tensors from which `restore` makes this moment again."""
        if self.space is not None:
            about = {"steps": self.steps, "seconds": self.seconds, "space": self.space.about()}
            return about, dict(self.space.autoencoder.state_dict())
        assert self.learner is not None
        tensors = dict(self.learner.autoencoder.state_dict())
        for i, state in self.learner.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{i}/{name}": value for name, value in state.items()}
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
        moments: dict[int, dict[str, Tensor]] = {}
        for name in tensors.keys() - own.keys():
            _, number, what = name.split("/")
            moments.setdefault(int(number), {})[what] = tensors[name]
        groups = learner.optimiser.state_dict()["param_groups"]
        learner.optimiser.load_state_dict({"state": moments, "param_groups": groups})

    def _autoencoder_config(self):
        colours = self.data.images.shape[1]
        return autoencoder_for(self.config.network, factor=self.config.factor, colours=colours)


def _some(pictures: Pictures, count: int) -> Tensor:
    """[n, c, h, w] in [-1, 1]: at most `count`, always the same, from all over `pictures`."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))
    return pictures.batch(order[:count])
