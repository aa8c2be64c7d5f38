"""LSTM, GRU and RNN, in one direction or both: ONNX keeps the steps first, and the gates in an order of its own."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import GRU, LSTM, RNN, Concat, Layer, Slice
from minitorch_viz.layers.slice_ import Flip
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator
from minitorch_viz.models.from_onnx.operators.turning import counted, settled

GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}  # where PyTorch's gates stand among ONNX's
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
SQUASHED = {"LSTM": (["Sigmoid", "Tanh", "Tanh"],), "GRU": (["Sigmoid", "Tanh"],), "RNN": (["Tanh"], ["Relu"])}
INITIAL = {"LSTM": (5, 6, 7), "GRU": (5,), "RNN": (5,)}  # inputs that are 0 here: initial states, and peepholes


@operator("LSTM", "GRU", "RNN", turned=True)
def recurrent(call: Call) -> list[Signal]:
    """Read a recurrent layer that begins with states of 0; what it gives are the states of all steps, and the last."""
    x, first = call.any_signal(), bool(call.whole("layout", 0))
    if len(x.shape) != 3 or (not first and (x.shape[1] != 1 or not (x.turned or x.shape[0] == 1))):
        call.refuse(
            f"reads {x.shape}, of which axis 0 are the images of a batch here, as steps",
            "Build the layer with batch_first=True, and export it again.",
        )
    steps, features = x.shape[1 if first else 0], x.shape[2]
    hidden, gates = call.whole("hidden_size", 0), GATES[call.type]
    directions = DIRECTIONS.get(call.text("direction", "forward")) or _damaged(call, "direction")
    if hidden < 1:
        call.refuse(f"has hidden_size = {hidden}", "The file is damaged.")
    activations = _checked(call, steps, len(directions))
    count, rows = len(directions), len(gates) * hidden
    weights, states = call.floats(1, count, rows, features), call.floats(2, count, rows, hidden)
    biases = call.optional_floats(3, count, 2 * rows)
    biases = np.zeros((count, 2 * rows), weights.dtype) if biases is None else biases
    sequence = counted(call, x, (steps, features))
    ends, answers = [], []
    for number, backwards in enumerate(directions):
        arrays = [weights[number], states[number], biases[number, :rows], biases[number, rows:]]
        own = dict(zip(LSTM.param_names, (_in_order(array, gates) for array in arrays), strict=True))
        layer = _layer(call, own, activations)
        source = call.add(Flip(1), sequence, shape=sequence.shape) if backwards else sequence
        answer = call.add(layer, source, shape=(1, steps, hidden), work_each=len(gates) * (features + hidden))
        ends.append(call.add(Slice(1, steps - 1, steps), answer, shape=(1, 1, hidden)))
        answers.append(call.add(Flip(1), answer, shape=answer.shape) if backwards else answer)
    every = _joined(call, answers, 2, (1, steps, count * hidden))
    last = _joined(call, ends, 1, (1, count, hidden))
    shapes = (
        ((1, steps, count, hidden), (1, count, hidden)) if first else ((steps, count, 1, hidden), (count, 1, hidden))
    )
    return [settled(call, value, shape) for value, shape in zip((every, last), shapes, strict=True)]


def _checked(call: Call, steps: int, directions: int) -> list[str]:
    """Return the activations of one direction; refuse what the layers do not compute."""
    if any(name and call.builder.uses[name] for name in call.outputs[2:]):
        call.refuse("gives its last cell states, which are read; only the states are known here")
    names = call.attributes.get("activations") or SQUASHED[call.type][0] * directions
    single = names[: len(names) // directions] if isinstance(names, list) else []
    if single not in SQUASHED[call.type] or names != single * directions or "clip" in call.attributes:
        call.refuse(f"has the activations {names!s:.80}, or cuts them off; the usual ones are known here")
    if call.whole("input_forget", 0) or (call.type == "GRU" and not call.whole("linear_before_reset", 0)):
        call.refuse("joins its gates, or resets before it multiplies (linear_before_reset = 0), unlike PyTorch's")
    lengths = call.constant(4)
    if lengths is not None and (lengths != steps).any():
        call.refuse(f"reads sequences of other lengths than {steps}")
    for at in INITIAL[call.type]:
        array = call.constant(at)
        if array is not None and array.any():
            call.refuse("begins with states of its own, or has peepholes; it begins with 0 here")
    return single


def _layer(call: Call, arrays: dict[str, Array], activations: list[str]) -> Layer:
    if call.type == "RNN":
        return RNN(**arrays, nonlinearity="relu" if activations == ["Relu"] else "tanh")
    return LSTM(**arrays) if call.type == "LSTM" else GRU(**arrays)


def _in_order(array: Array, gates: tuple[int, ...]) -> Array:
    """Return rows of gates in PyTorch's order."""
    parts = np.split(array, len(gates))
    return np.concatenate([parts[gate] for gate in gates])


def _joined(call: Call, signals: list[Signal], axis: int, shape: tuple[int, ...]) -> Signal:
    return signals[0] if len(signals) == 1 else call.add(Concat(axis), *signals, shape=shape)


def _damaged(call: Call, name: str) -> NoReturn:
    call.refuse(f"has {name} = {call.text(name)!r:.40}", "The file is damaged.")
