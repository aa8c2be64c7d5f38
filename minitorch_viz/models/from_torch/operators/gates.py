"""Operators that change each number by itself."""

from __future__ import annotations

from typing import Any

from minitorch_viz.layers import (
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minitorch_viz.layers.base import Layer
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value

PLAIN: dict[str, type[Layer]] = {
    "relu": ReLU,
    "relu6": ReLU6,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "silu": SiLU,
    "hardswish": Hardswish,
    "hardsigmoid": Hardsigmoid,
    "selu": SELU,
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
    raise UnmappedError(f"numbers are kept between {low} and {high}, and only 0 to 6, or 0 and more, is known")


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
