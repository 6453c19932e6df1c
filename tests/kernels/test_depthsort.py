"""The drawing order: against numpy's stable argsort, with all that a float can be."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.depthsort import cuda, depth_order, depth_order_of_view, reference

BOTH_WAYS = pytest.mark.parametrize("far_first", [True, False])
AWKWARD = [0.0, -0.0, 1.0, -1.0, np.nan, -np.nan, np.inf, -np.inf, 1e-45, 3.4e38, -3.4e38]
DEPTHS = arrays(
    np.float32,
    st.integers(0, 60),
    elements=st.one_of(st.sampled_from(AWKWARD).map(np.float32), st.floats(width=32)),
)


@BOTH_WAYS
@given(depths=DEPTHS)
def test_order_is_that_of_a_stable_sort(far_first, depths):
    expected = reference.depth_order(depths, far_first=far_first)
    found = depth_order(depths, far_first=far_first)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)
    tensor_order = cuda.depth_order(torch.from_numpy(depths), far_first=far_first)
    np.testing.assert_array_equal(tensor_order.numpy(), expected)


@BOTH_WAYS
def test_many_depths_with_ties_and_a_few_broken(far_first):
    rng = np.random.default_rng(0)
    depths = np.abs(rng.normal(5, 3, 100_000)).astype(np.float32)
    depths[rng.integers(0, len(depths), 30_000)] = 2.5
    depths[::1000] = np.nan
    depths[1::1000] = 1e9
    order = depth_order(depths, far_first=far_first)
    np.testing.assert_array_equal(order, reference.depth_order(depths, far_first=far_first))
    assert np.isnan(depths[order[-100:]]).all()


@pytest.mark.parametrize("depths", [np.zeros(300, np.float32), np.full(300, np.nan, np.float32)])
def test_equal_depths_keep_their_order(depths):
    np.testing.assert_array_equal(depth_order(depths), np.arange(300))


@BOTH_WAYS
def test_order_of_a_view_is_that_of_its_depths(far_first):
    rng = np.random.default_rng(1)
    means = rng.normal(size=(3000, 3)).astype(np.float32)
    pose = np.eye(4)
    pose[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    pose[:3, 3] = 0.3, -1.0, 4.0
    depths = means @ pose[2, :3] + pose[2, 3]
    expected = depths[np.argsort(-depths if far_first else depths)]
    for order in (
        depth_order_of_view(means, pose, far_first=far_first),
        reference.depth_order_of_view(means, pose, far_first=far_first),
        depth_order_of_view(torch.from_numpy(means), pose, far_first=far_first).numpy(),
    ):
        assert sorted(order) == list(range(3000))
        np.testing.assert_allclose(depths[order], expected, atol=1e-5)  # rounding may swap


def test_input_is_left_alone_and_need_not_be_contiguous():
    depths = np.random.default_rng(2).normal(size=(500, 2)).astype(np.float32)
    before = depths.copy()
    order = depth_order(depths[:, 1])
    np.testing.assert_array_equal(order, reference.depth_order(depths[:, 1]))
    np.testing.assert_array_equal(depths, before)


def test_it_lets_other_threads_run():
    depths = np.random.default_rng(3).random(3_000_000, dtype=np.float32)
    depth_order(depths[:2])
    turns = 0
    done = threading.Event()

    def sort():
        depth_order(depths)
        done.set()

    worker = threading.Thread(target=sort)
    worker.start()
    while not done.wait(0.001):
        turns += 1
    worker.join()
    assert turns >= 3, "the window would have stood still for the whole sort"
