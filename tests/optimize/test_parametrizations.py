"""Every parametrization of the folder: gradient, inverse, precision, bounds; and what each is built of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz.errors import DataFileError, SettingError, ShapeError
from minitorch_viz.gradcheck import check
from minitorch_viz.optimize.parametrizations import (
    Cppn,
    Fourier,
    GeneratorCode,
    Parametrization,
    Phase,
    Pixels,
    Pyramid,
    parametrizations,
)
from minitorch_viz.optimize.parametrizations.base import RGB
from minitorch_viz.optimize.parametrizations.colours import MATRICES, colour_matrix, mixed
from minitorch_viz.optimize.parametrizations.spectrum import (
    frequencies,
    natural_spectrum,
    spectrum_of,
    waves,
    waves_adjoint,
)
from minitorch_viz.optimize.parametrizations.squashing import squashed, squashed_gradient, unsquashed
from minitorch_viz.optimize.parametrizations.standardizing import standardized, standardized_gradient

ALL = [
    pytest.param(parametrization, id=f"{name}-{i}")
    for name, kind in parametrizations().items()
    for i, parametrization in enumerate(kind.examples())
]
BOUNDED = (Cppn, Fourier, Phase)


def started(parametrization: Parametrization, dtype: type = np.float64, number: int = 2) -> dict[str, np.ndarray]:
    """Parameters away from the start, where nothing is zero; read-only, so that a change in place is an error."""
    rng = np.random.default_rng(1)
    parameters = parametrization.start(rng, number, dtype)
    parameters = {k: (v + 0.3 * rng.standard_normal(v.shape)).astype(dtype) for k, v in parameters.items()}
    for value in parameters.values():
        value.flags.writeable = False
    return parameters


def test_the_folder_is_the_registry() -> None:
    assert parametrizations() == {
        "cppn": Cppn,
        "fourier": Fourier,
        "generator": GeneratorCode,
        "phase": Phase,
        "pixels": Pixels,
        "pyramid": Pyramid,
    }


@pytest.mark.parametrize("parametrization", ALL)
def test_the_gradient_is_the_derivative(parametrization: Parametrization) -> None:
    parameters = started(parametrization)

    def image(**values: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return parametrization.image(values), values

    def gradient(dx: np.ndarray, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return parametrization.gradient(values, dx)

    report = check(image, gradient, parameters, tolerance=1e-7)
    assert report.ok, report


@pytest.mark.parametrize("parametrization", ALL)
def test_a_step_along_the_gradient_lifts_the_objective(parametrization: Parametrization) -> None:
    parameters = started(parametrization)
    x = parametrization.image(parameters)
    direction = np.random.default_rng(2).standard_normal(x.shape)
    slope = parametrization.gradient(parameters, direction)
    squares = sum(float(np.sum(part**2)) for part in slope.values())
    share = 1e-4 / np.sqrt(squares)
    moved = parametrization.image({name: value + share * slope[name] for name, value in parameters.items()})
    assert np.sum((moved - x) * direction) == pytest.approx(share * squares, rel=1e-2)


@pytest.mark.parametrize("parametrization", ALL)
def test_float32_stays_and_agrees(parametrization: Parametrization) -> None:
    wide = started(parametrization)
    narrow = {name: value.astype(np.float32) for name, value in wide.items()}
    x = parametrization.image(narrow)
    dx = np.random.default_rng(2).standard_normal(x.shape)
    assert x.dtype == np.float32
    assert x.shape == parametrization.shape(2)
    np.testing.assert_allclose(x, parametrization.image(wide), atol=2e-3)
    exact = parametrization.gradient(wide, dx)
    for name, slope in parametrization.gradient(narrow, dx.astype(np.float32)).items():
        assert slope.dtype == np.float32
        assert slope.shape == narrow[name].shape
        np.testing.assert_allclose(slope, exact[name], atol=1e-4 * max(1, np.abs(exact[name]).max()))


@pytest.mark.parametrize("parametrization", ALL)
def test_no_picture_sees_another(parametrization: Parametrization) -> None:
    parameters = started(parametrization, number=3)
    x = parametrization.image(parameters)
    dx = np.random.default_rng(2).standard_normal(x.shape)
    slope = parametrization.gradient(parameters, dx)
    for i in range(3):
        alone = {name: value[i : i + 1] for name, value in parameters.items()}
        np.testing.assert_allclose(parametrization.image(alone), x[i : i + 1], atol=1e-10)
        for name, part in parametrization.gradient(alone, dx[i : i + 1]).items():
            np.testing.assert_allclose(part, slope[name][i : i + 1], atol=1e-10)


@pytest.mark.parametrize("parametrization", ALL)
def test_the_same_seed_starts_from_the_same_bits(parametrization: Parametrization) -> None:
    first, again, other = (parametrization.start(np.random.default_rng(seed), 2) for seed in (0, 0, 1))
    assert all(value.dtype == np.float32 and value.tobytes() == again[name].tobytes() for name, value in first.items())
    if getattr(parametrization, "spread", 1) > 0:
        assert any(value.tobytes() != other[name].tobytes() for name, value in first.items())


@pytest.mark.parametrize("parametrization", ALL)
def test_the_inverse_gives_the_picture_back(parametrization: Parametrization) -> None:
    rng = np.random.default_rng(0)
    x = parametrization.units.picture(rng.uniform(5, 250, parametrization.shape(2)))
    if isinstance(parametrization, (Cppn, Phase, GeneratorCode)):
        with pytest.raises(SettingError, match=f"{type(parametrization).__name__} cannot start from a picture"):
            parametrization.inverse(x)
        return
    np.testing.assert_allclose(parametrization.image(parametrization.inverse(x)), x, atol=1e-9)
    narrow = parametrization.inverse(x.astype(np.float32))
    assert all(value.dtype == np.float32 for value in narrow.values())
    with pytest.raises(ShapeError, match="makes pictures"):
        parametrization.inverse(x[..., :-1])


@pytest.mark.parametrize("parametrization", [p for p in ALL if isinstance(p.values[0], BOUNDED)])
def test_squashed_pixels_never_leave_their_range(parametrization: Parametrization) -> None:
    parameters = {name: 1e4 * value for name, value in started(parametrization, np.float32).items()}
    pixels = parametrization.units.pixels(parametrization.image(parameters))
    assert pixels.min() >= -1e-4
    assert pixels.max() <= 255 + 1e-4
    slope = parametrization.gradient(parameters, np.ones_like(pixels))
    assert all(np.isfinite(part).all() for part in slope.values())


def test_pictures_of_nothing_have_finite_gradients_in_float32() -> None:
    for kind in parametrizations().values():
        for parametrization in kind.examples():
            zeros = {name: 0 * value for name, value in parametrization.start(np.random.default_rng(0)).items()}
            x = parametrization.image(zeros)
            slope = parametrization.gradient(zeros, np.ones_like(x))
            assert np.isfinite(x).all()
            assert all(np.isfinite(part).all() for part in slope.values())


@pytest.mark.parametrize("decay", [1.0, 1.5])
def test_fourier_is_a_sum_of_waves_scaled_as_in_lucid(decay: float) -> None:
    fourier = Fourier(RGB, (4, 6), decay, 0.02)
    parameters = fourier.start(np.random.default_rng(0), 1, np.float64)
    coefficients = parameters["real"] + 1j * parameters["imaginary"]
    height, width = fourier.size
    sums = np.zeros((1, 3, height, width))
    for k in range(height):
        for l in range(width // 2 + 1):
            f = np.hypot(min(k, height - k) / height, l / width)
            scale = np.sqrt(height * width) / max(f, 1 / max(height, width)) ** decay / 4
            twice = 1 if l in (0, width // 2) else 2
            for i in range(height):
                for j in range(width):
                    turn = np.exp(2j * np.pi * (k * i / height + l * j / width))
                    sums[..., i, j] += twice * scale * (coefficients[..., k, l] * turn).real / (height * width)
    lucid = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    lucid /= max(np.sqrt((lucid**2).sum(axis=0)))
    colours = np.stack([sum(lucid[c, d] * sums[:, d] for d in range(3)) for c in range(3)], axis=1)
    pixels = 255 / (1 + np.exp(-colours))
    np.testing.assert_allclose(RGB.pixels(fourier.image(parameters)), pixels, atol=1e-10)


def test_a_start_of_lucid_is_nearly_grey() -> None:
    fourier = Fourier(RGB, (64, 64))
    pixels = RGB.pixels(fourier.image(fourier.start(np.random.default_rng(0), 1)))
    assert abs(pixels.mean() - 127.5) < 1
    assert 0.3 < pixels.std() < 2  # in steps of 0..255


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (4, 3), (1, 1)])
def test_waves_and_their_adjoint(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    real, imaginary = rng.standard_normal((2, 2, size[0], size[1] // 2 + 1))
    dx = rng.standard_normal((2, *size))
    back = waves_adjoint(dx)
    assert np.sum(waves(real, imaginary, size) * dx) == pytest.approx(
        np.sum(real * back[0]) + np.sum(imaginary * back[1]), rel=1e-10
    )


@pytest.mark.parametrize("name", MATRICES)
def test_squashing_and_its_gradient(name: str) -> None:
    matrix, values = colour_matrix(name, 3), np.random.default_rng(0).standard_normal((2, 3, 2, 2))
    report = check(
        lambda v: (squashed(v, matrix, RGB), v), lambda dx, v: squashed_gradient(v, matrix, dx), values, tolerance=1e-7
    )
    assert report.ok, report
    np.testing.assert_allclose(unsquashed(squashed(values, matrix, RGB), matrix, RGB), values, atol=1e-10)


def test_standardizing_and_its_gradient() -> None:
    values = np.random.default_rng(0).normal(3, 2, (2, 3, 2, 2))
    even = standardized(values)
    np.testing.assert_allclose(even.mean(axis=(1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(even.std(axis=(1, 2, 3)), 1, atol=1e-5)
    report = check(lambda v: (standardized(v), v), lambda dy, v: standardized_gradient(v, dy), values, tolerance=1e-7)
    assert report.ok, report


def test_colours_are_mixed_as_published() -> None:
    grey, red_green, _ = np.eye(3)
    values = np.stack([grey, red_green]).reshape(2, 3, 1, 1)
    np.testing.assert_allclose(  # Xplique: rows times the transpose
        mixed(colour_matrix("maco", 3), values)[..., 0, 0],
        [[0.56282854, 0.58447580, 0.58447580], [0.19482528, 0, -0.19482528]],
    )
    assert np.abs(mixed(colour_matrix("lucid", 3), values)[0]).max() == pytest.approx(
        0.27 / np.hypot(0.26, np.hypot(0.27, 0.27))
    )
    assert colour_matrix("lucid", 1).tolist() == [[1.0]]
    with pytest.raises(SettingError, match="no colours called 'lucit'; near names: lucid"):
        Fourier(RGB, (4, 4), colours="lucit")


def test_phases_leave_the_magnitudes_as_they_are() -> None:
    spectrum = 1 + np.random.default_rng(3).random((3, 6, 5))
    spectrum[:, 0, 0] = 0  # the mean is not kept: every picture is standardized
    phase = Phase(RGB, (6, 8), spectrum)
    pictures = [phase.image(phase.start(np.random.default_rng(seed), 1, np.float64)) for seed in (0, 1)]
    sums = [np.abs(np.fft.rfft2(unsquashed(x, colour_matrix("maco", 3), RGB, 1e-9)))[0] for x in pictures]
    assert np.abs(pictures[0] - pictures[1]).max() > 20
    for magnitudes in sums:
        ratio = magnitudes[:, :, 1:-1] / spectrum[:, :, 1:-1]  # the outer columns hold each wave twice
        assert ratio.std() / ratio.mean() < 1e-9
    with pytest.raises(ShapeError, match="spectrum of shape"):
        Phase(RGB, (6, 7), spectrum)


def test_scattered_phases_leave_no_corner_pale() -> None:
    """Waves whose phases keep near 0 have a crest at the first pixel; over many pictures it stands out, or does not."""
    brightness = {}
    for scatter in (1.0, 3.0):
        phase = Phase(RGB, (16, 16), scatter=scatter)
        pixels = RGB.pixels(phase.image(phase.start(np.random.default_rng(0), 200)))
        brightness[scatter] = pixels[..., 0, 0].mean() - pixels.mean()
    assert brightness[1.0] > 50
    assert abs(brightness[3.0]) < 10


def test_a_spectrum_is_taken_from_decorrelated_colours() -> None:
    """Pictures whose three decorrelated channels have known magnitudes give these back, not those of red and green."""
    matrix, size = colour_matrix("maco", 3), (6, 8)
    wanted = natural_spectrum(3, size) * np.array([0.3, 0.1, 0.02])[:, None, None]
    rng = np.random.default_rng(0)
    phases = np.angle(np.fft.rfft2(rng.standard_normal((5, 3, *size))))
    pictures = squashed(np.fft.irfft2(wanted * np.exp(1j * phases), s=size), matrix, RGB)
    np.testing.assert_allclose(spectrum_of(iter(pictures), matrix, RGB, size), wanted, atol=1e-9)
    correlated = spectrum_of(iter(pictures), np.eye(3), RGB, size)
    assert np.abs(correlated - wanted).max() > 0.1
    with pytest.raises(DataFileError, match="there is none"):
        spectrum_of(iter(()), matrix, RGB, size)
    with pytest.raises(ShapeError, match="resize them first"):
        spectrum_of([pictures[0][:, :-1]], matrix, RGB, size)


def test_natural_magnitudes_fall_as_one_over_f() -> None:
    size = (32, 48)
    fall, f = natural_spectrum(1, size)[0], frequencies(size)
    slope = np.polyfit(np.log(f[f > 1 / 40]), np.log(fall[f > 1 / 40]), 1)[0]
    assert slope == pytest.approx(-1)


def test_a_pyramid_moves_coarse_detail_most() -> None:
    """A step along the gradient of a picture's mean: the coarsest layer has the largest part of it."""
    pyramid = Pyramid(RGB, (16, 16), 3)
    parameters = pyramid.start(np.random.default_rng(0), 1, np.float64)
    slope = pyramid.gradient(parameters, np.ones((1, 3, 16, 16)))
    sizes = [np.abs(slope[f"level{level}"]).max() for level in range(4)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 30 * sizes[0]
    with pytest.raises(SettingError, match="cannot be halved 5 times"):
        Pyramid(RGB, (16, 16), 5)


def test_a_net_of_places_draws_the_same_picture_larger() -> None:
    """Every third pixel of a picture three times as large lies at a place of the small one."""
    small = Cppn(RGB, (6, 8), 3, 5)
    parameters = started(small)
    large = replace(small, size=(18, 24)).image(parameters)
    np.testing.assert_allclose(large[..., 1::3, 1::3], small.image(parameters), atol=1e-10)
    assert np.ptp(small.image(small.start(np.random.default_rng(0)))) == np.ptp(RGB.mean)  # grey, as the papers start
    with pytest.raises(SettingError, match="no activation 'tan'"):
        Cppn(RGB, (4, 4), activation="tan")
