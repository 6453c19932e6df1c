"""The last adjustment: a fuller lens where the photos can tell it, and only points that fit."""

from collections.abc import Mapping
from pathlib import Path

import pycolmap

from engines.poses.plan import Plan
from engines.poses.protocol import Bundle
from engines.poses.snapshot import write_snapshot
from engines.poses.talk import Talk


def polish(
    model: pycolmap.Reconstruction,
    folder: Path,
    names: Mapping[int, str],
    plan: Plan,
    talk: Talk,
) -> None:
    """Adjust all of `model` once more, in place."""
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.ceres.solver_options.num_threads = plan.threads
    options.refine_principal_point = model.num_reg_images() >= 20
    pycolmap.bundle_adjustment(model, options)
    model.update_point_3d_errors()
    model.extract_colors_for_all_images(folder / "images")
    snapshot = write_snapshot(folder, model, names) if talk.take_look() else ""
    talk.say(
        Bundle(
            registered=model.num_reg_images(),
            points=model.num_points3D(),
            error_px=model.compute_mean_reprojection_error() * plan.scale,
            snapshot=snapshot,
        )
    )
