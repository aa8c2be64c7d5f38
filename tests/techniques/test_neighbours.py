"""Nearest neighbours and what a map keeps of them: against scikit-learn and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from minitorch_viz.techniques.explain import neighbours
from minitorch_viz.techniques.explain.neighbours import kept, nearest, nearest_to, same_class


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(1).normal(3, 1, (60, 7)).astype(np.float32)


@pytest.mark.parametrize("chunk", [1, 700, 2**22])
def test_they_are_scikit_learns(points: np.ndarray, chunk: int, monkeypatch) -> None:
    """However many rows are compared at a time."""
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
    distances, numbers = NearestNeighbors(n_neighbors=6).fit(points.astype(np.float64)).kneighbors()
    result = nearest(points, 6)
    np.testing.assert_array_equal(result.numbers, numbers)
    np.testing.assert_allclose(result.distances, distances, rtol=1e-9)


def test_a_tie_goes_to_the_lower_number_and_equal_points_are_0_apart() -> None:
    points = np.array([[0.0], [1.0], [-1.0], [0.0], [1.0], [0.0]]) + 1e3
    result = nearest(points, 4)
    assert result.numbers[0].tolist() == [3, 5, 1, 2]
    assert result.numbers[3].tolist() == [0, 5, 1, 2]
    assert result.distances[0].tolist() == [0, 0, 1, 1]


def test_fewer_points_than_asked_for() -> None:
    assert nearest(np.arange(3.0)[:, None], 10).numbers.tolist() == [[1, 2], [0, 2], [1, 0]]
    assert nearest(np.zeros((1, 4)), 10).numbers.shape == (1, 0)


def test_those_nearest_to_other_points(points: np.ndarray) -> None:
    queries = points[:3] + 0.1
    distances, numbers = NearestNeighbors(n_neighbors=5).fit(points).kneighbors(queries)
    result = nearest_to(queries, points, 5)
    np.testing.assert_array_equal(result.numbers, numbers)
    np.testing.assert_allclose(result.distances, distances, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_trustworthiness_is_scikit_learns(points: np.ndarray, seed: int) -> None:
    plane = points[:, :2] + np.random.default_rng(seed).normal(0, seed, (60, 2))
    result = kept(points, nearest(points, 8).numbers, plane)
    assert result.trust == pytest.approx(trustworthiness(points, plane, n_neighbors=8), abs=1e-12)
    before, now = (NearestNeighbors(n_neighbors=8).fit(where).kneighbors()[1] for where in (points, plane))
    by_hand = np.mean([len(set(a) & set(b)) / 8 for a, b in zip(before, now, strict=True)])
    assert result.share == pytest.approx(by_hand, abs=1e-12)


def test_a_true_map_keeps_all_and_a_random_one_what_chance_does() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(400, 2))
    before = nearest(plane, 10).numbers
    assert kept(plane, before, 7 * plane @ [[0.6, 0.8], [-0.8, 0.6]] + 3) == (1, 1)
    by_chance = kept(plane, before, rng.normal(size=(400, 2)))
    assert by_chance.share == pytest.approx(10 / 399, abs=0.01)
    assert by_chance.trust == pytest.approx(0.5, abs=0.05)


def test_too_few_points_for_trust() -> None:
    assert np.isnan(kept(np.eye(5), nearest(np.eye(5), 4).numbers, np.eye(5)[:, :2]).trust)


def test_shares_of_the_same_class_counted_by_hand() -> None:
    numbers = np.array([[1, 2], [0, 3], [3, 0], [2, 4], [0, 1]])
    share, chance = same_class(numbers, np.array([0, 0, 1, 1, -1]))
    assert share == pytest.approx((1 + 1 + 1 + 1) / (2 + 2 + 2 + 1))  # the last of (3: 2, 4) has no class
    assert chance == pytest.approx(4 / 12)  # of 4 * 3 pairs of different points
    labels = np.random.default_rng(0).integers(0, 3, 2000)
    share, chance = same_class(np.random.default_rng(1).integers(0, 2000, (2000, 10)), labels)
    assert share == pytest.approx(chance, abs=0.01)
    assert all(map(np.isnan, same_class(numbers, np.full(5, -1))))
