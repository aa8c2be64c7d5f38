"""A second class to compare with: the most probable one that the net sees elsewhere in the photo.

The runner-up is often a twin (boxer and bull mastiff are one dog to the net), and a method that gives the same map for
twins has shown nothing by it. Where the classes are is looked up by a cheap class map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import ChannelSum, Unit, stacked_seeds
from minitorch_viz.techniques.explain.channels import ranked as by_places
from minitorch_viz.techniques.explain.layer_maps import chosen_layer, has_maps
from minitorch_viz.techniques.explain.unit import opposite_of, resolve_any
from minitorch_viz.techniques.gradients.grad_cam import weighted_maps

if TYPE_CHECKING:
    from minitorch_viz.models import Model

ELSEWHERE = 0.6  # two classes lie in different places if the rank correlation of their class maps is below this
CANDIDATES = 60  # the most probable classes that are looked through
AT_ONCE = 12  # of them in one backward pass


class SecondClass(NamedTuple):
    """Hold which class is compared, and how far its class map is that of the first."""

    unit: Unit | ChannelSum
    alike: float  # rank correlation of the two class maps, -1..1; NaN where one has nothing in it
    looked: int  # how many classes were looked through for it; 0: the class was named


def second_class(
    model: Model,
    tape: Tape,
    first: Unit | ChannelSum,
    places: Mapping[str, Any],
    named: Unit | ChannelSum | None = None,
) -> SecondClass | None:
    """Find the most probable class whose map lies elsewhere than the first's; else the most probable one.

    first: a class score, or a channel of the answer; places: the settings that say over which places of the answer,
    which are the second's too; named: take this class, and only say how alike the two are. Of a net with one question
    the second class is the opposite. None: there is no second class.
    """
    ranked = _ranked(model, tape, first)[:CANDIDATES]
    if named is None and not ranked and model.scores.has_opposite and isinstance(first, Unit):
        named = opposite_of(model, first)
    if named is not None:
        return SecondClass(named, _correlations(model, tape, first, [named])[0], 0)
    runner_up = float("nan")
    for begin in range(0, len(ranked), AT_ONCE):
        candidates = [_class(model, tape, number, places) for number in ranked[begin : begin + AT_ONCE]]
        alike = _correlations(model, tape, first, candidates)
        for candidate, correlation in zip(candidates, alike, strict=True):
            if correlation < ELSEWHERE:  # never true of NaN
                return SecondClass(candidate, correlation, len(ranked))
        runner_up = alike[0] if begin == 0 else runner_up
    return SecondClass(_class(model, tape, ranked[0], places), runner_up, len(ranked)) if ranked else None


def _class(model: Model, tape: Tape, number: int, places: Mapping[str, Any]) -> Unit | ChannelSum:
    objective = resolve_any(model, tape, target=number, **places)
    assert isinstance(objective, (Unit, ChannelSum))  # what a number means
    return objective


def _ranked(model: Model, tape: Tape, first: Unit | ChannelSum) -> list[int]:
    """Return the other classes, the most probable first; of maps those that win, or are strongest at the place."""
    scores = kernels.to_cpu(tape[first.node])[0]
    if isinstance(first, ChannelSum):
        return [number for number in by_places(model, scores) if number != first.channel]
    return [int(i) for i in np.argsort(-scores[(slice(None), *first.index[1:])], kind="stable") if i != first.index[0]]


def class_map_of(model: Model) -> str:
    """Return the name of the class map that decides."""
    return "gradient times input" if has_maps(model) else "Grad-CAM"


def class_maps(model: Model, tape: Tape, units: Sequence[Unit | ChannelSum]) -> Array:
    """Return (T, h', w'), signed: Grad-CAM's sums at the last maps; without maps gradient times input, (T, h, w)."""
    if has_maps(model) is None:
        return weighted_maps(model, tape, units, chosen_layer(model, tape, units[0].node, None))[0]
    pixels = model.net.inputs[0]
    shares = kernels.to_cpu(model.net.backward(tape, stacked_seeds(units, tape))[pixels] * tape[pixels])
    summed: Array = shares.sum(axis=1) if shares.ndim == 4 else shares  # numbers of a row are not merged
    return summed


def rank_correlations(maps: Sequence[Array], signed: bool = False) -> Array:
    """Return Spearman's rank correlations (M, M), -1..1, of maps or their magnitudes; NaN where one is constant."""
    from scipy.stats import rankdata

    ranks = np.array([rankdata((values if signed else np.abs(values)).ravel()) for values in maps])
    ranks -= ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((ranks**2).sum(axis=1))
    ranks /= np.where(sizes > 0, sizes, np.nan)[:, None]
    correlations: Array = ranks @ ranks.T
    return correlations


def _correlations(
    model: Model, tape: Tape, first: Unit | ChannelSum, classes: Sequence[Unit | ChannelSum]
) -> list[float]:
    """Rank correlations, with signs, of the classes' maps with the first's; NaN where nothing speaks for one."""
    maps = class_maps(model, tape, [first, *classes])
    if not np.isfinite(maps).all():
        return [float("nan")] * len(classes)
    speaks = maps.reshape(len(maps), -1).max(axis=1) > 0
    row = rank_correlations(list(maps), signed=True)[0]
    return [
        float(value) if speaks[0] and speaking else float("nan")
        for value, speaking in zip(row[1:], speaks[1:], strict=True)
    ]
