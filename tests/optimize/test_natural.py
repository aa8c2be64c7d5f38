"""Natural spectra: of a user's own pictures, of the bundled curve; and the preset that is made of them."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.data.pictures import ArrayPictures
from minitorch_viz.errors import DataFileError
from minitorch_viz.models import load_model
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize import Units
from minitorch_viz.optimize.ascent import ascend
from minitorch_viz.optimize.natural import as_x, bundled_spectrum, read_pictures
from minitorch_viz.optimize.natural.radial import bin_edges, curve_of, from_curve
from minitorch_viz.optimize.parametrizations import Phase
from minitorch_viz.optimize.parametrizations.base import GREY, RGB
from minitorch_viz.optimize.parametrizations.colours import colour_matrix
from minitorch_viz.optimize.parametrizations.spectrum import frequencies, natural_spectrum, spectrum_of
from minitorch_viz.optimize.parametrizations.squashing import squashed, unsquashed
from minitorch_viz.optimize.presets import Request, get_preset
from minitorch_viz.optimize.presets.maco import crops, spectrum
from minitorch_viz.optimize.stage import Moment

FIVE = Units((0.0,) * 5, (1.0,) * 5)


@pytest.mark.parametrize(("channels", "size"), [(3, (24, 24)), (3, (9, 16)), (1, (28, 28)), (5, (10, 7)), (1, (1, 1))])
def test_the_bundled_spectrum_is_of_any_size(channels: int, size: tuple[int, int]) -> None:
    tall = bundled_spectrum(channels, size)
    assert tall.shape == (channels, size[0], size[1] // 2 + 1)
    assert np.isfinite(tall).all()
    assert tall.min() > 0
    if channels != 3:
        np.testing.assert_array_equal(tall, np.broadcast_to(tall[:1], tall.shape))


def test_the_bundled_spectrum_is_like_that_of_photos() -> None:
    """It falls as 1 / f (Field 1987), and its three decorrelated colours vary alike: they are whitened."""
    f, tall = frequencies((128, 128)), bundled_spectrum(3, (128, 128))
    inner = (f > 1 / 64) & (f < 0.4)
    for channel in tall:
        slope = np.polyfit(np.log(f[inner]), np.log(channel[inner]), 1)[0]
        assert -1.35 < slope < -0.8
    energies = [np.sqrt((channel[f > 0] ** 2).sum()) for channel in tall]
    assert max(energies) < 1.5 * min(energies)


def test_a_curve_gives_the_spectrum_back_at_every_size() -> None:
    fall = natural_spectrum(2, (64, 64))
    fall[:, 0, 0] = 3.0
    centres, means = curve_of(fall, 64)
    assert len(centres) < len(bin_edges(64)) + 1
    for size in ((64, 64), (32, 48), (7, 90)):
        again = from_curve(centres, means, size)
        f = frequencies(size)
        inside = (f >= centres[1]) & (f <= centres[-1])
        np.testing.assert_allclose(
            again[:, inside] / np.sqrt(size[0] * size[1]), np.array([1, 1])[:, None] / f[inside], rtol=0.05
        )
        np.testing.assert_allclose(again[:, 0, 0], 3 * np.sqrt(size[0] * size[1]) / 64)


def test_own_pictures_are_read_at_the_size_in_their_proportions() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 15:25] = (200, 100, 50)
    x = as_x(wide, RGB, (10, 10))
    np.testing.assert_allclose(RGB.pixels(x)[:, 5, 5], (200, 100, 50), atol=1)  # the middle is not squeezed
    assert np.ptp(as_x(wide, GREY, (10, 10))) < 1
    assert as_x(wide[..., 0], FIVE, (6, 4)).shape == (5, 6, 4)
    pictures = ArrayPictures((wide, wide[..., 0]))
    assert [x.shape for x in read_pictures(pictures, GREY, (4, 4))] == [(1, 4, 4)] * 2
    with pytest.raises(DataFileError, match="no folder"):
        list(read_pictures("nowhere", RGB, (4, 4)))


def test_colours_are_correlated_once() -> None:
    """A spectrum of plain photos, recorrelated afterwards, gives colours that are correlated twice (Xplique)."""
    matrix, size, rng = colour_matrix("maco", 3), (8, 8), np.random.default_rng(0)
    free = rng.standard_normal((40, 3, *size)) * 0.5  # three numbers that vary alike, and independently
    photos = [np.round(RGB.pixels(x)).astype(np.uint8).transpose(1, 2, 0) for x in squashed(free, matrix, RGB)]
    request = Request(load_model("cifar10"), Unit("fc", (0,)), size, ArrayPictures(tuple(photos)))
    once = spectrum(request)
    twice = spectrum_of(read_pictures(request.pictures, request.units, size), np.eye(3), request.units, size)
    energies = [np.sqrt((channel[1:] ** 2).mean()) for channel in once]
    assert max(energies) < 1.1 * min(energies)
    logits = np.stack([unsquashed(x[None], np.eye(3), RGB)[0] for x in read_pictures(request.pictures, RGB, size)])

    def correlation(tall: np.ndarray) -> float:
        phase = Phase(RGB, size, tall, scatter=3.0)
        x = phase.image(phase.start(np.random.default_rng(1), 40, np.float64))
        colours = unsquashed(x, np.eye(3), RGB).transpose(1, 0, 2, 3).reshape(3, -1)
        return float(np.corrcoef(colours)[0, 2])

    natural = float(np.corrcoef(logits.transpose(1, 0, 2, 3).reshape(3, -1))[0, 2])
    assert abs(correlation(once) - natural) < 0.03
    assert abs(correlation(twice) - natural) > abs(correlation(once) - natural)


def test_crops_close_in_from_half_to_a_twentieth() -> None:
    preset = get_preset("maco")
    steps = preset.stages[0].steps
    for side, end in ((1280, 0.05), (256, 0.25), (32, 0.5)):  # a crop keeps 64 pixels, or half of a smaller picture
        shares = {}
        for step in (0, steps - 1):
            crop, noise = crops(Moment(step, steps, (side, side), RGB, (32, 32))).transforms
            shares[step] = (crop.low, crop.high, crop.spread, crop.wander)
            assert (noise.normal, noise.even) == pytest.approx((20.4, 10.2))
        assert shares == {0: (0.5, 0.5, 0.05, 0.15), steps - 1: (end, end, 0.05, 0.15)}
    assert (steps, preset.stages[0].rate, preset.stages[0].optimizer.rate) == (256, (1.0, 1.0), 1.0)


def test_maco_keeps_the_magnitudes_while_the_score_rises() -> None:
    model = load_model("scenes")
    request = Request(model, Unit(model.logits, (0,)), (64, 64))
    preset = get_preset("maco")
    phase = preset.parametrization(request)
    stage = preset.stages[0]
    *_, last = ascend(
        model,
        request.objective,
        [stage.__class__(36, stage.rate, transform=stage.transform, views=4, optimizer=stage.optimizer)],
        phase,
        number=8,  # a single climb among random crops hangs on how the crops are rounded
    )
    rise = last.scores[-6:].mean(axis=0) - last.scores[:6].mean(axis=0)
    assert rise.mean() > 2
    assert np.count_nonzero(rise > 0) >= 6
    sums = unsquashed(last.x.astype(float), colour_matrix("maco", 3), request.units, 1e-9)
    inner = np.s_[:, 1:-1, 1:-1]  # the outer columns hold each wave twice
    ratio = np.abs(np.fft.rfft2(sums))[0][inner] / bundled_spectrum(3, (64, 64))[inner]
    assert ratio.std() / ratio.mean() < 1e-3
