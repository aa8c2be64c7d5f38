"""Wrong input never reaches a compiled loop: each kind is refused with a sentence that names what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels

X = np.ones((2, 4, 5, 5))
W = np.ones((6, 4, 3, 3))
Y = np.ones((2, 6, 3, 3))
PLAIN = ((1, 1), (0, 0), (1, 1), 1)
POOL = ((2, 2), (2, 2), (0, 0))
P = np.ones((2, 4, 2, 2))
U, H0, SEQUENCE = np.ones((8, 2)), np.ones((3, 2)), np.ones((4, 3, 2))
WON = np.zeros((2, 4, 2, 2), np.int32)

BAD: dict[str, tuple[str, tuple[Any, ...], type[Exception], str]] = {
    "a list": ("conv2d", ([1.0], W, None, *PLAIN), TypeError, "x is a list"),
    "bytes": ("conv2d", (X.astype(np.uint8), W, None, *PLAIN), TypeError, "x holds uint8 numbers.*astype"),
    "half precision": ("conv2d", (X, W.astype(np.float16), None, *PLAIN), TypeError, "w holds float16"),
    "foreign byte order": ("lrn", (X.astype(">f4"), 3, 0.1, 0.75, 1.0), TypeError, "x holds >f4"),
    "one image without a batch": (
        "conv2d",
        (X[0], W, None, *PLAIN),
        ValueError,
        r"x has shape \(4, 5, 5\).*N, C, H, W",
    ),
    "flat filters": ("conv2d", (X, W[0], None, *PLAIN), ValueError, r"w has shape \(4, 3, 3\)"),
    "no channels": ("conv2d", (X[:, :0], W[:, :0], None, *PLAIN), ValueError, "only the batch N may be empty"),
    "no filters": ("conv2d", (X, W[:0], None, *PLAIN), ValueError, "only the batch N may be empty"),
    "channels": ("conv2d", (X[:, :3], W, None, *PLAIN), ValueError, "x has 3 channels.*filters w take 4"),
    "groups of channels": ("conv2d", (X, W, None, *PLAIN[:3], 2), ValueError, "2 groups, that is 8"),
    "groups of filters": ("conv2d", (X, W[:5, :2], None, *PLAIN[:3], 2), ValueError, "5 filters cannot be shared"),
    "no groups": ("conv2d", (X, W, None, *PLAIN[:3], 0), ValueError, "groups is 0"),
    "half a group": ("conv2d", (X, W, None, *PLAIN[:3], 1.5), TypeError, "groups is 1.5.*integer"),
    "bias": ("conv2d", (X, W, np.ones(5), *PLAIN), ValueError, r"b has shape \(5,\), but \(6,\)"),
    "stride zero": ("conv2d", (X, W, None, (0, 1), *PLAIN[1:]), ValueError, r"stride is \(0, 1\)"),
    "one stride": ("conv2d", (X, W, None, 2, *PLAIN[1:]), TypeError, "stride is 2, but two integers"),
    "three strides": ("conv2d", (X, W, None, (1, 1, 1), *PLAIN[1:]), TypeError, "two integers"),
    "half a stride": ("conv2d", (X, W, None, (1, 0.5), *PLAIN[1:]), TypeError, "two integers"),
    "negative padding": ("conv2d", (X, W, None, (1, 1), (-1, 0), (1, 1), 1), ValueError, "padding is"),
    "dilation zero": ("conv2d", (X, W, None, (1, 1), (0, 0), (1, 0), 1), ValueError, "dilation is"),
    "image under kernel": ("conv2d", (X[..., :2], W, None, *PLAIN), ValueError, r"over \(3, 3\).*only \(5, 2\)"),
    "dilated over the image": ("conv2d", (X, W, None, (1, 1), (0, 0), (3, 1), 1), ValueError, r"over \(7, 3\)"),
    "dy of another size": ("conv2d_dx", (Y, W, (6, 6), *PLAIN), ValueError, r"dy has shape \(2, 6, 3, 3\).*4, 4"),
    "dy of other filters": ("conv2d_dx", (Y[:, :5], W, (5, 5), *PLAIN), ValueError, r"\(2, 6, 3, 3\) is needed"),
    "no size": ("conv2d_dx", (Y, W, (0, 5), *PLAIN), ValueError, r"size is \(0, 5\)"),
    "filters between groups": ("conv2d_dx", (Y, W, (5, 5), *PLAIN[:3], 4), ValueError, "6 filters cannot be shared"),
    "dy of other images": ("conv2d_dw", (Y[:1], X, (3, 3), *PLAIN), ValueError, r"\(2, 6, 3, 3\) is needed"),
    "dw of another kernel": ("conv2d_dw", (Y, X, (2, 3), *PLAIN), ValueError, "dy has shape"),
    "dw between groups": ("conv2d_dw", (Y, X, (3, 3), *PLAIN[:3], 3), ValueError, "shared equally by 3 groups"),
    "too many windows": ("maxpool2d", (X, *POOL, (4, 2)), ValueError, "would hold no pixel"),
    "no windows": ("maxpool2d", (X, *POOL, (0, 2)), ValueError, "out is"),
    "windows of padding": ("maxpool2d", (X, (2, 2), (2, 2), (2, 0), (2, 2)), ValueError, "no pixel at all"),
    "mean of padding": ("avgpool2d", (X, (2, 2), (2, 2), (0, 3), (2, 2), True), ValueError, "no pixel at all"),
    "flat window": ("avgpool2d", (X, (2, 0), (2, 2), (0, 0), (2, 2), True), ValueError, "kernel is"),
    "switches of long": ("maxpool2d_dx", (P, WON.astype(np.int64), (5, 5)), TypeError, "won holds int64"),
    "switches of another map": ("maxpool2d_dx", (P, WON[:, :3], (5, 5)), ValueError, "won has shape"),
    "switches as a list": ("maxpool2d_dx", (P, [0], (5, 5)), TypeError, "won is a list"),
    "switches beyond": ("maxpool2d_dx", (P, WON + np.int32(25), (5, 5)), ValueError, "pixels 0 to 24"),
    "switches before": ("maxpool2d_dx", (P, WON - np.int32(1), (5, 5)), ValueError, "from -1 to -1"),
    "more than int32": ("maxpool2d_dx", (P, WON, (1 << 16, 1 << 16)), ValueError, "int32"),
    "gates as a mask": ("relu_dx", (P, P > 0), TypeError, "y holds bool"),
    "gates of another map": ("relu_dx", (P, P[0]), ValueError, "y has shape"),
    "gates as a list": ("relu_dx", (P, [1.0]), TypeError, "y is a list"),
    "gates of a number": ("relu_dx", (np.ones(()), None), ValueError, "axis of seeds"),
    "whole numbers": ("relu", (np.ones(3, int),), TypeError, "x holds int64"),
    "sum of other shapes": ("add", (X, X[:1]), ValueError, "b has shape"),
    "nothing to join": ("concat", ((), 0), ValueError, "at least one array"),
    "join along no axis": ("concat", ((X, X), 4), ValueError, "along axis 4"),
    "join of other rows": ("concat", ((X, X[:, :, 1:]), 1), ValueError, "must agree"),
    "mean of nothing": ("batch_norm", (X[:0], X[0, :, 0, 0], X[0, :, 0, 0], 0.1), ValueError, "empty batch"),
    "scales of other channels": ("batch_norm", (X, X[0, 0, 0], X[0, :, 0, 0], 0.1), ValueError, "w has shape"),
    "norm of rows": ("batch_norm", (X[0], X[0, :, 0, 0], X[0, :, 0, 0], 0.1), ValueError, "x has shape"),
    "gradient of another batch": (
        "batch_norm_dx",
        (X[:1], X, *[X[0, :, 0, 0]] * 3, 0.1),
        ValueError,
        "dy has shape",
    ),
    "mean of other channels": (
        "batch_norm_dx",
        (X, X, X[0, 0, 0], *[X[0, :, 0, 0]] * 2, 0.1),
        ValueError,
        "mean has shape",
    ),
    "too many shares": ("avgpool2d_dx", (P, *POOL, (2, 5), True), ValueError, "would hold no pixel"),
    "product of vectors": ("matmul", (X[0, 0, 0], X[0, 0]), ValueError, r"a has shape \(5,\).*matrix"),
    "product that does not fit": ("matmul", (X[0, 0], X[0, 0, 1:]), ValueError, r"rows of 5 numbers.*has 4 rows"),
    "product of integers": ("matmul", (X[0, 0].astype(int), X[0, 0]), TypeError, "a holds int64"),
    "sequence without time": ("lstm", (H0, U, U, U[:, 0], H0, H0), ValueError, r"x has shape \(3, 2\).*T, N, D"),
    "no steps": ("lstm", (SEQUENCE[:0], U, U, U[:, 0], H0, H0), ValueError, "only the batch N may be empty"),
    "three gates": ("lstm", (SEQUENCE, U, U[2:], U[:, 0], H0, H0), ValueError, r"u has shape \(6, 2\), but \(8, 2\)"),
    "weights of x": ("lstm", (SEQUENCE[:, :, :1], U, U, U[:, 0], H0, H0), ValueError, r"w has .* \(8, 1\) is needed"),
    "half a bias": ("lstm", (SEQUENCE, U, U, U[:4, 0], H0, H0), ValueError, "b has shape"),
    "state of others": ("lstm", (SEQUENCE, U, U, U[:, 0], H0[:2], H0), ValueError, "h0 has shape"),
    "memory of others": ("lstm", (SEQUENCE, U, U, U[:, 0], H0, H0[:, :1]), ValueError, "c0 has shape"),
    "gates of others": (
        "lstm_dz",
        (*[SEQUENCE] * 3, SEQUENCE[:, :2], *[SEQUENCE] * 2, U, H0),
        ValueError,
        "f has shape",
    ),
    "start of two tapes": ("lstm_dz", (*[SEQUENCE] * 6, U, H0[:2]), ValueError, "c0 has shape"),
    "window of channels": ("lrn", (X, 0, 0.1, 0.75, 1.0), ValueError, "size is 0"),
    "scale of other images": ("lrn_dx", (X, X, X[:1], 3, 0.1, 0.75), ValueError, "scale has shape"),
    "x of other images": ("lrn_dx", (X[:1], X, X, 3, 0.1, 0.75), ValueError, "x has shape"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_with_a_sentence(what: str) -> None:
    name, arguments, error, words = BAD[what]
    with pytest.raises(error, match=words) as caught:
        getattr(kernels, name)(*arguments)
    assert str(caught.value).startswith(name + ": ")
    assert str(caught.value).rstrip().endswith(".") or "For example" in str(caught.value)


def test_mixed_dtypes_meet_in_the_wider_one() -> None:
    assert kernels.conv2d(X, W.astype(np.float32), None, *PLAIN).dtype == np.float64
    assert kernels.conv2d(X.astype(np.float32), W.astype(np.float32), None, *PLAIN).dtype == np.float32


def test_settings_of_numpy_types_do_not_widen_the_result() -> None:
    size: Any = np.int64(3)
    y, scale = kernels.lrn(X.astype(np.float32), size, np.float64(0.1), np.float64(0.75), np.float64(1))
    assert y.dtype == scale.dtype == np.float32


def test_integers_of_any_kind_and_pairs_of_any_sequence_do() -> None:
    geometry: tuple[Any, ...] = (np.array([1, 1]), [0, 0], (np.int64(1), 1), np.int8(1))
    assert kernels.conv2d(X, W, None, *geometry).shape == (2, 6, 3, 3)
