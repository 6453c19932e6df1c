"""What a sample is to show, as numbers: words of a caption, or a class as one word."""

from dataclasses import dataclass

import torch
from torch import Tensor

NOTHING = 0
"""The token of no condition at all: dropped in training, unconditional in guidance."""
UNKNOWN = 1
"""The token of every word that is not in the vocabulary."""
FIRST_WORD = 2


@dataclass(frozen=True, eq=False)
class Condition:
    """The words of n samples, padded to the same count m; a class is one word."""

    tokens: Tensor
    """[n, m] int64."""
    mask: Tensor
    """[n, m] bool, True where there is a word and no padding; at least once in every row."""

    @classmethod
    def nothing(cls, count: int, device: torch.device | str = "cpu") -> "Condition":
        """No condition for `count` samples: one token `NOTHING` each."""
        tokens = torch.full((count, 1), NOTHING, dtype=torch.int64, device=device)
        return cls(tokens, torch.ones_like(tokens, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice | Tensor) -> "Condition":
        return Condition(self.tokens[rows], self.mask[rows])

    def to(self, device: torch.device | str) -> "Condition":
        """The same on `device`."""
        return Condition(self.tokens.to(device), self.mask.to(device))

    def dropped(self, where: Tensor) -> "Condition":
        """The same with nothing in the rows in which `where` [n] bool is True.

        Training with rows dropped at random is what classifier-free guidance needs
        (Ho and Salimans 2022, algorithm 1).
        """
        first = torch.zeros_like(self.mask)
        first[:, 0] = True
        return Condition(
            self.tokens.masked_fill(where[:, None], NOTHING),
            torch.where(where[:, None], first, self.mask),
        )

    def hidden(self, where: Tensor) -> "Condition":
        """The same with unknown words where `where` [n, m] bool is True and there is a word."""
        words = where & (self.tokens >= FIRST_WORD)
        return Condition(self.tokens.masked_fill(words, UNKNOWN), self.mask)

    @staticmethod
    def joined(parts: "tuple[Condition, ...]") -> "Condition":
        """All `parts` in one batch, padded to the longest."""
        longest = max(part.tokens.shape[1] for part in parts)
        grown = [part.padded(longest) for part in parts]
        return Condition(
            torch.cat([part.tokens for part in grown]), torch.cat([part.mask for part in grown])
        )

    def trimmed(self) -> "Condition":
        """The same without the columns in which no row has a word."""
        longest = int(self.mask.sum(1).max())
        return Condition(self.tokens[:, :longest], self.mask[:, :longest])

    def padded(self, length: int) -> "Condition":
        """The same with padding up to `length` words; no word is ever cut off."""
        missing = max(0, length - self.tokens.shape[1])
        pad = torch.nn.functional.pad
        return Condition(pad(self.tokens, (0, missing)), pad(self.mask, (0, missing)))
