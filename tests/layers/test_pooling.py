"""Pooling: output sizes by Caffe's own formula, ties, padding, overlap, and unpooling as the adjoint."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers import AvgPool2d, MaxPool2d, MaxUnpool2d

GEOMETRIES = [
    (size, kernel, stride, padding)
    for size in range(1, 14)
    for kernel in range(1, 6)
    for stride in range(1, kernel + 1)
    for padding in range(kernel // 2 + 1)
    if size + 2 * padding >= kernel
]


def caffe_size(height: int, kernel: int, stride: int, pad: int) -> int:
    """PoolingLayer::Reshape of Caffe: ceil, then clip the last window if there is padding."""
    pooled = math.ceil((height + 2 * pad - kernel) / stride) + 1
    if pad and (pooled - 1) * stride >= height + pad:
        pooled -= 1
    return pooled


@pytest.mark.parametrize("cls", [MaxPool2d, AvgPool2d])
def test_output_sizes_are_caffes_with_ceil_mode(cls):
    for size, kernel, stride, padding in GEOMETRIES:
        y, _ = cls(kernel, stride, padding, ceil_mode=True).forward(np.zeros((1, 1, size, size)))
        assert y.shape == (1, 1, *2 * (caffe_size(size, kernel, stride, padding),)), (size, kernel, stride, padding)


@pytest.mark.parametrize("cls", [MaxPool2d, AvgPool2d])
def test_output_sizes_without_ceil_mode(cls):
    for size, kernel, stride, padding in GEOMETRIES:
        y, _ = cls(kernel, stride, padding).forward(np.zeros((1, 1, size, size)))
        assert y.shape[2:] == 2 * ((size + 2 * padding - kernel) // stride + 1,)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (55, 3, 2, 0, 27),  # AlexNet pool1
        (112, 3, 2, 0, 56),  # GoogLeNet pool1: floor would give 55
        (14, 3, 1, 1, 14),  # GoogLeNet, inside an inception module
        (113, 3, 2, 0, 56),  # SqueezeNet 1.0 pool1 on 227
    ],
)
def test_sizes_of_published_nets(size, kernel, stride, padding, expected):
    y, _ = MaxPool2d(kernel, stride, padding, ceil_mode=True).forward(np.zeros((1, 1, size, size)))
    assert y.shape[2:] == (expected, expected)


def test_a_strided_window_that_starts_beyond_the_image_is_dropped():
    """Stride above kernel: ceil alone would count a window without any pixel."""
    y, saved = MaxPool2d(1, 3, ceil_mode=True).forward(np.arange(9.0).reshape(1, 1, 3, 3))
    np.testing.assert_array_equal(y, [[[[0]]]])
    np.testing.assert_array_equal(saved.won, [[[[0]]]])


def test_the_first_of_equals_wins_and_padding_never_does():
    x = np.full((1, 1, 3, 3), -5.0)
    y, saved = MaxPool2d(3, 2, 1).forward(x)
    np.testing.assert_array_equal(y, np.full((1, 1, 2, 2), -5.0))
    np.testing.assert_array_equal(saved.won[0, 0], [[0, 1], [3, 4]])


def test_a_pixel_that_wins_every_window_gets_all_gradients():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    pool = MaxPool2d(2, 1)
    y, saved = pool.forward(x)
    dx = pool.backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), saved)
    np.testing.assert_array_equal(dx[0, 0], [[0, 0, 0], [0, 10, 0], [0, 0, 0]])
    np.testing.assert_array_equal(y, np.ones((1, 1, 2, 2)))


def test_saved_won_are_places_in_the_map(rng):
    x = rng.standard_normal((2, 3, 7, 6))
    y, saved = MaxPool2d(3, 2, 1, ceil_mode=True).forward(x)
    assert saved.size == (7, 6)
    assert saved.won.dtype == np.int32
    found = np.take_along_axis(x.reshape(2, 3, -1), saved.won.reshape(2, 3, -1), axis=2)
    np.testing.assert_array_equal(found.reshape(y.shape), y)


def test_averages_at_the_border():
    x = np.ones((1, 1, 3, 3))
    with_pad, _ = AvgPool2d(2, 2, 1).forward(x)
    without_pad, _ = AvgPool2d(2, 2, 1, count_include_pad=False).forward(x)
    np.testing.assert_array_equal(with_pad[0, 0], [[0.25, 0.5], [0.5, 1]])
    np.testing.assert_array_equal(without_pad[0, 0], [[1, 1], [1, 1]])
    beyond, _ = AvgPool2d(2, 2, ceil_mode=True).forward(x)  # what lies beyond the padded image never counts
    np.testing.assert_array_equal(beyond[0, 0], [[1, 1], [1, 1]])


@pytest.mark.parametrize(
    "pool", [MaxPool2d(2), MaxPool2d(3, 2), MaxPool2d(3, 1, 1), MaxPool2d(3, 2, 1, True)], ids=repr
)
def test_unpooling_is_the_adjoint_of_that_pooling(rng, pool):
    x = rng.standard_normal((2, 3, 7, 8))
    y, saved = pool.forward(x)
    unpool = MaxUnpool2d.from_saved(saved)
    z, nothing = unpool.forward(y)
    np.testing.assert_array_equal(z, pool.backward(y, saved))
    np.testing.assert_array_equal(unpool.backward(x, nothing), y)  # picking the winners is pooling again
    dy = rng.standard_normal(y.shape)
    assert (unpool.forward(dy)[0] * x).sum() == pytest.approx((dy * unpool.backward(x, nothing)).sum(), rel=1e-12)


def test_switches_of_one_image_serve_a_batch(rng):
    y, saved = MaxPool2d(2).forward(rng.standard_normal((1, 2, 4, 4)))
    z, _ = MaxUnpool2d.from_saved(saved).forward(rng.standard_normal((5, 2, 2, 2)))
    assert z.shape == (5, 2, 4, 4)
    assert np.count_nonzero(z) == 5 * y.size


def test_unpool_settings():
    with pytest.raises(SettingError, match=r"size \(2, 2\).*point to 5\.\.5"):
        MaxUnpool2d(np.full((1, 1, 1, 1), 5, np.int32), 2)
    with pytest.raises(ShapeError, match=r"switches.*float64"):
        MaxUnpool2d(np.zeros((1, 1, 1, 1)), 2)
    with pytest.raises(ShapeError, match=r"switches.*\(1, 1, 1, 1\).*\(1, 2, 1, 1\)"):
        MaxUnpool2d(np.zeros((1, 1, 1, 1), np.int32), 2).forward(np.zeros((1, 2, 1, 1)))
