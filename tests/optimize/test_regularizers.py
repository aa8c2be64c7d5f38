"""Every penalty of the folder, and every step: gradients, papers' formulas by brute force, order, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import SettingError
from minitorch_viz.gradcheck import check
from minitorch_viz.optimize.regularizers import (
    LpNorm,
    PatchMixture,
    Penalty,
    TotalVariation,
    bilateral,
    blur,
    decay,
    denoised,
    laplacian_normalized,
    normalized,
    penalties,
    progress_rate,
    small_contributions,
    small_norms,
    small_values,
)

ALL = [
    pytest.param(penalty, id=f"{name}-{i}")
    for name, kind in penalties().items()
    for i, penalty in enumerate(kind.examples())
]


def picture(shape: tuple[int, ...] = (2, 3, 4, 5), seed: int = 0, spread: float = 30) -> np.ndarray:
    x = spread * np.random.default_rng(seed).standard_normal(shape)
    x.flags.writeable = False
    return x


def test_the_folder_is_the_registry() -> None:
    assert penalties() == {"lp_norm": LpNorm, "patch_mixture": PatchMixture, "total_variation": TotalVariation}


@pytest.mark.parametrize("penalty", ALL)
def test_the_gradient_is_the_derivative(penalty: Penalty) -> None:
    report = check(
        lambda x: (penalty.value(x), x),
        lambda dy, x: dy[:, None, None, None] * penalty.gradient(x),
        picture(spread=3),
        tolerance=1e-7,
    )
    assert report.ok, report


@pytest.mark.parametrize("penalty", ALL)
def test_nothing_costs_nothing_and_float32_stays(penalty: Penalty) -> None:
    flat = np.zeros((2, 3, 4, 5), np.float32)
    assert penalty.value(flat).tolist() == [0, 0]
    assert not penalty.gradient(flat).any()
    narrow = np.clip(picture(spread=60), -128, 127).astype(np.float32)
    value, slope = penalty.value(narrow), penalty.gradient(narrow)
    assert value.dtype == slope.dtype == np.float32
    assert value.shape == (2,)
    np.testing.assert_allclose(value, penalty.value(narrow.astype(float)), rtol=1e-5)
    exact = penalty.gradient(narrow.astype(float))
    np.testing.assert_allclose(slope, exact, atol=1e-5 * np.abs(exact).max())


@pytest.mark.parametrize("penalty", ALL)
def test_a_step_against_the_gradient_lowers_it(penalty: Penalty) -> None:
    x = picture()
    slope = penalty.gradient(x)
    assert (penalty.value(x - 1e-3 * slope / np.abs(slope).max()) < penalty.value(x)).all()


def test_penalties_are_the_papers_sums() -> None:
    x = picture((1, 2, 3, 4))
    assert LpNorm(2.0).value(x)[0] == pytest.approx(np.sum(x**2))
    assert LpNorm(6.0, 80.0).value(x)[0] == pytest.approx(sum((v / 80) ** 6 for v in x.ravel()))
    lengths = [np.linalg.norm(x[0, :, i, j]) for i in range(3) for j in range(4)]
    assert LpNorm(6.0, 80.0, of_pixels=True).value(x)[0] == pytest.approx(sum((v / 80) ** 6 for v in lengths))
    for beta in (1.0, 2.0, 3.0):
        total = 0.0
        for c in range(2):
            for i in range(3):
                for j in range(4):
                    down = x[0, c, i + 1, j] - x[0, c, i, j] if i < 2 else 0
                    right = x[0, c, i, j + 1] - x[0, c, i, j] if j < 3 else 0
                    total += (down**2 + right**2) ** (beta / 2)
        assert TotalVariation(beta, guard=0.0).value(x)[0] == pytest.approx(total, rel=1e-12)
        assert TotalVariation(beta).value(x)[0] == pytest.approx(total, rel=1e-3)
        assert TotalVariation(beta, 0.0, 10.0).value(x)[0] == pytest.approx(total / 10**beta)


@pytest.mark.parametrize(("sigma", "shape"), [(0.5, (1, 2, 6, 5)), (2.0, (2, 1, 7, 9)), (5.0, (1, 1, 3, 3))])
def test_a_blur_is_its_own_adjoint_and_keeps_the_mean(sigma: float, shape: tuple[int, ...]) -> None:
    x, y = picture(shape), picture(shape, 1)
    assert np.sum(blur(x, sigma) * y) == pytest.approx(np.sum(x * blur(y, sigma)), rel=1e-10, abs=1e-8)
    np.testing.assert_allclose(blur(x, sigma).mean(axis=(2, 3)), x.mean(axis=(2, 3)), atol=1e-10)
    assert blur(x, 0) is x
    assert blur(x.astype(np.float32), sigma).dtype == np.float32


def test_a_blur_is_a_gaussian_of_that_radius() -> None:
    x = np.zeros((1, 1, 41, 41))
    x[..., 20, 20] = 1
    spot, places = blur(x, 3.0)[0, 0], np.arange(41) - 20
    assert np.sqrt(spot.sum(axis=0) @ places**2) == pytest.approx(3, rel=0.01)
    assert spot[20, 23] / spot[20, 20] == pytest.approx(np.exp(-0.5))


def test_decay_is_a_step_against_the_square() -> None:
    x = picture()
    np.testing.assert_allclose(decay(x, 0.3), x - 0.3 * LpNorm(2.0).gradient(x) / 2)
    assert decay(x.astype(np.float32), 0.3).dtype == np.float32


def test_a_bilateral_filter_is_a_mean_of_near_and_alike_pixels() -> None:
    x = picture((1, 3, 6, 5), spread=25)
    expected = np.zeros_like(x)
    padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), "symmetric")
    for i in range(6):
        for j in range(5):
            block = padded[0, :, i : i + 5, j : j + 5]
            unlike = np.sum((block - x[0, :, i, j, None, None]) ** 2, axis=0)
            far = np.arange(-2, 3)[:, None] ** 2 + np.arange(-2, 3) ** 2
            weights = np.exp(-unlike / (2 * 40**2) - far / (2 * 1.5**2))
            expected[0, :, i, j] = np.sum(weights * block, axis=(1, 2)) / weights.sum()
    np.testing.assert_allclose(bilateral(x, 40, 1.5, 5), expected, atol=1e-10)
    assert np.abs(expected - x).max() > 10


@pytest.mark.parametrize("channels", [1, 3])
def test_a_bilateral_filter_is_scikit_images_where_distance_does_not_count(channels: int) -> None:
    from skimage.restoration import denoise_bilateral

    x = np.random.default_rng(0).uniform(0, 255, (1, channels, 8, 9))
    shares = np.moveaxis(x[0], 0, -1).squeeze() / 255
    axis = -1 if channels == 3 else None
    theirs = denoise_bilateral(shares, 5, 60 / 255 / channels, 1e6, mode="symmetric", channel_axis=axis)
    # They divide unlikeness by the number of channels, and read the weight from a table of 10 000 entries.
    np.testing.assert_allclose(
        bilateral(x, 60, 1e6), np.moveaxis(255 * theirs.reshape(8, 9, -1), -1, 0)[None], atol=0.1
    )


def test_a_bilateral_filter_keeps_edges_and_flat_pictures() -> None:
    x = np.where(np.arange(16) < 8, -60.0, 60.0) + picture((1, 3, 16, 16), spread=4)
    smooth = bilateral(x, 30, 2.0, 5)
    assert smooth[..., :8].std() < 0.6 * x[..., :8].std()
    assert (smooth[..., 8] - smooth[..., 7]).min() > 100
    flat = np.full((2, 3, 5, 5), -7.0, np.float32)
    np.testing.assert_allclose(bilateral(flat), flat, atol=1e-4)
    assert bilateral(flat).dtype == np.float32
    grey = picture((1, 1, 6, 6))
    assert bilateral(grey).shape == grey.shape


def test_denoising_finds_the_least_of_its_energy() -> None:
    """Flatter than the picture, and no step away from it, nor a blur, has less of the energy that is minimized."""
    x = np.where(np.arange(16) < 8, -60.0, 60.0) + picture((1, 1, 16, 16), spread=10)

    def energy(u: np.ndarray, weight: float) -> float:
        down, right = np.diff(u, axis=-2)[..., :-1] / 255, np.diff(u, axis=-1)[..., :-1, :] / 255
        return float(np.sqrt(down**2 + right**2).sum() + weight / 2 * np.sum(((u - x) / 255) ** 2))

    for weight in (2.0, 20.0):
        flat = denoised(x, weight)
        others = [x, blur(x, 0.5), blur(x, 1.0), *(flat + picture((1, 1, 16, 16), seed, 2.0) for seed in range(5))]
        assert energy(flat, weight) < 0.95 * min(energy(other, weight) for other in others)
    assert denoised(x, 2.0).std() < denoised(x, 20.0).std() < x.std()
    assert denoised(x.astype(np.float32), 2.0).dtype == np.float32
    two = denoised(np.concatenate([x, 0 * x]), 20.0)
    np.testing.assert_array_equal(two[0], denoised(x, 20.0)[0])
    assert not two[1].any()


def test_masks_take_the_least_and_no_more() -> None:
    x, gradient = picture((2, 3, 10, 10)), picture((2, 3, 10, 10), 1)
    norms = np.linalg.norm(x, axis=1)
    masked = small_norms(x, 30)
    for i in range(2):
        gone = (masked[i] == 0).all(axis=0)
        assert gone.sum() == 30
        assert norms[i][gone].max() < norms[i][~gone].min()
    gone = small_values(x, 20)[0] == 0
    assert gone.sum() == 60
    assert np.abs(x[0][gone]).max() < np.abs(x[0][~gone]).min()
    for mask in (small_values(x, 0), small_norms(x, 0), small_contributions(x, gradient, 0)):
        np.testing.assert_array_equal(mask, x)


def test_small_contributions_are_those_a_linear_score_does_not_miss() -> None:
    x, weights = picture((1, 3, 5, 4)), picture((1, 3, 5, 4), 1)
    changes = np.zeros((5, 4))
    for i in range(5):
        for j in range(4):
            without = x.copy()
            without[..., i, j] = 0
            changes[i, j] = abs(np.sum(weights * without) - np.sum(weights * x))
    gone = (small_contributions(x, weights, 40)[0] == 0).all(axis=0)
    assert gone.sum() == 8
    assert changes[gone].max() < changes[~gone].min()


def test_the_progress_rate_lifts_a_linear_score_by_what_was_asked() -> None:
    weights = np.stack([picture((3, 4, 4)), np.zeros((3, 4, 4)), picture((3, 4, 4), spread=1e-4)])
    rate = progress_rate(weights, 2.0, 100.0)
    assert rate.ravel().tolist() == pytest.approx([2 / np.sum(weights[0] ** 2), 100, 100])
    most = np.reshape([1e-9, 7.0, 100.0], (3, 1, 1, 1))
    assert progress_rate(weights, 2.0, most).ravel().tolist() == pytest.approx([1e-9, 7, 100])
    assert np.sum(weights[0] * rate[0] * weights[0]) == pytest.approx(2)


@pytest.mark.parametrize(
    ("by", "size"),
    [
        ("mean", lambda g: np.abs(g).mean()),
        ("deviation", lambda g: g.std()),
        ("length", lambda g: np.linalg.norm(g.ravel())),
    ],
)
def test_a_normalized_gradient_has_that_size_however_steep_the_score(by: str, size: object) -> None:
    gradient = np.stack([picture((3, 6, 5)), picture((3, 6, 5), 1, 1e-25), picture((3, 6, 5), 2, 1e25)])
    for dtype in (np.float64, np.float32):
        even = normalized(gradient.astype(dtype), by)
        assert even.dtype == dtype
        for i in range(3):
            assert size(even[i]) == pytest.approx(1, rel=1e-5)  # type: ignore[operator]
            np.testing.assert_allclose(
                even[i] / np.abs(even[i]).max(), gradient[i] / np.abs(gradient[i]).max(), atol=1e-5
            )
    assert not normalized(np.zeros((1, 3, 4, 4), np.float32), by).any()


def test_laplacian_normalization_lifts_what_is_coarse() -> None:
    """A faint slow wave under strong fine noise: afterwards it is no longer faint."""
    slow = np.sin(2 * np.pi * np.arange(64) / 64)[:, None] * np.ones(64)
    x = 0.05 * slow + picture((1, 1, 64, 64), spread=1)[0, 0]
    even = laplacian_normalized(x[None, None])[0, 0]

    def share(values: np.ndarray) -> float:
        return abs(np.vdot(values, slow)) / np.linalg.norm(values) / np.linalg.norm(slow)

    assert share(x) < 0.1
    assert share(even) > 5 * share(x)
    np.testing.assert_allclose(laplacian_normalized(1000 * x[None, None])[0, 0], even, atol=1e-10)
    nothing = laplacian_normalized(np.zeros((1, 3, 9, 7), np.float32))
    assert nothing.dtype == np.float32
    assert not nothing.any()
    assert laplacian_normalized(np.ones((1, 1, 1, 1))).tolist() == [[[[1.0]]]]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: denoised(x, 0), "a weight above 0, but got 0"),
        (lambda x: decay(x, 1.5), "share from 0 to 1, but got 1.5"),
        (lambda x: blur(x, -1), "at least 0 pixels, but got -1"),
        (lambda x: bilateral(x, window=4), "an odd window, but got"),
        (lambda x: small_norms(x, 101), "percentage from 0 to 100, but got 101"),
        (lambda x: normalized(x, "men"), "near measures: mean"),
        (lambda x: LpNorm(0.5), "at least 1, but got 0.5"),
        (lambda x: TotalVariation(0.5), "at least 1, but got 0.5"),
    ],
)
def test_impossible_settings_get_a_sentence(call: object, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        call(picture())  # type: ignore[operator]
