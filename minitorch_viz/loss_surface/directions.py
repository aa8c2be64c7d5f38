"""Two directions to walk in from a trained net: random ones with the net's own scale, or those of its training path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError

Params = Mapping[str, Array]


def filter_normalized(params: Params, rng: Generator) -> dict[str, Array]:
    """Return a random direction in which every filter is as long as the net's own filter (Li et al. 2018).

    A step of 1 then changes each filter by as much as it is large. Without this a net with large weights seems to lie
    in a flatter place than one with small weights that computes the same. A filter is one row of `weight` (O, ...):
    all that leads to one output. Biases and other vectors stay where they are, as in the paper's code.

    Raises ShapeError if params is no dict of float arrays, SettingError if rng is no generator.
    """
    if not isinstance(params, Mapping) or not params:
        raise ShapeError(f"params must be a dict of at least one array, as Net.params, but got {params!r:.60}.")
    if not isinstance(rng, np.random.Generator):
        raise SettingError(
            f"rng must be a numpy.random.Generator, but got {rng!r}; np.random.default_rng(0) makes one."
        )
    direction = {}
    for name, value in params.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise ShapeError(f"The parameter {name!r} must be an array of floats, but got {value!r:.60}.")
        if value.ndim < 2:
            direction[name] = np.zeros_like(value)
            continue
        noise = rng.standard_normal(value.shape)
        axes = tuple(range(1, value.ndim))
        net_lengths, noise_lengths = (
            np.sqrt((array.astype(np.float64) ** 2).sum(axis=axes, keepdims=True)) for array in (value, noise)
        )
        direction[name] = (noise * (net_lengths / noise_lengths)).astype(value.dtype)
    return direction


class Plane(NamedTuple):
    """Describe the plane in which a path runs, as well as a plane can show it."""

    along: dict[str, Array]  # the first direction, of length 1, in the shapes of the parameters
    across: dict[str, Array]  # the second, at a right angle to it
    places: Array  # (E, 2): where each stage of the path lies, the last at (0, 0)
    share: float  # 0..1: how much of the squared distance from the last stage the plane shows


def plane_of_path(path: Sequence[Params]) -> Plane:
    """Return the plane through the last stage that shows most of a path: principal components (Li et al. 2018).

    Random directions hardly show a path, because in many dimensions nearly all directions are at right angles to it.

    path: the parameters at each stage, at least three. Raises ShapeError if the stages do not fit together.
    """
    if (
        not isinstance(path, Sequence)
        or len(path) < 3
        or not all(isinstance(stage, Mapping) and stage for stage in path)
    ):
        raise ShapeError("path must be a list of at least three stages, each a dict of parameters as Net.params.")
    shapes = {name: value.shape for name, value in path[-1].items()}
    if any({name: value.shape for name, value in stage.items()} != shapes for stage in path):
        raise ShapeError(f"Every stage of the path must hold the same parameters, of the shapes {shapes}.")
    last = _flat(path[-1])
    moves = np.stack([_flat(stage) for stage in path]) - last  # (E, P)
    _, lengths, directions = np.linalg.svd(moves, full_matrices=False)
    total = float((lengths**2).sum())
    share = float((lengths[:2] ** 2).sum()) / total if total else 1.0
    along, across = (_shaped(direction, path[-1]) for direction in directions[:2])
    return Plane(along, across, moves @ directions[:2].T, share)


def _flat(params: Params) -> Array:
    return np.concatenate([value.astype(np.float64).ravel() for value in params.values()])


def _shaped(flat: Array, params: Params) -> dict[str, Array]:
    ends = np.cumsum([value.size for value in params.values()])[:-1]
    parts = np.split(flat, ends)
    return {
        name: part.reshape(value.shape).astype(value.dtype)
        for (name, value), part in zip(params.items(), parts, strict=True)
    }
