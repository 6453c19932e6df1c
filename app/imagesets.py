"""What diffusion learns from and leaves behind, as the window knows it before torch is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError

if TYPE_CHECKING:
    from engines.diffusion.saved import SavedModel

BUNDLED = {
    "shapes": "Shapes with captions",
    "mixture": "Gaussian mixture",
    "moons": "Two moons",
    "roll": "Swiss roll",
}
"""What the program makes itself, by name, in words for people."""


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """A folder of images, or images or points that the program makes itself."""

    name: str
    """Short title for people."""
    bundled: str = ""
    folder: Path | None = None
    count: int = 0
    """How many files there are; 0 for what is made here."""
    said: str = "nothing"
    """"nothing", "classes" or "captions"."""
    teacher: Path | None = None
    """The model file of what draws them, with the noise of each."""
    pairs: int = 0
    """How many it draws; 0 where there is no teacher."""
    guidance: float | None = None
    """How closely it follows captions or classes; None for the usual."""

    @property
    def words(self) -> str:
        """What it is, in a few words: "400 images with captions"."""
        if self.teacher is not None:
            return "samples of a model, to be drawn in few steps"
        if self.bundled:
            return "images with captions" if self.bundled == "shapes" else "points in the plane"
        images = f"{self.count:,} image{'s' * (self.count != 1)}"
        return images if self.said == "nothing" else f"{images} with {self.said}"


@dataclass(frozen=True, eq=False, kw_only=True)
class DiffusionModel:
    """A trained model of a run or of a file, ready to draw."""

    saved: "SavedModel"
    notes: tuple[str, ...] = ()
    """Sentences on what was assumed while reading."""
    path: Path | None = None
    """Its file; None for that of a run."""

    @property
    def weights(self) -> int:
        """How many numbers it is made of."""
        space = self.saved.space
        parts = [self.saved.network, *([] if space is None else [space.autoencoder])]
        return sum(weight.numel() for part in parts for weight in part.state_dict().values())


def bundled(name: str) -> ImageSet:
    """The bundled images or points of this name; KeyError where there are none."""
    return ImageSet(name=BUNDLED[name].split(" with ")[0], bundled=name)


def image_folder(folder: Path) -> ImageSet:
    """The images in `folder`, none of them read yet; InputError with a sentence if there are none.

    Imports torch, so not in the window's thread.
    """
    from engines.diffusion.data.listing import list_images

    found = list_images(folder)
    return ImageSet(
        name=folder.resolve().name, folder=folder, count=len(found.files), said=found.said
    )


def images_of_run(engine: Any) -> ImageSet:
    """What a resumed diffusion engine learns from."""
    data, source = engine.data, engine.data.source
    if source is not None and source.bundled:
        return bundled(source.bundled)
    if source is not None and source.teaching is not None:
        teaching = source.teaching
        return taught_by(
            teaching.model, data.name, pairs=teaching.pairs, guidance=teaching.guidance
        )
    folder = source.folder if source is not None else None
    return ImageSet(name=data.name, folder=folder, count=len(data), said=data.said)


def read_model_file(path: Path) -> DiffusionModel:
    """The diffusion model in a file; InputError as `engines.diffusion.saved.read_model`.

    Imports torch, so not in the window's thread.
    """
    from engines.diffusion.artist import Artist
    from engines.diffusion.saved import read_model

    saved = read_model(path)
    Artist.of(saved)  # says now what would be said at the first sample
    return DiffusionModel(saved=saved, path=path)


def taught_by(
    model: Path, name: str = "", *, pairs: int, guidance: float | None = None
) -> ImageSet:
    """What the diffusion model in a file draws for another one that is to need few steps."""
    return ImageSet(name=name or model.stem, teacher=model, pairs=pairs, guidance=guidance)


def folder_of(source: Path) -> Path:
    """Where the images of photos lie that were opened as photos of a scene."""
    return source if source.is_dir() else source.parent


def only_images(path: Path) -> InputError:
    """What is said of a file that is no folder of images while diffusion is chosen."""
    return InputError(
        f"{path.name} is nothing that diffusion learns from; drop a folder of images, or choose "
        "Splats or NeRF for photos and videos of a scene"
    )
