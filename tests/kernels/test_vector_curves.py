"""Sigmoid and tanh of whole vectors are right to the last places, everywhere, in both precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from minitorch_viz_kernels.machine.compiling import inner
from minitorch_viz_kernels.machine.llvm import lanes_of
from minitorch_viz_kernels.machine.vector_curves import LARGEST_DOUBLE, LARGEST_SINGLE, sigmoid, tanh
from minitorch_viz_kernels.machine.vectors import load, store


@inner
def _curves(x: Any, lanes: int, s: Any, t: Any) -> None:
    for at in range(0, len(x), lanes):
        store(s, at, sigmoid(load(x, at)))
        store(t, at, tanh(load(x, at)))


def curves(x: Any) -> tuple[Any, Any]:
    s, t = np.empty_like(x), np.empty_like(x)
    _curves(x, lanes_of(x.dtype), s, t)
    return s, t


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_right_to_three_units_in_the_last_place(dtype: Any) -> None:
    largest = LARGEST_SINGLE if dtype == np.float32 else LARGEST_DOUBLE
    powers = np.logspace(-30, np.log10(largest), 1 << 10)
    x = np.concatenate([np.linspace(-12, 12, 1 << 14), np.linspace(-0.5, 0.5, 1 << 12), powers, -powers]).astype(dtype)
    exact = x.astype(np.longdouble)  # more digits than a double has, where the machine can
    for ours, right in zip(curves(x), (1 / (1 + np.exp(-exact)), np.tanh(exact)), strict=True):
        assert ours.dtype == dtype
        units = np.abs(ours - right) / np.spacing(np.abs(right).astype(dtype))
        assert units.max() < 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_flat_far_out_and_a_nan_stays(dtype: Any) -> None:
    x = np.tile(np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0, 100, -100], dtype), 8)
    s, t = curves(x)
    np.testing.assert_allclose(s[:8], [np.nan, 1, 0, 1, 0, 0.5, 1, 0], atol=1e-37)
    np.testing.assert_array_equal(t[:8], np.array([np.nan, 1, -1, 1, -1, 0, 1, -1], dtype))
