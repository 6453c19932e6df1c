"""Drawing from a trained diffusion model: samples, edits, the way there, and what was looked at."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assets.errors import InputError
from engines.commands.progress import RunProgress, say
from engines.commands.sampleattention import Attention
from engines.commands.writing import check_place
from engines.diffusion.config import GUIDANCE, NoiseName, SamplerName
from engines.events import Prepared

if TYPE_CHECKING:
    import numpy as np

    from engines.diffusion import Artist
    from engines.diffusion.artist import Stroke, Wish
    from engines.diffusion.capture import Capture
    from engines.diffusion.saved import SavedModel

FILM_SUFFIXES = (".gif", ".mp4", ".png")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What to draw, and where it goes."""

    model: Path
    out: Path
    classes: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    count: int = 16
    sampler: SamplerName = "dpmpp_2m"
    steps: int = 20
    guidance: float | None = None
    """None for `GUIDANCE` where a class or caption is asked for and not had already."""
    classifier_guidance: float | None = None
    """None for 1 where the model has learnt no classes but its classifier has, else 0."""
    eta: float = 0.0
    noise: NoiseName = "auto"
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    attention: Attention | None = None
    """What attends to what, where that is to be told."""
    path: Path | None = None
    """Where the way of the first sample goes, as a film or a sheet."""
    image: Path | None = None
    """What to start from."""
    strength: float = 0.6
    mask: Path | None = None
    """White where `image` is drawn anew."""
    repeats: int = 1
    """How often each step of drawing it is gone through."""

    nearest: str | None = None
    """Folder or bundled images in which each sample is looked for."""

    def run(self) -> int:
        """Draw, then write everything; InputError when something named cannot be used."""
        check_place(self.out, (".png",))
        if self.path is not None:
            check_place(self.path, FILM_SUFFIXES)
        if self.attention is not None:
            self.attention.check()
        from engines.commands.samplenearest import Nearest
        from engines.diffusion import Artist

        saved = self._saved()
        artist = Artist.of(saved)
        near = None if self.nearest is None else Nearest.of(self.nearest, self.out, saved)
        wish = self._wish(artist)
        for note in artist.notes(wish):
            say(note)
        attention = self.attention
        capture = None if attention is None else attention.capture(artist, self.count)
        end, way = self._draw(artist, wish, capture)
        self._write(artist, wish, capture, end, way)
        if near is not None:
            near.tell(end)
        return 0

    def _saved(self) -> "SavedModel":
        from engines.diffusion.saved import read_model
        from kernels.backend import DeviceError, resolve_device
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        try:
            return read_model(self.model, resolve_device(self.device))
        except DeviceError as error:
            raise InputError(str(error)) from error

    def _wish(self, artist: "Artist") -> "Wish":
        from engines.diffusion.artist import Wish

        vocabulary = artist.vocabulary
        if vocabulary is not None:
            if self.captions and vocabulary.classes:
                raise InputError(
                    f"{self.model.name} learnt classes, no captions; name one with --class, such "
                    f"as {vocabulary.words[0]}"
                )
            if self.classes and not vocabulary.classes:
                raise InputError(
                    f"{self.model.name} learnt captions, no classes; ask with --caption"
                )
        texts = self.classes + self.captions
        guidance = self.guidance
        if guidance is None:
            wanted = texts and vocabulary is not None and not artist.taught
            guidance = GUIDANCE if wanted else 0.0
        strength = self.classifier_guidance
        if strength is None:
            alone = vocabulary is None and artist.classifier is not None
            strength = 1.0 if texts and alone else 0.0
        image, hole = self._given(artist)
        return Wish(
            count=self.count,
            texts=texts,
            sampler=self.sampler,
            steps=self.steps,
            guidance=guidance,
            classifier_guidance=strength,
            eta=self.eta,
            noise=self.noise,
            seed=self.seed,
            image=image,
            strength=self.strength,
            hole=hole,
            repeats=self.repeats,
        )

    def _given(self, artist: "Artist") -> "tuple[np.ndarray | None, np.ndarray | None]":
        """Image [h, w, c] and hole [h, w] at the size of the model."""
        if self.image is None:
            if self.mask is not None:
                raise InputError("A mask needs the image that it belongs to: --image FILE")
            return None, None
        if len(artist.shape) != 3:
            raise InputError(f"{self.model.name} draws points and has no image to start from")
        channels, size, width = artist.shape
        if size != width or channels != 3:
            raise InputError(f"{self.model.name} draws no square images in colour")
        from engines.diffusion.data.folder import conversion_note, read_image

        image, kind = read_image(self.image, size)
        if kind:
            say(conversion_note(kind))
        if self.mask is None:
            return image, None
        _check_mask(self.image, self.mask)
        mask, _ = read_image(self.mask, size)
        hole = mask.mean(axis=2) > 127.5
        if not hole.any():
            raise InputError(
                f"{self.mask} has no white in it, so there is nothing to draw; paint white what is "
                "to be drawn anew"
            )
        return image, hole

    def _draw(
        self, artist: "Artist", wish: "Wish", capture: "Capture | None"
    ) -> "tuple[Stroke, list[Stroke]]":
        """The last stroke, and the way of the first sample where it is asked for."""
        import torch

        from engines.diffusion.film import filmed
        from engines.diffusion.finite import check_finite, lost_note
        from engines.diffusion.memory import check_drawing, free_bytes

        artist.check(wish)
        if self.path is not None and len(artist.shape) == 1:  # all points are filmed
            free = free_bytes(torch.device("cpu"))
            check_drawing(artist.kept_bytes(wish), wish.count, free)
        total = artist.steps_of(wish)
        end, way = None, []
        with RunProgress(steps=1) as progress, closing(artist.draw(wish, capture=capture)) as going:
            for end in going:
                check_finite(end, artist, wish)
                if self.path is not None:
                    way.append(filmed(end, 0))
                progress.show(Prepared(phase="Drawing", done=end.index, total=total))
        assert end is not None
        if note := lost_note(end):
            say(note)
        return end, way

    def _write(
        self,
        artist: "Artist",
        wish: "Wish",
        capture: "Capture | None",
        end: "Stroke",
        way: "list[Stroke]",
    ) -> None:
        from engines.diffusion.film import write_path
        from engines.diffusion.sheet import write_sheet

        write_sheet(self.out, end)
        say(f"Wrote {self.out}: {self.count:,} samples")
        if self.path is not None:
            write_path(self.path, [way])
            say(f"Wrote {self.path}: the way of the first sample in {len(way) - 1} steps")
        if self.attention is not None and capture is not None:
            self.attention.write(artist, wish, capture, end)


def _check_mask(image: Path, mask: Path) -> None:
    """Raise InputError unless `mask` has the shape of `image`."""
    from assets.decode import opened, same_shape
    from engines.diffusion.data.folder import upright_size

    with opened(image) as first, opened(mask) as second:
        sizes = upright_size(first), upright_size(second)
    if not same_shape(*sizes[1], *sizes[0]):
        (width, height), (mask_width, mask_height) = sizes
        raise InputError(
            f"{mask} is {mask_width}x{mask_height} and {image} is {width}x{height}; a mask has the "
            "shape of its image"
        )
