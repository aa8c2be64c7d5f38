"""Operators that normalize, as they are in use (not in training)."""

from __future__ import annotations

from typing import Any

from minitorch_viz.layers import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value


@operator("batch_norm")
def batch_norm(
    call: Call,
    input: Value,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    if training or running_mean is None:
        raise UnmappedError("it uses the statistics of the batch, so that each image's answer depends on the others")
    kind = BatchNorm2d if len(input.shape) == 4 else BatchNorm1d
    return call.emit(kind(weight, bias, running_mean, running_var, eps), input)


@operator("layer_norm", turned=True)
def layer_norm(
    call: Call, input: Value, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Value:
    if input.batch >= len(input.shape) - len(normalized_shape):
        raise UnmappedError("it normalizes over the images of a batch")
    return call.emit(LayerNorm(tuple(normalized_shape), weight, bias, eps), input)


@operator("group_norm")
def group_norm(
    call: Call, input: Value, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Value:
    return call.emit(GroupNorm(num_groups, weight, bias, eps), input)


@operator("instance_norm")
def instance_norm(
    call: Call,
    input: Value,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    if not use_input_stats:
        return batch_norm(call, input, running_mean, running_var, weight, bias, False, momentum, eps)
    return call.emit(InstanceNorm(weight, bias, eps), input)


@operator("local_response_norm")
def local_response_norm(
    call: Call, input: Value, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Value:
    return call.emit(LocalResponseNorm(size, alpha, beta, k), input)
