"""The training images among which a sample on show is looked for, and what is found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.imagesets import DiffusionModel, ImageSet
from app.jobs import Job

if TYPE_CHECKING:
    import numpy as np

    from engines.diffusion.data.pictures import Pictures
    from engines.diffusion.likeness import Likeness

NONE_OPEN = (
    "A model file holds no training images; open their folder and then the model, or resume the "
    "run, to compare"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Learnt:
    """Images that were learnt from, or are held to be, and how far they are apart."""

    pictures: "Pictures"
    flip: bool
    """Mirrored ones were learnt from as well."""
    usual: float

    @classmethod
    def of(cls, pictures: "Pictures", *, flip: bool) -> "Learnt":
        """Measured, which takes its time."""
        from engines.diffusion.likeness import usual_distance

        return cls(pictures=pictures, flip=flip, usual=usual_distance(pictures.images))

    def likeness(self, sample: "np.ndarray") -> "Likeness":
        """Of a sample [h, w, c] uint8 to the image nearest to it."""
        from engines.diffusion.likeness import likenesses

        return likenesses(sample[None], self.pictures.images, self.usual, flip=self.flip)[0]

    def name_of(self, like: "Likeness") -> str:
        """The file of the image, or what is said of it."""
        return (self.pictures.names or self.pictures.texts)[like.row]


Reader = Callable[[Job], Learnt]
"""What reads and measures images, off the window's thread; raises InputError."""


def of_run(engine: Any) -> Reader:
    """What the run learns from."""
    return lambda _job: Learnt.of(engine.train, flip=engine.config.flip)


def of_file(model: DiffusionModel, images: ImageSet | None) -> Reader | None:
    """The images that are open along with a model file; None where there are none."""
    if images is None or images.teacher is not None:
        return None

    def read(job: Job) -> Learnt:
        from engines.diffusion.data.source import Source
        from engines.diffusion.likeness import images_like

        source = Source(bundled=images.bundled, folder=images.folder)
        pictures = images_like(model.saved, source, progress=job.report)
        return Learnt.of(pictures, flip=bool(model.saved.trained.get("flip")))

    return read
