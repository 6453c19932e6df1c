"""Found poses against known ones. The bars are those that people were promised.

All photos of the fox, as one would drop them, are for `python -m benchmarks.poses`.
"""

from pathlib import Path

import numpy as np
import pytest

from assets.camera import look_at
from assets.formats.transforms import read_transforms
from assets.samples import sample_scene
from engines.poses.accuracy import pose_errors
from engines.poses.config import PosesConfig
from engines.poses.outcome import read_outcome
from tests.engines.poses_work import found_poses, run, shots_of, write_work

SOME = 20
"""Of 50 real photos, which make less than a sixth of the pairs."""


def test_the_sample_scene_is_posed_as_it_was_rendered(tmp_path: Path) -> None:
    scene = sample_scene()
    true = {view.name: view.camera.camera_to_world for view in scene.views}
    shots = shots_of(view.photo.path for view in scene.views)
    write_work(tmp_path, shots, PosesConfig(preset="fast", seed=3))
    run(tmp_path)
    outcome = read_outcome(tmp_path)
    assert len(outcome.placements) == len(scene.views)
    errors = pose_errors(found_poses(tmp_path), true)
    assert errors.photos == len(scene.views)
    assert errors.rotation_degrees <= 0.2
    assert errors.centre_share <= 0.005
    assert outcome.error_px < 0.5
    focal = scene.views[0].camera.fx
    assert outcome.lenses[0].focal_px == pytest.approx(focal, rel=0.02)


def test_real_photos_are_posed_as_others_found_them(shared_data: Path, tmp_path: Path) -> None:
    dataset = read_transforms(shared_data / "fox" / "transforms.json")
    true = {Path(view.name).name: view.camera.camera_to_world for view in dataset.views}
    some = sorted((shared_data / "fox" / "images").glob("*.jpg"))[:SOME]
    shots = shots_of(some)
    write_work(tmp_path, shots, PosesConfig(preset="fast"))
    run(tmp_path)
    outcome = read_outcome(tmp_path)
    assert len(outcome.placements) == SOME
    assert outcome.error_px <= 0.8
    errors = pose_errors(found_poses(tmp_path), true)
    assert errors.photos == SOME
    assert errors.rotation_degrees <= 1.0
    assert errors.centre_share <= 0.01


def test_errors_of_poses_are_those_that_were_made() -> None:
    random = np.random.default_rng(1)
    up = np.array([0.0, 0.0, 1.0])
    true = {str(i): look_at(random.normal(0, 3, 3), np.zeros(3), up) for i in range(9)}
    assert pose_errors(true, true).rotation_degrees < 1e-4
    twisted = {name: pose.copy() for name, pose in true.items()}
    angle = np.radians(2.0)
    roll = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    for pose in twisted.values():
        pose[:3, :3] = pose[:3, :3] @ roll
    assert pose_errors(twisted, true).rotation_degrees == pytest.approx(2.0, abs=0.7)
    assert pose_errors(twisted, true).rotation_degrees > 1.0
