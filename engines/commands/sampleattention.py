"""What `sample --attention` records, and what it leaves in its folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assets.errors import InputError
from engines.commands.progress import say
from engines.commands.writing import check_folder

if TYPE_CHECKING:
    from engines.diffusion import Artist
    from engines.diffusion.artist import Stroke, Wish
    from engines.diffusion.capture import Capture, Stage

CURE = (
    "record fewer samples (--attention-samples), layers (--attention-layers) or stages "
    "(--attention-stages), or allow more memory (--attention-memory)"
)


@dataclass(frozen=True, kw_only=True)
class Attention:
    """What attends to what while samples are drawn: how much of it is kept, and where it goes."""

    folder: Path
    stages: "tuple[Stage, ...]" = ("softmax",)
    layers: tuple[str, ...] = ()
    """Names such as "block 1 self"; none for all."""
    samples: int | None = None
    """From the first on; None for all."""
    memory_mb: int = 512

    def check(self) -> None:
        """Raise InputError for what could not be recorded or written anywhere."""
        check_folder(self.folder)
        if self.memory_mb < 1 or (self.samples is not None and self.samples < 1):
            raise InputError(
                f"Attention of {self.samples or 'all'} samples in {self.memory_mb:,} MB cannot be "
                "recorded; ask for at least one sample (--attention-samples) and 1 MB "
                "(--attention-memory)"
            )

    def capture(self, artist: "Artist", count: int) -> "Capture":
        """What records it of `count` samples; InputError for layers that the model lacks."""
        from engines.diffusion.capture import Capture
        from engines.diffusion.looking import attention_layers

        layers = None
        if self.layers:
            known = attention_layers(artist)
            layers = frozenset(" ".join(name.lower().split()) for name in self.layers)
            if unknown := sorted(layers.difference(known)):
                raise InputError(
                    f'No attention layer of this model is called "{unknown[0]}"; '
                    + (f"it has {', '.join(known)}" if known else "it has none")
                )
        return Capture(
            stages=frozenset(self.stages),
            layers=layers,
            samples=min(count, self.samples or count),
            budget_bytes=self.memory_mb * 1_000_000,
        )

    def write(self, artist: "Artist", wish: "Wish", capture: "Capture", end: "Stroke") -> None:
        """Arrays and pictures of what was recorded; raises InputError."""
        from assets.files import write_failure
        from engines.diffusion.heat import write_heat, write_received
        from engines.diffusion.looking import rows_of
        from engines.diffusion.mapfiles import write_arrays
        from engines.diffusion.placing import place_similarity

        if not capture.kept:
            raise InputError(
                "Nothing in this model attends to anything, or not even its first map fits into "
                f"{self.memory_mb:,} MB, so nothing is written to {self.folder}"
            )
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(write_failure(self.folder, error)) from error
        places, rows = place_similarity(artist.averaged), rows_of(capture, wish.count)
        write_arrays(self.folder / "attention.npz", capture, rows=rows, places=places)
        heat = write_heat(self.folder, artist, wish, capture, end)
        received = write_received(self.folder, wish, capture, end)
        say(
            f"Wrote {self.folder}: {len(capture.kept):,} maps, {len(heat):,} pictures of words and "
            f"{len(received):,} of layers, of {rows:,} samples"
        )
        if "softmax" not in self.stages:
            say("Pictures show shares, so there are none without the stage softmax")
        elif wish.texts and not heat:
            say("This model does not look at words one by one, so there are no pictures of them")
        if capture.note:
            say(f"{capture.note}; {CURE}")
