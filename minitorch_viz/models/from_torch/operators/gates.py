"""Operators that change each number by itself."""

from __future__ import annotations

from typing import Any

from minitorch_viz.layers import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    Mul,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Slice,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minitorch_viz.layers.base import Layer
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value

FARTHEST = 3e38  # where a wall is that a float32 never reaches
PLAIN: dict[str, type[Layer]] = {
    "relu": ReLU,
    "relu6": ReLU6,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "silu": SiLU,
    "hardswish": Hardswish,
    "hardsigmoid": Hardsigmoid,
    "selu": SELU,
    "mish": Mish,
    "softsign": Softsign,
    "log_sigmoid": LogSigmoid,
    "logsigmoid": LogSigmoid,
}


def _plain(layer: type[Layer]) -> Any:
    def mapping(call: Call, input: Value, inplace: bool = False) -> Value:
        return call.emit(layer(), input)

    return mapping


for _name, _layer in PLAIN.items():
    operator(_name, turned=True)(_plain(_layer))


@operator("gelu", turned=True)
def gelu(call: Call, input: Value, approximate: Any = "none") -> Value:
    return call.emit(GELU(approximate), input)


@operator("elu", turned=True)
def elu(call: Call, input: Value, alpha: float = 1.0, inplace: bool = False) -> Value:
    return call.emit(ELU(alpha), input)


@operator("celu", turned=True)
def celu(call: Call, input: Value, alpha: float = 1.0, inplace: bool = False) -> Value:
    return call.emit(CELU(alpha), input)


@operator("rrelu", turned=True)
def rrelu(call: Call, input: Value, lower: float = 1 / 8, upper: float = 1 / 3, *others: Any, **settings: Any) -> Value:
    return call.emit(LeakyReLU((lower + upper) / 2), input)  # in use the slope is the mean of those in training


@operator("glu", turned=True)
def glu(call: Call, input: Value, dim: int = -1) -> Value:
    axis = _inside(input, dim)
    half = call.shape[dim]
    image = call.shape[: input.batch] + call.shape[input.batch + 1 :]
    signal = call.emit(Slice(axis, 0, half), input, image=image)
    factor = call.emit(Sigmoid(), call.emit(Slice(axis, half), input, image=image))
    return call.emit(Mul(), signal, factor)


@operator("threshold", turned=True)
def threshold(call: Call, input: Value, threshold: float, value: float, inplace: bool = False) -> Value:
    if (threshold, value) != (0, 0):
        raise UnmappedError(f"numbers up to {threshold} become {value}, and only 0 for both is known: a ReLU")
    return call.emit(ReLU(), input)


@operator("leaky_relu", turned=True)
def leaky_relu(
    call: Call,
    input: Value,
    negative_slope: float = 0.01,
    inplace: bool = False,
) -> Value:
    return call.emit(LeakyReLU(negative_slope), input)


@operator("softplus", turned=True)
def softplus(call: Call, input: Value, beta: float = 1.0, threshold: float = 20.0) -> Value:
    return call.emit(Softplus(beta, threshold), input)


@operator("prelu")
def prelu(call: Call, input: Value, weight: Any) -> Value:
    return call.emit(PReLU(weight), input)


@operator("hardtanh", "clamp", "clip", turned=True)
def clamp(
    call: Call,
    input: Value,
    min: Any = None,
    max: Any = None,
    min_val: Any = None,
    max_val: Any = None,
    inplace: bool = False,
) -> Value:
    low, high = min if min_val is None else min_val, max if max_val is None else max_val
    if (low, high) == (0, None):
        return call.emit(ReLU(), input)
    if (low, high) == (0, 6):
        return call.emit(ReLU6(), input)
    numbers = (-FARTHEST if low is None else low), (FARTHEST if high is None else high)
    if not all(isinstance(number, (int, float)) for number in numbers) or numbers[0] >= numbers[1]:
        raise UnmappedError(
            f"numbers are kept between {low} and {high}, and only two numbers, the lower first, are known"
        )
    return call.emit(Hardtanh(float(numbers[0]), float(numbers[1])), input)


@operator("softmax", turned=True)
def softmax(call: Call, input: Value, dim: int = -1, **others: Any) -> Value:
    return call.emit(Softmax(_inside(input, dim)), input)


@operator("log_softmax", turned=True)
def log_softmax(call: Call, input: Value, dim: int = -1, **others: Any) -> Value:
    return call.emit(LogSoftmax(_inside(input, dim)), input)


def _inside(value: Value, dim: int | None) -> int:
    """Return where an axis of one image is; the batch is none."""
    axis = value.axis(-1 if dim is None else dim)
    if axis == 0:
        raise UnmappedError("it runs over the images of a batch")
    return axis
