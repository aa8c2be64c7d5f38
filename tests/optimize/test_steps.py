"""Steps of a stage: each does what it promises, shrinks with the picture where it is in pixels, and keeps float32."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.optimize.parametrizations.colours import colour_matrix
from minitorch_viz.optimize.regularizers import bilateral, blur, denoised
from minitorch_viz.optimize.stage import Moment
from minitorch_viz.optimize.steps import (
    Blurred,
    BlurredGradient,
    Bounded,
    Centred,
    Clipped,
    Contrasted,
    Decayed,
    Decorrelated,
    Denoised,
    LaplacianNormalized,
    Masked,
    Normalized,
    OnSphere,
    Progress,
    Smoothed,
)
from minitorch_viz.optimize.units import Units

UNITS = Units((120.0, 110.0, 100.0), (1.0, 1.0, 1.0))
OF_GRADIENT = [
    BlurredGradient(1, 0.5),
    Normalized("deviation", 3.0),
    LaplacianNormalized(2),
    Progress(2, 100, 0.1),
    Centred(0.3),
    Decorrelated(),
]
OF_PICTURE = [
    Blurred(1, 0.5, side=12), Bounded(40), Clipped(), Contrasted(25), Decayed(0.1), Denoised(5, 12), Masked(10, 20, 30),
    OnSphere(58), Smoothed(1, 0.5, side=12),
]  # fmt: skip


def moment(step: int = 0, steps: int = 5, side: int = 224) -> Moment:
    return Moment(step, steps, (side, side + 3), UNITS, (224, 224))


def picture(seed: int = 0, side: int = 12, spread: float = 60) -> np.ndarray:
    x = spread * np.random.default_rng(seed).standard_normal((2, 3, side, side + 3))
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("change", OF_GRADIENT, ids=lambda change: type(change).__name__)
def test_a_gradient_keeps_its_precision_and_each_picture_its_own(change: object) -> None:
    gradient = picture()
    at = moment(4, side=12)
    together = change(gradient, at)  # type: ignore[operator]
    np.testing.assert_allclose(together[1:], change(gradient[1:], at), rtol=1e-12)  # type: ignore[operator]
    narrow = change(gradient.astype(np.float32), at)  # type: ignore[operator]
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, together, atol=1e-4 * np.abs(together).max())


@pytest.mark.parametrize("change", OF_PICTURE, ids=lambda change: type(change).__name__)
def test_a_picture_keeps_its_precision_and_each_its_own(change: object) -> None:
    x, gradient = picture(), picture(1)
    at = moment(4, side=12)
    together = change(x, gradient, at)  # type: ignore[operator]
    assert np.abs(together - x).max() > 1e-6
    np.testing.assert_allclose(together[1:], change(x[1:], gradient[1:], at), rtol=1e-12)  # type: ignore[operator]
    narrow = change(x.astype(np.float32), gradient.astype(np.float32), at)  # type: ignore[operator]
    assert narrow.dtype == np.float32


def test_radii_are_the_papers_at_its_side_and_above_and_the_same_part_below() -> None:
    for side, share in ((448, 1.0), (224, 1.0), (112, 0.5), (56, 0.25)):
        x = picture(side=side, spread=1)
        at = moment(2, side=side)
        np.testing.assert_array_equal(BlurredGradient(3, 1)(x, at), blur(x, 2.0 * share))
        np.testing.assert_array_equal(Blurred(3, 1)(x, x, at), blur(x, 2.0 * share))
    x = picture(side=56)
    np.testing.assert_array_equal(Smoothed(3, 1, 30, 3)(x, x, moment(2, side=56)), bilateral(x, 30, 0.5, 3))


def test_a_blur_every_fourth_step_starts_with_the_first() -> None:
    x = picture()
    assert [Blurred(1, 1, 4, 12)(x, x, moment(step, 10)) is x for step in range(6)] == [
        False,
        True,
        True,
        True,
        False,
        True,
    ]


def test_progress_is_what_was_asked_or_a_step_of_the_most() -> None:
    gradient = picture(spread=0.01)
    moved = Progress(2.0, 1e8)(gradient, moment())
    assert np.sum(moved * gradient, axis=(1, 2, 3)) == pytest.approx([2, 2])
    little = Progress(2.0, 100, 1e-5)(gradient, moment())  # at most a hundred times gradients of 1e-5
    assert np.abs(little).mean(axis=(1, 2, 3)) == pytest.approx([1e-3, 1e-3])
    np.testing.assert_allclose(Progress(2.0, 0.5)(gradient, moment()), 0.5 * gradient)
    assert not Progress(2.0, 100, 0.1)(np.zeros((1, 3, 4, 4), np.float32), moment()).any()


def test_the_middle_weighs_most() -> None:
    weights = Centred(0.25)(np.ones((1, 3, 224, 227)), moment())[0, 0]
    assert weights.max() == weights[112, 113] == pytest.approx(1, abs=1e-4)
    assert weights[112, 113 + 56] == pytest.approx(np.exp(-0.5), abs=0.01)
    np.testing.assert_allclose(weights, weights[::-1, ::-1])


def test_a_decorrelated_step_is_gradient_descent_of_the_decorrelated_colours() -> None:
    """colour = M v: a step of v along M' g moves the colour by M M' g; it is uphill, and grey gains most."""
    gradient, matrix = picture(spread=1), colour_matrix("lucid", 3)
    step = Decorrelated()(gradient, moment())
    pixel = gradient[1, :, 2, 3]
    np.testing.assert_allclose(step[1, :, 2, 3], matrix @ (matrix.T @ pixel))
    assert (np.sum(step * gradient, axis=1) > 0).all()
    grey, red = np.ones((1, 3, 1, 1)) / 3**0.5, np.array([1.0, -1, 0]).reshape(1, 3, 1, 1) / 2**0.5
    ratios = []
    for share in (0.0, 0.5, 1.0):
        lengths = [np.linalg.norm(Decorrelated(share)(colour, moment())) for colour in (grey, red)]
        ratios.append(lengths[0] / lengths[1])
    assert ratios[0] == pytest.approx(1)
    assert ratios[1] > 2
    assert ratios[2] > 2 * ratios[1]
    half = Decorrelated(0.5)
    np.testing.assert_allclose(half(half(gradient, moment()), moment()), step, atol=1e-12)
    one = np.ones((1, 1, 2, 2))
    np.testing.assert_array_equal(Decorrelated()(one, moment()), one)


def test_colours_are_shortened_and_their_hue_stays() -> None:
    x = picture()
    short = Bounded(50)(x, x, moment())
    lengths, before = np.linalg.norm(short, axis=1), np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(lengths, np.minimum(before, 50))
    np.testing.assert_allclose(short / lengths[:, None], x / before[:, None], atol=1e-12)
    assert not Bounded(50)(np.zeros((1, 3, 2, 2)), x, moment()).any()


def test_denoising_and_contrast_wait_for_the_last_step() -> None:
    x = picture()
    for step in (Denoised(5), Contrasted(25)):
        assert step(x, x, moment(3)) is x
        assert step(x, x, moment(4)) is not x
    shown = Contrasted(25)(x, x, moment(4))
    assert shown.std(axis=(1, 2, 3)) == pytest.approx([25, 25])
    np.testing.assert_allclose(shown.mean(axis=(1, 2, 3)), x.mean(axis=(1, 2, 3)))


def test_denoising_of_a_small_picture_is_as_weak_as_of_a_large_one() -> None:
    x = picture(side=16)[..., :16]
    at = Moment(0, 1, (16, 16), UNITS, (224, 224))
    np.testing.assert_array_equal(Denoised(2.0, 64)(x, x, at), denoised(x, 8.0))
    np.testing.assert_array_equal(Denoised(2.0, 8)(x, x, at), denoised(x, 2.0))


def test_a_sphere_holds_every_picture_at_its_own_direction() -> None:
    x = picture()
    on = OnSphere(58)(x, x, moment())
    assert np.sqrt(np.mean(on**2, axis=(1, 2, 3))) == pytest.approx([58, 58])
    np.testing.assert_allclose(
        on / np.abs(on).max(axis=(1, 2, 3), keepdims=True), x / np.abs(x).max(axis=(1, 2, 3), keepdims=True)
    )
