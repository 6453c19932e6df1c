"""Which images go with latents: their sides have to be divided without a rest."""

from assets.errors import InputError
from engines.diffusion.latent.autoencoder import CHANNELS
from engines.diffusion.networks.config import preset


def latent_shape(network: str, factor: int, height: int, width: int) -> tuple[int, int, int]:
    """(4, h, w) of the latents of images of `height` x `width` pixels that `network` learns.

    Raises InputError where one of the two cannot divide them.
    """
    least = factor
    shape = CHANNELS, height // factor, width // factor
    if not (height % factor or width % factor):
        try:
            preset(network, height=shape[1], width=shape[2], channels=CHANNELS, latent=True)
        except ValueError:
            least = factor * least_of(network)
        else:
            return shape
    raise InputError(
        f"Images of {width}x{height} pixels cannot become latents of 1/{factor} of that for "
        f'"{network}"; choose an image size that is a multiple of {least}, or another factor'
    )


def least_of(network: str) -> int:
    """Sides of the latents that `network` learns are multiples of this."""
    side = 1
    while True:
        try:
            preset(network, height=side, width=side, channels=CHANNELS, latent=True)
        except ValueError:
            side += 1
        else:
            return side
