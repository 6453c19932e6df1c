"""What can be said to `sample` on the command line."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from engines.commands.options import UsageError
from engines.diffusion.config import GUIDANCE, NoiseName, SamplerName

Stage = Literal["scores", "masked", "softmax"]


def sample(
    model: Annotated[
        Positional[Path], arg(metavar="MODEL", help="A diffusion model (.safetensors)")
    ],
    *,
    out: Annotated[Path, arg(metavar="GRID.png", help="Where to write the samples side by side")],
    classes: Annotated[
        tuple[str, ...],
        arg(
            name="class",
            help='Classes to draw, taken in turn; "0.7 cat + 0.3 dog" mixes two',
            help_behavior_hint="(optional)",
        ),
    ] = (),
    captions: Annotated[
        tuple[str, ...],
        arg(
            name="caption",
            help="Captions to draw, taken in turn, each in quotes; with weights and + between "
            'them, as in "0.7 a red circle + 0.3 a blue square", they are mixed in one sample',
            help_behavior_hint="(optional)",
        ),
    ] = (),
    count: Annotated[int, arg(help="How many samples")] = 16,
    sampler: Annotated[SamplerName, arg(help="How noise becomes an image")] = "dpmpp_2m",
    steps: Annotated[int, arg(help="Steps from noise to image; 1 to 10,000")] = 20,
    guidance: Annotated[
        float | None,
        arg(
            help="w of (1 + w) conditional - w unconditional, 0 for none; where it is not given "
            f"{GUIDANCE:g} with a class or caption, else 0",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    classifier_guidance: Annotated[
        float | None,
        arg(
            help="s of p(x) p(class | x)^s, by the classifier of the model; where it is not given "
            "1 if nothing else can lead to a class, else 0",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    eta: Annotated[float, arg(help="How much noise ddim adds anew; 0 to 1")] = 0.0,
    noise: Annotated[
        NoiseName,
        arg(
            help="How much noise ddpm adds: small is the least that can be right, large the most "
            "(beta); auto takes what the model learnt, or small"
        ),
    ] = "auto",
    seed: Annotated[int, arg(help="The same seed begins at the same noise")] = 0,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], arg(help="Where to draw; auto takes CUDA when it works")
    ] = "auto",
    attention: Annotated[
        Path | None,
        arg(
            metavar="DIR",
            help="Folder for what attends to what: all maps as .npz, for each word of a caption "
            "a .png of where it is looked at, and for each layer one of what each head looks at",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    attention_stages: Annotated[
        tuple[Stage, ...],
        arg(
            help="Which stages go into the .npz; where it is not given softmax alone, which "
            "pictures need",
            help_behavior_hint="(optional)",
        ),
    ] = (),
    attention_layers: Annotated[
        tuple[str, ...],
        arg(
            help='Names of the layers to record, each in quotes, such as "block 1 self"; else all',
            help_behavior_hint="(optional)",
        ),
    ] = (),
    attention_samples: Annotated[
        int | None,
        arg(
            help="How many samples to record, from the first on; else all",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    attention_memory: Annotated[
        int | None,
        arg(
            metavar="MB",
            help="The most memory that maps may take, else 512; what does not fit is left out",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    path: Annotated[
        Path | None,
        arg(
            metavar="FILM",
            help="Where to write the way of the first sample as .gif or .mp4, or as .png",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    nearest: Annotated[
        str | None,
        arg(
            metavar="DATA",
            help="The folder of images that the model learnt from, or shapes: says which of them "
            "is nearest to each sample and whether it was learnt by heart, with a picture of both "
            "beside the grid",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    image: Annotated[
        Path | None,
        arg(metavar="FILE", help="An image to start from", help_behavior_hint="(optional)"),
    ] = None,
    strength: Annotated[float, arg(help="How much of the image is forgotten; 0 to 1")] = 0.6,
    mask: Annotated[
        Path | None,
        arg(
            metavar="FILE",
            help="A mask of the image: what is white is drawn anew, all else stays",
            help_behavior_hint="(optional)",
        ),
    ] = None,
    repeats: Annotated[
        int,
        arg(
            help="How often each step of filling the mask is gone through; more agree better with "
            "what is around it and take as many times longer"
        ),
    ] = 1,
) -> int:
    """Draw from a diffusion model."""
    if mask is not None and image is None:
        raise UsageError("A mask needs the image that it belongs to: --image FILE --mask FILE")
    chosen = {
        "stages": attention_stages,
        "layers": attention_layers,
        "samples": attention_samples,
        "memory_mb": attention_memory,
    }
    chosen = {name: value for name, value in chosen.items() if value not in (None, ())}
    if chosen and attention is None:
        raise UsageError("What is recorded of attention needs a folder to go to: --attention DIR")
    from engines.commands.sample import Sample
    from engines.commands.sampleattention import Attention

    return Sample(
        model=model,
        out=out,
        classes=classes,
        captions=captions,
        count=count,
        sampler=sampler,
        steps=steps,
        guidance=guidance,
        classifier_guidance=classifier_guidance,
        eta=eta,
        noise=noise,
        seed=seed,
        device=device,
        attention=None if attention is None else Attention(folder=attention, **chosen),
        path=path,
        nearest=nearest,
        image=image,
        strength=strength,
        mask=mask,
        repeats=repeats,
    ).run()
