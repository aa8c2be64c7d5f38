"""Windows of a picture and other light: what each does to known pixels, and the sentences."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.data import tint, zoom
from minitorch_viz.errors import SettingError


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 20, 30, 3)).astype(np.uint8)


@pytest.mark.parametrize("function", [zoom, tint])
@pytest.mark.parametrize("shape", [(4, 9, 12), (4, 9, 12, 3)])
def test_the_generator_decides_and_shape_and_input_stay(function, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    before = images.copy()
    first, same, other = (function(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    np.testing.assert_array_equal(images, before)


def test_a_window_of_the_whole_width_shows_every_place_once() -> None:
    """A ramp stays a ramp: its step is the window's share, and beyond the border it goes back."""
    ramp = np.tile(np.arange(200, dtype=np.uint8), (5, 200, 1))
    for image in zoom(ramp, np.random.default_rng(3), least=0.5, most=0.5):
        row = image[0].astype(int)
        assert (image == image[0]).all()
        assert row[-1] - row[0] == pytest.approx(200 * 0.5, rel=0.2)
        assert (np.diff(row) >= 0).all()
    for image in zoom(ramp, np.random.default_rng(3), least=1.5, most=1.5):
        row = image[0].astype(int)
        assert row.min() <= 1
        assert row.max() >= 198
        assert np.abs(np.diff(row)).max() <= 2  # mirrored at the border, and not wrapped round


def test_light_is_one_factor_a_channel_and_one_shift(images: np.ndarray) -> None:
    mid = (images // 4 + 90).astype(np.uint8)  # so that nothing is cut off
    for image, changed in zip(mid, tint(mid, np.random.default_rng(2)), strict=True):
        shifts = []
        for channel in range(3):
            factor, shift = np.polyfit(image[..., channel].ravel(), changed[..., channel].ravel(), 1)
            assert 0.74 < factor < 1.26
            shifts.append(shift)
        assert np.ptp(shifts) < 1
        assert max(map(abs, shifts)) < 26


def test_no_change_is_none(images: np.ndarray) -> None:
    np.testing.assert_array_equal(tint(images, np.random.default_rng(0), contrast=0, shift=0), images)


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (zoom, {"least": 0}),
        (zoom, {"least": 1.5}),
        (zoom, {"most": 2}),
        (zoom, {"least": "half"}),
        (tint, {"contrast": -0.1}),
        (tint, {"contrast": 2}),
        (tint, {"shift": 300}),
        (tint, {"shift": None}),
    ],
)
def test_bad_settings_get_a_sentence(function, settings: dict[str, object], images: np.ndarray) -> None:
    with pytest.raises(SettingError, match="must be"):
        function(images, np.random.default_rng(0), **settings)
