"""Winograd's convolutions and dw: as exact as they say, only where the table says, and never from stale weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels

pytest.importorskip("numba")

from minitorch_viz_kernels.convolution.numba_ import choice, strided, winograd, winograd_filter_gradient
from tests.kernels.kernel_cases import error, exact

ONE = (1, 1)

# N, C, O, (H, W), padding: sizes that are no multiples of 4, single pixels, more padding than filter, crops, batches,
# channels that fill no vector, one chunk and several, one block of tiles and several.
SHAPES: list[tuple[Any, ...]] = [
    (1, 1, 1, (1, 1), (1, 1)),
    (2, 3, 5, (7, 6), (1, 1)),
    (1, 17, 33, (13, 14), (0, 0)),
    (3, 20, 40, (21, 18), (2, 2)),
    (1, 70, 40, (9, 5), (4, 3)),
    (1, 8, 9, (3, 33), (5, 0)),
    (1, 130, 16, (4, 4), (1, 1)),
    (2, 16, 70, (61, 37), (1, 1)),
    (1, 5, 8, (3, 260), (0, 2)),
    (0, 8, 8, (5, 5), (1, 1)),
    (33, 12, 20, (14, 11), (1, 1)),
]


def draw(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_and_dx_are_the_direct_sum(shape: tuple[Any, ...], taps: int) -> None:
    n, c, o, size, padding = shape
    padding = (padding[0] + taps // 2 - 1, padding[1] + taps // 2 - 1)
    x, w, b = draw((n, c, *size)), draw((o, c, taps, taps), 1), draw((o,), 2)
    wanted = exact("conv2d", x, w, b, ONE, padding, ONE, 1)
    assert error(winograd.winograd(x, w, b, padding), wanted) < 1e-5
    assert error(winograd.winograd(x, w, b, padding, relu=True), np.maximum(wanted, 0)) < 1e-5
    dy = draw(wanted.shape, 3)
    turned = (taps - 1 - padding[0], taps - 1 - padding[1])
    dx = winograd.winograd(dy, w, None, turned, backward=True)
    assert error(dx, exact("conv2d_dx", dy, w, size, ONE, padding, ONE, 1)) < 1e-5


@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("wide", [7, 9, 14, 16, 20, 28, 31, 48, 50])
def test_rows_that_fill_vectors_or_do_not(wide: int, taps: int) -> None:
    """Answers are written a vector at a time: no row may spoil another, nor another thread's."""
    for high, filters in ((5, 16), (14, 33)):
        x, w, b = draw((1, 9, high, wide)), draw((filters, 9, taps, taps), 1), draw((filters,), 2)
        padding, answers = (taps // 2, taps // 2), []
        for count in (1, 3):
            kernels.set_threads(count)
            answers.append(winograd.winograd(x, w, b, padding, relu=True))
        kernels.set_threads(None)
        assert error(answers[0], np.maximum(exact("conv2d", x, w, b, ONE, padding, ONE, 1), 0)) < 1e-5
        np.testing.assert_array_equal(answers[0], answers[1])


@pytest.mark.parametrize("segment", [192, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_dw_is_the_direct_sum(shape: tuple[Any, ...], segment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd_filter_gradient, "SEGMENT_TILES", segment)  # few tiles a segment: many segments
    n, c, o, size, padding = shape
    x = draw((n, c, *size))
    dy = draw((n, o, *(side + 2 * pad - 2 for side, pad in zip(size, padding, strict=True))), 1)
    wanted = exact("conv2d_dw", dy, x, (3, 3), ONE, padding, ONE, 1)
    before = kernels.get_threads()
    try:
        answers = []
        for threads in (1, 2, 3):
            kernels.set_threads(threads)
            answers.append(winograd_filter_gradient.conv3x3_dw(dy, x, padding))
    finally:
        kernels.set_threads(before)
    assert error(answers[0], wanted) < 3e-5  # a sum over all places, thousands of them
    for other in answers[1:]:
        np.testing.assert_array_equal(other, answers[0])


def test_dw_in_blocks_of_few_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd_filter_gradient, "COMMON_NUMBERS", 1)  # 16 tiles at a time
    x, dy = draw((3, 40, 21, 18)), draw((3, 20, 21, 18), 1)
    wanted = exact("conv2d_dw", dy, x, (3, 3), ONE, ONE, ONE, 1)
    assert error(winograd_filter_gradient.conv3x3_dw(dy, x, ONE), wanted) < 1e-5


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize(
    ("shape", "o", "taps", "stride", "padding"),
    [
        ((1, 3, 224, 224), 64, (11, 11), (4, 4), (2, 2)),  # AlexNet's first layer
        ((9, 2, 83, 75), 33, (10, 12), (4, 4), (0, 5)),
        ((2, 8, 61, 90), 40, (5, 6), (2, 2), (7, 1)),
        ((1, 8, 90, 70), 32, (5, 8), (2, 3), (1, 0)),
        ((1, 1, 7, 5), 1, (5, 5), (2, 2), (1, 1)),
    ],
    ids=str,
)
def test_a_stride_is_none_over_the_phases(
    shape: Any, o: int, taps: Any, stride: Any, padding: Any, with_bias: bool, relu: bool
) -> None:
    x, w, b = draw(shape), draw((o, shape[1], *taps), 1), draw((o,), 2) if with_bias else None
    wanted = exact("conv2d", x, w, b, stride, padding, ONE, 1)
    got = strided.strided_winograd(x, w, b, stride, padding, relu)
    assert error(got, np.maximum(wanted, 0) if relu else wanted) < 1e-5


@pytest.mark.parametrize("stride", [(2, 2), (4, 4), (3, 2), (1, 4)])
@pytest.mark.parametrize("padding", [(0, 0), (3, 5)])
def test_wide_images_with_a_stride(stride: Any, padding: Any) -> None:
    """Wide enough for a vector of each phase at once, and rows above and below the image."""
    x, w = draw((2, 3, 20, 150)), draw((5, 3, 7, 6), 1)
    for dtype in (np.float32, np.float64):
        with kernels.use("numba"):
            y = kernels.conv2d(x.astype(dtype), w.astype(dtype), None, stride, padding, ONE, 1)
            dw = kernels.conv2d_dw(y, x.astype(dtype), (7, 6), stride, padding, ONE, 1)
        wanted = exact("conv2d", x, w, None, stride, padding, ONE, 1)
        np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-5 * abs(wanted).max())
        wanted = exact("conv2d_dw", wanted, x, (7, 6), stride, padding, ONE, 1)
        np.testing.assert_allclose(dw, wanted, rtol=0, atol=1e-5 * abs(wanted).max())


@pytest.mark.parametrize(
    ("c", "o", "side", "taps"),
    [
        *[(64, 64, 40, 3), (512, 512, 14, 3), (256, 256, 20, 3), (16, 64, 55, 3), (160, 320, 7, 3), (192, 384, 13, 3)],
        *[(64, 192, 27, 5), (16, 32, 28, 5), (32, 128, 14, 5), (48, 128, 7, 5)],
    ],
)
def test_error_on_layers_of_the_nets(c: int, o: int, side: int, taps: int) -> None:
    x = np.maximum(draw((1, c, side, side)), 0)  # what a ReLU leaves
    w = draw((o, c, taps, taps), 1) * np.float32(np.sqrt(2 / (taps**2 * c)))
    padding = (taps // 2, taps // 2)
    assert choice.algorithm(w, ONE, ONE, 1) == "winograd"
    with kernels.use("numba"):
        y = kernels.conv2d(x, w, None, ONE, padding, ONE, 1)
        dy = draw((1, o, side, side), 2)
        dx = kernels.conv2d_dx(dy, w, (side, side), ONE, padding, ONE, 1)
        dw = kernels.conv2d_dw(dy, x, (taps, taps), ONE, padding, ONE, 1)
    assert error(y, exact("conv2d", x, w, None, ONE, padding, ONE, 1)) < 1e-4
    assert error(dx, exact("conv2d_dx", dy, w, (side, side), ONE, padding, ONE, 1)) < 1e-4
    assert error(dw, exact("conv2d_dw", dy, x, (taps, taps), ONE, padding, ONE, 1)) < 1e-4


def test_the_table_of_algorithms() -> None:
    def algorithm(o: int, c: int, side: int = 3, stride: int = 1, groups: int = 1, backward: bool = False) -> str:
        w = np.zeros((o, c, side, side), np.float32)
        return choice.algorithm(w, (stride, stride), ONE, groups, 900, backward)

    assert algorithm(64, 16) == "winograd"
    assert algorithm(64, 3) == "direct"
    assert algorithm(64, 3, backward=True) == "winograd"  # reads 64 channels
    assert algorithm(8, 8) == "direct"
    assert algorithm(32, 16, side=5) == "winograd"
    assert algorithm(8, 64, side=5) == "direct"
    assert algorithm(64, 64, side=1) == algorithm(64, 64, side=7) == "direct"
    assert algorithm(64, 64, stride=2) == algorithm(64, 64, groups=2) == "direct"
    assert choice.algorithm(np.zeros((64, 64, 3, 3)), ONE, ONE, 1) == "direct"  # float64
    assert algorithm(64, 3, side=11, stride=4) == algorithm(64, 8, side=5, stride=2) == "strided"
    assert algorithm(64, 3, side=11, stride=4, backward=True) == algorithm(64, 3, side=13, stride=4) == "direct"
    assert (
        algorithm(64, 3, side=7, stride=2) == algorithm(64, 3, side=5, stride=2) == algorithm(8, 64, 5, 2) == "direct"
    )
    few_places, w = 100, np.zeros((64, 3, 11, 11), np.float32)
    assert choice.algorithm(w, (4, 4), ONE, 1, few_places) == "direct"

    def dw(n: int, c: int, o: int, side: int, kernel: Any = (3, 3), stride: Any = ONE, dtype: Any = np.float32) -> str:
        dy, x = np.zeros((n, o, side, side), dtype), np.zeros((n, c, side, side), dtype)
        return choice.algorithm_dw(dy, x, kernel, stride, ONE, 1)

    assert dw(1, 64, 64, 13) == dw(2, 64, 64, 7) == "winograd"
    assert dw(1, 64, 64, 7) == dw(1, 3, 64, 224) == dw(1, 64, 64, 13, (5, 5)) == "direct"
    assert dw(1, 64, 64, 13, stride=(2, 2)) == dw(1, 64, 64, 13, dtype=np.float64) == "direct"


def test_float64_never_comes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("Winograd was called")

    monkeypatch.setattr(choice, "winograd", refuse)
    monkeypatch.setattr(choice, "conv3x3_dw", refuse)
    x, w = draw((1, 16, 9, 9)), draw((16, 16, 3, 3), 1)
    with kernels.use("numba"):
        with pytest.raises(AssertionError, match="Winograd"):  # the trap works
            kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
        with pytest.raises(AssertionError, match="Winograd"):
            kernels.conv2d_dw(x, x, (3, 3), ONE, ONE, ONE, 1)
        x, w = np.float64(x), np.float64(w)
        y = kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
        dx = kernels.conv2d_dx(x, w, (9, 9), ONE, ONE, ONE, 1)
        dw = kernels.conv2d_dw(x, x, (3, 3), ONE, ONE, ONE, 1)
    np.testing.assert_allclose(dw, exact("conv2d_dw", x, x, (3, 3), ONE, ONE, ONE, 1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(y, exact("conv2d", x, w, None, ONE, ONE, ONE, 1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, exact("conv2d_dx", x, w, (9, 9), ONE, ONE, ONE, 1), rtol=1e-12, atol=1e-12)


def test_weights_changed_in_place_are_seen() -> None:
    x, w = draw((1, 16, 9, 9)), draw((16, 16, 3, 3), 1)
    with kernels.use("numba"):
        before = kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
        w *= 2
        np.testing.assert_allclose(kernels.conv2d(x, w, None, ONE, ONE, ONE, 1), 2 * before, rtol=1e-6)
        w[3] = 0
        assert not kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)[:, 3].any()


@pytest.mark.parametrize("taps", [3, 5])
def test_a_nan_stays_in_the_tiles_that_see_it(taps: int) -> None:
    x, w = draw((1, 16, 24, 24)), draw((16, 16, taps, taps), 1)
    x[0, 3, 2, 2] = np.nan
    reach = taps // 2
    with kernels.use("numba"):
        y = kernels.conv2d(x, w, None, ONE, (reach, reach), ONE, 1)
    assert np.isnan(y[..., 2 - reach : 3 + reach, 2 - reach : 3 + reach]).all()
    assert np.isfinite(y[..., 8:, 8:]).all()
