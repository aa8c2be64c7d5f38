"""What goes into a kernel, checked once, in sentences.

A compiled loop that reads past the end of an array does not fail: it reads garbage. So every size is checked here,
before a kernel module is called, and the modules rely on it. Each function has the name of its kernel; it returns
the geometry as plain Python integers.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .contract import Array, Pair, out_size

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
Shape = tuple[int, ...]
Found = TypeVar("Found")
ConvGeometry = tuple[Pair, Pair, Pair, int]  # stride, padding, dilation, groups


def is_cupy(array: object) -> bool:
    """Whether an array lives on a GPU. Asks the type for its name, so that CuPy need not be imported to say no."""
    kind = type(array)
    return kind is not np.ndarray and kind.__module__.partition(".")[0] == "cupy"


def floats(function: str, **arrays: Any) -> list[Any]:
    """The arrays of one call in one common dtype; None stays None."""
    first, *others = list(arrays.values()) or [None]
    if type(first) is np.ndarray and first.dtype in _FLOATS:  # nearly always: nothing to do
        for other in others:
            if other is not None and (type(other) is not np.ndarray or other.dtype is not first.dtype):
                break
        else:
            return [first, *others]
    given = {name: array for name, array in arrays.items() if array is not None}
    if not given:
        raise ValueError(f"{function}: at least one array is needed.")
    for name, array in given.items():
        if not isinstance(array, np.ndarray) and not is_cupy(array):
            raise TypeError(f"{function}: {name} is a {type(array).__name__}; a NumPy or CuPy array is needed.")
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(
                f"{function}: {name} holds {array.dtype} numbers, but kernels compute in float32 or float64. "
                f"Convert it first, for example {name}.astype(np.float32)."
            )
    same_device(function, **given)
    common = np.result_type(*(array.dtype for array in given.values()))
    return [None if array is None else array.astype(common, copy=False) for array in arrays.values()]


def same_device(function: str, **arrays: Array) -> None:
    """All arrays of a call lie on the GPU, or none does."""
    on_gpu = [name for name, array in arrays.items() if is_cupy(array)]
    if on_gpu and len(on_gpu) < len(arrays):
        others = [name for name in arrays if name not in on_gpu]
        raise TypeError(
            f"{function}: {', '.join(on_gpu)} on the GPU and {', '.join(others)} in main memory. "
            "Move all arrays of a call to one side, with cupy.asarray or cupy.asnumpy."
        )


def axes(function: str, letters: str, **arrays: Array) -> None:
    """Each array has the axes that the letters name, and only the batch may be empty."""
    for name, array in arrays.items():
        _axes(function, letters, name, array.shape)


def _axes(function: str, letters: str, name: str, shape: Shape) -> None:
    if len(shape) != letters.count(",") + 1:
        raise ValueError(f"{function}: {name} has shape {shape}, but it needs the axes ({letters}).")
    if 0 in shape and 0 in [side for side, letter in zip(shape, letters.split(", "), strict=True) if letter != "N"]:
        raise ValueError(f"{function}: {name} has shape {shape}; only the batch N may be empty.")


def pair(function: str, name: str, value: Pair, least: int) -> Pair:
    """Two integers, vertical and horizontal, none below `least`."""
    try:
        vertical, horizontal = value
        vertical, horizontal = operator.index(vertical), operator.index(horizontal)
    except (TypeError, ValueError):
        raise TypeError(
            f"{function}: {name} is {value!r}, but two integers (vertical, horizontal) are needed."
        ) from None
    if min(vertical, horizontal) < least:
        raise ValueError(f"{function}: {name} is {value!r}, but neither number may be below {least}.")
    return vertical, horizontal


def whole(function: str, name: str, value: int) -> int:
    """One integer of at least 1."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{function}: {name} is {value!r}, but an integer is needed.") from None
    if number < 1:
        raise ValueError(f"{function}: {name} is {number}, but it must be at least 1.")
    return number


def _remembered(check: Callable[..., Found]) -> Callable[..., Found]:
    """check((shapes), pairs ..., groups), which remembers what it found good: a layer is called again and again.

    A small one takes no longer than a dozen checks.
    """

    @functools.lru_cache(1024, typed=True)  # typed: a stride of 2 was found good, one of 2.0 was not
    def known(shapes: Any, groups: Any, *numbers: Any) -> Found:
        return check(shapes, *zip(numbers[::2], numbers[1::2], strict=True), groups)

    @functools.wraps(check)
    def checked(shapes: Any, *settings: Any) -> Found:
        *pairs, groups = settings
        with_two = True
        try:
            for pair in pairs:
                with_two = with_two and len(pair) == 2
            if with_two:
                return known(shapes, groups, *itertools.chain(*pairs))
        except TypeError:  # what cannot be counted or remembered is no pair of integers
            pass
        return check(shapes, *settings)

    return checked


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


def _shape(function: str, name: str, shape: Shape, *allowed: Shape) -> None:
    if shape not in allowed:
        raise ValueError(f"{function}: {name} has shape {shape}, but {' or '.join(map(str, allowed))} is needed.")


def conv2d(
    x: Array, w: Array, b: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> ConvGeometry:
    shapes = (x.shape, w.shape, None if b is None else b.shape)
    return _conv2d(shapes, stride, padding, dilation, groups)


@_remembered
def _conv2d(
    shapes: tuple[Shape, Shape, Shape | None], stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> ConvGeometry:
    x, w, b = shapes
    _axes("conv2d", "N, C, H, W", "x", x)
    _axes("conv2d", "O, C/g, kh, kw", "w", w)
    _, geometry = _conv("conv2d", (x[2], x[3]), (w[2], w[3]), stride, padding, dilation, groups)
    _groups("conv2d", x[1], w[0], w[1], geometry[3])
    if b is not None:
        _shape("conv2d", "b", b, w[:1])
    return geometry


def conv2d_dx(
    dy: Array, w: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    return _conv2d_dx((dy.shape, w.shape), size, stride, padding, dilation, groups)


@_remembered
def _conv2d_dx(
    shapes: tuple[Shape, Shape], size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    dy, w = shapes
    _axes("conv2d_dx", "N, O, H', W'", "dy", dy)
    _axes("conv2d_dx", "O, C/g, kh, kw", "w", w)
    size = pair("conv2d_dx", "size", size, least=1)
    out, geometry = _conv("conv2d_dx", size, (w[2], w[3]), stride, padding, dilation, groups)
    _groups("conv2d_dx", w[1] * geometry[3], w[0], w[1], geometry[3])
    _shape("conv2d_dx", "dy", dy, (dy[0], w[0], *out))
    return size, geometry


def conv2d_dw(
    dy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    return _conv2d_dw((dy.shape, x.shape), kernel, stride, padding, dilation, groups)


@_remembered
def _conv2d_dw(
    shapes: tuple[Shape, Shape], kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> tuple[Pair, ConvGeometry]:
    dy, x = shapes
    _axes("conv2d_dw", "N, O, H', W'", "dy", dy)
    _axes("conv2d_dw", "N, C, H, W", "x", x)
    kernel = pair("conv2d_dw", "kernel", kernel, least=1)
    out, geometry = _conv("conv2d_dw", (x[2], x[3]), kernel, stride, padding, dilation, groups)
    groups = geometry[3]
    if x[1] % groups or dy[1] % groups:
        raise ValueError(
            f"conv2d_dw: {x[1]} channels and {dy[1]} filters cannot both be shared equally by {groups} groups."
        )
    _shape("conv2d_dw", "dy", dy, (x[0], dy[1], *out))
    return kernel, geometry


def pool(
    function: str, size: Pair, kernel: Pair, stride: Pair, padding: Pair, out: Pair
) -> tuple[Pair, Pair, Pair, Pair]:
    """Every window of a pooling holds a pixel: the first one its last row, the last one its first row."""
    kernel = pair(function, "kernel", kernel, least=1)
    stride = pair(function, "stride", stride, least=1)
    padding = pair(function, "padding", padding, least=0)
    out = pair(function, "out", out, least=1)
    for a in (0, 1):
        if padding[a] >= kernel[a]:
            raise ValueError(
                f"{function}: padding {padding} is not smaller than the window {kernel}, so that "
                "the first windows would hold no pixel at all."
            )
        if (out[a] - 1) * stride[a] - padding[a] >= size[a]:
            raise ValueError(
                f"{function}: {out} windows with stride {stride} and padding {padding} do not fit an image of "
                f"{tuple(size)} pixels: the last ones would hold no pixel. pool_out_size says how many fit."
            )
    return kernel, stride, padding, out


def maxpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Pair, Pair, Pair, Pair]:
    axes("maxpool2d", "N, C, H, W", x=x)
    _indexable("maxpool2d", x.shape[2:])
    return pool("maxpool2d", x.shape[2:], kernel, stride, padding, out)


def maxpool2d_dx(dy: Array, won: Any, size: Pair) -> Pair:
    axes("maxpool2d_dx", "N, C, H', W'", dy=dy)
    if not isinstance(won, np.ndarray) and not is_cupy(won):
        raise TypeError(f"maxpool2d_dx: won is a {type(won).__name__}; the array that maxpool2d returned is needed.")
    same_device("maxpool2d_dx", dy=dy, won=won)
    if won.dtype != np.int32:
        raise TypeError(f"maxpool2d_dx: won holds {won.dtype} numbers; the int32 array of maxpool2d is needed.")
    size = pair("maxpool2d_dx", "size", size, least=1)
    _indexable("maxpool2d_dx", size)
    _shape("maxpool2d_dx", "won", won.shape, dy.shape, (1, *dy.shape[1:]))
    if won.size and (int(won.min()) < 0 or int(won.max()) >= size[0] * size[1]):
        raise ValueError(
            f"maxpool2d_dx: won points at pixels from {int(won.min())} to {int(won.max())}, but an image of {size} "
            f"has the pixels 0 to {size[0] * size[1] - 1}. Pass the size of the image that was pooled."
        )
    return size


def _indexable(function: str, size: Pair) -> None:
    if size[0] * size[1] > np.iinfo(np.int32).max:
        raise ValueError(f"{function}: an image of {tuple(size)} has more pixels than an int32 can number.")


def avgpool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> tuple[Pair, Pair, Pair, Pair]:
    axes("avgpool2d", "N, C, H, W", x=x)
    return pool("avgpool2d", x.shape[2:], kernel, stride, padding, out)


def avgpool2d_dx(dy: Array, kernel: Pair, stride: Pair, padding: Pair, size: Pair) -> tuple[Pair, Pair, Pair, Pair]:
    axes("avgpool2d_dx", "N, C, H', W'", dy=dy)
    size = pair("avgpool2d_dx", "size", size, least=1)
    return (*pool("avgpool2d_dx", size, kernel, stride, padding, dy.shape[2:])[:3], size)


def lrn(x: Array, size: int) -> int:
    axes("lrn", "N, C, H, W", x=x)
    return whole("lrn", "size", size)


def lrn_dx(dy: Array, x: Array, scale: Array, size: int) -> int:
    axes("lrn_dx", "N, C, H, W", dy=dy, x=x, scale=scale)
    _shape("lrn_dx", "x", x.shape, dy.shape, (1, *dy.shape[1:]))
    _shape("lrn_dx", "scale", scale.shape, x.shape)
    return whole("lrn_dx", "size", size)


def relu_dx(dy: Array, y: Array | None) -> None:
    if dy.ndim == 0:
        raise ValueError("relu_dx: dy is a single number, but it needs an axis of seeds.")
    if y is not None:
        _shape("relu_dx", "y", y.shape, dy.shape, (1, *dy.shape[1:]))


def add(a: Array, b: Array) -> None:
    _shape("add", "b", b.shape, a.shape)


def concat(xs: list[Array], axis: int) -> int:
    axis = operator.index(axis)
    shapes = [x.shape for x in xs]
    if not 0 <= axis < min(map(len, shapes)) or len({(*shape[:axis], -1, *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise ValueError(f"concat: along axis {axis}, all other axes of the arrays must agree, but got {shapes}.")
    return axis


def batch_norm(x: Array, **of_channels: Array) -> None:
    axes("batch_norm", "N, C, H, W", x=x)
    if not len(x):
        raise ValueError(f"batch_norm: x has shape {x.shape}; an empty batch has no mean.")
    for name, array in of_channels.items():
        _shape("batch_norm", name, array.shape, x.shape[1:2])


def batch_norm_dx(dy: Array, x: Array, **of_channels: Array) -> None:
    axes("batch_norm_dx", "N, C, H, W", x=x)
    _shape("batch_norm_dx", "dy", dy.shape, x.shape)
    for name, array in of_channels.items():
        _shape("batch_norm_dx", name, array.shape, x.shape[1:2])


def matmul(a: Array, b: Array) -> None:
    for name, array in (("a", a), ("b", b)):
        if array.ndim != 2:
            raise ValueError(f"matmul: {name} has shape {array.shape}, but a matrix is needed.")
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: a {a.shape} has rows of {a.shape[1]} numbers, but b {b.shape} has {len(b)} rows.")


def lstm(x: Array, w: Array, u: Array, b: Array, h0: Array, c0: Array) -> None:
    axes("lstm", "T, N, D", x=x)
    axes("lstm", "4H, H", u=u)
    hidden = u.shape[1]
    _shape("lstm", "u", u.shape, (4 * hidden, hidden))
    _shape("lstm", "w", w.shape, (4 * hidden, x.shape[2]))
    _shape("lstm", "b", b.shape, (4 * hidden,))
    _shape("lstm", "h0", h0.shape, (x.shape[1], hidden))
    _shape("lstm", "c0", c0.shape, (x.shape[1], hidden))


def lstm_dz(dy: Array, u: Array, c0: Array, **saved: Array) -> None:
    axes("lstm_dz", "T, N, H", dy=dy)
    steps, batch, hidden = dy.shape
    _shape("lstm_dz", "u", u.shape, (4 * hidden, hidden))
    _shape("lstm_dz", "c0", c0.shape, (batch, hidden), (1, hidden))
    for name, array in saved.items():
        _shape("lstm_dz", name, array.shape, (steps, len(c0), hidden))
