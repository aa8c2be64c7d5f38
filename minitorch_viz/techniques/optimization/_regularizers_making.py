"""One preset after another: its pictures of the unit, one a seed, and what is measured of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models.scenes_liar import Plant, plant_of
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.presets import Preset
from minitorch_viz.optimize.slope import spectrum_slope
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._climb import climb_of, size_of
from minitorch_viz.techniques.optimization._pictures import Method, as_seen_at, pixels_of, probabilities, scores_of
from minitorch_viz.techniques.optimization._regularizers_measures import betrayed, spread_of_seeds
from minitorch_viz.techniques.optimization._regularizers_natural import Nature, windowed
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.optimization.regularizers import Regularizers

ARRAYS = "pixels", "scores", "probabilities", "slopes", "spreads", "likeness", "truths"  # kept for going on


def nothing_yet(
    model: Model, unit: Unit, ways: Sequence[Preset], nature: Nature, seeds: int, steps: int
) -> Regularizers:
    """Return the result before the first preset."""
    from minitorch_viz.techniques.optimization.regularizers import Regularizers

    count, judge = len(ways), nature.judge
    channels = Units.of(model.reader()).channels
    nodes = () if judge is None else judge.nodes

    def unknown(*shape: int) -> Array:
        return np.full((count, *shape), np.nan)

    return Regularizers(
        label=unit.label,
        methods=tuple(Method.of(way) for way in ways),
        steps=tuple(min(way.steps, steps) for way in ways),
        pixels=np.zeros((count, seeds, *size_of(model, None), channels), np.uint8),
        scores=unknown(seeds),
        probabilities=unknown(seeds),
        slopes=unknown(),
        spreads=unknown(),
        nodes=nodes,
        likeness=unknown(seeds, len(nodes)),
        same=np.zeros(0) if judge is None else judge.same,
        other=np.zeros(0) if judge is None else judge.other,
        truths=unknown(seeds, 2),
        plant=plant_of(model, unit.node, unit.index[0]),
        reasons=("",) * count,
        natural=nature.patches,
        natural_slope=nature.slope,
        looked_at=nature.looked_at,
        source=nature.source,
        class_words=nature.words,
        beside=nature.note,
        net=model.name,
        done=0,
        total=count,
        clock=unknown(),
    )


def with_preset(
    frame: Regularizers, model: Model, unit: Unit, way: Preset, nature: Nature, place: int, seed: int
) -> Regularizers:
    """Return the result with one preset more: its pictures, one a seed, and what is measured of them."""
    arrays: dict[str, Any] = {name: getattr(frame, name).copy() for name in ARRAYS}
    reasons, clock = list(frame.reasons), frame.seconds.copy()
    count = frame.pixels.shape[1]
    begin, size = monotonic(), size_of(model, None)
    try:
        parts = []
        for number in range(count):
            climb = climb_of(
                model, [unit], way, size, steps=frame.steps[place], pictures=nature.pictures, seed=seed + number
            )  # fmt: skip
            *_, ascent = climb.steps()
            parts.append(as_seen_at(climb, ascent))
    except MinitorchVizError as error:
        reasons[place] = str(error)
    else:
        clock[place] = (monotonic() - begin) / count
        x = np.concatenate(parts)
        _measure(arrays, place, model, unit, nature, frame.plant, climb, x)
    for array in arrays.values():
        array.flags.writeable = False
    numbers = {"done": place + 1, "reasons": reasons}
    state = State(arrays, numbers)
    return replace(frame, **arrays, reasons=tuple(reasons), done=place + 1, clock=clock, state=state)


def _measure(
    arrays: Mapping[str, Array],
    place: int,
    model: Model,
    unit: Unit,
    nature: Nature,
    plant: Plant | None,
    climb: Any,
    x: Array,
) -> None:
    """Write what is measured of a preset's pictures x (S, C, h, w), pixel - mean, into the arrays of all."""
    each = replace(climb, objectives=(unit,) * len(x))
    pixels = pixels_of(climb, x)
    arrays["pixels"][place] = pixels
    arrays["scores"][place] = scores_of(each, x)
    arrays["probabilities"][place] = probabilities(each, x)
    arrays["slopes"][place] = np.mean([spectrum_slope(picture) for picture in pixels])
    arrays["spreads"][place] = spread_of_seeds(pixels)
    arrays["truths"][place] = betrayed(model, plant, unit, x, nature.tops)
    if nature.judge is not None:
        images = windowed(kernels.to_cpu(climb.parametrization.units.net(x)), nature.window)
        arrays["likeness"][place] = nature.judge.trust(images).made.T


def going_on(frame: Regularizers, state: State) -> Regularizers:
    """Return the result of a state; how long its pictures took is not kept."""
    arrays: dict[str, Any] = {name: np.asarray(state.arrays[name]) for name in ARRAYS}
    reasons = tuple(str(why) for why in state.numbers["reasons"])
    clock = np.full(len(frame.methods), np.nan)
    return replace(frame, **arrays, reasons=reasons, done=int(state.numbers["done"]), clock=clock, state=state)
