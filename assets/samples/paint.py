"""Painted surfaces of the still life: grain, glaze, peel, plaster. All by procedure.

Every painter returns sRGB [rows, columns, 3] in [0, 1]; rows run along v, columns along u.
"""

import numpy as np


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """Smooth noise [rows, columns] about in [-1, 1] that repeats at the borders."""
    lattice = rng.uniform(-1, 1, size=cells)
    parts = []
    for size, count in zip(shape, cells, strict=True):
        place = (np.arange(size) + 0.5) / size * count
        whole = np.floor(place).astype(int)
        share = place - whole
        parts.append((whole % count, (whole + 1) % count, share * share * (3 - 2 * share)))
    (r0, r1, down), (c0, c1, along) = parts
    above = lattice[np.ix_(r0, c0)] * (1 - along) + lattice[np.ix_(r0, c1)] * along
    below = lattice[np.ix_(r1, c0)] * (1 - along) + lattice[np.ix_(r1, c1)] * along
    return above * (1 - down[:, None]) + below * down[:, None]


def tinted(colour: tuple[float, float, float], change: np.ndarray) -> np.ndarray:
    """`colour` made lighter and darker by the relative `change` [rows, columns]."""
    return np.clip(np.array(colour) * (1 + change[..., None]), 0, 1)


def table_top(rng: np.random.Generator, size: int = 1024) -> np.ndarray:
    """Walnut boards with grain, set in a lighter ring."""
    y, x = (np.indices((size, size)) + 0.5) / size * 2 - 1
    board = np.floor((y + 1) * 5.5).astype(int)
    tone = rng.uniform(-0.16, 0.16, 12)[board % 12]
    shift = rng.integers(0, size, 12)
    grain = 0.6 * noise(rng, (size, size), (150, 5)) + 0.4 * noise(rng, (size, size), (320, 14))
    wave = noise(rng, (size, size), (24, 4))
    rings = np.sin((y * 60 + 5 * wave) * 2 + 3 * grain)
    for i in range(12):
        rows = board[:, 0] % 12 == i
        rings[rows] = np.roll(rings[rows], shift[i], axis=1)
    wood = tinted((0.47, 0.30, 0.185), tone + 0.13 * grain + 0.07 * rings)
    seam = np.abs((y + 1) * 5.5 - np.round((y + 1) * 5.5)) < 0.022
    wood[seam] *= 0.45
    radius = np.hypot(x, y)
    ring = (radius > 0.885) & (radius < 0.945)
    angle = np.arctan2(y, x) / (2 * np.pi) * 72
    teeth = (np.floor(angle) % 2 == 0) & (np.abs(radius - 0.915) < 0.018)
    wood[ring] = tinted((0.70, 0.53, 0.33), 0.16 * grain)[ring]
    wood[teeth] = tinted((0.26, 0.15, 0.09), 0.2 * grain)[teeth]
    edge = (np.abs(radius - 0.885) < 0.006) | (np.abs(radius - 0.945) < 0.006)
    wood[edge] *= 0.4
    wood[radius > 0.945] *= 0.72
    return wood


def turned_wood(rng: np.random.Generator, shape: tuple[int, int] = (384, 192)) -> np.ndarray:
    """Dark red wood with the fine rings that a chisel leaves."""
    grain = noise(rng, shape, (60, 12)) + 0.6 * noise(rng, shape, (24, 60))
    wood = tinted((0.36, 0.155, 0.085), 0.22 * grain)
    rings = np.sin(np.arange(shape[0]) / shape[0] * 2 * np.pi * 40) > 0.93
    wood[rings] *= 0.55
    return wood


def brass(rng: np.random.Generator, shape: tuple[int, int] = (256, 128)) -> np.ndarray:
    """Worn brass with engraved lines."""
    metal = tinted((0.66, 0.47, 0.18), 0.10 * noise(rng, shape, (30, 12)))
    lines = np.sin(np.arange(shape[0]) / shape[0] * 2 * np.pi * 22) > 0.94
    metal[lines] *= 0.5
    return metal


def ceramic(rng: np.random.Generator, shape: tuple[int, int] = (512, 640)) -> np.ndarray:
    """White glaze with cobalt bands, petals and dots."""
    v, u = np.indices(shape) / np.array(shape)[:, None, None]
    glaze = tinted((0.90, 0.885, 0.83), 0.03 * noise(rng, shape, (20, 20)))
    cobalt = tinted((0.13, 0.22, 0.50), 0.25 * noise(rng, shape, (60, 60)))

    def draw(where: np.ndarray) -> None:
        glaze[where] = cobalt[where]

    for low, high in [(0.10, 0.125), (0.137, 0.143), (0.335, 0.343), (0.352, 0.375),
                      (0.60, 0.622), (0.632, 0.638), (0.80, 0.806), (0.815, 0.85)]:  # fmt: skip
        draw((v > low) & (v < high))
    leaf = np.abs(np.mod(u * 16, 1) - 0.5)
    rise = (v - 0.15) / 0.18
    draw((rise > 0) & (rise < 1) & (np.abs(leaf - 0.33 * np.sqrt(np.clip(1 - rise, 0, 1))) < 0.06))
    petal, turn = np.mod(u * 8, 1) - 0.5, (v - 0.487) / 0.105
    radius, angle = np.hypot(petal * 1.25, turn * 0.62), np.arctan2(turn * 0.62, petal * 1.25)
    flower = 0.26 + 0.11 * np.cos(6 * angle)
    draw((radius < flower) & (radius > flower * 0.62))
    draw(radius < 0.09)
    between = np.hypot((np.mod(u * 8 + 0.5, 1) - 0.5) * 1.25, turn * 0.62)
    draw((between < 0.13) & (between > 0.05))
    diamond = np.abs(np.mod(u * 24, 1) - 0.5) + np.abs((v - 0.72) / 0.13)
    draw((diamond < 0.5) & (diamond > 0.22) | (diamond < 0.10))
    return glaze


def orange(rng: np.random.Generator, shape: tuple[int, int] = (192, 320)) -> np.ndarray:
    """Peel with pores, and the star of the stem at the top."""
    pores = noise(rng, shape, (56, 100))
    peel = tinted((0.90, 0.47, 0.09), 0.07 * noise(rng, shape, (6, 8)) - 0.16 * (pores > 0.45))
    v = np.arange(shape[0]) / shape[0]
    u = np.arange(shape[1]) / shape[1]
    star = v[:, None] > 0.955 + 0.02 * np.cos(2 * np.pi * 5 * u)
    peel[star] = (0.30, 0.33, 0.12)
    return peel


def lemon(rng: np.random.Generator, shape: tuple[int, int] = (160, 256)) -> np.ndarray:
    """Yellow peel, greenish here and there."""
    peel = tinted((0.93, 0.77, 0.17), -0.10 * (noise(rng, shape, (44, 76)) > 0.45))
    green = np.clip(noise(rng, shape, (4, 6)), 0, 1)[..., None]
    return peel * (1 - 0.16 * green * np.array([1.0, 0.45, 0.4]))


def wax(rng: np.random.Generator, shape: tuple[int, int] = (160, 96)) -> np.ndarray:
    """A candle, warmer towards the flame, with runs of wax and a black wick."""
    v = (np.arange(shape[0]) / shape[0])[:, None]
    runs = noise(rng, (1, shape[1]), (1, 14))
    light = 0.05 * noise(rng, shape, (20, 14)) + 0.12 * np.sin(runs * 5) * v
    candle = tinted((0.90, 0.83, 0.66), light)
    candle[v[:, 0] > 0.965] = (0.13, 0.10, 0.08)
    return candle


def glass(shape: tuple[int, int] = (128, 256)) -> np.ndarray:
    """The deep blue-green that a thick lens shows, lighter towards its rim."""
    v, u = np.indices(shape) / np.array(shape)[:, None, None]
    height = np.sin(np.pi * (v - 0.5))
    across = np.abs(np.sin(2 * np.pi * u)) * np.cos(np.pi * (v - 0.5))
    rim = np.clip(np.hypot(height, across), 0, 1)[..., None] ** 4
    return np.array([0.10, 0.21, 0.235]) * (1 - rim) + np.array([0.42, 0.56, 0.55]) * rim


def plaster(rng: np.random.Generator, shape: tuple[int, int] = (192, 512)) -> np.ndarray:
    """The wall around: olive dusk below, a warm glow on one side, brushed unevenly."""
    v, u = np.indices(shape) / np.array(shape)[:, None, None]
    height = (2 * v - 1)[..., None]
    wall = np.array([0.27, 0.262, 0.225]) * (1 + 0.6 * np.clip(height, -0.75, 0.6))
    turn = np.cos(2 * np.pi * (u - 0.62))[..., None]
    glow = np.exp(-((height - 0.12) ** 2) / 0.10) * np.clip(0.5 + 0.5 * turn, 0, 1) ** 2
    wall = wall + glow * np.array([0.24, 0.165, 0.075])
    brush = 0.5 * noise(rng, shape, (10, 24)) + 0.5 * noise(rng, shape, (26, 60))
    return np.clip(wall * (1 + 0.11 * brush[..., None]), 0, 1)
