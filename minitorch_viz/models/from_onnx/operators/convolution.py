"""Conv and ConvTranspose: the same cross-correlation as in PyTorch, with borders that may differ from side to side."""

from __future__ import annotations

import math

from minitorch_viz.layers import Conv1d, Conv2d, ConvTranspose2d
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator
from minitorch_viz.models.from_onnx.operators.windows import window_of


@operator("Conv")
def conv(call: Call) -> Signal:
    """Read Conv as Conv2d, or as Conv1d on sequences."""
    x, weight = call.signal(), call.floats(1)
    groups = call.whole("group", 1)
    if weight.ndim != len(x.shape) or weight.ndim < 3 or groups < 1 or weight.shape[1] * groups != x.shape[1]:
        call.refuse(f"has filters of shape {weight.shape} in {groups} groups for an input {x.shape}")
    bias = call.optional_floats(2, len(weight))
    sides, kernel = x.shape[2:], weight.shape[2:]
    given = tuple(call.whole_list("kernel_shape", [*kernel], len(kernel)))
    if given != kernel:
        call.refuse(f"has kernel_shape = {given}, but filters of shape {weight.shape}", "The file is damaged.")
    window = window_of(call, sides, kernel).within(sides)
    shape = (x.shape[0], len(weight), *window.counts(sides))
    work = math.prod(weight.shape[1:])
    call.builder.budget.spend(
        [n + b + e for n, b, e in zip(sides, window.before, window.after, strict=True)], call.label
    )
    if len(sides) == 1:
        border = (window.before[0], window.after[0])
        layer = Conv1d(weight, bias, window.stride[0], border, window.dilation[0], groups)
        return call.add(layer, x, shape=shape, work_each=work)
    borders = tuple(n for pair in zip(window.before, window.after, strict=True) for n in pair)
    conv2d = Conv2d(weight, bias, window.stride, borders, window.dilation, groups)
    return call.add(conv2d, x, shape=shape, work_each=work)


@operator("ConvTranspose")
def conv_transpose(call: Call) -> Signal:
    """Read ConvTranspose on maps; a border that differs from side to side has no counterpart."""
    x, weight = call.signal(), call.floats(1)
    groups = call.whole("group", 1)
    if weight.ndim != 4 or len(x.shape) != 4 or groups < 1 or weight.shape[0] != x.shape[1]:
        call.refuse(f"has filters of shape {weight.shape} for an input {x.shape}; maps (N, C, H, W) are needed")
    bias = call.optional_floats(2, weight.shape[1] * groups)
    if "output_shape" in call.attributes or call.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID", ""):
        call.refuse("gives its output's shape, or auto_pad, in place of pads")
    window = window_of(call, x.shape[2:], weight.shape[2:])
    if not window.is_even_handed:
        call.refuse(f"takes away {window.before} places before and {window.after} after; equal numbers are known here")
    extra = tuple(call.whole_list("output_padding", [0, 0], 2))
    sides = zip(x.shape[2:], window.stride, window.before, window.reach, extra, strict=True)
    out = tuple((side - 1) * step - 2 * pad + reach + more for side, step, pad, reach, more in sides)
    layer = ConvTranspose2d(weight, bias, window.stride, window.before, extra, groups, window.dilation)
    shape = (x.shape[0], weight.shape[1] * groups, *out)
    return call.add(layer, x, shape=shape, work_each=math.prod((weight.shape[0] // groups, *weight.shape[2:])))
