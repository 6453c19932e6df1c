"""The still life itself: what stands on the table, where, and what it is made of."""

from dataclasses import dataclass

import numpy as np

from assets.samples import paint, printing
from assets.samples.shapes import Box, Disc, Ellipsoid, Shape
from assets.samples.turned import Lathe, Torus, smooth_profile

TABLE_RADIUS = 2.1
"""The scene's units are about 12 cm."""

# Profiles are (radius, height) from the bottom up; a repeated corner is a sharp edge.
_STAND = [
    (0.40, 0), (0.40, 0), (0.41, 0.035), (0.36, 0.07), (0.36, 0.07), (0.27, 0.10), (0.10, 0.16),
    (0.065, 0.24), (0.11, 0.32), (0.125, 0.38), (0.075, 0.45), (0.075, 0.45), (0.05, 0.47),
    (0.045, 0.62), (0.06, 0.72), (0.055, 0.80), (0.055, 0.80), (0.085, 0.815), (0.085, 0.86),
    (0.04, 0.885), (0, 0.90),
]  # fmt: skip
_CANDLESTICK = [
    (0.27, 0), (0.27, 0), (0.275, 0.03), (0.19, 0.065), (0.09, 0.10), (0.05, 0.17), (0.075, 0.25),
    (0.05, 0.33), (0.04, 0.43), (0.06, 0.52), (0.06, 0.52), (0.125, 0.545), (0.13, 0.57),
    (0.13, 0.57), (0.0, 0.58),
]  # fmt: skip
_CANDLE = [
    (0.075, 0), (0.078, 0.32), (0.074, 0.57), (0.066, 0.60), (0.02, 0.605), (0.012, 0.61),
    (0.012, 0.66), (0, 0.662),
]  # fmt: skip
_VASE = [
    (0.20, 0), (0.20, 0), (0.205, 0.04), (0.185, 0.09), (0.27, 0.22), (0.365, 0.42), (0.385, 0.60),
    (0.31, 0.80), (0.185, 0.95), (0.135, 1.06), (0.14, 1.14), (0.205, 1.20), (0.205, 1.20),
    (0.17, 1.195), (0.12, 1.12), (0, 1.10),
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Item:
    """One thing on the table."""

    name: str
    shape: Shape
    texture: np.ndarray
    """[rows, columns, 3] sRGB; rows along v, columns along u."""
    shine: float = 0.05
    """Share of light mirrored straight ahead."""
    sharpness: float = 40.0
    """Exponent of the highlight."""
    metal: bool = False
    """Whether reflections take the colour of the surface."""


def still_life() -> list[Item]:
    """Everything in the scene. The table top is at z = 0, the viewer is outside, z is up."""
    rng = np.random.default_rng(1790)
    return [
        *_table(rng),
        *_zograscope(rng),
        *_fruit(rng),
        *_books(rng),
        *_candle(rng),
        _vase(rng),
        _print(rng),
        *_dice(),
    ]


def _table(rng: np.random.Generator) -> list[Item]:
    r = TABLE_RADIUS
    profile = np.array([(r - 0.30, -0.17), (r + 0.035, -0.11), (r + 0.035, -0.025), (r, 0.0)])
    top, edge = Disc(np.zeros(3), r), Lathe(np.zeros(3), profile)
    return [
        Item(name="table", shape=top, texture=paint.table_top(rng), shine=0.014),
        Item(name="table edge", shape=edge, texture=paint.turned_wood(rng) * 1.25),
    ]


def _zograscope(rng: np.random.Generator) -> list[Item]:
    turn = np.radians(-62)
    foot, centre = _at(-0.30, 0.42, 0.0), _at(-0.30, 0.42, 1.31)
    wood = paint.turned_wood(rng)
    stand, ring = Lathe(foot, smooth_profile(_STAND, 4)), Torus(centre, 0.40, 0.05, turn)
    lens = Ellipsoid(centre, _at(0.085, 0.375, 0.375), turn)
    return [
        Item(name="stand", shape=stand, texture=wood, shine=0.06, sharpness=90),
        Item(name="ring", shape=ring, texture=wood[:, ::-1], shine=0.06, sharpness=90),
        Item(name="lens", shape=lens, texture=paint.glass(), shine=0.16, sharpness=220),
    ]


def _fruit(rng: np.random.Generator) -> list[Item]:
    peel = paint.orange(rng)
    one = Ellipsoid(_at(0.50, -0.33, 0.225), _at(0.235, 0.235, 0.225), 0.4)
    two = Ellipsoid(_at(0.93, -0.12, 0.205), _at(0.215, 0.215, 0.205), 2.1)
    lemon = Ellipsoid(_at(0.83, -0.64, 0.15), _at(0.215, 0.155, 0.15), 0.9)
    return [
        Item(name="orange", shape=one, texture=peel, sharpness=26),
        Item(name="second orange", shape=two, texture=peel[:, ::-1], sharpness=26),
        Item(name="lemon", shape=lemon, texture=paint.lemon(rng), sharpness=34),
    ]


def _books(rng: np.random.Generator) -> list[Item]:
    low = Box(_at(-1.12, -0.10, 0.105), _at(0.46, 0.33, 0.105), np.radians(24))
    high = Box(_at(-1.08, -0.06, 0.285), _at(0.39, 0.28, 0.075), np.radians(-8))
    ball = Ellipsoid(_at(-1.03, -0.02, 0.51), np.full(3, 0.15))
    red = printing.book(rng, (0.45, 0.12, 0.10), "OPTICA")
    green = printing.book(rng, (0.13, 0.26, 0.20), "PERSPECTIVE")
    metal = paint.brass(rng)
    return [
        Item(name="red book", shape=low, texture=red, shine=0.016, sharpness=24),
        Item(name="green book", shape=high, texture=green, shine=0.016, sharpness=24),
        Item(name="brass ball", shape=ball, texture=metal, shine=0.55, sharpness=120, metal=True),
    ]


def _candle(rng: np.random.Generator) -> list[Item]:
    holder = Lathe(_at(-1.02, 0.92, 0.0), smooth_profile(_CANDLESTICK, 4))
    candle = Lathe(_at(-1.02, 0.92, 0.575), np.array(_CANDLE))
    metal = paint.brass(rng)
    return [
        Item(name="holder", shape=holder, texture=metal, shine=0.5, sharpness=90, metal=True),
        Item(name="candle", shape=candle, texture=paint.wax(rng), shine=0.04, sharpness=20),
    ]


def _vase(rng: np.random.Generator) -> Item:
    lathe = Lathe(_at(0.72, 0.62, 0.0), smooth_profile(_VASE, 4))
    return Item(name="vase", shape=lathe, texture=paint.ceramic(rng), shine=0.06, sharpness=160)


def _print(rng: np.random.Generator) -> Item:
    sheet = Box(_at(-0.12, -0.95, 0.008), _at(0.70, 0.49, 0.008), np.radians(-9))
    picture = printing.vue_d_optique(rng)
    return Item(name="print", shape=sheet, texture=picture, shine=0.01, sharpness=10)


def _dice() -> list[Item]:
    half = np.full(3, 0.075)
    one, two = Box(_at(1.38, -0.52, 0.075), half, 0.5), Box(_at(1.18, -0.88, 0.075), half, 1.15)
    return [
        Item(name="die", shape=one, texture=printing.die()),
        Item(name="second die", shape=two, texture=printing.die()),
    ]


def _at(x: float, y: float, z: float) -> np.ndarray:
    return np.array([x, y, z])
