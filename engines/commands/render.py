"""One exact picture of what was learnt, seen as one of the photos was."""

from dataclasses import dataclass
from pathlib import Path

from engines.commands.inputs import learnt_scene, posed_photos, view_of
from engines.commands.progress import say
from engines.commands.writing import check_place, write_png


@dataclass(frozen=True, kw_only=True)
class Render:
    """Which scene to draw, through which photo's camera, and where the picture goes."""

    scene: Path
    data: str
    view: str
    out: Path
    downscale: int = 1
    """Divide width and height of the photo by this."""

    def run(self) -> int:
        """Draw and write the picture; InputError when something named cannot be used."""
        check_place(self.out, (".png",))
        scene = learnt_scene(self.scene)
        view = view_of(posed_photos(self.data), self.view)
        from assets.gaussians import GaussianCloud
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        camera = view.camera.resized(
            max(1, round(view.camera.width / self.downscale)),
            max(1, round(view.camera.height / self.downscale)),
        )
        if isinstance(scene, GaussianCloud):
            from engines.splats import CloudSource

            image = CloudSource(scene).render(camera).image
        else:
            from engines.nerf import FieldSource

            image = FieldSource.of(scene).photo(camera)
        write_png(image, self.out)
        say(f"Wrote {self.out}: {view.name}, {camera.width} x {camera.height}")
        return 0
