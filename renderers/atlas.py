"""Many small pictures in one texture, so that all can be drawn at once."""

import numpy as np

LARGEST_SIDE = 4096


def shrunk(image: np.ndarray, largest: int) -> np.ndarray:
    """[h, w, 3] uint8 of at most `largest` pixels a side, averaged over whole blocks.

    Takes uint8 or floats in [0, 1]; a fourth channel is dropped.
    """
    image = np.asarray(image)[..., :3]
    if image.dtype != np.uint8:
        image = (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    step = max(1, -(-max(image.shape[:2]) // largest))
    if step == 1:
        return image
    height, width = max(1, image.shape[0] // step), max(1, image.shape[1] // step)
    if image.shape[0] < step or image.shape[1] < step:
        return image[::step, ::step]
    blocks = image[: height * step, : width * step].reshape(height, step, width, step, 3)
    return blocks.mean(axis=(1, 3)).astype(np.uint8)


def packed(images: list[np.ndarray], cell: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """One picture [H, W, 3] uint8 with all `images`, and where each lies.

    The places [n, 4] are left, top, right, bottom as shares of the atlas, taken in by
    half a pixel so that neighbours do not bleed in. Cells shrink when there are too many.
    """
    columns = max(1, int(np.ceil(np.sqrt(len(images)))))
    cell = max(2, min(cell, LARGEST_SIDE // columns))
    rows = max(1, -(-len(images) // columns))
    atlas = np.zeros((rows * cell, columns * cell, 3), dtype=np.uint8)
    places = np.zeros((len(images), 4))
    for i, image in enumerate(images):
        small = shrunk(image, cell)
        top, left = i // columns * cell, i % columns * cell
        bottom, right = top + small.shape[0], left + small.shape[1]
        atlas[top:bottom, left:right] = small
        places[i] = (left + 0.5, top + 0.5, right - 0.5, bottom - 0.5)
    return atlas, places / np.tile([atlas.shape[1], atlas.shape[0]], 2)
