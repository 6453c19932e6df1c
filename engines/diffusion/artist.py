"""A trained network with all it takes to draw from it, at any moment and off any thread."""

import copy
import functools
import itertools
import math
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assets.errors import InputError
from engines.diffusion.capture import Capture
from engines.diffusion.condition import Condition
from engines.diffusion.data.pictures import to_network
from engines.diffusion.edit import edited, harmonised, inpainted, jump_of, levels_below
from engines.diffusion.guidance import blended
from engines.diffusion.latent.space import LatentSpace
from engines.diffusion.memory import (
    alive_bytes,
    check_drawing,
    free_bytes,
    gradient_bytes,
    pass_bytes,
)
from engines.diffusion.mix import Part, mix_of
from engines.diffusion.networks.choose import Network
from engines.diffusion.networks.classifier import Classifier
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.networks.text import Heard
from engines.diffusion.paths import PATHS, Path, levels
from engines.diffusion.samplers import SAMPLERS, Moment, walk
from engines.diffusion.samplers.ddim import ddim
from engines.diffusion.samplers.ddpm import Variance, ddpm
from engines.diffusion.saved import SavedModel
from engines.diffusion.steering import ClassifierGuidance
from engines.diffusion.stroke import Shower, Stroke
from engines.diffusion.targets import TARGETS, Denoiser, Model, Target, clip_of
from engines.diffusion.wish import Wish
from engines.diffusion.words import Vocabulary, tidy, unknown_note
from kernels.threads import torch_at_work

MOST_STEPS = 10_000
NOISE: dict[str, Variance] = {"auto": None, "small": "small", "large": "large"}
"""The variance of ddpm by the `noise` of a wish."""
N = TypeVar("N", bound=nn.Module)
SPARE = 1.3
"""What drawing takes at its height over what its tensors do: memory is not packed tightly."""


class Artist:
    """A snapshot that draws; nothing that is learnt afterwards changes it."""

    def __init__(
        self,
        *,
        averaged: Network,
        raw: Network | None,
        path: str,
        target: Target,
        vocabulary: Vocabulary | None,
        drop: float | None = None,
        classifier: Classifier | None = None,
        taught: bool = False,
        space: LatentSpace | None = None,
    ) -> None:
        """`drop` is the share that was learnt without words; None where that is not known.

        A network that was `taught` draws in few steps and has guidance in it, see `teaching`.
        `space` is where the networks denoise; None for pixels or points.
        """
        self.space = space
        self._averaged, self._raw = averaged, raw
        self.classifier = classifier
        """What can guide towards a class besides; None where none was taught."""
        self._drop = drop
        self.taught = taught
        self.path: Path = PATHS[path]()
        self.target: Target = target
        self.vocabulary = vocabulary
        self.step: int | None = None
        """The training step of which it is a snapshot; None where that is not known."""

    @classmethod
    def of(cls, saved: SavedModel) -> "Artist":
        """The artist of a model file. Raises InputError when its card does not say enough."""
        path, target = saved.diffusion.get("path"), saved.diffusion.get("target")
        # Lists, which JSON has too, could not be looked up in a mapping.
        if path not in tuple(PATHS) or target not in TARGETS:
            raise InputError(
                f"The card of {saved.name} does not say what path and target it learnt, or names "
                f'unknown ones ("{path}" and "{target}"); expected one of {", ".join(PATHS)} and '
                f"one of {', '.join(TARGETS)}, so export the model again"
            )
        return cls(
            averaged=saved.network,
            raw=None,
            path=path,
            target=target,
            vocabulary=saved.vocabulary,
            drop=saved.diffusion.get("drop"),
            classifier=saved.classifier,
            taught=bool(saved.diffusion.get("taught")),
            space=saved.space,
        )

    @classmethod
    def snapshot(
        cls,
        averaged: Network,
        raw: Network,
        *,
        path: str,
        target: Target,
        vocabulary: Vocabulary | None,
        drop: float | None = None,
        classifier: Classifier | None = None,
        taught: bool = False,
        space: LatentSpace | None = None,
    ) -> "Artist":
        """An artist with copies of both networks, and of what names classes."""
        return cls(
            averaged=_copied(averaged),
            raw=_copied(raw),
            path=path,
            target=target,
            vocabulary=vocabulary,
            drop=drop,
            classifier=None if classifier is None else _copied(classifier),
            taught=taught,
            space=space,
        )

    @property
    def averaged(self) -> Network:
        """The network that draws."""
        return self._averaged

    @property
    def config(self) -> NetworkConfig:
        """Size and kind of the network."""
        return self._averaged.config

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (c, h, w) of an image, or (2,) for points."""
        shape = self.noise_shape
        return shape if self.space is None else self.space.image_shape(shape)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Of what one sample begins as: as `shape`, or (4, h, w) of latents."""
        config = self.config
        if config.kind == "points":
            return (2,)
        return config.channels, config.height, config.width

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        return next(self._averaged.parameters()).device

    def notes(self, wish: Wish) -> tuple[str, ...]:
        """Sentences on what of `wish` will not be followed; InputError for a broken mix."""
        found = []
        if wish.eta and wish.sampler != "ddim":
            found.append(f"Only ddim adds noise by eta; {wish.sampler} does not read it")
        if wish.noise != "auto" and wish.sampler != "ddpm":
            found.append(
                f"Only ddpm has a choice of small or large noise; {wish.sampler} does not read it"
            )
        if wish.repeats > 1 and wish.hole is None:
            found.append("Only the filling of a hole is repeated, and there is none")
        found += self._notes_of_classifier(wish)
        if self.vocabulary is None:
            if wish.texts and self.classifier is None:
                found.append("This model learnt without words or classes, so they are not read")
            if wish.guidance:
                found.append("This model is unconditional, so guidance changes nothing")
            return tuple(found)
        said = [part for row in range(len(wish.texts)) for _, part in self.mix_for(wish, row)]
        _, unknown, cut = self.vocabulary.encode(said)
        if unknown:
            found.append(unknown_note(unknown, self.vocabulary))
        if cut:
            found.append(f"Only the first {self.vocabulary.longest} words of a caption are read")
        if wish.guidance and not any(wish.texts):
            found.append(
                "Guidance needs a caption or class to guide towards, so it changes nothing"
            )
        elif wish.guidance and self.taught:
            found.append(
                "This model was taught with guidance by another one; more of it leads beyond what "
                "it knows, so ask for none"
            )
        elif wish.guidance and self._drop == 0:
            found.append(
                "This model learnt nothing without words (a condition dropout of 0), so guidance "
                "leads away from what it does not know; ask for none"
            )
        return tuple(found)

    def _notes_of_classifier(self, wish: Wish) -> Iterator[str]:
        if self.classifier is None:
            return
        if wish.classifier_guidance and not any(wish.texts):
            yield "Classifier guidance needs a class to lead to, so it changes nothing"
        if self.vocabulary is None and any(wish.texts):  # else the model reads them anyway
            if not wish.classifier_guidance:
                yield (
                    "This model learnt without classes; only its classifier knows them, so ask for "
                    "classifier guidance"
                )
            known = Vocabulary(self.classes, classes=True, longest=1)
            said = [part for row in range(len(wish.texts)) for _, part in self.mix_for(wish, row)]
            if unknown := known.encode(said).unknown:
                yield unknown_note(unknown, known)

    def draw(self, wish: Wish, *, capture: Capture | None = None) -> Generator[Stroke, None, None]:
        """The way of the samples, stroke by stroke; `capture` sees what attends to what.

        Raises InputError for what cannot be drawn.
        """
        self.check(wish)
        generator = torch.Generator().manual_seed(wish.seed)
        denoise = self.denoiser(wish, capture=capture)
        sampler = SAMPLERS[wish.sampler]
        if wish.sampler == "ddim":
            sampler = functools.partial(ddim, eta=wish.eta)
        elif wish.sampler == "ddpm":
            sampler = functools.partial(ddpm, variance=NOISE[wish.noise])
        way = self._way(wish)
        if wish.image is None:
            start = torch.randn(wish.count, *self.noise_shape, generator=generator).to(self.device)
            moments = walk(sampler, denoise, start, way, generator=generator)
        elif wish.hole is None:
            moments = edited(
                sampler,
                denoise,
                self._given(wish),
                way,
                strength=wish.strength,
                generator=generator,
            )
        else:
            hole = self._hole(wish.hole)
            moments = inpainted(sampler, denoise, self._given(wish), hole, way, generator=generator)
        shower = self._shower(wish)
        # The threads are taken for each stroke alone: between them others do as they like.
        while True:
            with torch_at_work():
                moment = next(moments, None)
            if moment is None:
                return
            yield _stroke(moment, shower)

    def steps_of(self, wish: Wish) -> int:
        """How many steps `draw` takes: fewer than asked for where an image is not all forgotten."""
        way = self._way(wish)
        if wish.image is not None and wish.hole is None:
            way = levels_below(wish.strength, way)
        return int((way.diff() < 0).sum())

    def kept_bytes(self, wish: Wish) -> int:
        """What all strokes of `wish` take when they are kept: three float32 tensors each.

        Of latents the images of what they are taken for are kept as well.
        """
        each = 3 * 4 * math.prod(self.noise_shape)
        if self.space is not None:
            each += math.prod(self.shape)
        return wish.count * each * (self.steps_of(wish) + 1)

    def samples(self, wish: Wish) -> Tensor:
        """[n, ...] what comes out in the end: points, or images in [-1, 1] or about."""
        *_, end = self.draw(wish)
        return end.x if end.shower is None else end.shower(end.x)

    def denoiser(self, wish: Wish, *, capture: Capture | None = None) -> Denoiser:
        """What is seen in any x_t [wish.count, ...] at a level t while drawing for `wish`."""
        return Denoiser(
            self._model(wish, capture),
            self.path,
            self.target,
            clip=clip_of(self.shape) if self.space is None else self.space.bound,
            steer=self.steering(wish),
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """What the classifier tells apart; none where there is no classifier."""
        return () if self.classifier is None else self.classifier.config.classes

    def class_shares(self, wish: Wish) -> Tensor:
        """[wish.count, classes] what of each class the classifier is to find in each sample."""
        return self.shares_of(wish, self.classes)

    def shares_of(self, wish: Wish, names: Sequence[str]) -> Tensor:
        """[wish.count, names] what of each of `names` each sample is to be.

        Rows sum to 1, less where something else is asked for.
        """
        places = {name: i for i, name in enumerate(names)}
        shares = torch.zeros(wish.count, len(places))
        for row in range(wish.count):
            for share, text in self.mix_for(wish, row):
                if (name := tidy(text)) in places:
                    shares[row, places[name]] += share
        return shares

    def steering(self, wish: Wish) -> ClassifierGuidance | None:
        """What leads samples towards their classes; None where nothing does."""
        classifier = self.classifier
        if classifier is None or not (wish.classifier_guidance and any(wish.texts)):
            return None
        shares = self.class_shares(wish).to(self.device)

        def log_likelihood(x: Tensor, t: Tensor) -> Tensor:
            return (shares * classifier(x, t)).sum(1)

        return ClassifierGuidance(log_likelihood, wish.classifier_guidance, self.path)

    def mix_for(self, wish: Wish, row: int) -> tuple[Part, ...]:
        """What sample `row` is to show, with weights that sum to 1; most often one part.

        Raises InputError for a broken mix.
        """
        text = wish.texts[row % len(wish.texts)] if wish.texts else ""
        known = self.vocabulary
        names = self.classes if known is None else known.words if known.classes else ()
        named = tidy(text) in names
        return ((1.0, text),) if wish.literal or named else mix_of(text)

    def conditions_of(self, wish: Wish) -> tuple[tuple[Condition, ...], Tensor]:
        """The parts of what the samples are to show and, [parts, n], the share of each.

        Both are empty for a model without words; a sample of fewer parts has shares of 0.
        """
        if self.vocabulary is None:
            return (), torch.empty(0, wish.count, device=self.device)
        rows = [self.mix_for(wish, row) for row in range(wish.count)]
        parts = list(itertools.zip_longest(*rows, fillvalue=(0.0, "")))
        conditions = tuple(
            self.vocabulary.encode([text for _, text in part]).condition.to(self.device)
            for part in parts
        )
        shares = torch.tensor([[share for share, _ in part] for part in parts])
        return conditions, shares.to(self.device)

    @functools.cached_property
    def _pass_bytes(self) -> int:
        with torch_at_work():
            asked = pass_bytes(self._averaged, self.noise_shape)
            if self.space is None:
                return asked
            latents = torch.zeros(1, *self.noise_shape, device=self.space.device)
            decode = functools.partial(self.space.decode, latents)
            return max(asked, alive_bytes(self.space.autoencoder, decode))

    @functools.cached_property
    def _gradient_bytes(self) -> int:
        assert self.classifier is not None
        with torch_at_work():
            return gradient_bytes(self.classifier)

    def _way(self, wish: Wish) -> Tensor:
        """The noise levels from 1 to 0, and back up between them where steps are repeated."""
        way = levels(wish.steps)
        if wish.hole is not None:
            return harmonised(way, jump=jump_of(wish.steps), repeats=wish.repeats)
        # Points end as sharp as data: most steps belong to little noise.
        return way.square() if len(self.shape) == 1 else way

    def network_for(self, wish: Wish) -> Network:
        """Who draws it: the average of the weights, or the weights as they are."""
        return self._averaged if wish.averaged or self._raw is None else self._raw

    def _model(self, wish: Wish, capture: Capture | None) -> Model:
        network = self.network_for(wish)
        conditions, shares = self.conditions_of(wish)

        @functools.cache
        def heard(condition: Condition) -> Condition | Heard:
            """The words are read once and not at every step."""
            words = network.words
            return condition if words is None else words(condition, len(condition))

        def net(x: Tensor, t: Tensor, condition: Condition | None = None, /) -> Tensor:
            return network(x, t, condition and heard(condition), capture=capture)

        if not conditions:
            return lambda x, t: net(x, t)
        return blended(net, conditions, shares, wish.guidance if any(wish.texts) else 0.0)

    def _given(self, wish: Wish) -> Tensor:
        assert wish.image is not None
        image = to_network(_channels_first(wish.image))
        if self.space is not None:
            with torch_at_work():
                image = self.space.encode(image[None])[0]
        return image.expand(wish.count, *self.noise_shape).clone().to(self.device)

    def _hole(self, hole: np.ndarray) -> Tensor:
        """[h, w] bool as x_t is cut: a latent is drawn anew if any of its pixels is."""
        pixels = torch.from_numpy(np.ascontiguousarray(hole))
        if self.space is None:
            return pixels
        return F.max_pool2d(pixels[None].float(), self.space.factor)[0] > 0

    def _shower(self, wish: Wish) -> Shower | None:
        if self.space is None:
            return None
        if wish.image is None or wish.hole is None:
            return Shower(self.space)
        # The autoencoder gives back what it saw but for some detail; what is to stay does stay.
        hole = torch.from_numpy(np.ascontiguousarray(wish.hole))
        return Shower(self.space, (to_network(_channels_first(wish.image)), hole))

    def check(self, wish: Wish) -> None:
        """Raise InputError where `wish` cannot be drawn."""
        if wish.sampler not in SAMPLERS:
            raise InputError(
                f'There is no sampler "{wish.sampler}"; choose one of {", ".join(SAMPLERS)}'
            )
        if wish.noise not in NOISE:
            raise InputError(
                f'There is no noise "{wish.noise}" for ddpm; choose one of {", ".join(NOISE)}'
            )
        if wish.count < 1 or not 1 <= wish.steps <= MOST_STEPS:
            raise InputError(
                f"{wish.count} samples in {wish.steps} steps cannot be drawn; ask for at least one "
                f"sample and 1 to {MOST_STEPS:,} steps"
            )
        if not 1 <= wish.repeats <= MOST_STEPS // wish.steps:
            raise InputError(
                f"{wish.steps:,} steps, each gone through {wish.repeats:,} times, cannot be drawn; "
                f"ask for at least once and for at most {MOST_STEPS:,} steps together"
            )
        if not (0 <= wish.eta <= 1 and 0 <= wish.strength <= 1):
            raise InputError(
                f"Eta is {wish.eta:g} and the strength {wish.strength:g}; both lie from 0 to 1"
            )
        if not math.isfinite(wish.guidance):
            raise InputError(f"The guidance is {wish.guidance:g}; expected a number such as 2")
        if not math.isfinite(wish.classifier_guidance):
            raise InputError(
                f"The classifier guidance is {wish.classifier_guidance:g}; expected a number such "
                "as 2"
            )
        if wish.classifier_guidance and self.classifier is None:
            raise InputError(
                "This model has no classifier, so none can guide it; ask for a classifier guidance "
                "of 0, or train with a classifier where there are classes"
            )
        self._check_room(wish)
        if wish.image is None:
            return
        if len(self.shape) != 3:
            raise InputError("A model of points has no image to start from")
        channels, height, width = self.shape
        if wish.image.shape != (height, width, channels):
            raise InputError(
                f"The image has the shape {wish.image.shape}; this model draws "
                f"{width}x{height} pixels of {channels} channels"
            )
        if wish.hole is not None and wish.hole.shape != (height, width):
            raise InputError(
                f"The mask is {wish.hole.shape[1]}x{wish.hole.shape[0]} pixels; expected "
                f"{width}x{height}"
            )

    def _check_room(self, wish: Wish) -> None:
        """Raise InputError where the samples do not fit into memory all at once."""
        parts = 1
        if self.vocabulary is not None:
            parts = max(len(self.mix_for(wish, row)) for row in range(len(wish.texts) or 1))
            parts += wish.guidance != 0 and any(wish.texts)
        one = self._pass_bytes * parts
        if self.steering(wish) is not None:  # after the network was asked, not at the same time
            one = max(one, self._gradient_bytes)
        needed = round(SPARE * one * wish.count)
        check_drawing(needed, wish.count, free_bytes(self.device))


def _copied(network: N) -> N:
    return copy.deepcopy(network).requires_grad_(False).eval()


def _stroke(moment: Moment, shower: Shower | None) -> Stroke:
    x, x0, eps = (part.float().cpu() for part in (moment.x, moment.x0, moment.eps))
    return Stroke(index=moment.index, t=float(moment.t), x=x, x0=x0, eps=eps, shower=shower)


def _channels_first(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
