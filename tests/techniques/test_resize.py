"""Resizing is scikit-image's, bit for bit, without its import."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import transform

from minitorch_viz.drawing import resize

SIZES = [
    ((7, 7), (28, 28)),
    ((3, 5), (10, 21)),
    ((1, 1), (4, 6)),
    ((9, 4), (9, 4)),
    ((30, 20), (8, 8)),
    ((2, 9), (5, 3)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("before", "after"), SIZES)
def test_it_is_scikit_images(before, after, dtype) -> None:
    values = np.random.default_rng(0).standard_normal(before).astype(dtype)
    right = transform.resize(values, after, order=1, mode="edge", anti_aliasing=False, preserve_range=True)
    assert resize(values, after).dtype == dtype
    np.testing.assert_array_equal(resize(values, after), right)
    right = transform.resize(values, after, order=1, anti_aliasing=True)
    np.testing.assert_array_equal(resize(values, after, smooth=True, mode="mirror"), right)
