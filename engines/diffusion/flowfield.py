"""What a model of points would do anywhere in the plane, and how far that is from the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engines.diffusion.artist import Artist, Stroke, Wish
from engines.diffusion.guidanceparts import estimates, guides
from engines.diffusion.paths import FIRST
from engines.diffusion.toys import CLASSES, GaussianMixture, ring_of_gaussians


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
    """[side, side, 2] what the model takes for grad log p(x_t): -eps / s, guidance included."""
    pull: np.ndarray | None = None
    """[side, side, 2] what of it is the classifier's, s grad log p(class | x_t); None without."""
    conditional: np.ndarray | None = None
    """[side, side, 2] the score given the class alone; None without guidance by the network."""
    unconditional: np.ndarray | None = None
    """The same when it is told nothing."""
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

    Where samples are led to several classes in turn there is no one field; it is that of the
    model alone. Raises ValueError for a model that draws images.
    """
    if artist.shape != (2,):
        raise ValueError("Only a model of points has a field in the plane")
    level = torch.tensor(max(t, FIRST), dtype=torch.float64)
    axis = torch.linspace(-reach, reach, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    flat = torch.stack([x, y], dim=-1).reshape(-1, 2)
    wish = replace(wish, count=len(flat), texts=wish.texts if len(wish.texts) == 1 else ())
    denoise = artist.denoiser(wish)
    found = denoise(flat.to(artist.device), level)
    x0, eps = found.x0.float().cpu(), found.eps.float().cpu()
    da, ds = artist.path.rates(level)
    _, s = artist.path.at(level)
    grid = (side, side, 2)
    pull = true_score = None
    if (guidance := artist.steering(wish)) is not None:
        times = level.float().expand(len(flat)).to(artist.device)
        pull = guidance.pull(flat.to(artist.device), times).cpu().reshape(grid).numpy()
    conditional = unconditional = None
    if guides(artist, wish):
        both = [-part.eps / s for part in estimates(artist, wish, flat, level)]
        conditional, unconditional = (part.float().reshape(grid).numpy() for part in both)
    if truth is not None:
        score = truth.score(flat, level.float(), artist.path)
        score += true_pull(artist, wish, flat, level.float(), truth)
        true_score = score.reshape(grid).numpy()
    return Field(
        t=float(level),
        reach=reach,
        places=flat.reshape(grid).numpy(),
        flow=(-(da * x0 + ds * eps)).float().reshape(grid).numpy(),
        score=(-eps / s).float().reshape(grid).numpy(),
        pull=pull,
        conditional=conditional,
        unconditional=unconditional,
        true_score=true_score,
    )


def true_pull(artist: Artist, wish: Wish, x: Tensor, t: Tensor, truth: GaussianMixture) -> Tensor:
    """[n, 2] what asking for modes of `truth` would add to its score at x_t [n, 2] at best.

    A network that knows them adds (1 + w) times what leads to those that were asked for, a
    classifier s times. 0 where nothing was asked for.
    """
    strength = 1 + wish.guidance if artist.vocabulary is not None and any(wish.texts) else 0.0
    if artist.steering(wish) is not None:
        strength += wish.classifier_guidance
    if strength == 0:
        return torch.zeros_like(x)
    return strength * truth.pull(x, t, artist.path, artist.shares_of(wish, CLASSES["mixture"]))


def score_errors(
    strokes: Sequence[Stroke], artist: Artist, wish: Wish, truth: GaussianMixture
) -> np.ndarray:
    """[strokes] RMS error of the score at the points drawn for `wish` over the true one's length.

    Both with guidance, so that errors of the classifier count. NaN where there is no noise, so
    that nothing was asked of the model.
    """
    errors = np.full(len(strokes), np.nan)
    for i, stroke in enumerate(strokes):
        if stroke.t <= 0:
            continue
        t = torch.tensor(stroke.t)
        true = truth.estimate(stroke.x, t, artist.path).eps
        true = true - artist.path.at(t)[1] * true_pull(artist, wish, stroke.x, t, truth)
        # Score and noise differ by the same factor -s in numerator and denominator.
        off = (stroke.eps - true).square().sum(-1).mean().sqrt()
        errors[i] = float(off / true.square().sum(-1).mean().sqrt().clamp_min(1e-12))
    return errors
