"""What `sample --nearest` tells: whether samples were learnt by heart."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.commands.progress import RunProgress, say
from engines.commands.writing import check_place
from engines.events import Prepared

if TYPE_CHECKING:
    from engines.diffusion.artist import Stroke
    from engines.diffusion.data.pictures import Pictures
    from engines.diffusion.saved import SavedModel


@dataclass(frozen=True, eq=False, kw_only=True)
class Nearest:
    """The images among which samples are looked for, and where the pairs go."""

    pictures: "Pictures"
    flip: bool
    """Mirrored images were learnt from as well."""
    out: Path

    @classmethod
    def of(cls, data: str, grid: Path, saved: "SavedModel") -> "Nearest":
        """The images of `data`, read as the model learnt them; a picture goes beside `grid`.

        Raises InputError.
        """
        from engines.diffusion.data.source import Source
        from engines.diffusion.likeness import images_like

        out = grid.with_name(f"{grid.stem}-nearest.png")
        check_place(out)
        with RunProgress(steps=1) as progress:

            def read(done: int, total: int) -> None:
                progress.show(Prepared(phase="Reading images", done=done, total=total))

            pictures = images_like(saved, Source.named(data), progress=read)
        for note in pictures.notes:
            say(note)
        if saved.trained.get("fit") is None and pictures.names:
            say("The model does not say how images became square; they are cut, as is usual")
        return cls(pictures=pictures, flip=bool(saved.trained.get("flip")), out=out)

    def tell(self, end: "Stroke") -> None:
        """Say of each sample which image is nearest, and write the pairs; raises InputError."""
        from engines.diffusion.likeness import BY_HEART, likenesses, usual_distance, write_pairs

        pictures, samples = self.pictures, end.bytes_of("x")
        usual = usual_distance(pictures.images)
        found = likenesses(samples, pictures.images, usual, flip=self.flip)
        if math.isnan(usual):
            say(f"{pictures.name} has a single image, so nothing tells how near is too near")
        else:
            say(
                f"Images of {pictures.name} are {usual:.3f} apart from the nearest other one "
                f"(RMS, median); a sample within {BY_HEART * usual:.3f} of one is memorised"
            )
        for number, like in enumerate(found, start=1):
            name = (pictures.names or pictures.texts)[like.row]
            memorised = ", memorised" if like.by_heart else ""
            say(f"Sample {number}: {like.distance:.3f} from {name}{memorised}")
        if not math.isnan(usual):
            count = sum(like.by_heart for like in found)
            say(f"{count:,} of {len(found):,} samples are memorised")
        heading = f"Samples above the nearest image of {pictures.name}, and how far apart (RMS)"
        write_pairs(self.out, samples, found, heading)
        say(f"Wrote {self.out}: samples above the images nearest to them")
