"""How the levels of a hash grid lie in one table, which all twins share."""

from dataclasses import dataclass
from itertools import accumulate

PRIME_Y, PRIME_Z = 2654435761, 805459861
"""Factors of the spatial hash of Müller et al. 2022, equation 4; x has factor 1."""
FINEST_LIMIT = 1 << 19
"""No level has more cells along an axis: float32 positions could not tell them apart."""


@dataclass(frozen=True, kw_only=True)
class GridLayout:
    """Grids over the unit cube, from coarse to fine, whose corners share one table of features."""

    resolutions: tuple[int, ...]
    """Cells along each axis, level by level; a level has one more corner than cells."""
    offsets: tuple[int, ...]
    """Row of the table where each level begins, and the end of the last."""

    def __post_init__(self) -> None:
        if not self.resolutions or len(self.offsets) != len(self.resolutions) + 1:
            raise ValueError(
                f"{len(self.resolutions)} levels need {len(self.resolutions) + 1} offsets, "
                f"got {len(self.offsets)}"
            )
        for level, resolution in enumerate(self.resolutions):
            size = self.size(level)
            if not 1 <= resolution <= FINEST_LIMIT:
                raise ValueError(f"resolution is {resolution}; expected 1 to {FINEST_LIMIT:,}")
            if not self.dense(level) and (size < 1 or size & (size - 1)):
                raise ValueError(
                    f"level {level} has {size} rows; expected {(resolution + 1) ** 3} or a "
                    "power of two"
                )

    @property
    def levels(self) -> int:
        """Number of grids."""
        return len(self.resolutions)

    @property
    def rows(self) -> int:
        """Rows of the table of all levels together."""
        return self.offsets[-1]

    def size(self, level: int) -> int:
        """Rows of one level."""
        return self.offsets[level + 1] - self.offsets[level]

    def dense(self, level: int) -> bool:
        """Whether every corner of a level has a row of its own, so that none is hashed."""
        return (self.resolutions[level] + 1) ** 3 <= self.size(level)


def grid_layout(
    *, levels: int = 16, coarsest: int = 16, finest: int = 2048, table_size: int = 1 << 19
) -> GridLayout:
    """Grids whose resolutions grow by one factor from level to level (equations 2 and 3 there).

    Args:
        levels: number of grids, at least 1.
        coarsest, finest: cells along each axis of the first and of the last grid.
        table_size: rows that a level may have, a power of two; a level with fewer corners takes
            only as many rows as it has corners.

    Raises ValueError for numbers that make no grid.
    """
    if levels < 1 or not 1 <= coarsest <= finest <= FINEST_LIMIT:
        raise ValueError(
            f"expected at least 1 level and 1 <= coarsest <= finest <= {FINEST_LIMIT:,}, got "
            f"{levels} levels from {coarsest} to {finest}"
        )
    if table_size < 1 or table_size & (table_size - 1):
        raise ValueError(f"table_size is {table_size}; expected a power of two")
    growth = (finest / coarsest) ** (1 / max(levels - 1, 1))
    # A hair more, so that the last level is not rounded down to one below the finest.
    resolutions = tuple(int(coarsest * growth**level + 1e-6) for level in range(levels))
    sizes = (min(table_size, (resolution + 1) ** 3) for resolution in resolutions)
    return GridLayout(resolutions=resolutions, offsets=tuple(accumulate(sizes, initial=0)))
