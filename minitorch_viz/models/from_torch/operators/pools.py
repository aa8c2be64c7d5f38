"""Operators that pool and resize."""

from __future__ import annotations

from typing import Any

from minitorch_viz.layers import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool2d,
    MaxPool1d,
    MaxPool2d,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    UpsampleBilinear,
    UpsampleNearest,
)
from minitorch_viz.layers.base import Layer
from minitorch_viz.models.from_torch.operators.weights import single
from minitorch_viz.models.from_torch.registry import operator
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value


@operator("max_pool2d")
def max_pool2d(
    call: Call,
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Value:
    layer = MaxPool2d(_pair(kernel_size), _pair(stride) or None, _pair(padding), ceil_mode, _pair(dilation))
    return call.emit(layer, input, image=call.shape[1:])


@operator("avg_pool2d")
def avg_pool2d(
    call: Call,
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    if divisor_override is not None:
        raise UnmappedError("its sums are divided by a number of one's own (divisor_override)")
    layer = AvgPool2d(_pair(kernel_size), _pair(stride) or None, _pair(padding), ceil_mode, count_include_pad)
    return call.emit(layer, input, image=call.shape[1:])


@operator("max_pool1d")
def max_pool1d(
    call: Call,
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Value:
    sizes = single(kernel_size), single(stride) or None, single(padding), ceil_mode, single(dilation)
    layer = MaxPool1d(*sizes)
    return call.emit(layer, input, image=call.shape[1:])


@operator("avg_pool1d")
def avg_pool1d(
    call: Call,
    input: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Value:
    layer = AvgPool1d(single(kernel_size), single(stride) or None, single(padding), ceil_mode, count_include_pad)
    return call.emit(layer, input, image=call.shape[1:])


@operator("adaptive_avg_pool2d")
def adaptive_avg_pool2d(call: Call, input: Value, output_size: Any) -> Value:
    size = call.shape[2:]
    if size == input.shape[2:]:
        return input
    return call.emit(GlobalAvgPool2d() if size == (1, 1) else AdaptiveAvgPool2d(size), input, image=call.shape[1:])


@operator("adaptive_max_pool2d")
def adaptive_max_pool2d(call: Call, input: Value, output_size: Any, return_indices: bool = False) -> Value:
    return call.emit(AdaptiveMaxPool2d(call.shape[2:]), input, image=call.shape[1:])


@operator("adaptive_avg_pool1d")
def adaptive_avg_pool1d(call: Call, input: Value, output_size: Any) -> Value:
    return call.emit(AdaptiveAvgPool1d(call.shape[2]), input, image=call.shape[1:])


@operator("adaptive_max_pool1d")
def adaptive_max_pool1d(call: Call, input: Value, output_size: Any, return_indices: bool = False) -> Value:
    return call.emit(AdaptiveMaxPool1d(call.shape[2]), input, image=call.shape[1:])


@operator("pad")
def pad(call: Call, input: Value, pad: Any, mode: Any = "constant", value: float | None = None) -> Value:
    return call.emit(Pad(tuple(pad), mode, value or 0.0), input, image=call.shape[1:])


@operator("interpolate")
def interpolate(
    call: Call,
    input: Value,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Value:
    new: Any = call.shape[2:]
    old = input.shape[2:]
    if new == old:
        return input
    image = call.shape[1:]
    if len(old) == 1 and mode in ("nearest", "nearest-exact", "linear"):  # a sequence is a map one row high
        row = call.reshape(input, (input.shape[1], 1, *old))
        mode = "bilinear" if mode == "linear" else mode
        layer = _resizing((1, *old), (1, *new), mode, align_corners)
        if layer is not None and not antialias:
            return call.reshape(call.emit(layer, row, image=(input.shape[1], 1, *new)), image)
    layer = _resizing(old, new, mode, align_corners) if len(old) == 2 and not antialias else None
    if layer is None:
        raise UnmappedError(
            f"maps {old} become {new} by mode {mode!r} (scale_factor={scale_factor}, antialias={antialias})"
        )
    return call.emit(layer, input, image=image)


def _resizing(old: Any, new: Any, mode: str, align_corners: bool | None) -> Layer | None:
    """Return the layer that makes maps of a size into those of another; None if none does."""
    is_whole = not any(n % o for n, o in zip(new, old, strict=True))
    if mode in ("nearest", "nearest-exact") and is_whole:
        return UpsampleNearest((new[0] // old[0], new[1] // old[1]))
    if mode == "nearest":
        return UpsampleNearest(size=new)
    if mode == "area":
        return AdaptiveAvgPool2d(new)
    return UpsampleBilinear(size=new, align_corners=bool(align_corners)) if mode == "bilinear" else None


@operator("pixel_shuffle")
def pixel_shuffle(call: Call, input: Value, upscale_factor: int) -> Value:
    return call.emit(PixelShuffle(upscale_factor), input, image=call.shape[1:])


@operator("pixel_unshuffle")
def pixel_unshuffle(call: Call, input: Value, downscale_factor: int) -> Value:
    return call.emit(PixelUnshuffle(downscale_factor), input, image=call.shape[1:])


def _pair(number: Any) -> Any:
    """Return one number for both sides, or two."""
    return number if not isinstance(number, (tuple, list)) else tuple(number) if len(number) == 2 else single(number)
