"""Ways from noise to data. Each sampler is one step; `walk` takes it level by level.

    denoise = Denoiser(model, path, target)
    for moment in walk(heun, denoise, noise, levels(20), generator=generator):
        ...

Samplers with an option are bound with `functools.partial(ddim, eta=0.5)`.
"""

from engines.diffusion.samplers.ddim import ddim
from engines.diffusion.samplers.ddpm import ddpm
from engines.diffusion.samplers.dpmpp import dpmpp_2m
from engines.diffusion.samplers.ode import euler, heun, midpoint
from engines.diffusion.samplers.sde import euler_maruyama
from engines.diffusion.samplers.step import Moment, Sampler, Step, noise_like
from engines.diffusion.samplers.walk import Keep, last, walk

SAMPLERS: dict[str, Sampler] = {
    "ddpm": ddpm,
    "ddim": ddim,
    "euler": euler,
    "heun": heun,
    "midpoint": midpoint,
    "euler_maruyama": euler_maruyama,
    "dpmpp_2m": dpmpp_2m,
}
"""All of them by the name that settings and the command line use."""

CALLS: dict[str, int] = {"heun": 2, "midpoint": 2}
"""Calls of the model for each step, where it is not 1; the last of `heun` takes 1."""

__all__ = [
    "CALLS",
    "SAMPLERS",
    "Keep",
    "Moment",
    "Sampler",
    "Step",
    "ddim",
    "ddpm",
    "dpmpp_2m",
    "euler",
    "euler_maruyama",
    "heun",
    "last",
    "midpoint",
    "noise_like",
    "walk",
]
