"""Gates: what each number becomes by itself; and operators that change nothing in use."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz.layers import (
    CELU,
    ELU,
    GELU,
    SELU,
    Affine,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator

GATES = {
    **{"Relu": ReLU, "Sigmoid": Sigmoid, "Tanh": Tanh, "Softplus": Softplus, "HardSwish": Hardswish},
    **{"Softsign": Softsign, "Mish": Mish},
}
FARTHEST = float(np.finfo(np.float32).max)  # exported for no bound
SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875  # ONNX's defaults, in float32


@operator(*GATES, turned=True)
def gate(call: Call) -> Signal:
    """Read a gate without settings."""
    return call.add(GATES[call.type](), call.signal())


@operator("LeakyRelu", turned=True)
def leaky_relu(call: Call) -> Signal:
    """Read LeakyRelu."""
    return call.add(LeakyReLU(call.number("alpha", 0.01)), call.signal())


@operator("Elu", turned=True)
def elu(call: Call) -> Signal:
    """Read Elu."""
    return call.add(ELU(call.number("alpha", 1.0)), call.signal())


@operator("Celu", turned=True)
def celu(call: Call) -> Signal:
    """Read Celu."""
    alpha = call.number("alpha", 1.0)
    if not alpha > 0:
        call.refuse(f"has alpha {alpha}; numbers above 0 are known here")
    return call.add(CELU(alpha), call.signal())


@operator("Selu", turned=True)
def selu(call: Call) -> Signal:
    """Read Selu with its published numbers, which are the layer's."""
    given = call.number("alpha", SELU_ALPHA), call.number("gamma", SELU_GAMMA)
    if not np.allclose(given, (SELU_ALPHA, SELU_GAMMA), rtol=1e-4):
        call.refuse(f"has alpha and gamma {given}; those of the paper, 1.6733 and 1.0507, are known here")
    return call.add(SELU(), call.signal())


@operator("Gelu", turned=True)
def gelu(call: Call) -> Signal:
    """Read Gelu, exact or by the hyperbolic tangent."""
    return call.add(GELU(call.text("approximate", "none")), call.signal())  # type: ignore[arg-type]  # GELU checks the word


@operator("PRelu")
def prelu(call: Call) -> Signal:
    """Read PRelu with one slope, or one a channel."""
    x, slope = call.signal(), call.floats(1)
    sides = (1,) * (len(x.shape) - slope.ndim) + slope.shape
    if slope.size != 1 and (len(sides) != len(x.shape) or sides[1] != slope.size or slope.size != x.shape[1]):
        call.refuse(f"has slopes of shape {slope.shape} for an input {x.shape}; one, or one a channel, are known here")
    return call.add(PReLU(slope.reshape(-1)), x)


@operator("HardSigmoid", turned=True)
def hard_sigmoid(call: Call) -> Signal:
    """Read HardSigmoid; other lines than x / 6 + 1/2 become a scale and shift before it."""
    x = call.signal()
    slope, shift = call.number("alpha", 0.2), call.number("beta", 0.5)
    if not (math.isclose(slope, 1 / 6, rel_tol=1e-6) and shift == 0.5):
        x = _scaled(call, x, 6 * slope, 6 * (shift - 0.5))
    return call.add(Hardsigmoid(), x)


@operator("Clip", turned=True)
def clip(call: Call) -> Signal:
    """Read Clip: from 0 on a ReLU, from 0 to 6 a ReLU6, else a Hardtanh."""
    x = call.signal()
    if call.opset < 11:
        low, high = call.attributes.get("min", -math.inf), call.attributes.get("max", math.inf)
        low, high = (float(n) if isinstance(n, (int, float)) else math.nan for n in (low, high))
    else:
        low, high = (call.scalar(at, bound) for at, bound in ((1, -math.inf), (2, math.inf)))
    low, high = (-math.inf if low <= -FARTHEST else low), (math.inf if high >= FARTHEST else high)
    if low == -math.inf and high == math.inf:
        return x
    if (low, high) == (0, math.inf):
        return call.add(ReLU(), x)
    if (low, high) == (0, 6):
        return call.add(ReLU6(), x)
    if math.isnan(low) or math.isnan(high) or low >= high:
        call.refuse(f"cuts off at {low} and {high}; a lower bound below the upper one is known here")
    return call.add(Hardtanh(max(low, -FARTHEST), min(high, FARTHEST)), x)


@operator("Max", "Min", turned=True)
def bounded(call: Call) -> Signal:
    """Read Max and Min with one constant number: a bound on one side."""
    at = 0 if isinstance(call.value(0), Signal) else 1
    bound = call.scalar(1 - at) if len(call.inputs) == 2 else None
    if bound is None or not math.isfinite(bound):
        call.refuse("compares arrays; one number is known here")
    if call.type == "Max" and bound == 0:
        return call.add(ReLU(), call.signal(at))
    limits = (bound, FARTHEST) if call.type == "Max" else (-FARTHEST, bound)
    return call.add(Hardtanh(*limits), call.signal(at))


@operator("Softmax", "LogSoftmax", turned=True)
def softmax(call: Call) -> Signal:
    """Read Softmax and LogSoftmax; before opset 13 all axes from the given one on are one."""
    x = call.signal()
    rank = len(x.shape)
    axis = call.inner_axis(call.whole("axis", -1 if call.opset >= 13 else 1), x)
    if call.opset < 13 and axis != rank - 1 and math.prod(x.shape[axis:]) != x.shape[axis]:
        call.refuse(f"runs over all axes from {axis} on at once, as before opset 13")
    return call.add((Softmax if call.type == "Softmax" else LogSoftmax)(axis), x)


@operator("Identity", "Dropout", turned=True)
def nothing(call: Call) -> Signal:
    """Pass over what changes nothing in use."""
    call.only_output()
    if call.type == "Dropout" and call.opset >= 12 and (training := call.constant(2)) is not None and training.any():
        call.refuse("drops values, as in training", "Export the net in eval mode.")
    return call.signal()


@operator("Cast", turned=True)
def cast(call: Call) -> Signal:
    """Pass over a change of precision: the net computes in one."""
    if call.whole("to") not in (1, 10, 11, 16):
        call.refuse("turns what depends on the input into whole numbers or texts, through which no gradient comes")
    return call.signal()


def _scaled(call: Call, x: Signal, factor: float, shift: float) -> Signal:
    """Return x * factor + shift, the same two numbers everywhere."""
    sides = (1,) * (len(x.shape) - 1)
    numbers = (np.full(sides, number, call.builder.dtype) for number in (factor, shift))
    return call.add(Affine(*numbers), x)
