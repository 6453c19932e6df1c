"""Cameras of one scene in two frames."""

import numpy as np
import pytest

from assets.camera import look_at
from assets.similarity import Similarity, similarity_between


def poses(n: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    up = np.array([0.0, 0.0, 1.0])
    return np.stack([look_at(random.normal(0, 3, 3), np.zeros(3), up) for _ in range(n)])


def moved() -> Similarity:
    rotation = poses(1, seed=9)[0, :3, :3]
    return Similarity(0.3, rotation, np.array([1.0, -2.0, 5.0]))


@pytest.mark.parametrize("n", [2, 3, 20])
def test_a_known_similarity_is_found_again(n: int) -> None:
    old, there = poses(n), moved()
    new = np.stack([there.pose(pose) for pose in old])
    found = similarity_between(old, new)
    assert found.scale == pytest.approx(there.scale)
    np.testing.assert_allclose(found.rotation, there.rotation, atol=1e-12)
    np.testing.assert_allclose(found.points(np.ones(3)), there.points(np.ones(3)), atol=1e-9)


def test_cameras_in_a_row_are_enough() -> None:
    old = np.repeat(poses(1), 4, axis=0)
    old[:, :3, 3] += np.arange(4)[:, None] * np.array([1.0, 0.0, 0.0])
    new = np.stack([moved().pose(pose) for pose in old])
    np.testing.assert_allclose(similarity_between(old, new).rotation, moved().rotation, atol=1e-9)


def test_one_camera_fixes_rotation_and_place() -> None:
    old = poses(1)
    found = similarity_between(old, moved().pose(old[0])[None])
    assert found.scale == 1.0
    np.testing.assert_allclose(found.pose(old[0]), moved().pose(old[0]), atol=1e-9)
