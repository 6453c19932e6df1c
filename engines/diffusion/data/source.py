"""Where the data of a run come from, in a form that a checkpoint can keep."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.diffusion.data.toy import ToyPoints, make_toy
from engines.diffusion.toys import TOYS

if TYPE_CHECKING:
    from engines.diffusion.config import DiffusionConfig
    from engines.diffusion.data.pairs import Pairs
    from engines.diffusion.data.pictures import Pictures
    from engines.diffusion.teaching import Teaching

SHAPES = "shapes"
BUNDLED = (SHAPES, *TOYS)
"""What the program makes itself, by name."""


@dataclass(frozen=True)
class Source:
    """A bundled data set by its name, a folder of images, or a model that teaches another."""

    bundled: str = ""
    folder: Path | None = None
    teaching: "Teaching | None" = None

    @classmethod
    def named(cls, name: str) -> "Source":
        """The bundled data of this name, else the folder; nothing is looked at yet."""
        return cls(bundled=name) if name in BUNDLED else cls(folder=Path(name))

    def about(self) -> dict[str, Any]:
        """JSON values from which `of` makes it again."""
        return {
            "bundled": self.bundled,
            "folder": str(self.folder.resolve()) if self.folder else "",
            "teaching": self.teaching.about() if self.teaching else None,
        }

    @classmethod
    def of(cls, about: dict[str, Any] | None) -> "Source":
        """The inverse of `about`; raises InputError where nothing was written down."""
        if not about:
            raise InputError("The run does not say where its images were; name their folder")
        if about.get("teaching"):
            from engines.diffusion.teaching import Teaching

            return cls(teaching=Teaching.of(about["teaching"]))
        folder = Path(about["folder"]) if about["folder"] else None
        return cls(bundled=about["bundled"], folder=folder)


def data_of(
    source: Source,
    config: "DiffusionConfig",
    *,
    progress: Callable[[int, int], None] | None = None,
) -> "Pictures | ToyPoints | Pairs":
    """The data themselves, images at the size that `config` asks for.

    `progress` is told how many of how many images are read; what it raises ends the reading.
    Raises InputError with a sentence for what cannot be learnt from.
    """
    from dataclasses import replace

    if source.bundled == SHAPES:
        from engines.diffusion.data.shapes.source import make_shapes

        if config.size != 32:
            raise InputError(
                f"The bundled shapes are drawn at 32 pixels, not {config.size}; set the image size "
                "to 32"
            )
        return replace(make_shapes().pictures, source=source)
    if source.bundled:
        return replace(make_toy(source.bundled, told=config.classes), source=source)
    if source.teaching is not None:
        from engines.diffusion.teaching import make_pairs

        return make_pairs(source.teaching, progress=progress)
    assert source.folder is not None
    from engines.diffusion.data.folder import read_listing
    from engines.diffusion.data.listing import list_images
    from engines.diffusion.latent.shape import latent_shape
    from engines.diffusion.memory import check_images
    from engines.diffusion.networks.config import preset

    if config.factor:
        latent_shape(config.network, config.factor, config.size, config.size)
    else:
        try:
            preset(config.network, height=config.size, width=config.size)
        except ValueError as error:
            raise InputError(str(error)) from error
    listing = list_images(source.folder)
    check_images(len(listing.files), config.size)
    found = read_listing(listing, config.size, fit=config.fit, progress=progress)
    return replace(found, source=source)
