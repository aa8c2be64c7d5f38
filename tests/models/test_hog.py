"""HOG as layers: against scikit-image's, by its own promises, and by the gradient."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.models.hog import BINS, hog, hog_model


def blocks(code: np.ndarray) -> np.ndarray:
    """A code (36, H', W') in scikit-image's order, (H', W', 2, 2, 9)."""
    return code.reshape(2, 2, BINS, *code.shape[1:]).transpose(3, 4, 0, 1, 2)


def test_it_is_near_to_scikit_images() -> None:
    """Nothing but the sharing of a gradient among neighbouring directions differs; measured on photos: 0.95 to 0.96."""
    from skimage import data
    from skimage.feature import hog as scikit_hog

    model = hog_model((64, 64))
    x = model.preprocess(data.astronaut())
    settings = {"orientations": 9, "pixels_per_cell": (8, 8), "cells_per_block": (2, 2), "block_norm": "L2-Hys"}
    expected = scikit_hog(x[0, 0].astype(float), feature_vector=False, **settings)
    code = blocks(model.net.predict(x)[0])
    assert code.shape == expected.shape == (7, 7, 2, 2, 9)
    assert np.corrcoef(code.ravel(), expected.ravel())[0, 1] > 0.93


@pytest.mark.parametrize("degrees", [10, 50, 90, 130, 170])
def test_a_ramp_counts_for_the_direction_it_rises_in(degrees: float) -> None:
    """In scikit-image's bins, whose middles are 10, 30, ... degrees: all of it there, whatever its sign."""
    angle = np.deg2rad(degrees)
    rows, columns = np.mgrid[:32, :32]
    ramp = ((np.cos(angle) * columns + np.sin(angle) * rows) / 100)[None, None].astype(np.float32)
    for sign in (1, -1):
        cells = hog().forward(sign * ramp)["cells"][0, :, 1:-1, 1:-1]
        assert (cells.argmax(axis=0) == degrees // 20).all()
        np.testing.assert_allclose(cells.max(axis=0), 2 / 100, rtol=1e-3)  # two pixels apart
        np.testing.assert_allclose(cells.sum(axis=0), 2 / 100, rtol=1e-3)


def test_the_negative_and_a_pale_picture_have_the_same_code() -> None:
    x = np.random.default_rng(0).random((1, 1, 40, 40), dtype=np.float32) - 0.5
    net = hog()
    code = net.predict(x)
    np.testing.assert_allclose(net.predict(-x), code, atol=1e-5)
    np.testing.assert_allclose(net.predict(0.5 * x + 0.2), code, atol=1e-4)
    assert np.abs(net.predict(np.roll(x, 4, 2)) - code).max() > 0.1


def test_the_gradient_is_the_slope() -> None:
    """Along random directions, of a random weighing of the code, in float64."""
    rng = np.random.default_rng(1)
    x, net = rng.random((1, 1, 24, 24)) - 0.5, hog().astype(np.float64)
    tape = net.forward(x)
    seed = rng.standard_normal(tape["hog"].shape)
    gradient = net.backward(tape, {"hog": seed})["input"]
    for _ in range(5):
        way = rng.standard_normal(x.shape) * 1e-7
        rise = ((net.predict(x + way) - net.predict(x - way)) * seed).sum() / 2
        assert rise == pytest.approx((gradient * way).sum(), rel=1e-4)
