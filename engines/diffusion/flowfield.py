"""What a model of points would do anywhere in the plane, and how far that is from the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from engines.diffusion.artist import Artist, Stroke, Wish
from engines.diffusion.paths import FIRST, Path
from engines.diffusion.toys import GaussianMixture, ring_of_gaussians


@dataclass(frozen=True, eq=False, kw_only=True)
class Field:
    """The learned field on an even grid at one noise level."""

    t: float
    """Noise level, at least `FIRST`."""
    reach: float
    """The grid spans plus and minus this along both axes."""
    places: np.ndarray
    """[side, side, 2] x and y; rows by y from below."""
    flow: np.ndarray
    """[side, side, 2] -dx/dt of the probability flow: where points drift as noise goes."""
    score: np.ndarray
    """[side, side, 2] what the model takes for grad log p(x_t): -eps / s."""
    true_score: np.ndarray | None = None
    """[side, side, 2] where it is known."""

    @property
    def error(self) -> np.ndarray | None:
        """[side, side] length of the score's error over the true score's RMS length there."""
        if self.true_score is None:
            return None
        length = np.sqrt(np.square(self.true_score).sum(-1).mean())
        return np.linalg.norm(self.score - self.true_score, axis=-1) / max(length, 1e-12)


def known_truth(name: str) -> GaussianMixture | None:
    """The distribution of the bundled data of this name, where its score is known."""
    return ring_of_gaussians() if name == "mixture" else None


@torch.no_grad()
def field_of(
    artist: Artist,
    wish: Wish,
    t: float,
    *,
    side: int = 17,
    reach: float = 2.5,
    truth: GaussianMixture | None = None,
) -> Field:
    """What `artist` sees at level `t` on `side` x `side` places, as asked for by `wish`.

    Raises ValueError for a model that draws images.
    """
    if artist.shape != (2,):
        raise ValueError("Only a model of points has a field in the plane")
    level = torch.tensor(max(t, FIRST), dtype=torch.float64)
    axis = torch.linspace(-reach, reach, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    flat = torch.stack([x, y], dim=-1).reshape(-1, 2)
    denoise = artist.denoiser(replace(wish, count=len(flat)))
    found = denoise(flat.to(artist.device), level)
    x0, eps = found.x0.float().cpu(), found.eps.float().cpu()
    da, ds = artist.path.rates(level)
    _, s = artist.path.at(level)
    grid = (side, side, 2)
    true_score = None
    if truth is not None:
        true_score = truth.score(flat, level.float(), artist.path).reshape(grid).numpy()
    return Field(
        t=float(level),
        reach=reach,
        places=flat.reshape(grid).numpy(),
        flow=(-(da * x0 + ds * eps)).float().reshape(grid).numpy(),
        score=(-eps / s).float().reshape(grid).numpy(),
        true_score=true_score,
    )


def score_errors(strokes: Sequence[Stroke], path: Path, truth: GaussianMixture) -> np.ndarray:
    """[strokes] RMS error of the score at the drawn points over the true score's RMS length.

    NaN where there is no noise, so that nothing was asked of the model.
    """
    errors = np.full(len(strokes), np.nan)
    for i, stroke in enumerate(strokes):
        if stroke.t <= 0:
            continue
        true = truth.estimate(stroke.x, torch.tensor(stroke.t), path).eps
        # Score and noise differ by the same factor -s in numerator and denominator.
        off = (stroke.eps - true).square().sum(-1).mean().sqrt()
        errors[i] = float(off / true.square().sum(-1).mean().sqrt().clamp_min(1e-12))
    return errors
