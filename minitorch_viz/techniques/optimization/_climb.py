"""How a preset is set to work on a net: its stages in the steps that are wanted, its start, its pictures' size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.objectives import Each, Objective
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.memory import need_memory
from minitorch_viz.optimize.parametrizations import Parametrization
from minitorch_viz.optimize.presets import Preset, Request
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.score import own_size, seen_size
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.transforms import Transform
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Begin = Literal["zero", "noise"]

LARGEST = 2048  # pixels of a picture's longer side
NOISE = 10.0  # standard deviation, in steps of 0..255 (Yosinski et al. 2015)


@dataclass(frozen=True, eq=False)
class Climb:
    """Hold what an ascent is made of: N pictures that climb side by side, each by its own objective."""

    model: Model
    objectives: tuple[Objective, ...]  # (N,): what is asked for; a preset may add to it
    climbed: Objective  # of all N pictures: what is climbed
    preset: Preset
    stages: tuple[Stage, ...]
    parametrization: Parametrization
    seed: int
    start: Array | None  # (N, C, H, W), pixel - mean; None: the parametrization's own
    look: Transform | None = None  # how the net looks at a picture; None: at its size, or else brought to the net's

    @property
    def total(self) -> int:
        """Return how many steps there are."""
        return sum(stage.steps for stage in self.stages)

    def steps(self, state: State | None = None) -> Iterator[Ascent]:
        """Yield where the ascent stands, before its first step and after each; state: `state_of` one, to go on from."""
        packed = None if state is None else (part_of(state, "ascent/"), state.numbers["ascent"])
        yield from ascend(
            self.model, self.climbed, self.stages, self.parametrization,
            number=len(self.objectives), start=self.start, seed=self.seed, look=self.look, state=packed,
        )  # fmt: skip

    def seen(self, x: Array) -> Array:
        """Return pictures (N, C, H, W) of the final size as the net looks at them."""
        if self.look is None:
            return resized(x, self._seen_size)
        return self.look.draw(np.random.default_rng(0), (x.shape[-2], x.shape[-1])).forward(x)

    @cached_property
    def _seen_size(self) -> Pair:
        """Return the size at which the net looks at the finished pictures."""
        return seen_size(self.model, self.objectives[0], self.parametrization.size)


def climb_of(
    model: Model,
    objectives: Sequence[Objective],
    preset: Preset,
    size: Pair,
    *,
    steps: int | None = None,
    start: Begin | Array | None = None,
    pictures: Any = None,
    seed: int = 0,
    look: Transform | None = None,
) -> Climb:
    """Return the ascent of one picture for each objective, by a preset.

    size: (H, W) of the pictures. steps: in all, the preset's stages in proportion; None: its own. start: "zero", the
    mean colour; "noise"; pictures (N, C, H, W), pixel - mean; None: the preset's own. look: as in `ascend`.
    Raises SettingError where a setting does not fit, the pictures need more memory than there is, or the preset
    needs natural pictures and there are none.
    """
    need_whole("seed", seed, 0)
    need_memory(model, objectives[0], size, len(objectives))
    if preset.needs_pictures and pictures is None:
        raise SettingError(
            f"The preset {preset.name} learns from natural pictures: give them with --pictures FOLDER (pictures=)."
        )
    requests = [Request(model, objective, size, pictures, seed) for objective in objectives]
    parametrization = preset.parametrization(requests[0])
    climbed = Each(tuple(preset.objective(request) for request in requests))
    stages = scaled(
        preset.stages_for(requests[0]), preset.steps if steps is None else need_whole("steps", steps, 1, 100_000)
    )
    begin = start if isinstance(start, np.ndarray) else _start(start, parametrization, len(objectives), seed, model)
    return Climb(model, tuple(objectives), climbed, preset, stages, parametrization, seed, begin, look)


def scaled(stages: Sequence[Stage], steps: int) -> tuple[Stage, ...]:
    """Return stages of so many steps in all, in proportion; of fewer steps than stages the last have one each."""
    total = sum(stage.steps for stage in stages)
    if steps == total:
        return tuple(stages)
    kept = list(stages)[-steps:]
    shares = np.array([stage.steps for stage in kept]) / sum(stage.steps for stage in kept)
    ends = np.round(np.cumsum(shares) * (steps - len(kept))).astype(int)
    counts = np.diff(ends, prepend=0) + 1
    return tuple(
        replace(stage, steps=int(count), redirected=min(round(stage.redirected * count / stage.steps), int(count)))
        for stage, count in zip(kept, counts, strict=True)
    )


def _start(kind: Begin | None, parametrization: Parametrization, number: int, seed: int, model: Model) -> Array | None:
    """Return the pictures to start from; None is the parametrization's own start."""
    if kind is None:
        return None
    if kind not in get_args(Begin):
        raise SettingError(f"There is no start {kind!r}; {near(kind, get_args(Begin), 'start')}.")
    shape = parametrization.shape(number)
    if kind == "zero":
        return np.zeros(shape, model.dtype)
    own = parametrization.start(np.random.default_rng(seed), number, model.dtype)
    if any(np.ptp(value) > 0 for value in own.values()):
        return None  # it starts from noise of its own kind
    return (NOISE * np.random.default_rng(seed).standard_normal(shape)).astype(model.dtype)


def size_of(model: Model, size: int | None) -> Pair:
    """Return (H, W) of pictures whose longer side is `size`, in the net's proportions; None: its own size."""
    high, wide = own_size(model)
    if size is None:
        return high, wide
    need_whole("size", size, 4, LARGEST)
    factor = size / max(high, wide)
    return max(1, round(high * factor)), max(1, round(wide * factor))


def state_of(ascent: Ascent, **others: State) -> State:
    """Return what another run goes on from: the ascent, and by name what goes on beside it."""
    arrays, numbers = ascent.packed()
    all_arrays = {f"ascent/{name}": value for name, value in arrays.items()}
    all_numbers = {"ascent": numbers}
    for name, other in others.items():
        all_arrays |= {f"{name}/{key}": value for key, value in other.arrays.items()}
        all_numbers[name] = dict(other.numbers)
    return State(all_arrays, all_numbers)


def part_of(state: State, prefix: str) -> dict[str, Array]:
    """Return the arrays of a state whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in state.arrays.items() if name.startswith(prefix)}
