"""How alike the place embeddings of a transformer's patches are: what it knows of near and far.

The picture is that of Dosovitskiy et al. 2021 (ViT), figure 7, whose embeddings are learnt and come
to know rows and columns by themselves. Here they may be learnt, too; where they are fixed waves of
row and column, what is seen is how they were made.
"""

import numpy as np
from torch.nn import functional as F

from engines.diffusion.networks.choose import Network
from engines.diffusion.networks.dit import DiT
from engines.diffusion.networks.mmdit import MMDiT

GAP = np.nan
"""Between two tiles."""


def place_similarity(network: Network) -> np.ndarray | None:
    """[rows, columns, rows, columns] cosine similarity of the embeddings of any two patches.

    None for a network without place embeddings.
    """
    if not isinstance(network, DiT | MMDiT):
        return None
    unit = F.normalize(network.places.detach().float(), dim=1)
    grid = network.config.grid
    return (unit @ unit.T).reshape(*grid, *grid).cpu().numpy()


def tiled(similarity: np.ndarray) -> np.ndarray:
    """[rows * (rows + 1) - 1, columns * (columns + 1) - 1] a map for each patch, where it lies.

    `similarity` is [rows, columns, rows, columns]; lines of NaN lie between the maps.
    """
    rows, columns = similarity.shape[:2]
    padded = np.pad(similarity, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=GAP)
    whole = padded.transpose(0, 2, 1, 3).reshape(rows * (rows + 1), columns * (columns + 1))
    return whole[:-1, :-1]
