"""Attention, written by exporters as softmax(q k) v in operators: each is read into one MultiheadAttention."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import Affine, MultiheadAttention
from minitorch_viz.models.from_onnx.builder import UNFINISHED, Scores, Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.turning import counted, permuted, settled

PASSED_ON = ("Identity", "Dropout", "Cast")


def scores_of(call: Call) -> Scores:
    """Read MatMul of queries (..., T, D) and keys (..., D, S), which operators that follow make attention of."""
    query, key = (call.any_signal(at) for at in (0, 1))
    shape = (*query.shape[:-1], key.shape[-1])
    fits = len(query.shape) == len(key.shape) >= 3 and query.shape[:-2] == key.shape[:-2]
    if not fits or query.shape[-1] != key.shape[-2]:
        call.refuse(UNFINISHED.partition(".")[0], "Use Model.from_torch.")
    (query, first), (key, second) = _unscaled(call, query), _unscaled(call, key)
    return Scores(query, key, shape, first * second, False, False, call.label)


def continued(call: Call) -> Scores | Signal:
    """Read an operator on scores: a factor, a mask of later steps, the softmax, and the product with the values."""
    at = next(at for at, value in enumerate(call.inputs) if isinstance(value, Scores))
    scores = call.inputs[at]
    assert isinstance(scores, Scores)
    if call.type in PASSED_ON:
        return scores
    if call.type in ("Mul", "Div") and not scores.is_soft and not (call.type == "Div" and at):
        number = call.scalar(1 - at)
        if number:
            return scores._replace(factor=scores.factor * number if call.type == "Mul" else scores.factor / number)
    if call.type == "Add" and not scores.is_soft:
        mask = call.constant(1 - at)
        if mask is not None and not mask.any():
            return scores
        if mask is not None and _hides_later_steps(mask, scores.shape):
            return scores._replace(causal=True)
    if call.type == "Softmax" and not scores.is_soft:
        axis = call.whole("axis", -1 if call.opset >= 13 else 1)
        if axis in (-1, len(scores.shape) - 1):
            return scores._replace(is_soft=True)
    if call.type == "MatMul" and scores.is_soft and at == 0:
        return _attention(call, scores, call.any_signal(1))
    call.refuse("reads products of queries and keys; softmax(q k) v is known, with a factor and a mask of later steps")


def _attention(call: Call, scores: Scores, value: Signal) -> Signal:
    """Return the answers (..., T, D) as one layer whose matrices pass everything on, in the rows that it reads."""
    *lead, steps, width = scores.query.image
    sources = value.image[-2] if len(value.image) > 1 else 0
    if value.image != (*lead, sources, width) or scores.key.image != (*lead, width, sources):
        call.refuse(f"has queries {scores.query.shape}, keys {scores.key.shape} and values {value.shape}; their heads "
                    "and widths must be equal")  # fmt: skip
    heads = math.prod(lead)
    features = heads * width
    budget = call.builder.budget
    budget.spend((1, features, features), call.label)
    budget.spend((1, heads, steps, sources), call.label, 2 * width)
    eye = np.eye(features, dtype=call.builder.dtype)
    factor = scores.factor * math.sqrt(width)
    ask = eye if math.isclose(factor, 1, rel_tol=1e-6) else eye * eye.dtype.type(factor)  # the layer divides by sqrt(D)
    layer = MultiheadAttention(np.concatenate([ask, eye, eye]), None, eye, None, heads, scores.causal)
    query = _rows(call, scores.query, heads, (1, 0, 2))
    key = _rows(call, scores.key, heads, (2, 0, 1))
    answer = call.add(layer, query, key, _rows(call, value, heads, (1, 0, 2)), work_each=4 * features)
    side_by_side = counted(call, answer, (steps, heads, width))
    return settled(call, permuted(call, side_by_side, (1, 0, 2)), (*scores.shape[:-1], width))


def _rows(call: Call, x: Signal, heads: int, order: tuple[int, int, int]) -> Signal:
    """Return (1, steps, heads * width), of axes (..., heads) and two more that stand in another order."""
    split = counted(call, x, (heads, *x.image[-2:]))
    y = permuted(call, split, order)
    return counted(call, y, (y.shape[1], math.prod(y.shape[2:])))


def _unscaled(call: Call, x: Signal) -> tuple[Signal, float]:
    """Return a signal before it was multiplied by one number, and that number."""
    layer = call.builder.layer_of(x)
    if isinstance(layer, Affine) and layer.bias is None and layer.weight is not None and layer.weight.size == 1:
        return x._replace(node=call.builder.sources_of(x)[0]), float(layer.weight.reshape(())[()])
    return x, 1.0


def _hides_later_steps(mask: Array, shape: tuple[int, ...]) -> bool:
    """Return whether an array, added to scores, hides all steps after each one and no others."""
    steps, sources = shape[-2:]
    if mask.dtype.kind != "f" or mask.shape[-2:] != (steps, sources) or mask.size != steps * sources:
        return False
    table, later = mask.reshape(steps, sources), np.triu(np.ones((steps, sources), bool), 1)
    return steps == sources and not table[~later].any() and bool((table[later] < -1e30).all())
