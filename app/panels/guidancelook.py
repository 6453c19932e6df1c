"""What is asked about guidance at the step on show; asking the network takes a while."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from app.drawing import Drawing, Order
    from engines.diffusion.artist import Stroke
    from engines.diffusion.guidanceparts import GuidanceParts

PARTS = ("conditional", "unconditional", "guided")


@dataclass(frozen=True, eq=False, kw_only=True)
class GuidanceLook:
    """One answer as it is shown."""

    pictures: dict[tuple[str, str], np.ndarray]
    """[h, w, c] uint8 by one of `PARTS` and by what of it, "x0" or "eps"."""
    difference: np.ndarray
    """[h, w] root mean square over the channels of eps_c - eps_u."""
    norm: float
    rms: float
    scale: float
    """w."""
    t: float

    @classmethod
    def of(cls, parts: "GuidanceParts") -> "GuidanceLook":
        """Latents are decoded, which takes its time."""
        pictures = {
            (name, what): getattr(parts, name).picture(what, 0)
            for name in PARTS
            for what in ("x0", "eps")
        }
        return cls(
            pictures=pictures,
            difference=parts.difference.numpy(),
            norm=parts.norm,
            rms=parts.rms,
            scale=parts.scale,
            t=parts.guided.t,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class GuidanceWish:
    """Questions; `find` may be called on any thread."""

    asked: "tuple[tuple[Drawing, Stroke, int], ...]"
    """Of which moment of which drawing, and of which sample."""

    def find(self) -> "dict[tuple[Order, int, int], GuidanceLook]":
        """The answers, by drawing, step and sample."""
        from engines.diffusion.guidanceparts import guidance_parts

        return {
            (drawing.order, stroke.index, row): GuidanceLook.of(
                guidance_parts(drawing.artist, drawing.order.wish, stroke, row)
            )
            for drawing, stroke, row in self.asked
        }
