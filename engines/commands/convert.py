"""From one file format to another, without a window."""

from dataclasses import dataclass
from pathlib import Path

from assets.errors import InputError
from engines.commands.progress import say
from engines.commands.writing import check_place


@dataclass(frozen=True)
class Convert:
    """What to read and what to write; the formats are told by the files."""

    source: Path
    out: Path

    def run(self) -> int:
        """Read, write and check; InputError when either cannot be done."""
        from assets.export import export
        from assets.gaussians import GaussianCloud
        from assets.mesh import Mesh
        from assets.open import open_path
        from assets.pointcloud import PointCloud

        check_place(self.out)
        asset = open_path(self.source)
        match asset:
            case GaussianCloud():
                what = f"{len(asset):,} Gaussians"
            case PointCloud():
                what = f"{len(asset):,} points"
            case Mesh():
                what = f"{len(asset.faces):,} triangles"
            case _:
                raise InputError(
                    f"{self.source} holds photos, which are not converted; expected a file of "
                    "Gaussians, points or triangles"
                )
        export(asset, self.out)
        say(f"Wrote {self.out}: {what}")
        return 0
