"""Every transform of the folder: adjoint, seed, precision, size; and what each does to known pictures."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import SettingError
from minitorch_viz.layers import UpsampleBilinear
from minitorch_viz.optimize.ramp import ramp
from minitorch_viz.optimize.transforms import (
    Composed,
    Crop,
    Jitter,
    Noise,
    Pad,
    Placed,
    Resize,
    Rotate,
    Scale,
    Transform,
    Window,
    transforms,
)

ALL = [
    pytest.param(transform, id=f"{name}-{i}")
    for name, kind in transforms().items()
    for i, transform in enumerate(kind.examples())
]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_folder_is_the_registry() -> None:
    kinds = {"composed": Composed, "crop": Crop, "jitter": Jitter, "noise": Noise}
    kinds |= {"pad": Pad, "placed": Placed, "resize": Resize, "rotate": Rotate, "scale": Scale}
    assert transforms() == kinds | {"window": Window}


@pytest.mark.parametrize("size", [(7, 7), (8, 5), (1, 2)])
@pytest.mark.parametrize("transform", ALL)
def test_the_adjoint(transform: Transform, size: tuple[int, int]) -> None:
    for seed in range(4):
        drawn = transform.draw(rng(seed), size)
        x = rng(10 + seed).standard_normal((2, 3, *size))
        x.flags.writeable = False
        moved = drawn.forward(x) - drawn.forward(0 * x)  # noise adds a constant
        y = rng(20 + seed).standard_normal(moved.shape)
        y.flags.writeable = False
        assert moved.shape == (2, 3, *drawn.size)
        scale = np.linalg.norm(moved) * np.linalg.norm(y)
        assert abs(np.sum(moved * y) - np.sum(x * drawn.adjoint(y))) <= 1e-10 * scale


@pytest.mark.parametrize("transform", ALL)
def test_the_same_seed_draws_the_same_bits_and_float32_stays(transform: Transform) -> None:
    x = rng(1).standard_normal((2, 3, 8, 6)).astype(np.float32)
    first, again = (transform.draw(rng(5), (8, 6)) for _ in range(2))
    y = first.forward(x)
    assert y.dtype == first.adjoint(y).dtype == np.float32
    assert y.tobytes() == first.forward(x).tobytes() == again.forward(x).tobytes()
    np.testing.assert_allclose(y, first.forward(x.astype(float)), atol=1e-5)


@pytest.mark.parametrize(
    "transform", [Jitter(3), Scale(), Rotate(), Crop((6, 6)), Crop((6, 6), spread=0), Noise(), Composed((Jitter(3),))]
)
def test_every_draw_is_another(transform: Transform) -> None:
    x, generator = rng(1).standard_normal((1, 1, 8, 8)), rng(0)
    outputs = [transform.draw(generator, (8, 8)).forward(x).tobytes() for _ in range(6)]
    assert len(set(outputs)) >= 5


def test_jitter_reaches_both_ends_and_loses_nothing() -> None:
    x = np.zeros((1, 1, 9, 9))
    x[0, 0, 4, 4] = 1
    generator, jitter = rng(), Jitter(2)
    places = {tuple(np.argwhere(jitter.draw(generator, (9, 9)).forward(x)[0, 0])[0] - 4) for _ in range(400)}
    assert places == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}
    drawn = jitter.draw(rng(), (9, 9))
    np.testing.assert_array_equal(drawn.adjoint(drawn.forward(x)), x)


def test_a_whole_picture_stays_as_it_is() -> None:
    x = rng(1).standard_normal((1, 3, 6, 5))
    for transform in (
        Scale(1, 1),
        Rotate(0, 0),
        Rotate(40, 50, still=1),
        Crop((6, 5), 1, 1, 0),
        Resize((6, 5)),
        Pad(0),
    ):
        np.testing.assert_allclose(transform.draw(rng(), (6, 5)).forward(x), x, atol=1e-12)


@pytest.mark.parametrize("angle", [-90, 90, 180])
def test_a_quarter_turn_is_numpys(angle: int) -> None:
    x = rng(1).standard_normal((1, 2, 6, 6))
    turned = Rotate(angle, angle).draw(rng(), (6, 6)).forward(x)
    np.testing.assert_allclose(turned, np.rot90(x, angle // 90, (-2, -1)), atol=1e-12)


def test_a_turn_is_scipys() -> None:
    """Read linearly about the middle; scipy's fades at the border in another way, so the inside is compared."""
    from scipy.ndimage import rotate

    x = rng(1).standard_normal((21, 21))
    turned = Rotate(17, 17).draw(rng(), (21, 21)).forward(x[None, None])[0, 0]
    expected = rotate(x, 17, reshape=False, order=1, mode="constant")
    np.testing.assert_allclose(turned[5:-5, 5:-5], expected[5:-5, 5:-5], atol=1e-10)
    assert turned[0, 0] == 0  # a corner is left in the mean colour


@pytest.mark.parametrize("factor", [2, 3])
def test_resizing_is_bilinear_upsampling(factor: int) -> None:
    x = rng(1).standard_normal((1, 2, 4, 5))
    larger = Resize((4 * factor, 5 * factor)).draw(rng(), (4, 5)).forward(x)
    np.testing.assert_allclose(larger, UpsampleBilinear(factor).forward(x)[0], atol=1e-12)


def test_scaling_zooms_about_the_middle() -> None:
    x = np.zeros((1, 1, 8, 8))
    x[..., 2:6, 2:6] = 1
    np.testing.assert_allclose(Scale(2, 2).draw(rng(), (8, 8)).forward(x)[..., 1:7, 1:7], 1)
    smaller = Scale(0.5, 0.5).draw(rng(), (8, 8)).forward(np.ones_like(x))
    np.testing.assert_allclose(smaller, x)  # the border is left in the mean colour
    generator = rng()
    sides = [Scale(0.9, 1.1).draw(generator, (40, 40)).forward(np.ones((1, 1, 40, 40))).sum() for _ in range(200)]
    assert min(sides) < 37**2
    assert max(sides) == pytest.approx(40**2)


def test_padding_sets_the_picture_into_the_mean_colour() -> None:
    x = rng(1).standard_normal((1, 2, 3, 4))
    np.testing.assert_array_equal(Pad(2).draw(rng(), (3, 4)).forward(x), np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))))


def test_a_crop_has_the_share_it_was_given() -> None:
    """From .20 to .25 is .20 to .25; both ends are reached, and neither is passed."""
    crop, generator = Crop((8, 8), 0.20, 0.25, 0.0), rng()
    shares = [crop.share(generator) for _ in range(2000)]
    assert 0.20 <= min(shares) < 0.2005
    assert 0.2495 < max(shares) <= 0.25
    spread = [Crop((8, 8), 0.05, 0.05, 0.05).share(generator) for _ in range(500)]
    assert min(spread) == 0.05
    assert 0.12 < max(spread) < 0.30


def test_a_crop_lies_inside_the_picture_and_wanders() -> None:
    """A picture of its own coordinates tells which rows and columns a crop shows."""
    ys, xs = np.mgrid[:100, :60].astype(float)
    x, generator, middles = np.stack([ys, xs, np.ones_like(ys)])[None], rng(), []
    for _ in range(300):
        rows, columns, ones = Crop((10, 12), 0.3, 0.3, 0.0).draw(generator, (100, 60)).forward(x)[0]
        np.testing.assert_allclose(ones, 1)
        np.testing.assert_allclose(rows[-1] - rows[0], 0.3 * 100 * 9 / 10, atol=0.6)
        np.testing.assert_allclose(columns[:, -1] - columns[:, 0], 0.3 * 60 * 11 / 12, atol=0.6)
        middles.append((rows.mean() / 100, columns.mean() / 60))
    assert np.mean(middles, axis=0) == pytest.approx([0.5, 0.5], abs=0.03)
    assert np.std(middles, axis=0) == pytest.approx([0.14, 0.14], abs=0.03)


def test_a_window_shows_pixels_as_they_are_mostly_those_of_the_middle() -> None:
    ys, xs = np.mgrid[:100, :60].astype(float)
    x, generator, starts = np.stack([ys, xs])[None], rng(), []
    for _ in range(400):
        rows, columns = Window((80, 20), 0.3).draw(generator, (100, 60)).forward(x)[0]
        row, column = int(rows[0, 0]), int(columns[0, 0])
        np.testing.assert_array_equal(rows, ys[row : row + 80, column : column + 20])
        np.testing.assert_array_equal(columns, xs[row : row + 80, column : column + 20])
        starts.append((row / 20, column / 40))
    # Normal with a deviation of 0.3, cut off at both ends, less half a pixel for whole numbers.
    assert np.mean(starts, axis=0) == pytest.approx([0.5, 0.5], abs=0.05)
    assert np.std(starts, axis=0) == pytest.approx([0.27, 0.27], abs=0.03)
    assert np.min(starts) == 0
    assert np.max(starts) == 1


def test_noise_has_the_strength_it_was_given() -> None:
    x = np.full((2, 3, 40, 40), 7.0)
    noise = Noise(20.4, 10.2).draw(rng(), (40, 40)).forward(x) - x
    assert noise.mean() == pytest.approx(0, abs=1)
    assert noise.std() == pytest.approx(np.hypot(20.4, 10.2 / np.sqrt(3)), rel=0.05)
    assert np.abs(noise[0] - noise[1]).max() > 1  # every picture has its own
    even = Noise(0, 10).draw(rng(), (40, 40)).forward(x) - x
    assert 9.9 < even.max() < 10


def test_composed_maps_come_in_order() -> None:
    x = rng(1).standard_normal((1, 1, 4, 6))
    drawn = Composed((Pad(1), Resize((12, 16)), Crop((5, 7), 1, 1, 0))).draw(rng(), (4, 6))
    assert drawn.size == (5, 7)
    steps = x
    for transform in (Pad(1), Resize((12, 16)), Crop((5, 7), 1, 1, 0)):
        steps = transform.draw(rng(), steps.shape[-2:]).forward(steps)
    np.testing.assert_allclose(drawn.forward(x), steps)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Scale(1.1, 0.9), "0 < low <= high, but got 1.1 to 0.9"),
        (lambda: Crop((4, 4), 0.0, 0.5), "shares 0 < low <= high <= 1, but got 0 to 0.5"),
        (lambda: Rotate(5, -5), "low <= high, but got 5 to -5 degrees"),
        (lambda: Jitter(-1), "whole number of at least 0, but got -1"),
        (lambda: Noise(float("nan")), "finite number of at least 0"),
        (lambda: Composed(()), "at least one transform"),
    ],
)
def test_impossible_settings_get_a_sentence(make: object, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        make()  # type: ignore[operator]


def test_a_ramp_hits_both_ends() -> None:
    assert [ramp(0.5, 0.05, step, 256) for step in (0, 255)] == [0.5, 0.05]
    assert [ramp(11, 6, step, 3) for step in range(3)] == [11, 8.5, 6]
    assert ramp(3, 1, 0, 1) == 3
    with pytest.raises(SettingError, match="steps 0 to 9, but got step 10"):
        ramp(0, 1, 10, 10)
