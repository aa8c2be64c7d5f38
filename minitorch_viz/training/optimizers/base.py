"""What every optimizer is: frozen settings, a state to start from, and a step that returns new arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import NetError, SettingError, ShapeError, near
from minitorch_viz.layers.fields import NumberField

Arrays: TypeAlias = Mapping[str, Array]  # parameters or gradients by name, as Net.params and Net.param_grads give them


@dataclass(frozen=True)
class Optimizer:
    """Be the base of all optimizers.

    A subclass declares `State` (a NamedTuple of `steps: int` and dicts of arrays by parameter name), `start`, `step`,
    `examples` and `in_pytorch`. It remembers nothing: the same state and gradients give the same step, and a state that
    is written to a file and read again continues as if nothing had happened.
    """

    rate: NumberField = NumberField(1e-3, least=0)

    def start(self, params: Arrays) -> Any:
        """Return the state before the first step."""
        raise NotImplementedError

    def step(
        self, params: Arrays, grads: Arrays, state: Any, rate: float | None = None
    ) -> tuple[dict[str, Array], Any]:
        """Take one step against the gradients: (new parameters, new state). What is given stays as it is.

        params, grads, state: arrays by name; a parameter without a gradient stays. rate: instead of the setting's, for
        this step (schedules use it). Raises NetError for a gradient without a parameter, ShapeError for another shape,
        SettingError for another optimizer's state or an impossible rate.
        """
        raise NotImplementedError

    @classmethod
    def examples(cls) -> list[Self]:
        """Return settings worth testing; each is compared with PyTorch for 20 steps."""
        raise NotImplementedError

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        """Return the name in torch.optim and the settings by PyTorch's names: what does the same there."""
        raise NotImplementedError


def zeros(params: Arrays) -> dict[str, Array]:
    """Return one array of zeros for each parameter; ShapeError unless they are float arrays by name."""
    check_arrays(params, "params")
    return {name: np.zeros_like(value) for name, value in params.items()}


def check_arrays(arrays: object, argument: str) -> None:
    """Raise a sentence unless these are float arrays by name, at least one."""
    if not isinstance(arrays, Mapping) or not arrays:
        raise ShapeError(
            f"{argument} must be a dict {{name: array}} with at least one entry, but got {_brief(arrays)}."
        )
    for name, value in arrays.items():
        if not isinstance(name, str):
            raise ShapeError(f"The names in {argument} must be texts such as 'conv1.weight', but got {name!r}.")
        if not hasattr(value, "dtype") or value.dtype.kind != "f":
            raise ShapeError(f"{argument}[{name!r}] must be an array of floats, but got {_brief(value)}.")


def checked_rate(optimizer: Optimizer, params: Arrays, grads: Arrays, state: Any, rate: float | None) -> float:
    """Return the rate of this step as a Python float, if parameters, gradients and state fit together."""
    check_arrays(params, "params")
    if not isinstance(grads, Mapping):
        raise ShapeError(f"grads must be a dict {{name: array}}, but got {_brief(grads)}.")
    kind = type(optimizer).__name__
    state_type: Any = getattr(type(optimizer), "State", ())
    if not isinstance(state, state_type):
        raise SettingError(f"{kind} needs a state that {kind}.start or {kind}.step gave, but got {_brief(state)}.")
    for name, grad in grads.items():
        if name not in params:
            raise NetError(f"grads holds {name!r}, which is no parameter; {near(name, params, 'parameter')}.")
        shape = getattr(grad, "shape", None)
        if shape != params[name].shape:
            raise ShapeError(f"The gradient of {name!r} needs the shape {params[name].shape}, but got {_brief(grad)}.")
        for field in state:
            if isinstance(field, Mapping) and (name not in field or field[name].shape != shape):
                raise SettingError(f"This state was started with other parameters: it does not fit {name!r} {shape}.")
    if rate is None:
        return optimizer.rate
    is_number = isinstance(rate, (int, float, np.integer, np.floating)) and not isinstance(rate, bool)
    if not is_number or not np.isfinite(rate) or rate < 0:
        raise SettingError(f"The rate of a step must be a finite number of at least 0, but got {rate!r}.")
    return float(rate)  # a Python float: a np.float64 would turn float32 parameters into float64 ones


def need_below_one(optimizer: Optimizer, *names: str) -> None:
    """Raise a sentence if a running mean would never forget, and so never learn."""
    for name in names:
        if getattr(optimizer, name) >= 1:
            raise SettingError(
                f"{type(optimizer).__name__}'s {name} must be below 1, but got {getattr(optimizer, name)!r}: a running "
                f"mean that forgets nothing never moves."
            )


def _brief(value: object) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array {tuple(value.shape)} of {value.dtype}"
    return repr(value) if value is None or isinstance(value, (int, float, str, bool)) else f"a {type(value).__name__}"
