"""Pixels, pictures and a net's numbers; the pyramid against its definition by loops of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate

from minitorch_viz.errors import SettingError
from minitorch_viz.models.readers import Alphabet, Bands, Numbers, Preprocessing
from minitorch_viz.optimize import Units
from minitorch_viz.optimize.pyramid import halving, merge, merge_adjoint, sizes, split, up, up_adjoint

KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
SIZES = [(8, 8), (7, 5), (6, 9), (1, 2), (3, 1)]


@pytest.mark.parametrize("std", [(1.0,), (58.4, 57.1, 57.4), (255.0,)])
def test_a_picture_goes_to_the_net_as_its_photo_does(std: tuple[float, ...]) -> None:
    reader = Preprocessing((6, 5), mean=(123.0, 117.0, 104.0), std=std)
    photo = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    units, x = Units.of(reader), reader.preprocess(photo)
    picture = units.from_net(x)
    assert picture.dtype == np.float32
    np.testing.assert_allclose(units.pixels(picture)[0].transpose(1, 2, 0), photo, atol=1e-4)
    np.testing.assert_allclose(units.net(units.picture(units.pixels(picture))), x, atol=1e-5)
    np.testing.assert_array_equal(reader.restore(units.net(picture)), photo)


def test_bands_that_are_brought_to_one_first() -> None:
    reader = Bands((4, 4), channels=2, mean=(0.5, 0.25), std=(0.5, 0.5))
    photo = np.random.default_rng(0).integers(0, 256, (4, 4, 2)).astype(np.uint8)
    units = Units.of(reader)
    pixels = units.pixels(units.from_net(reader.preprocess(photo)))
    np.testing.assert_allclose(pixels[0].transpose(1, 2, 0), photo, atol=1e-4)


def test_bounds_are_black_and_white() -> None:
    units = Units((120.0, 60.0), (1.0, 50.0))
    low, high = units.bounds(np.float64)
    assert low.ravel().tolist() == [-120, -60]
    assert high.ravel().tolist() == [135, 195]
    clipped = units.clip(np.array([-300.0, 300.0], np.float32).reshape(1, 1, 1, 2) * np.ones((1, 2, 1, 1), np.float32))
    assert clipped.dtype == np.float32
    assert units.pixels(clipped)[0, :, 0].tolist() == [[0, 255], [0, 255]]


def test_units_are_refused_in_sentences() -> None:
    for reader in (Alphabet.example(), Numbers.example()):
        with pytest.raises(SettingError, match="Only a picture can be made by optimization"):
            Units.of(reader)
    with pytest.raises(SettingError, match="one number a channel"):
        Units((1.0,), (1.0, 2.0))
    with pytest.raises(SettingError, match="std above 0"):
        Units((1.0,), (0.0,))


@pytest.mark.parametrize("size", SIZES)
def test_halving_blurs_and_keeps_every_second_pixel(size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).standard_normal((1, 1, *size))
    expected = correlate(x[0, 0], KERNEL, mode="constant")[::2, ::2]
    small = halving(size).forward(x)
    np.testing.assert_allclose(small[0, 0], expected, atol=1e-12)
    sparse = np.zeros(size)
    sparse[::2, ::2] = small[0, 0]
    np.testing.assert_allclose(up(small, size)[0, 0], correlate(sparse, 4 * KERNEL, mode="constant"), atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_layers_merge_to_the_picture_again(size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, *size))
    layers = split(x, 2)
    assert [layer.shape[-2:] for layer in layers] == sizes(size, 2)
    np.testing.assert_allclose(merge(layers), x, atol=1e-12)
    assert all(layer.dtype == np.float32 for layer in split(x.astype(np.float32), 2))


@pytest.mark.parametrize("size", SIZES)
def test_adjoints(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    layers = [rng.standard_normal((2, 3, *part)) for part in sizes(size, 2)]
    dx = rng.standard_normal((2, 3, *size))
    back = merge_adjoint(dx, 2)
    assert np.sum(merge(layers) * dx) == pytest.approx(
        sum(np.sum(a * b) for a, b in zip(layers, back, strict=True)), rel=1e-10
    )
    assert np.sum(up(layers[1], size) * dx) == pytest.approx(np.sum(layers[1] * up_adjoint(dx)), rel=1e-10)
    units = Units((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert np.sum(units.net(dx) * layers[0]) == pytest.approx(np.sum(dx * units.gradient(layers[0])), rel=1e-10)


def test_a_flat_picture_stays_flat_inside() -> None:
    small = halving((32, 32)).forward(np.ones((1, 1, 32, 32)))
    np.testing.assert_allclose(small[..., 1:-1, 1:-1], 1)
    np.testing.assert_allclose(up(np.ones((1, 1, 16, 16)), (32, 32))[..., 2:-2, 2:-2], 1)
