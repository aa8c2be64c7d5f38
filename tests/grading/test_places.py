"""Pointing, energy, contrast and overlap: hand-computed cases, and what must hold for any map."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.grading.energy import contrast, energy_inside
from minitorch_viz.grading.overlap import best_iou
from minitorch_viz.grading.pointing import pointing, pointing_chance

METRICS = {"pointing": pointing, "energy": energy_inside, "iou": lambda heat, mask: best_iou(heat, mask).iou}


@pytest.fixture
def mask() -> np.ndarray:
    """A square of 12 of 80 pixels, off the middle."""
    mask = np.zeros((8, 10), bool)
    mask[2:5, 5:9] = True
    return mask


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_map_scores_one(name: str, mask) -> None:
    assert METRICS[name](mask.astype(np.float32), mask) == 1


@pytest.mark.parametrize(("name", "least"), [("pointing", 0), ("energy", 0), ("iou", 12 / 80)])
def test_an_inverted_map_scores_least(name: str, least: float, mask) -> None:
    assert METRICS[name](1.0 - mask, mask) == pytest.approx(least, abs=1e-12)
    assert METRICS[name](-1.0 * mask, mask) == pytest.approx(least, abs=1e-12) or name == "energy"


@pytest.mark.parametrize("value", [0.0, 1.0, 7e30, -2.0, 1e-300])
@pytest.mark.parametrize("name", METRICS)
def test_a_constant_map_gets_chance(name: str, value: float, mask) -> None:
    assert METRICS[name](np.full(mask.shape, value), mask) == pytest.approx(12 / 80)


@pytest.mark.parametrize("name", METRICS)
def test_where_the_pixels_lie_does_not_matter(name: str, mask, rng) -> None:
    """Shuffling map and mask together, turning both, or scaling the map changes nothing."""
    heat = rng.standard_normal(mask.shape)
    score = METRICS[name](heat, mask)
    order = rng.permutation(heat.size)
    shuffled = METRICS[name](heat.ravel()[order].reshape(8, 10), mask.ravel()[order].reshape(8, 10))
    assert shuffled == pytest.approx(score, abs=1e-12)
    assert METRICS[name](np.rot90(heat).copy(), np.rot90(mask).copy()) == pytest.approx(score, abs=1e-12)
    assert METRICS[name](1e-20 * heat, mask) == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_random_maps_get_chance_on_average(name: str, rng) -> None:
    mask = np.zeros((30, 30), bool)
    mask[:15] = True
    scores = [METRICS[name](rng.random(mask.shape), mask) for _ in range(400)]
    off = 3 * np.std(scores) / 20 + 0.01
    assert np.mean(scores) == pytest.approx(0.5, abs=off)


@pytest.mark.parametrize(
    ("at", "tolerance", "score"),
    [
        ((2, 5), 0, 1),
        ((2, 4), 0, 0),
        ((2, 4), 1, 1),
        ((1, 4), 1, 0),
        ((1, 4), 1.5, 1),
        ((0, 3), 2.8, 0),
        ((0, 3), 2.9, 1),
    ],
)
def test_the_tolerance_is_a_distance(at, tolerance, score, mask) -> None:
    heat = np.zeros(mask.shape)
    heat[at] = 1
    assert pointing(heat, mask, tolerance) == score


def test_the_tolerance_against_every_distance(mask) -> None:
    rows, columns = np.indices(mask.shape)
    inside = np.argwhere(mask)
    for tolerance in (0, 1, 1.5, 2, 4):
        near = [
            min(np.hypot(*(place - point)) for place in inside) <= tolerance
            for point in np.stack([rows.ravel(), columns.ravel()], axis=1)
        ]
        assert pointing_chance(mask, tolerance) == pytest.approx(np.mean(near))


def test_tied_maxima_share_the_point(mask) -> None:
    heat = np.zeros(mask.shape)
    heat[3, 5] = heat[3, 6] = heat[0, 0] = 2
    assert pointing(heat, mask) == pytest.approx(2 / 3)


def test_signed_heat_counts_where_it_speaks_for_the_class(mask) -> None:
    heat = np.where(mask, 1.0, -9.0)
    assert pointing(heat, mask) == energy_inside(heat, mask) == 1


def test_energy_by_hand() -> None:
    heat = np.array([[4.0, 2.0, -8.0], [1.0, 1.0, 0.0]])
    own = np.array([[True, False, True], [False, False, False]])
    others = np.array([[False, True, False], [False, False, True]])
    assert energy_inside(heat, own) == 4 / 8
    assert contrast(heat, own, others) == pytest.approx(4 / 8 - 2 / 8)


def test_contrast_of_one_map_for_two_classes_adds_up_to_nothing(mask, rng) -> None:
    others = np.zeros_like(mask)
    others[6:8] = True
    heat = rng.random(mask.shape)
    assert contrast(heat, mask, others) == pytest.approx(-contrast(heat, others, mask), abs=1e-12)
    assert contrast(mask * 1.0, mask, others) == 1
    assert contrast(others * 1.0, mask, others) == -1
    assert contrast(np.ones(mask.shape), mask, others) == pytest.approx((12 - 20) / 80)


def test_iou_against_every_threshold(mask, rng) -> None:
    for heat in (rng.standard_normal(mask.shape), rng.integers(0, 4, mask.shape)):
        found = best_iou(heat, mask)
        tries = {t: np.sum((heat >= t) & mask) / np.sum((heat >= t) | mask) for t in np.unique(heat)}
        assert found.iou == pytest.approx(max(tries.values()))
        assert tries[found.threshold] == found.iou
        assert found.share == np.mean(heat >= found.threshold)


def test_iou_grades_the_ranking(mask, rng) -> None:
    heat = rng.random(mask.shape)
    assert best_iou(np.exp(9 * heat), mask).iou == best_iou(heat, mask).iou


def test_maps_keep_what_they_were(mask, rng) -> None:
    heat = rng.standard_normal(mask.shape)
    before = heat.copy()
    heat.setflags(write=False)
    for metric in METRICS.values():
        metric(heat, mask)
    np.testing.assert_array_equal(heat, before)


OK, HALF = np.ones((4, 4)), np.tri(4, dtype=bool)
BAD = [
    (lambda: pointing([[1.0]], HALF), "NumPy array"),
    (lambda: pointing(np.ones((3, 4, 4)), HALF), "reduce channels"),
    (lambda: pointing(np.ones((0, 4)), HALF), "(0, 4)"),
    (lambda: pointing(OK * 1j, HALF), "complex"),
    (lambda: pointing(np.array([["a"] * 4] * 4), HALF), "real numbers"),
    (lambda: pointing(OK * np.nan, HALF), "16 values that are not finite"),
    (lambda: pointing(OK * np.inf, HALF), "not finite"),
    (lambda: pointing(OK, HALF.astype(int)), "bool array"),
    (lambda: pointing(OK, [[True]]), "list"),
    (lambda: pointing(OK, np.tri(5, dtype=bool)), "(5, 5)"),
    (lambda: pointing(OK, ~np.ones((4, 4), bool)), "empty"),
    (lambda: pointing(OK, HALF, -1), "tolerance"),
    (lambda: pointing(OK, HALF, np.nan), "tolerance"),
    (lambda: pointing(OK, HALF, "2"), "'2'"),
    (lambda: pointing_chance(HALF, True), "True"),
    (lambda: pointing_chance(HALF * 1), "bool array"),
    (lambda: energy_inside(OK[0], HALF), "(4,)"),
    (lambda: energy_inside(OK, HALF[:2]), "(2, 4)"),
    (lambda: energy_inside(OK * -np.inf, HALF), "not finite"),
    (lambda: contrast(OK, HALF, HALF), "share pixels"),
    (lambda: contrast(OK, HALF, ~HALF[:2]), "others has shape"),
    (lambda: contrast(OK, HALF, HALF & ~HALF), "others is empty"),
    (lambda: contrast(None, HALF, ~HALF), "NoneType"),
    (lambda: best_iou(OK, None), "NoneType"),
    (lambda: best_iou(OK * np.nan, HALF), "not finite"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_bad_input_gets_a_sentence(call, words: str) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        call()
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")
