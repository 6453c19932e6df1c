"""Where samples look, at words and at places, as pictures over what came out."""

import re
from pathlib import Path

import numpy as np

from engines.diffusion.artist import Artist, Stroke, Wish
from engines.diffusion.capture import Capture
from engines.diffusion.labelled import Labelled
from engines.diffusion.looking import calls_words, counted_calls, heat_of_words, rows_of, words_of
from engines.diffusion.mapfiles import write_pictures
from engines.diffusion.maps import received

WARM = np.array([255.0, 180.0, 84.0])
"""The colour of the place that looks at the word the most."""
VEIL = 0.8
"""How dark the sample becomes where nothing looks at the word."""


def write_heat(
    folder: Path, artist: Artist, wish: Wish, capture: Capture, end: Stroke
) -> list[Path]:
    """One .png for each word of each sample in `folder`; what was written.

    None for models without words to look at: one that learnt classes has none. Raises
    InputError when a file cannot be written.
    """
    written = []
    means = f"mean of all layers and heads, {calls_words(capture)}"
    images = end.bytes_of("x") if end.x.ndim == 4 else np.empty(0)
    for row in range(rows_of(capture, wish.count)):
        words = words_of(artist, wish, row)
        maps = heat_of_words(capture, row, len(words))
        if maps is None:
            continue
        for number, (word, heat) in enumerate(zip(words, maps.numpy(), strict=True), start=1):
            path = folder / f"sample {row + 1} word {number} {_safe(word)}.png"
            shown = Labelled(pixels=over(images[row], heat), words=word)
            write_pictures(
                path, [shown], f"Sample {row + 1}, word {number} of {len(words)}, {means}"
            )
            written.append(path)
    return written


def write_received(folder: Path, wish: Wish, capture: Capture, end: Stroke) -> list[Path]:
    """One .png for each layer that looks at places and sample in `folder`; what was written.

    Each shows, head by head, how much every place is looked at by all. Raises InputError when a
    file cannot be written.
    """
    written = []
    images = end.bytes_of("x") if end.x.ndim == 4 else np.empty(0)
    for row in range(rows_of(capture, wish.count)):
        for layer in (*capture.names("self"), *capture.names("joint")):
            items = capture.chosen(layers=[layer])
            if not items:
                continue
            heads = [
                Labelled(pixels=over(images[row], heat), words=f"head {number}")
                for number, heat in enumerate(received(items, row).numpy(), start=1)
            ]
            calls = counted_calls(len(items))
            about = f"{layer.rsplit(' ', 1)[0]}, how much each place is looked at"
            path = folder / f"sample {row + 1} {_safe(layer, ' ')}.png"
            write_pictures(
                path, heads, f"Sample {row + 1}, {about}, mean of all places and {calls}"
            )
            written.append(path)
    return written


def _safe(name: str, more: str = "") -> str:
    return re.sub(rf"[^\w{more}-]", "_", name)


def over(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8: `image` [h, w, c] as dark grey, warm where `heat` [rows, columns] is high.

    From its least to its most: shares of words differ little, and where is what is asked.
    """
    height, width = image.shape[:2]
    rows, columns = heat.shape
    share = (heat - heat.min()) / max(float(np.ptp(heat)), 1e-12)
    share = share.repeat(-(-height // rows), 0).repeat(-(-width // columns), 1)
    share = share[:height, :width, None]
    grey = image.astype(np.float64).mean(axis=2, keepdims=True)
    seen = grey * (1 - VEIL)
    return np.round(seen + share * VEIL * (0.4 * grey + 0.6 * WARM)).clip(0, 255).astype(np.uint8)
