"""Normalization: by statistics kept in the file, or by those of the image itself."""

from __future__ import annotations

import numpy as np

from minitorch_viz.layers import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator


@operator("BatchNormalization")
def batch_normalization(call: Call) -> Signal:
    """Read BatchNormalization as it is in use: a scale and a shift."""
    x = call.signal()
    if call.whole("training_mode", 0):
        call.refuse("is in training mode", "Export the net in eval mode.")
    if len(x.shape) not in (2, 3, 4):
        call.refuse(f"reads an array with {len(x.shape)} axes; 2 to 4 are known here")
    weight, bias, mean, var = (call.floats(at, x.shape[1]) for at in (1, 2, 3, 4))
    if (var < 0).any():
        call.refuse("holds variances below 0", "The file is damaged.")
    layer = BatchNorm2d if len(x.shape) == 4 else BatchNorm1d
    return call.add(layer(weight, bias, mean, var, call.number("epsilon", 1e-5)), x)


@operator("InstanceNormalization")
def instance_normalization(call: Call) -> Signal:
    """Read InstanceNormalization."""
    x = call.signal()
    if len(x.shape) < 3:
        call.refuse(f"reads {x.shape}, which has no places")
    weight, bias = (call.floats(at, x.shape[1]) for at in (1, 2))
    return call.add(InstanceNorm(weight, bias, call.number("epsilon", 1e-5)), x)


@operator("GroupNormalization")
def group_normalization(call: Call) -> Signal:
    """Read GroupNormalization; before opset 21 scale and shift were one a group."""
    x, groups = call.signal(), call.whole("num_groups", 0)
    if len(x.shape) < 2 or groups < 1 or x.shape[1] % groups:
        call.refuse(f"has {groups} groups for an input {x.shape}", "The file is damaged.")
    each = 1 if call.opset >= 21 else x.shape[1] // groups
    weight, bias = (np.repeat(call.floats(at, x.shape[1] // each), each) for at in (1, 2))
    return call.add(GroupNorm(groups, weight, bias, call.number("epsilon", 1e-5)), x)


@operator("LayerNormalization", turned=True)
def layer_normalization(call: Call) -> Signal:
    """Read LayerNormalization over the last axes."""
    call.only_output()
    x = call.signal()
    shape = x.shape[call.inner_axis(call.whole("axis", -1), x) :]
    weight, bias = call.floats(1, *shape), call.optional_floats(2, *shape)
    return call.add(LayerNorm(shape, weight, bias, call.number("epsilon", 1e-5)), x)


@operator("LRN")
def local_response_normalization(call: Call) -> Signal:
    """Read LRN; with an even size ONNX looks one channel further than PyTorch at the other end."""
    x, size = call.signal(), call.whole("size", 0)
    if size < 1 or size % 2 == 0 or len(x.shape) != 4:
        call.refuse(f"has size {size} for an input {x.shape}; odd sizes and maps (N, C, H, W) are known here")
    alpha, beta, shift = call.number("alpha", 1e-4), call.number("beta", 0.75), call.number("bias", 1.0)
    return call.add(LocalResponseNorm(size, alpha, beta, shift), x)
