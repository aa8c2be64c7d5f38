"""What goes into a convolution."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array, Pair
from minitorch_viz_kernels.machine.checks import Shape, cached_check, needs_axes, needs_shape, pair, whole

from .contract import out_size

ConvGeometry = tuple[Pair, Pair, Pair, int]  # stride, padding, dilation, groups


def _conv(
    function: str, size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    stride = pair(function, "stride", stride, least=1)
    padding = pair(function, "padding", padding, least=0)
    dilation = pair(function, "dilation", dilation, least=1)
    groups = whole(function, "groups", groups)
    high, wide = (
        out_size(size[a], kernel[a], stride[a], padding[a], dilation[a]) if size[a] > 0 else 0 for a in (0, 1)
    )
    if high < 1 or wide < 1:
        reach = tuple(dilation[a] * (kernel[a] - 1) + 1 for a in (0, 1))
        padded = tuple(size[a] + 2 * padding[a] for a in (0, 1))
        raise ValueError(
            f"{function}: the kernel reaches over {reach} pixels, but the padded image has only {padded}. "
            "Use a larger image, more padding, or a smaller kernel."
        )
    return (high, wide), (stride, padding, dilation, groups)


def _groups(function: str, channels: int, filters: int, per_filter: int, groups: int) -> None:
    if per_filter * groups != channels:
        raise ValueError(
            f"{function}: x has {channels} channels, but the filters w take {per_filter} in each of "
            f"{groups} groups, that is {per_filter * groups}."
        )
    if filters % groups:
        raise ValueError(f"{function}: {filters} filters cannot be shared equally by {groups} groups.")


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> ConvGeometry:
    shapes = (x.shape, w.shape, None if b is None else b.shape)
    return _conv2d(shapes, stride, padding, dilation, groups)


@cached_check
def _conv2d(
    shapes: tuple[Shape, Shape, Shape | None], stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> ConvGeometry:
    x, w, b = shapes
    needs_axes("conv2d", "N, C, H, W", "x", x)
    needs_axes("conv2d", "O, C/g, kh, kw", "w", w)
    _, geometry = _conv("conv2d", (x[2], x[3]), (w[2], w[3]), stride, padding, dilation, groups)
    _groups("conv2d", x[1], w[0], w[1], geometry[3])
    if b is not None:
        needs_shape("conv2d", "b", b, w[:1])
    return geometry


def conv2d_dx(
    dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    return _conv2d_dx((dy.shape, w.shape), size, stride, padding, dilation, groups)


@cached_check
def _conv2d_dx(
    shapes: tuple[Shape, Shape], size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    dy, w = shapes
    needs_axes("conv2d_dx", "N, O, H', W'", "dy", dy)
    needs_axes("conv2d_dx", "O, C/g, kh, kw", "w", w)
    size = pair("conv2d_dx", "size", size, least=1)
    out, geometry = _conv("conv2d_dx", size, (w[2], w[3]), stride, padding, dilation, groups)
    _groups("conv2d_dx", w[1] * geometry[3], w[0], w[1], geometry[3])
    needs_shape("conv2d_dx", "dy", dy, (dy[0], w[0], *out))
    return size, geometry


def conv2d_dw(
    dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    return _conv2d_dw((dy.shape, x.shape), kernel, stride, padding, dilation, groups)


@cached_check
def _conv2d_dw(
    shapes: tuple[Shape, Shape], kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    dy, x = shapes
    needs_axes("conv2d_dw", "N, O, H', W'", "dy", dy)
    needs_axes("conv2d_dw", "N, C, H, W", "x", x)
    kernel = pair("conv2d_dw", "kernel", kernel, least=1)
    out, geometry = _conv("conv2d_dw", (x[2], x[3]), kernel, stride, padding, dilation, groups)
    groups = geometry[3]
    if x[1] % groups or dy[1] % groups:
        raise ValueError(
            f"conv2d_dw: {x[1]} channels and {dy[1]} filters cannot both be shared equally by {groups} groups."
        )
    needs_shape("conv2d_dw", "dy", dy, (x[0], dy[1], *out))
    return kernel, geometry
