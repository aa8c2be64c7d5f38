"""Deletion, insertion, sensitivity, likeness of maps and confidence intervals, against closed forms and libraries."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.grading.bootstrap import confidence_interval
from minitorch_viz.grading.curves import baseline_of, deletion, insertion
from minitorch_viz.grading.sensitivity import max_sensitivity
from minitorch_viz.grading.similarity import rank_correlation, structural_similarity

# ------------------------------------------------------------------ deletion and insertion


@pytest.fixture
def linear(rng):
    """A linear 'probability' of 6 x 5 pixels, its input, and its exact contributions."""
    weight, x = rng.standard_normal((3, 6, 5)), rng.standard_normal((1, 3, 6, 5))
    return lambda batch: (batch * weight).sum(axis=(1, 2, 3)) + 2.0, x, (weight * x[0]).sum(axis=0)


def test_deletion_of_a_linear_model_is_the_closed_form(linear) -> None:
    """With the baseline 0 the value after k pixels is f(x) minus the k largest contributions."""
    f, x, contributions = linear
    curve = deletion(f, x, contributions, background=np.zeros_like(x), steps=30)
    gone = np.cumsum(np.sort(contributions.ravel())[::-1])
    np.testing.assert_allclose(curve.values, np.append(f(x), f(x) - gone), rtol=1e-12)
    expected = curve.values[0] - (29.5 - np.arange(30)) @ np.sort(contributions.ravel())[::-1] / 30  # by hand
    assert curve.area == pytest.approx(expected)


def test_insertion_is_deletion_seen_from_the_other_end(linear) -> None:
    """Putting pixels in, hottest first, passes the states of taking them out, coldest first."""
    f, x, contributions = linear
    background = np.zeros_like(x)
    put_in = insertion(f, x, contributions, background=background, steps=10)
    taken = deletion(f, x, -contributions, background=background, steps=10)
    np.testing.assert_allclose(put_in.values, taken.values[::-1])
    assert put_in.area == pytest.approx(taken.area)


def test_no_map_beats_the_exact_contributions_of_a_linear_model(linear, rng) -> None:
    f, x, contributions = linear
    best = deletion(f, x, contributions, background=np.zeros_like(x), steps=30).area
    for _ in range(30):
        assert deletion(f, x, rng.random((6, 5)), background=np.zeros_like(x), steps=30).area >= best


@pytest.mark.parametrize("steps", [1, 4, 7, 30])
def test_each_step_changes_its_share_of_the_pixels(steps: int, rng) -> None:
    x, seen = np.ones((1, 2, 6, 5)), []
    heat = rng.random((6, 5))
    curve = deletion(lambda b: seen.append(b) or b.mean(axis=(1, 2, 3)), x, heat, background=0 * x, steps=steps)
    assert seen[0].shape == (steps + 1, 2, 6, 5)
    np.testing.assert_allclose(1 - seen[0].mean(axis=(1, 2, 3)), curve.shares)
    np.testing.assert_allclose(curve.shares, np.round(np.linspace(0, 30, steps + 1)) / 30)
    assert curve.area == pytest.approx(0.5)  # the share of pixels left falls from 1 to 0 in a line
    half = seen[0][len(seen[0]) // 2, 0] == 0
    assert not half.any() or not (~half).any() or heat[half].min() > heat[~half].max()


def test_ties_come_in_an_order_drawn_from_the_seed(linear) -> None:
    f, x, _ = linear
    flat, background = np.zeros((6, 5)), np.zeros_like(x)
    curves = [deletion(f, x, flat, background=background, steps=30, seed=seed).values for seed in (1, 1, 2)]
    np.testing.assert_array_equal(curves[0], curves[1])
    assert not np.allclose(curves[0], curves[2])


def test_baselines() -> None:
    x = np.zeros((1, 1, 20, 20), np.float32)
    x[..., 10:] = 4
    np.testing.assert_array_equal(baseline_of(x, "mean"), np.full_like(x, 2))
    blurred = baseline_of(x)
    assert blurred.dtype == np.float32
    assert blurred.sum() == pytest.approx(x.sum(), rel=1e-5)
    assert np.abs(np.diff(blurred, axis=3)).max() == pytest.approx(4 / np.sqrt(2 * np.pi) / 2, rel=0.05)  # sigma 2


# ------------------------------------------------------------------ likeness


def test_rank_correlation_is_scipys(rng) -> None:
    a, b = rng.standard_normal((9, 7)), np.round(rng.standard_normal((9, 7)), 1)  # with ties
    b[2:4] = 0
    for absolute, x, y in ((False, a, b), (True, np.abs(a), np.abs(b))):
        expected = scipy.stats.spearmanr(x.ravel(), y.ravel()).statistic
        assert rank_correlation(a, b, absolute=absolute) == pytest.approx(expected, abs=1e-12)


def test_what_rank_correlation_means(rng) -> None:
    a = rng.standard_normal((9, 7))
    assert rank_correlation(a, -a) == 1
    assert rank_correlation(a, -a, absolute=False) == pytest.approx(-1)
    assert rank_correlation(a, np.exp(a), absolute=False) == pytest.approx(1)
    assert rank_correlation(a, np.ones((9, 7))) == 0
    assert rank_correlation(np.ones((9, 7)), np.ones((9, 7))) == 1
    assert rank_correlation(a, rng.permutation(a.ravel()).reshape(9, 7)) == pytest.approx(0, abs=0.4)


def test_ssim_by_its_formula(rng) -> None:
    """Every window's means, variances and covariance in loops (Wang et al. 2004, with sample variances)."""
    a, b = rng.random((10, 9)), rng.random((10, 9))
    x, y = a / a.max(), b / b.max()
    values = []
    for row in range(10 - 6):
        for column in range(9 - 6):
            p, q = (z[row : row + 7, column : column + 7].ravel() for z in (x, y))
            cov = np.cov(p, q)
            c1, c2 = 0.01**2, 0.03**2
            top = (2 * p.mean() * q.mean() + c1) * (2 * cov[0, 1] + c2)
            values.append(top / ((p.mean() ** 2 + q.mean() ** 2 + c1) * (cov[0, 0] + cov[1, 1] + c2)))
    assert structural_similarity(a, b) == pytest.approx(np.mean(values), rel=1e-9)
    assert structural_similarity(a, 5 * a) == pytest.approx(1)
    assert structural_similarity(a, b) == pytest.approx(structural_similarity(b, a))


# ------------------------------------------------------------------ sensitivity


def test_sensitivity_of_a_linear_map_against_its_own_draws() -> None:
    """explain = 2 * red: the change is twice the noise in red, drawn again here."""
    image = np.full((6, 5, 3), 100, np.uint8)
    found = max_sensitivity(lambda picture: 2.0 * picture[..., 0], image, levels=3, samples=4, seed=8)
    rng = np.random.default_rng(8)
    norms = [np.linalg.norm(2.0 * rng.integers(-3, 4, image.shape, np.int16)[..., 0]) for _ in range(4)]
    assert found == pytest.approx(max(norms) / np.linalg.norm(np.full((6, 5), 200.0)))


def test_what_sensitivity_means() -> None:
    image = np.full((6, 5, 3), 100, np.uint8)
    assert max_sensitivity(lambda picture: np.ones((6, 5)), image) == 0
    assert max_sensitivity(lambda picture: np.zeros((6, 5)), image) == 0
    assert max_sensitivity(lambda picture: 1.0 * (picture[..., 0] != 100), image) == np.inf
    double = max_sensitivity(lambda picture: picture[..., 0] / 1.0, image)
    assert double == pytest.approx(max_sensitivity(lambda picture: picture[..., 0] / 7.0, image))  # no unit
    few, many = (max_sensitivity(lambda picture: picture[..., 0] / 1.0, image, samples=n) for n in (2, 20))
    assert few <= many


def test_sensitivity_uses_the_map_that_is_known() -> None:
    image, calls = np.full((6, 5, 3), 100, np.uint8), []

    def explain(picture):
        calls.append(picture)
        return picture[..., 0] / 1.0

    assert max_sensitivity(explain, image) == max_sensitivity(explain, image, heat=explain(image))
    assert len(calls) == 6 + 6
    assert all(picture.dtype == np.uint8 for picture in calls)


# ------------------------------------------------------------------ confidence


def test_intervals_are_scipys(rng) -> None:
    scores = rng.random(40) ** 2
    ours = confidence_interval(scores, resamples=20_000)
    theirs = scipy.stats.bootstrap((scores,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    assert ours.mean == pytest.approx(scores.mean())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.003)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.003)


def test_intervals_hold_the_truth_about_as_often_as_they_say(rng) -> None:
    held = 0
    for _ in range(400):
        low, high = confidence_interval(rng.standard_normal(60) + 3, resamples=400)[1:]
        held += low <= 3 <= high
    assert held / 400 == pytest.approx(0.95, abs=0.035)


def test_what_intervals_do(rng) -> None:
    scores = rng.random(30)
    assert confidence_interval(scores) == confidence_interval(scores)
    wide, narrow = (confidence_interval(scores, level=level) for level in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert confidence_interval(np.array([0.3])) == (0.3, 0.3, 0.3)
    moved = confidence_interval(scores + 5)
    assert moved.low == pytest.approx(confidence_interval(scores).low + 5)


X, HEAT, IMAGE = np.zeros((1, 3, 4, 4)), np.ones((4, 4)), np.zeros((4, 4, 3), np.uint8)


def mean(batch):
    return batch.mean(axis=(1, 2, 3))


BAD = [
    (lambda: deletion(mean, X[0], HEAT, background=X), "(1, C, h, w)"),
    (lambda: deletion(mean, X.astype(int), HEAT, background=X), "int64"),
    (lambda: deletion(mean, X, HEAT, background=X[:, :1]), "see baseline_of"),
    (lambda: deletion(mean, X, HEAT, background=0), "int"),
    (lambda: deletion(mean, X, HEAT[:2], background=X), "resize the map"),
    (lambda: deletion(mean, X, HEAT * np.nan, background=X), "not finite"),
    (lambda: deletion(mean, X, HEAT, background=X, steps=0), "number of steps"),
    (lambda: deletion(mean, X, HEAT, background=X, steps=17), "from 1 to 16"),
    (lambda: deletion(mean, X, HEAT, background=X, seed=-1), "seed"),
    (lambda: insertion(lambda batch: batch, X, HEAT, background=X), "one number for each of 17 inputs"),
    (lambda: insertion(mean, None, HEAT, background=X), "NoneType"),
    (lambda: baseline_of(X, "blurr"), "near baselines: blur"),
    (lambda: baseline_of(X, blur=2), "blur"),
    (lambda: baseline_of(IMAGE), "uint8"),
    (lambda: rank_correlation(HEAT, HEAT[:3]), "only maps of one size"),
    (lambda: rank_correlation(HEAT, X), "the second map"),
    (lambda: rank_correlation(HEAT * np.inf, HEAT), "the first map"),
    (lambda: structural_similarity(HEAT[:2], HEAT[:2]), "3 x 3"),
    (lambda: structural_similarity(HEAT, None), "NoneType"),
    (lambda: max_sensitivity(lambda p: HEAT, HEAT), "uint8"),
    (lambda: max_sensitivity(lambda p: HEAT, None), "load_image"),
    (lambda: max_sensitivity(lambda p: None, IMAGE), "NoneType"),
    (lambda: max_sensitivity(lambda p: HEAT, IMAGE, levels=0), "levels"),
    (lambda: max_sensitivity(lambda p: HEAT, IMAGE, samples=1.5), "samples"),
    (lambda: max_sensitivity(lambda p: HEAT, IMAGE, heat=HEAT[:2]), "(2, 4)"),
    (lambda: confidence_interval([]), "row of finite numbers"),
    (lambda: confidence_interval([1, np.nan]), "nan"),
    (lambda: confidence_interval([[1, 2]]), "one a scene"),
    (lambda: confidence_interval([1, 2], level=95), "95"),
    (lambda: confidence_interval([1, 2], resamples=0), "resamples"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_bad_input_gets_a_sentence(call, words: str) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        call()
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")
