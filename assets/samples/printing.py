"""What is printed on things in the still life: books, dice, and a view to be looked at.

Each function returns the texture of a box, [rows, columns, 3] sRGB, its six faces one above
the other as `Box` maps them.
"""

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from assets.samples.paint import noise, tinted

INK = (58, 42, 34)
PAPER = (232, 219, 190)


def box_faces(faces: list[np.ndarray]) -> np.ndarray:
    """The texture of a box from its six faces (+x -x +y -y +z -z), the first row of each at the
    top as in an image, all of the size of the largest."""
    rows, columns = (max(face.shape[i] for face in faces) for i in (0, 1))
    tiles = []
    for face in faces:
        r = np.arange(rows) * face.shape[0] // rows
        c = np.arange(columns) * face.shape[1] // columns
        tiles.append(face[np.ix_(r, c)][::-1])
    return np.concatenate(tiles)


def book(rng: np.random.Generator, leather: tuple[float, float, float], title: str) -> np.ndarray:
    """Six faces of a closed book that lies on its back, its spine towards -y."""
    rows, columns = 256, 384
    cover = tinted(leather, 0.16 * noise(rng, (rows, columns), (70, 100)))
    gilt = np.array([0.80, 0.62, 0.27])
    y, x = np.indices((rows, columns))
    inset = np.minimum.reduce([x, y, columns - 1 - x, rows - 1 - y])
    cover[((inset > 16) & (inset < 21)) | ((inset > 25) & (inset < 27))] = gilt
    middle = np.abs(x / columns - 0.5) * 1.5 + np.abs(y / rows - 0.5)
    cover[(middle > 0.16) & (middle < 0.185) | (middle < 0.05)] = gilt
    spine = tinted(leather, 0.14 * noise(rng, (96, columns), (30, 90)))
    for place in (0.06, 0.2, 0.8, 0.94):
        band = np.abs(np.arange(columns) / columns - place) < 0.012
        spine[:, band] = gilt
    words = _lettering(title, (96, columns), 50, (0.5, 0.5))
    spine = spine * (1 - words[..., None]) + gilt * words[..., None]
    sheets = np.zeros((96, columns)) + 0.10 * np.sign(np.sin(np.arange(96) * 0.85))[:, None]
    pages = tinted((0.82, 0.755, 0.61), sheets + 0.05 * noise(rng, (96, columns), (40, 9)))
    pages[:5] = pages[-5:] = np.array(leather) * 0.8
    return box_faces([pages, pages, pages, spine, cover, cover * 0.5])


def die(shape: int = 64) -> np.ndarray:
    """An ivory die: opposite faces add up to seven."""
    places = {
        1: [(0.5, 0.5)], 2: [(0.25, 0.25), (0.75, 0.75)],
        3: [(0.25, 0.25), (0.5, 0.5), (0.75, 0.75)],
        4: [(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)],
        5: [(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75), (0.5, 0.5)],
        6: [(0.25, 0.22), (0.25, 0.5), (0.25, 0.78), (0.75, 0.22), (0.75, 0.5), (0.75, 0.78)],
    }  # fmt: skip
    y, x = (np.indices((shape, shape)) + 0.5) / shape
    faces = []
    for pips in (2, 5, 3, 4, 1, 6):
        face = np.tile(np.array([0.87, 0.83, 0.73]), (shape, shape, 1))
        for row, column in places[pips]:
            face[np.hypot(y - row, x - column) < 0.105] = (0.14, 0.09, 0.08)
        faces.append(face)
    return box_faces(faces)


def vue_d_optique(rng: np.random.Generator) -> np.ndarray:
    """A sheet with a print as one laid under a zograscope: a deep colonnade, hand-coloured."""
    width, height = 640, 448
    sheet = Image.new("RGB", (width, height), PAPER)
    frame = (40, 36, width - 40, height - 74)
    _colonnade(ImageDraw.Draw(sheet), *frame)
    pixels = np.asarray(sheet, dtype=np.float64) / 255
    y, x = np.indices((height, width))
    left, top, right, bottom = frame
    inset = np.minimum.reduce([x - left, y - top, right - x, bottom - y])
    pixels[inset < 0] = np.array(PAPER) / 255  # what was drawn beyond the frame
    pixels[(inset > -9) & (inset <= -5) | (inset > -3) & (inset <= 0)] = np.array(INK) / 255
    small = "Optical machine  No. 1  for the delight of the curious"
    words = np.maximum(
        _lettering("VUE  D'OPTIQUE", (height, width), 34, (0.5, 0.905)),
        _lettering(small, (height, width), 15, (0.5, 0.965)),
    )
    pixels = pixels * (1 - words[..., None]) + np.array(INK) / 255 * words[..., None]
    stain = 0.5 * noise(rng, (height, width), (6, 8)) + 0.5 * noise(rng, (height, width), (60, 80))
    pixels = np.clip(pixels * (1 + 0.05 * stain[..., None]), 0, 1)
    plain = np.full((2, 2, 3), PAPER) / 255
    return box_faces([plain, plain, plain, plain, pixels, plain])


def _colonnade(
    draw: ImageDraw.ImageDraw, left: float, top: float, right: float, bottom: float
) -> None:
    """Sky, a chequered floor and columns that all run to one point."""
    horizon, vanish = (top + bottom) * 0.5, (left + right) * 0.5
    for y in range(round(top), round(horizon), 5):
        share = (y - top) / (horizon - top)
        blue = (round(150 + 81 * share), round(178 + 36 * share), round(190 - 10 * share))
        draw.rectangle((left, y, right, y + 5), fill=blue)
        draw.line((left, y, right, y), fill=(120, 128, 124), width=1)
    draw.rectangle((left, horizon, right, bottom), fill=(214, 192, 150))
    rows = [horizon + (bottom - horizon) * (0.06 + 0.94 * (i / 9) ** 2.2) for i in range(10)]
    for row, (far, near) in enumerate(pairwise(rows)):
        step = [4 + 48 * (y - horizon) / (bottom - horizon) for y in (far, near)]
        for k in range(-14 + row % 2, 14, 2):
            behind = [(vanish + (k + j) * step[0], far) for j in (0, 1)]
            before = [(vanish + (k + j) * step[1], near) for j in (1, 0)]
            draw.polygon(behind + before, fill=(150, 92, 66))
    for k in range(-14, 15):
        draw.line((vanish + k * 4, horizon, vanish + k * 52, bottom), fill=INK, width=2)
    for side in (-1, 1):
        for i in range(7):
            near = 1.0 / (1 + 0.62 * i)
            x = vanish + side * (right - vanish - 30) * near
            _column(draw, x, horizon, (bottom - horizon - 14) * near, near, side)
    sun = (vanish - 15, horizon - 34, vanish + 15, horizon - 4)
    draw.ellipse(sun, fill=(196, 92, 60), outline=INK, width=2)


def _column(
    draw: ImageDraw.ImageDraw, x: float, horizon: float, tall: float, near: float, side: int
) -> None:
    wide = 26 * near + 2
    foot, head = horizon + tall, horizon - tall * 0.93
    shaft = (x - wide / 2, head, x + wide / 2, foot)
    draw.rectangle(shaft, fill=(226, 205, 166), outline=INK, width=2)
    for j in range(3):
        flute = x + side * wide * (0.05 + 0.13 * j)
        draw.line((flute, head, flute, foot), fill=(160, 128, 96), width=1)
    draw.rectangle((x - wide * 0.8, head - 7 * near, x + wide * 0.8, head), fill=INK)
    draw.rectangle((x - wide * 0.8, foot, x + wide * 0.8, foot + 6 * near), fill=INK)


def _lettering(
    text: str, shape: tuple[int, int], size: int, centre: tuple[float, float]
) -> np.ndarray:
    """Coverage [rows, columns] of `text`, its middle at the fraction `centre` (x, y)."""
    mask = Image.new("L", (shape[1], shape[0]), 0)
    place = (centre[0] * shape[1], centre[1] * shape[0])
    font = ImageFont.load_default(size)
    ImageDraw.Draw(mask).text(place, text, fill=255, font=font, anchor="mm")
    return np.asarray(mask, dtype=np.float64) / 255
