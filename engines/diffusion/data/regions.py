"""Which pixels show the thing that a word names, for images of which that is known."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class Regions:
    """Of n images with captions of up to m words. Things are numbered from 1 in each image."""

    things: Tensor
    """[n, h, w] uint8, the thing that each pixel shows; 0 where there is none."""
    named: Tensor
    """[n, m] uint8, the thing that each word names; 0 for words that name none."""

    def __len__(self) -> int:
        return len(self.things)

    def part(self, rows: Tensor | slice) -> "Regions":
        """Those of these images alone."""
        return Regions(self.things[rows], self.named[rows])

    def mirrored(self, where: Tensor) -> "Regions":
        """The same with left and right exchanged in images where `where` [n] bool is True."""
        return Regions(
            torch.where(where[:, None, None], self.things.flip(2), self.things), self.named
        )

    def to(self, device: torch.device) -> "Regions":
        """The same on `device`."""
        return Regions(self.things.to(device), self.named.to(device))

    def masks(self, grid: tuple[int, int]) -> Tensor:
        """[n, m, rows * columns] the share of each patch that shows what the word names."""
        count = int(max(self.things.max(), self.named.max())) + 1
        numbers = torch.arange(count, dtype=torch.uint8, device=self.things.device)
        shown = (self.things[:, None] == numbers[:, None, None]).float()
        shown[:, 0] = 0.0  # what no word names lies nowhere
        shares = F.adaptive_avg_pool2d(shown, grid).flatten(2)
        return shares.gather(1, self.named.long()[..., None].expand(-1, -1, shares.shape[2]))
