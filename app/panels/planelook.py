"""What is asked of a model about points that are on show; asking the network takes a while."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from app.drawing import Drawing, Order
    from engines.diffusion.flowfield import Field
    from engines.diffusion.toys import GaussianMixture


@dataclass(frozen=True, eq=False, kw_only=True)
class PlaneFound:
    """Answers, by what they are of."""

    truth: "GaussianMixture | None"
    """What they were found against."""
    fields: "dict[tuple[Order, float], Field]"
    """By drawing and noise level."""
    errors: "dict[Order, np.ndarray]"
    """By drawing, [strokes] RMS error of the score over the true score's RMS length."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PlaneWish:
    """Questions; `find` may be called on any thread."""

    truth: "GaussianMixture | None"
    reach: float
    """Half the side of the part of the plane that is looked at."""
    fields: "tuple[tuple[Drawing, float], ...]"
    """Whose field is wanted, and at which noise level."""
    errors: "tuple[tuple[Drawing, np.ndarray], ...]"
    """Whose errors are wanted, and those of the first strokes, which are known."""

    def find(self) -> PlaneFound:
        """The answers. Raises ValueError for a model that draws images."""
        from engines.diffusion.flowfield import field_of, score_errors

        fields = {
            (drawing.order, t): field_of(
                drawing.artist, drawing.order.wish, t, reach=self.reach, truth=self.truth
            )
            for drawing, t in self.fields
        }
        errors = {}
        if self.truth is not None:
            for drawing, known in self.errors:
                new = score_errors(
                    drawing.strokes[len(known) :], drawing.artist, drawing.order.wish, self.truth
                )
                errors[drawing.order] = np.concatenate([known, new])
        return PlaneFound(truth=self.truth, fields=fields, errors=errors)
