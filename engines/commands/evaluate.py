"""Judging what was learnt against photos, as a run judges itself."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.errors import InputError
from engines.commands.inputs import learnt_scene, posed_photos
from engines.commands.progress import RunProgress, say
from engines.commands.writing import check_place
from engines.splats import SplatConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from assets.field import SavedField
    from assets.gaussians import GaussianCloud
    from engines.scene import Scene

SETTINGS = ("downscale", "holdout", "device", "background", "photo_memory_mb")
"""The settings of a run that decide what a file is compared with."""


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Which scene to compare with which photos."""

    scene: Path
    data: str
    config: SplatConfig
    report: Path | None = None

    def run(self) -> int:
        """Compare, say the figures and write the report.

        Raises InputError when scene or photos cannot be used.
        """
        from assets.files import atomic_write_json

        if self.report is not None:
            check_place(self.report)
        report = self.judge()
        for split, name in (("train", "train"), ("holdout", "held out")):
            quality = report[split]
            if quality["psnr"] is not None:
                say(
                    f"{name}: PSNR {quality['psnr']:.2f} dB, SSIM {quality['ssim']:.4f}, "
                    f"{len(quality['views'])} views"
                )
        if self.report is not None:
            atomic_write_json(self.report, report)
            say(f"Wrote {self.report}")
        return 0

    def judge(self) -> dict[str, Any]:
        """The report; see docs/report.md."""
        from engines.quality import judge
        from engines.report import SCHEMA, finite, peak_memory_mb, versions
        from engines.scene import Scene
        from kernels.backend import DeviceError, backend, resolve_device
        from kernels.threads import leave_cores_to_kernels

        leave_cores_to_kernels()
        try:
            device = resolve_device(self.config.device)
        except DeviceError as error:
            raise InputError(str(error)) from error
        learnt = learnt_scene(self.scene)
        dataset = posed_photos(self.data)
        scene = Scene(dataset, self.config, device)
        with RunProgress(steps=1) as progress:
            for note in scene.prepare():
                progress.show(note)
        behind, picture, amount = self._drawn(learnt, scene, device)

        def quality(chosen: list[int]) -> dict[str, Any]:
            places = {scene.views[i].name: i for i in chosen}
            if not places:
                return {"psnr": None, "ssim": None, "views": {}}
            return dataclasses.asdict(
                judge(
                    places,
                    lambda name: (picture(places[name]), scene.target(places[name], behind)),
                    lambda name: scene.weights(places[name]),
                )
            )

        return finite(
            {
                "schema": SCHEMA,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "status": "finished",
                "scene": self.scene.name,
                "data": {"name": dataset.name, "photos": len(dataset.views)},
                "train": quality(scene.train),
                "holdout": quality(scene.held_out),
                **amount,
                "peak_memory_mb": peak_memory_mb(),
                "device": str(device),
                "backend": dataclasses.asdict(backend()) | {"summary": backend().summary},
                "versions": versions(),
                "settings": {name: getattr(self.config, name) for name in SETTINGS},
            }
        )

    def _drawn(
        self, learnt: "GaussianCloud | SavedField", scene: "Scene", device: "torch.device"
    ) -> "tuple[Tensor, Callable[[int], Tensor], dict[str, int | None]]":
        """The colour behind everything, the picture of each view, and how much was learnt."""
        import torch

        from assets.gaussians import GaussianCloud

        if isinstance(learnt, GaussianCloud):
            from engines.splats.render import CloudTensors, render

            tensors = CloudTensors.of(learnt.in_normalised_frame(scene.frame), device)
            behind = torch.full((3,), self._behind(scene), device=device)
            amount: dict[str, int | None] = {"gaussians": len(learnt), "parameters": None}
            cameras = scene.cameras
            return (
                behind,
                lambda i: render(tensors, cameras[i], background=behind).image,
                amount,
            )
        from engines.nerf import FieldSource

        source = FieldSource.of(learnt, device)
        amount = {"gaussians": None, "parameters": source.parameters}

        def picture(index: int) -> "Tensor":
            size = scene.cameras[index]
            camera = scene.views[index].camera.resized(size.width, size.height)
            return torch.from_numpy(source.photo(camera)).to(device)

        return source.behind.to(device), picture, amount

    def _behind(self, scene: "Scene") -> float:
        """Grey level behind the Gaussians: what a run judges itself before."""
        if self.config.background == "auto":
            return float(scene.has_alpha)
        return float(self.config.background != "black")
