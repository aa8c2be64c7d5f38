"""Where an ascent stands: all that its next step depends on, to the bit, and what is to be sentences of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.parametrizations import Parametrization
from minitorch_viz.optimize.stage import Stage

HALVINGS = 20  # of the step, before an ascent gives up
ROSE = 0.01  # of all that a score has risen: less in the last quarter of the steps is standing still

Packed: TypeAlias = tuple[Mapping[str, Array], Mapping[str, Any]]  # arrays, and numbers that JSON can hold


@dataclass(frozen=True, eq=False)
class Ascent:
    """Hold where an ascent stands, and all that its next step depends on. Nothing in it can be written to."""

    parametrization: Parametrization  # of the present stage
    parameters: Mapping[str, Array]
    before: Mapping[str, Array]  # the parameters before the last step: what it is shortened towards
    optimizer: Any  # the optimizer's state
    stage: int
    step: int  # taken in this stage
    done: int  # taken in all
    total: int
    scores: Array  # (total, N): the objective of what the net was shown in each step; NaN for steps to come
    transparency: Array  # (N, H, W): the sum over all steps of |gradient|, over the channels (Fel et al. 2023)
    shrink: float  # 1, halved by each step that was not finite
    first_halved: int  # the first step that was not finite, from 1; 0: all were
    redirected: Array  # (N,) int: in so many steps nothing fired, and ReLUs passed what would switch units on
    silent: Array  # (N,) int: in so many steps the gradient was exactly 0 all the same
    generator: Mapping[str, Any]  # the state of the random generator

    def __post_init__(self) -> None:
        fields = self.optimizer._asdict().values()
        for arrays in (self.parameters, self.before, *(field for field in fields if isinstance(field, Mapping))):
            for array in arrays.values():
                array.flags.writeable = False
        for array in (self.scores, self.transparency, self.redirected, self.silent):
            array.flags.writeable = False

    @functools.cached_property
    def x(self) -> Array:
        """Return the pictures (N, C, H, W), pixel - mean, in steps of 0..255."""
        return self.parametrization.image(self.parameters)

    @property
    def pixels(self) -> Array:
        """Return the pictures as (N, H, W, C) uint8."""
        return self.parametrization.units.shown(self.x)

    @property
    def gave_up(self) -> bool:
        """Return whether no step was finite any more, however short."""
        return self.shrink < 2.0**-HALVINGS

    @property
    def is_over(self) -> bool:
        """Return whether there is no further step."""
        return self.done >= self.total or self.gave_up

    @property
    def words(self) -> tuple[str, ...]:
        """Return what happened that is worth a sentence."""
        sentences = []
        if self.gave_up:
            sentences.append(
                f"The ascent stopped at step {self.first_halved}: its steps are not finite, not even at "
                f"{self.shrink:.1g} times the rate; start elsewhere."
            )
        elif self.first_halved:
            sentences.append(
                f"Step {self.first_halved} led to numbers that are not finite; it was halved until they were, and the "
                f"rate since is {self.shrink:.3g} times the preset's."
            )
        never = self.silent > 0
        if (self.redirected > 0).any():
            sentences.append(
                f"In {self.redirected.max()} of {self.done} steps nothing{_of(self.redirected > 0)} fired that could "
                "be raised: there ReLUs passed what would switch them on (redirected ReLU, Olah et al. 2017)."
            )
        if never.any():
            sentences.append(
                f"In {self.silent.max()} of {self.done} steps the gradient{_of(never)} was exactly 0, even with ReLUs "
                "that pass what would switch them on: there is no way up there."
            )
        return (*sentences, *self._rests)

    @property
    def _rests(self) -> tuple[str, ...]:
        """Say, at the end, which scores rose no more in the last quarter of the last stage's steps."""
        if self.done < self.total or self.step < 16:
            return ()
        part = self.step // 8
        scores = self.scores[self.done - self.step :]  # those of a smaller picture, or of other views, are others
        start, then, end = (
            np.median(scores[first : first + part], axis=0) for first in (0, self.step - 3 * part, self.step - part)
        )
        never = end <= np.minimum(start, self.scores[0])  # a fast climb is over before the first median
        rests = ~never & (end - then <= ROSE * np.abs(end - start))
        sentences = []
        if never.any():
            sentences.append(
                f"The score{_of(never)} did not rise: the ascent stood still, and the picture says nothing."
            )
        if rests.any():
            sentences.append(f"Converged: the score{_of(rests)} rose no more in the last quarter of the steps.")
        return tuple(sentences)

    def packed(self) -> Packed:
        """Return what another run goes on from, to the same bits: arrays by name, and what JSON can hold."""
        arrays = {f"parameters/{name}": value for name, value in self.parameters.items()}
        arrays |= {f"before/{name}": value for name, value in self.before.items()}
        numbers: dict[str, Any] = {}
        for field, value in self.optimizer._asdict().items():
            if isinstance(value, Mapping):
                arrays |= {f"optimizer/{field}/{name}": array for name, array in value.items()}
            else:
                numbers[field] = value
        arrays |= {
            "scores": self.scores, "transparency": self.transparency, "redirected": self.redirected,
            "silent": self.silent,
        }  # fmt: skip
        return arrays, {
            "optimizer": numbers, "stage": self.stage, "step": self.step, "done": self.done, "shrink": self.shrink,
            "first_halved": self.first_halved, "generator": dict(self.generator),
        }  # fmt: skip


def unpacked(
    stages: Sequence[Stage], parametrization: Parametrization, arrays: Mapping[str, Array], numbers: Mapping[str, Any]
) -> Ascent:
    """Return the ascent that was packed, to the bit; `parametrization` is that of its stage.

    Raises KeyError or ValueError where a part is missing.
    """
    optimizer = stages[int(numbers["stage"])].optimizer
    parameters, before = _named(arrays, "parameters/"), _named(arrays, "before/")
    empty = optimizer.start(parameters)
    fields = {
        field: {name: arrays[f"optimizer/{field}/{name}"] for name in value}
        if isinstance(value, Mapping)
        else numbers["optimizer"][field]
        for field, value in empty._asdict().items()
    }
    return Ascent(
        parametrization, parameters, before, type(empty)(**fields), int(numbers["stage"]), int(numbers["step"]),
        int(numbers["done"]), sum(stage.steps for stage in stages), arrays["scores"], arrays["transparency"],
        float(numbers["shrink"]), int(numbers["first_halved"]), arrays["redirected"], arrays["silent"],
        numbers["generator"],
    )  # fmt: skip


def _named(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    names = sorted(key.removeprefix(prefix) for key in arrays if key.startswith(prefix))
    return {name: arrays[prefix + name] for name in names}


def _of(chosen: Array) -> str:
    """Say of which pictures (N,) something is true: "" where there is one picture, or of all of them."""
    if chosen.all():
        return "" if len(chosen) == 1 else " of all pictures"
    numbers = [str(index + 1) for index in np.flatnonzero(chosen)]
    return f" of picture{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
