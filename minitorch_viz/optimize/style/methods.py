"""Optimizers of one picture with one face: a state to start from, a step, and the state of a larger picture.

L-BFGS remembers pairs of steps; what they say of the curvature of one size says nothing of another, so a larger picture
starts without a history. Adam and Adagrad remember running means of slopes and squares, which are enlarged as the
picture is (Crowson, style_transfer.py, 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, near
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.units import Units
from minitorch_viz.training.optimizers import LBFGS, Adagrad, Adam, Optimizer
from minitorch_viz.training.optimizers import lbfgs as _lbfgs

Name = Literal["lbfgs", "adam", "adagrad"]
Loss: TypeAlias = Callable[[Array], tuple[float, Array]]
Packed: TypeAlias = tuple[dict[str, Array], dict[str, Any]]

RATES: dict[str, float] = {"adam": 5.0, "adagrad": 20.0}  # in steps of 0..255
BETAS = (0.9, 0.99)  # of Adam
FIRST_STEP = 1.0  # of L-BFGS, the root mean square over all pixels, in steps of 0..255; the line search stretches it
HALVINGS = 20  # of a rate, before a first-order method gives up


class Walked(NamedTuple):
    """Hold where Adam or Adagrad stands, and all that the next step depends on."""

    steps: int
    evaluations: int
    x: Array  # (1, C, H, W) float64
    value: float
    gradient: Array  # as x
    memory: Any  # the optimizer's own state
    shrink: float  # 1, halved by each step that was not finite
    status: str  # "moving", "still"
    words: str  # what happened in the last step, if it is worth a sentence


State: TypeAlias = "_lbfgs.State | Walked"


class Method:
    """Be the base of methods. A state has `steps`, `evaluations`, `x`, `value`, `status` and `words`."""

    name: str
    enlarges: str  # what becomes of its memory when the picture grows, in words

    def start(self, x: Array, loss: Loss) -> State:
        """Return the state before the first step from x (1, C, H, W)."""
        raise NotImplementedError

    def step(self, state: Any, loss: Loss) -> State:
        """Take one step downhill."""
        raise NotImplementedError

    def enlarged(self, state: Any, size: Pair, details: Array | float, loss: Loss) -> State:
        """Return the state at the start of a picture of another size: the picture enlarged, and details added."""
        raise NotImplementedError

    def packed(self, state: Any) -> Packed:
        """Return arrays by name, and numbers that JSON can hold."""
        raise NotImplementedError

    def unpacked(self, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> State:
        """Return the state that was packed, to the bit."""
        raise NotImplementedError


@dataclass(frozen=True)
class CurvatureMethod(Method):
    """Step by L-BFGS; the pixels are clipped at the end alone, as a clipped step would contradict its history."""

    pairs: int = 10
    name = "L-BFGS"
    enlarges = "L-BFGS begins each size without a history: the curvature of one size says nothing of another."

    def start(self, x: Array, loss: Loss) -> State:
        return self._optimizer(x).start(x.astype(np.float64), loss)

    def step(self, state: Any, loss: Loss) -> State:
        return self._optimizer(state.x).step(state, loss)

    def enlarged(self, state: Any, size: Pair, details: Array | float, loss: Loss) -> State:
        return self.start(resized(state.x, size) + details, loss)

    def packed(self, state: Any) -> Packed:
        packed: Packed = state.packed()
        return packed

    def unpacked(self, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> State:
        return _lbfgs.unpacked(arrays, numbers)

    def _optimizer(self, x: Array) -> LBFGS:
        return LBFGS(pairs=self.pairs, first_step=FIRST_STEP * float(np.sqrt(x.size)), tolerance=1e-6)


@dataclass(frozen=True)
class SlopeMethod(Method):
    """Step by Adam or Adagrad; pixels are clipped to 0..255 after each step."""

    name: str
    optimizer: Optimizer
    units: Units
    enlarges = "Its running means are enlarged with the picture."

    def start(self, x: Array, loss: Loss) -> State:
        x = self.units.clip(x.astype(np.float64))
        value, gradient = loss(x)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            raise SettingError(f"{self.name} needs a finite loss to start from, but it is {value:g}; start elsewhere.")
        status, words = ("moving", "") if gradient.any() else ("still", "The gradient is exactly 0 at the start.")
        return Walked(0, 1, x, value, gradient, self.optimizer.start({"x": x}), 1.0, status, words)

    def step(self, state: Any, loss: Loss) -> State:
        if state.status != "moving":
            return state  # type: ignore[no-any-return]  # a Walked
        shrink, evaluations = state.shrink, state.evaluations
        for _ in range(HALVINGS):
            rate = shrink * self.optimizer.rate
            moved, memory = self.optimizer.step({"x": state.x}, {"x": state.gradient}, state.memory, rate)
            x = self.units.clip(moved["x"])
            value, gradient = loss(x)
            evaluations += 1
            if np.isfinite(value) and np.isfinite(gradient).all():
                words = "" if shrink == state.shrink else f"A step was not finite; it was taken again at {rate:.3g}."
                return Walked(state.steps + 1, evaluations, x, value, gradient, memory, shrink, "moving", words)
            shrink /= 2
        words = f"No step is finite, not even at {shrink:.1g} times the rate; it stopped."
        return state._replace(evaluations=evaluations, status="still", words=words)  # type: ignore[no-any-return]

    def enlarged(self, state: Any, size: Pair, details: Array | float, loss: Loss) -> State:
        fresh: Any = self.start(resized(state.x, size) + details, loss)
        parts = {
            field: {"x": resized(value["x"], size)} if isinstance(value, Mapping) else value
            for field, value in state.memory._asdict().items()
        }
        return fresh._replace(memory=type(state.memory)(**parts), shrink=state.shrink)  # type: ignore[no-any-return]

    def packed(self, state: Any) -> Packed:
        arrays, memory = {"x": state.x, "gradient": state.gradient}, {}
        for field, value in state.memory._asdict().items():
            if isinstance(value, Mapping):
                arrays[f"memory/{field}"] = value["x"]
            else:
                memory[field] = value
        numbers = {
            name: getattr(state, name) for name in ("steps", "evaluations", "value", "shrink", "status", "words")
        }
        return arrays, {**numbers, "memory": memory}

    def unpacked(self, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> State:
        names = {key: key.removeprefix("memory/") for key in arrays if key.startswith("memory/")}
        fields = {name: {"x": arrays[key]} for key, name in names.items()} | dict(numbers["memory"])
        kind: Any = type(self.optimizer).State  # type: ignore[attr-defined]  # every optimizer has one
        rest = {name: value for name, value in numbers.items() if name != "memory"}
        return Walked(x=arrays["x"], gradient=arrays["gradient"], memory=kind(**fields), **rest)


def method_of(name: str, units: Units, rate: float | None = None) -> Method:
    """Return a method by name; rate: of Adam and Adagrad, in steps of 0..255; None: its own.

    Raises SettingError for an unknown name, or a rate where there is none.
    """
    if name not in get_args(Name):
        raise SettingError(f"There is no optimizer {name!r}; {near(name, get_args(Name), 'optimizer')}.")
    if name == "lbfgs":
        if rate is not None:
            raise SettingError("L-BFGS finds its step by itself and takes no rate; leave out rate, or take adam.")
        return CurvatureMethod()
    chosen = RATES[name] if rate is None else rate
    if name == "adam":
        return SlopeMethod("Adam", Adam(chosen, *BETAS), units)
    return SlopeMethod("Adagrad", Adagrad(chosen), units)
