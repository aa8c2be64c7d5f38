"""The map itself: codes to 50 principal components, and those to two numbers by t-SNE."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.neighbours import Neighbours, nearest_to
from minitorch_viz.techniques.workers import products_by_one_thread

COMPONENTS = 50
EXACT = 1200  # the smaller side of a matrix that is taken apart exactly; of a larger one only its first components
USUAL = 30  # perplexity
FEWEST = 4  # pictures on a map
PLACED_BY = 5  # nearest pictures that place a new one
APART = 0.25  # of a map's size: those that lie further apart place nothing well


class Reduced(NamedTuple):
    """Hold codes in their first principal components."""

    points: Array  # (n, c) float64
    share: float  # of the codes' variance that is in them


def reduced(codes: Array, seed: int = 0) -> Reduced:
    """Return (n, d) codes in their first 50 principal components, or in all if there are fewer."""
    centred = codes.astype(np.float64)
    centred -= centred.mean(axis=0)
    total = float((centred**2).sum())
    count = min(COMPONENTS, *centred.shape)
    with products_by_one_thread:
        if min(centred.shape) <= EXACT:
            directions = _directions(centred)[:count]
        else:
            from sklearn.utils.extmath import randomized_svd

            _, _, directions = randomized_svd(centred, count, random_state=seed)
        largest = np.abs(directions).argmax(axis=1)  # a component's sign is free: its largest number is positive
        signs = np.where(directions[np.arange(len(directions)), largest] < 0, -1.0, 1.0)
        points = centred @ (directions * signs[:, None]).T
    return Reduced(points, float((points**2).sum()) / total if total else 1.0)


def _directions(centred: Array) -> Array:
    """Return the principal directions (min(n, d), d) of centred rows (n, d), the largest first."""
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(directions)


def need_perplexities(perplexity: object, count: int) -> tuple[int, ...]:
    """Return the perplexities that are asked for; None is 30, or what fits fewer pictures.

    Raises SettingError if one is no whole number from 1 up, or too large for so many pictures.
    """
    most = (count - 1) // 3
    if perplexity is None:
        return (max(min(USUAL, most), 1),)
    given = tuple(perplexity) if isinstance(perplexity, (tuple, list, np.ndarray)) else (perplexity,)
    for number in given:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise SettingError(
                f"A perplexity is a whole number from 1 up, about how many neighbours count, not {number!r}."
            )
    if not 1 <= len(given) <= 4 or len(set(given)) < len(given):
        raise SettingError(f"From one to four different perplexities fit side by side, but got {list(given)}.")
    largest = int(max(given))
    if largest > most:
        raise SettingError(
            f"Perplexity {largest} lets about {largest} neighbours of each picture count and needs {3 * largest + 1} "
            f"pictures at least, but there are {count}; take --perplexity {max(most, 1)} or less, or more pictures."
        )
    return tuple(map(int, given))


def first_two(points: Array) -> Array:
    """Return the first two principal components (n, 2), zeros where there are none."""
    missing = max(2 - points.shape[1], 0)
    return np.pad(points[:, :2], ((0, 0), (0, missing)))


def embedded(points: Array, perplexity: int, seed: int = 0) -> Array:
    """Return (n, 2) positions by t-SNE of points (n, c): scikit-learn's, from the first two components, by one thread.

    Equal bits for equal points: several threads would add in an order of their own.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = first_two(points)
    size = start[:, 0].std()
    # As scikit-learn's init="pca" does, which divides by zero where all points are the same.
    start = start / size * 1e-4 if size > 0 else np.random.default_rng(seed).normal(0, 1e-4, start.shape)
    method = TSNE(
        perplexity=perplexity, init=start.astype(np.float32), learning_rate="auto", random_state=seed, n_jobs=1
    )
    # Threads that have nothing to do wait in each of a thousand steps: on a busy machine 30 times as long.
    with products_by_one_thread, threadpool_limits(1, user_api="openmp"):
        return np.asarray(method.fit_transform(points.astype(np.float32)), np.float64)


class Placed(NamedTuple):
    """Hold where new points come to lie on old maps."""

    positions: Array  # (p, q, 2): on each of p maps
    near: Neighbours  # (q, k): the old points that place them
    is_torn: Array  # (p, q) bool: whether these lie far apart on the map, so that the place means little


def placed(codes: Array, maps: Array, queries: Array) -> Placed:
    """Return where new codes (q, d) lie on the maps (p, n, 2) of old ones (n, d).

    That is the mean of the positions of the five nearest by codes, weighted by 1 / distance^2; of equal ones their own.
    """
    neighbours = nearest_to(queries, codes, PLACED_BY)
    squares = neighbours.distances**2
    is_equal = squares <= 1e-12 * max(float(squares.max(initial=0)), 1e-300)
    weights = np.where(is_equal.any(axis=1, keepdims=True), is_equal.astype(float), 1 / np.where(is_equal, 1, squares))
    weights /= weights.sum(axis=1, keepdims=True)
    around = maps[:, neighbours.numbers]  # (p, q, k, 2)
    positions = (weights[..., None] * around).sum(axis=2)
    spread = np.sqrt((weights * ((around - positions[:, :, None]) ** 2).sum(axis=3)).sum(axis=2))
    sizes = np.ptp(maps, axis=1).max(axis=1)
    return Placed(positions, neighbours, spread > APART * np.maximum(sizes, 1e-300)[:, None])
