"""Rays made up for the panel's tests: of a field with two levels, and of some Gaussians."""

import numpy as np

from engines.artifacts import FieldRay, RayLevel, SplatRay


def field_ray(names: tuple[str, ...] = ("coarse", "fine"), *, seed: int = 0) -> FieldRay:
    """A surface at distance 3.2 and a haze at 4.4; the second level looks closer at the first."""
    random = np.random.default_rng(seed)
    levels = []
    for i, name in enumerate(names):
        edges = np.linspace(1.0, 6.0, 33)
        if i:
            edges = np.sort(np.concatenate([edges, random.normal(3.2, 0.15, 40)]))
        middle = 0.5 * (edges[1:] + edges[:-1])
        sigma = 9.0 * np.exp(-0.5 * ((middle - 3.2) / 0.12) ** 2)
        sigma += 0.8 * np.exp(-0.5 * ((middle - 4.4) / 0.3) ** 2)
        alpha = 1.0 - np.exp(-sigma * np.diff(edges))
        light = np.concatenate([[1.0], np.cumprod(1.0 - alpha)])
        levels.append(
            RayLevel(
                name=name,
                t_start=_floats(edges[:-1]),
                t_end=_floats(edges[1:]),
                sigma=_floats(sigma),
                transmittance=_floats(light[:-1]),
                weights=_floats(alpha * light[:-1]),
                colours=_floats(random.uniform(0, 1, (len(middle), 3))),
            )
        )
    last = levels[-1]
    middle = 0.5 * (last.t_start + last.t_end)
    passed = np.cumsum(last.weights)
    return FieldRay(
        pixel=(12.5, 1230.5),
        origin=np.array([0.0, 1.0, 0.0]),
        direction=np.array([0.0, 0.0, 1.0]),
        levels=tuple(levels),
        colour=last.weights @ last.colours,
        depth=float(last.weights @ middle / passed[-1]),
        median_depth=float(middle[np.searchsorted(passed, 0.5 * passed[-1])]),
        accumulation=float(passed[-1]),
    )


def splat_ray(k: int = 12, *, lineage: bool = True, seed: int = 0) -> SplatRay:
    """`k` Gaussians at distances 1, 1.1, ... whose alphas and origins are random."""
    random = np.random.default_rng(seed)
    t = _floats(1.0 + 0.1 * np.arange(k))
    alpha = _floats(random.uniform(0.05, 0.4, k))
    light = _floats(np.concatenate([[1.0], np.cumprod(1.0 - alpha)])[:-1][:k])
    weights, colours = alpha * light, _floats(random.uniform(0, 1, (k, 3)))
    stopped = float(weights.sum())
    known = {}
    if lineage:
        causes = np.arange(k) % 3
        known = {
            "ids": 1000 + 7 * np.arange(k),
            "parents": np.where(causes == 0, -1, 500 + np.arange(k)),
            "causes": causes,
            "born": np.where(causes == 0, 0, 700 + 100 * np.arange(k)),
        }
    return SplatRay(
        pixel=(412.5, 230.5),
        origin=np.zeros(3),
        direction=np.array([0.0, 0.0, 1.0]),
        rows=5000 - 3 * np.arange(k),
        means=_floats(random.normal(size=(k, 3))),
        depths=t,
        t=t,
        alpha=alpha,
        transmittance=light,
        weights=weights,
        colours=colours,
        colour=weights @ colours,
        depth=float(weights @ t) / stopped if stopped else 0.0,
        accumulation=stopped,
        **known,
    )


def _floats(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)
