"""What a person can set about learning a diffusion model; every number of the methods is here."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from engines.common_settings import Device, Seed, Steps, TimeLimit
from engines.settings import Setting, check

GUIDANCE = 3.0
PAIRS = 2_000
"""Samples that a teacher draws for a student, see `teaching`."""
"""w where nobody says: captions are followed well from here on (see `benchmarks`)."""
SamplerName = Literal["ddpm", "ddim", "euler", "heun", "midpoint", "euler_maruyama", "dpmpp_2m"]
NoiseName = Literal["auto", "small", "large"]
"""How much noise ddpm adds at each step, see `samplers.ddpm`; auto takes what the model learnt, or
small."""


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig:
    """Settings of one run; the defaults suit a quarter of an hour on a laptop.

    Path, target and sampler combine freely: any network learns any target on any path, and any
    sampler draws from it.
    """

    network: Annotated[
        Literal["dit laptop", "dit small", "dit base", "unet laptop", "unet base"],
        Setting(
            "DiT is a transformer on patches, U-Net a convolutional network with attention; the "
            "laptop ones train on two cores, the others want a GPU"
        ),
    ] = "dit laptop"
    size: Annotated[
        int,
        Setting(
            "Width and height at which images are learnt",
            unit="px",
            low=8,
            high=512,
            step=8,
            label="Image size",
        ),
    ] = 32
    fit: Annotated[
        Literal["crop", "pad"],
        Setting(
            "How images that are not square become so: crop cuts the longer side, pad lays grey "
            "beside the shorter one"
        ),
    ] = "crop"
    flip: Annotated[
        bool, Setting("Show every other image mirrored; not where left and right mean something")
    ] = False
    places: Annotated[
        Literal["fixed", "learned"],
        Setting(
            "What tells a transformer where a patch lies: fixed waves of row and column, or a "
            "vector for each patch that is learnt and comes to know near from far by itself",
            tier="advanced",
            label="Place embeddings",
        ),
    ] = "fixed"
    path: Annotated[
        Literal["linear", "cosine", "flow"],
        Setting(
            "How an image becomes noise: linear and cosine are those of DDPM, flow is the straight "
            "line of rectified flow"
        ),
    ] = "flow"
    target: Annotated[
        Literal["noise", "x0", "v", "velocity"],
        Setting("What the network predicts: the noise, the image, v, or the velocity of the path"),
    ] = "velocity"
    variance: Annotated[
        Literal["fixed", "learned"],
        Setting(
            "How much noise each step of the sampler ddpm adds: fixed takes the least that can be "
            "right, learned has the network say it as well, in twice as many outputs: for about 20 "
            "steps, which serves any more and down to about 10"
        ),
    ] = "fixed"
    steps: Steps = 8_000
    seconds: TimeLimit = 0.0
    latent: Annotated[
        Literal["off", "2", "4", "8"],
        Setting(
            "Diffuse not among pixels but among latents, whose sides are this many times shorter. "
            "The run then begins with an autoencoder that makes latents of images and images of "
            "latents. What it blurs stays blurred, most at 8, which is for large images",
            label="Latent space",
        ),
    ] = "off"
    batch: Annotated[
        int,
        Setting(
            "Images or points in one step, 0 for automatic: 32 images (128 on a GPU), 512 points",
            low=0,
            high=65_536,
            step=8,
            zero="auto",
        ),
    ] = 0
    rate: Annotated[
        float,
        Setting(
            "Learning rate of AdamW at its height, 0 for the network's own",
            low=0,
            high=1,
            step=1e-4,
            zero="auto",
        ),
    ] = 0.0
    timing: Annotated[
        Literal["uniform", "logit_normal"],
        Setting(
            "Which noise levels are learnt: all alike, or mostly those in the middle",
            label="Noise levels",
        ),
    ] = "uniform"
    shift: Annotated[
        float,
        Setting(
            "How far learning moves to more noise: with k, level t becomes k t / (1 + (k - 1) t). "
            "0 for automatic: 2 for images, 1 for points",
            low=0,
            high=100,
            step=0.5,
            tier="advanced",
            label="Noise shift",
            zero="auto",
        ),
    ] = 0.0
    weighting: Annotated[
        Literal["uniform", "min_snr"],
        Setting("What the loss of each level counts: the same, or by min(SNR, 5)"),
    ] = "uniform"
    drop: Annotated[
        float,
        Setting(
            "Share of images learnt without their class or caption, which guidance needs",
            low=0,
            high=1,
            step=0.05,
            label="Condition dropout",
        ),
    ] = 0.1
    grounding: Annotated[
        float,
        Setting(
            "What it counts that a word is looked at from where its thing is; only for images of "
            "which that is known, as the bundled shapes. 0 leaves it to the network to find out",
            low=0,
            high=10,
            step=0.01,
            zero="off",
        ),
    ] = 0.1
    classifier: Annotated[
        bool,
        Setting(
            "Also teach a small network to name the class of noisy images or points, which can "
            "then guide samples; needs classes",
            tier="advanced",
            label="Classifier",
        ),
    ] = False
    classes: Annotated[
        bool,
        Setting(
            "Learn each point of mixture or moons together with its mode or moon, which can then "
            "be asked for and guided to; what images show they say themselves",
            tier="advanced",
            label="Classes of points",
        ),
    ] = False
    guidance: Annotated[
        float,
        Setting(
            "w of (1 + w) conditional - w unconditional in samples drawn on the way; 0 for none",
            low=-1,
            high=20,
            step=0.5,
        ),
    ] = GUIDANCE
    sampler: Annotated[SamplerName, Setting("How samples are drawn on the way")] = "dpmpp_2m"
    sample_steps: Annotated[
        int, Setting("Steps of the samples drawn on the way", low=1, high=1_000, step=5)
    ] = 20
    seed: Seed = 0
    device: Device = "auto"
    precision: Annotated[
        Literal["auto", "full", "mixed"],
        Setting(
            "mixed computes in bfloat16 where that is safe; auto does on CUDA only",
            tier="advanced",
        ),
    ] = "auto"
    autoencoder: Annotated[
        float,
        Setting(
            "Share of the steps, and of the time limit, in which the autoencoder of a latent space "
            "is learnt before the diffusion model",
            low=0.01,
            high=0.9,
            step=0.05,
            tier="advanced",
            label="Autoencoder, share",
        ),
    ] = 0.3
    divergence: Annotated[
        float,
        Setting(
            "What it counts for the autoencoder how far the latents of an image, all together and "
            "in nats, are from standard normal ones, against the mean error of a pixel",
            low=0,
            high=1,
            step=1e-6,
            tier="advanced",
            label="KL weight",
        ),
    ] = 1e-6
    ema: Annotated[
        float,
        Setting(
            "What the average of the weights keeps in each step",
            low=0,
            high=0.999999,
            step=1e-4,
            tier="advanced",
            label="EMA decay",
        ),
    ] = 0.999
    warmup: Annotated[
        int,
        Setting(
            "Steps in which the learning rate rises from 0",
            low=0,
            high=1_000_000,
            step=50,
            tier="advanced",
        ),
    ] = 200
    rate_final: Annotated[
        float,
        Setting(
            "Learning rate at the end, as a share of its height",
            low=0,
            high=1,
            step=0.05,
            tier="advanced",
            label="Rate, final share",
        ),
    ] = 0.05
    decay: Annotated[
        float,
        Setting(
            "Weight decay of AdamW",
            low=0,
            high=10,
            step=0.01,
            tier="advanced",
            label="Weight decay",
        ),
    ] = 0.01
    clip: Annotated[
        float,
        Setting(
            "Longest gradient that is let through as it is, 0 for any",
            low=0,
            high=1e6,
            step=0.5,
            tier="advanced",
            label="Gradient clip",
            zero="any",
        ),
    ] = 1.0
    holdout: Annotated[
        float,
        Setting(
            "Share of images kept out of training to judge the result, 0 for none",
            low=0,
            high=0.9,
            step=0.01,
            label="Hold out",
            zero="none",
        ),
    ] = 0.05
    evaluate_every: Annotated[
        int,
        Setting(
            "Steps between two looks at the held-out images, 0 for automatic",
            low=0,
            high=10_000_000,
            step=100,
            tier="advanced",
            zero="auto",
        ),
    ] = 0
    samples: Annotated[
        int, Setting("Samples drawn on the way", low=1, high=256, step=4, tier="advanced")
    ] = 16
    sample_seconds: Annotated[
        float,
        Setting(
            "Training time between two sheets of samples",
            unit="s",
            low=0,
            high=1e6,
            step=5,
            tier="advanced",
            label="Samples every",
        ),
    ] = 15.0

    def __post_init__(self) -> None:
        check(self)
        if self.factor and self.steps < 2:
            raise ValueError(
                "A run in a latent space learns an autoencoder first and needs at least 2 steps"
            )

    @property
    def factor(self) -> int:
        """Pixels along a side of one place of the latents; 0 where pixels are learnt."""
        return 0 if self.latent == "off" else int(self.latent)

    @property
    def autoencoder_steps(self) -> int:
        """Steps in which the autoencoder is learnt where there is one; some are left after it."""
        return min(max(1, round(self.autoencoder * self.steps)), self.steps - 1)

    @property
    def autoencoder_seconds(self) -> float:
        """Training time in which it is learnt; 0 for no limit."""
        return self.autoencoder * self.seconds


def as_student(config: DiffusionConfig) -> DiffusionConfig:
    """`config` with all that follows from learning from a teacher, see `teaching`."""
    return replace(
        config,
        path="flow",
        target="velocity",
        variance="fixed",
        latent="off",
        flip=False,
        timing="uniform",
        shift=1.0,
        weighting="uniform",
        drop=0.0,
        grounding=0.0,
        classifier=False,
        classes=False,
        guidance=0.0,
        sampler="euler",
        sample_steps=1,
    )


def student_config(**changes: Any) -> DiffusionConfig:
    """The usual settings of a student's run, with some others."""
    settings: dict[str, Any] = {"steps": 2_000, "warmup": 50}
    return as_student(DiffusionConfig(**(settings | changes)))


@dataclass(frozen=True)
class Schedule:
    """A run as it will go, with every "automatic" resolved."""

    config: DiffusionConfig
    after_steps: int = 0
    """Steps of the run in which something else was learnt, and its seconds."""
    after_seconds: float = 0.0

    @property
    def evaluate_every(self) -> int:
        """Steps between two evaluations: about twenty in a run."""
        return self.config.evaluate_every or max(50, self.config.steps // 20)

    def is_mixed(self, device_type: str) -> bool:
        """Whether a run on "cpu" or "cuda" computes in bfloat16 where that is safe."""
        automatic = self.config.precision == "auto" and device_type == "cuda"
        return automatic or self.config.precision == "mixed"

    def rate(self, step: int, seconds: float = 0.0) -> float:
        """Learning rate of step `step` (from 1): a linear rise, then half a cosine to the end.

        The run is over after its steps or after its time, whichever is used up sooner; `seconds`
        are those of training so far.
        """
        config = self.config
        step -= self.after_steps
        rise = min(1.0, step / config.warmup) if config.warmup else 1.0
        done = (step - 1) / (config.steps - self.after_steps)
        if config.seconds > self.after_seconds:
            seconds -= self.after_seconds
            done = max(done, seconds / (config.seconds - self.after_seconds))
        fall = (1 + math.cos(math.pi * min(1.0, done))) / 2
        return config.rate * rise * (config.rate_final + (1 - config.rate_final) * fall)
