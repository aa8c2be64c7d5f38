"""Resize and Upsample: maps made larger, by repeating pixels or between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz.layers import UpsampleBilinear, UpsampleNearest
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator

LONGEST_SIDE = 2**16  # of maps whose pixels are repeated to a size
CENTRED = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")


@operator("Resize", "Upsample")
def resize(call: Call) -> Signal:
    """Read nearest by whole factors, and linear with pixels' outer edges or corners aligned."""
    x = call.signal()
    if len(x.shape) != 4:
        call.refuse(f"reads {x.shape}; maps (N, C, H, W) are known here")
    sides, factors = _sizes(call, x)
    mode = call.text("mode", "nearest")
    where = call.text("coordinate_transformation_mode", "half_pixel" if call.opset >= 11 else "asymmetric")
    if call.whole("antialias", 0):
        call.refuse("smooths before it shrinks (antialias)")
    is_whole = all(factor >= 1 and factor == int(factor) for factor in factors)
    if mode == "nearest":
        rounding = call.text("nearest_mode", "round_prefer_floor" if call.opset >= 11 else "floor")
        centred = where in CENTRED and rounding.startswith("round")
        if where == "asymmetric" and rounding == "floor" and not is_whole and _is_floored(x.shape[2:], sides, factors):
            return call.add(UpsampleNearest(size=sides), x, shape=(*x.shape[:2], *sides))
        if not (is_whole and (centred or (where == "asymmetric" and rounding == "floor"))):
            call.refuse(f"enlarges by {factors} ({where}, {rounding}); whole factors that repeat pixels are known here")
        whole = int(factors[0]), int(factors[1])
        return call.add(UpsampleNearest(whole), x, shape=(*x.shape[:2], *sides))
    exact = all(n * f == out for n, f, out in zip(x.shape[2:], factors, sides, strict=True))
    if mode != "linear" or where not in (*CENTRED, "align_corners") or not exact or 1 in sides:
        call.refuse(
            f"is {mode!r:.20} with {where!r:.40} by {factors}; linear between pixels' edges or corners is known"
        )
    layer = UpsampleBilinear(size=sides, align_corners=where == "align_corners")
    return call.add(layer, x, shape=(*x.shape[:2], *sides), work_each=sum(x.shape[2:]))


def _is_floored(old: Sequence[int], new: Sequence[int], factors: Sequence[float]) -> bool:
    """Return whether new place i repeats old place floor(i * old / new), by whatever factor the file counts."""
    if max(new) > LONGEST_SIDE:
        return False
    axes = [(n, out, factor, np.arange(out)) for n, out, factor in zip(old, new, factors, strict=True)]
    return all(np.array_equal((places / factor).astype(int), places * n // out) for n, out, factor, places in axes)


def _sizes(call: Call, x: Signal) -> tuple[tuple[int, int], tuple[float, float]]:
    """Return the sides of the output, and the factors by which H and W grow."""
    sizes = call.wholes("sizes", 3) if call.opset >= 11 and call.type == "Resize" else None
    axes = call.whole_list("axes") or [0, 1, 2, 3]
    axes = [call.axis(axis, 4) for axis in axes]
    full: list[float] = [1.0] * 4
    if sizes is not None and sizes:
        if len(sizes) != len(axes) or call.text("keep_aspect_ratio_policy", "stretch") != "stretch":
            call.refuse("keeps the ratio of the sides, or names other sizes than axes")
        for axis, size in zip(axes, sizes, strict=True):
            full[axis] = size / x.shape[axis]
        out = dict(zip(axes, sizes, strict=True))
        sides = out.get(2, x.shape[2]), out.get(3, x.shape[3])
    else:
        scales = _scales(call)
        if len(scales) != len(axes) or not all(0 < scale < 2**16 for scale in scales):
            call.refuse(f"has the scales {scales!s:.80}", "The file is damaged.")
        for axis, scale in zip(axes, scales, strict=True):
            full[axis] = scale
        sides = int(x.shape[2] * full[2]), int(x.shape[3] * full[3])
    if full[0] != 1 or full[1] != 1:
        call.refuse("changes the number of images or channels")
    return sides, (full[2], full[3])


def _scales(call: Call) -> list[float]:
    if "scales" in call.attributes:
        values = call.attributes["scales"]
        return [float(v) for v in values] if isinstance(values, list) else call.refuse("has scales that are no list")
    array = call.constant(1 if call.type == "Upsample" or call.opset < 11 else 2)
    if array is None or array.dtype.kind != "f" or array.size > 4:
        call.refuse("has neither sizes nor scales", "The file is damaged.")
    return [float(value) for value in array.reshape(-1)]
