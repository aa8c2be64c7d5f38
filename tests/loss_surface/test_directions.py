"""Directions: as long as the net's filters, blind to how a net is scaled; and the plane in which a path lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.loss_surface import filter_normalized, plane_of_path

SHAPES = {"conv.weight": (4, 3, 2, 2), "conv.bias": (4,), "fc.weight": (5, 6), "fc.bias": (5,)}


def params(seed: int = 0, dtype: Any = np.float64) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_every_filter_is_as_long_as_the_nets(dtype: Any, tolerance: float) -> None:
    given = params(1, dtype)
    found = filter_normalized(given, np.random.default_rng(0))
    assert found.keys() == given.keys()
    for name, value in given.items():
        assert (found[name].shape, found[name].dtype) == (value.shape, value.dtype)
        if value.ndim == 1:
            assert not found[name].any()
            continue
        for row in range(len(value)):
            assert np.linalg.norm(found[name][row]) == pytest.approx(np.linalg.norm(value[row]), rel=tolerance)


def test_the_bundled_nets_filters_too() -> None:
    given = load_model("digits").net.params
    found = filter_normalized(given, np.random.default_rng(0))
    for name in ("conv1.weight", "conv3.weight", "logits.weight"):
        lengths = [np.sqrt((array[name] ** 2).reshape(len(array[name]), -1).sum(axis=1)) for array in (found, given)]
        np.testing.assert_allclose(*lengths, rtol=1e-5)


def test_it_is_random_and_repeatable_and_follows_the_scale() -> None:
    given = params()
    first, again, other = (filter_normalized(given, np.random.default_rng(seed)) for seed in (5, 5, 6))
    doubled = filter_normalized({name: 2 * value for name, value in given.items()}, np.random.default_rng(5))
    for name in ("conv.weight", "fc.weight"):
        np.testing.assert_array_equal(first[name], again[name])
        np.testing.assert_allclose(doubled[name], 2 * first[name], rtol=1e-14)
        assert abs(np.vdot(first[name], other[name])) < 0.6 * np.vdot(first[name], first[name])


def test_a_filter_of_zeros_stays_there() -> None:
    given = params()
    given["fc.weight"][2] = 0
    found = filter_normalized(given, np.random.default_rng(0))
    assert not found["fc.weight"][2].any()
    assert np.isfinite(found["fc.weight"]).all()


def test_a_path_in_a_plane_is_all_seen() -> None:
    """A path made of two known directions comes back: its places keep every distance."""
    end, a, b = params(0), params(1), params(2)
    places = np.array([[3.0, 1.0], [2.0, -1.0], [0.5, 0.25], [0.0, 0.0]])
    path = [{name: end[name] + p * a[name] + q * b[name] for name in end} for p, q in places]
    plane = plane_of_path(path)
    assert plane.share == pytest.approx(1)
    flat = [
        np.concatenate([value.ravel() for value in direction.values()]) for direction in (plane.along, plane.across)
    ]
    np.testing.assert_allclose([[np.dot(v, w) for v in flat] for w in flat], np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.places[-1], 0, atol=1e-12)
    for stage, (p, q) in zip(path, plane.places, strict=True):
        for name, value in stage.items():
            np.testing.assert_allclose(end[name] + p * plane.along[name] + q * plane.across[name], value, atol=1e-10)


def test_the_share_is_scikit_learns() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    path = [params(seed) for seed in range(6)]
    moves = np.stack([np.concatenate([(stage[name] - path[-1][name]).ravel() for name in SHAPES]) for stage in path])
    fitted = decomposition.TruncatedSVD(2, algorithm="arpack").fit(moves)
    plane = plane_of_path(path)
    assert plane.share == pytest.approx((fitted.singular_values_**2).sum() / (moves**2).sum())
    np.testing.assert_allclose(np.abs(plane.places), np.abs(fitted.transform(moves)), atol=1e-9)


def test_a_path_that_does_not_move_is_all_seen() -> None:
    assert plane_of_path([params()] * 3).share == 1


RNG = np.random.default_rng(0)
BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "no dict": (lambda: filter_normalized([1.0], RNG), ShapeError, "dict of at least one array"),  # type: ignore[arg-type]
    "an array": (lambda: filter_normalized(np.ones(3), RNG), ShapeError, "dict"),  # type: ignore[arg-type]
    "nothing": (lambda: filter_normalized({}, RNG), ShapeError, "at least one array"),
    "None": (lambda: filter_normalized(None, RNG), ShapeError, "None"),  # type: ignore[arg-type]
    "lists inside": (lambda: filter_normalized({"w": [[1.0]]}, RNG), ShapeError, "'w' must be an array of floats"),  # type: ignore[dict-item]
    "whole numbers": (lambda: filter_normalized({"w": np.ones((2, 2), int)}, RNG), ShapeError, "'w'.*floats"),
    "text inside": (lambda: filter_normalized({"w": "weights"}, RNG), ShapeError, "weights"),  # type: ignore[dict-item]
    "no generator": (lambda: filter_normalized(params(), None), SettingError, "rng must be"),  # type: ignore[arg-type]
    "a seed": (lambda: filter_normalized(params(), 7), SettingError, "default_rng"),  # type: ignore[arg-type]
    "an old generator": (lambda: filter_normalized(params(), np.random), SettingError, "Generator"),  # type: ignore[arg-type]
    "two stages": (lambda: plane_of_path([params()] * 2), ShapeError, "at least three stages"),
    "no stages": (lambda: plane_of_path([]), ShapeError, "three stages"),
    "a path of arrays": (lambda: plane_of_path([np.ones(3)] * 3), ShapeError, "dict of parameters"),  # type: ignore[list-item]
    "empty stages": (lambda: plane_of_path([{}] * 3), ShapeError, "dict of parameters"),
    "one net": (lambda: plane_of_path(params()), ShapeError, "list of at least three"),  # type: ignore[arg-type]
    "other names": (lambda: plane_of_path([params(), {"w": np.ones(2)}, params()]), ShapeError, "same parameters"),
    "other shapes": (
        lambda: plane_of_path([params(), params() | {"fc.bias": np.ones(4)}, params()]), ShapeError, "same parameters"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), BAD.values(), ids=list(BAD))
def test_bad_input_is_one_sentence(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert str(caught.value).endswith(".")
