"""What every layer is: a frozen set of parameters with a forward and a backward pass.

A layer remembers nothing. `forward` returns the output and `saved`, the few arrays that its backward pass needs;
`backward` takes them again. So one layer may serve many images, many threads and many backward rules at once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.boxes import Boxes
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXEL, PIXELS, Sight, Window

Example = tuple["Layer", tuple[Array, ...]]  # a layer and the inputs of its forward pass


class Nothing(NamedTuple):
    """Stand for the `saved` of a layer whose backward pass needs no array."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Be the base of all layers.

    A subclass declares `Saved` (a NamedTuple, one commented line an array) and, in this order, `forward`, `backward`,
    `param_grads` if it has parameters, and `examples`. Every test of the layers runs over `examples`, so a new layer
    brings its own tests.

    The batch of a backward pass is that of `dy`: with a tape of one image (N = 1) and K seeds, `dy` is (K, ...), the
    saved arrays are (1, ...), and broadcasting gives K gradients.
    """

    kind: ClassVar[Kind] = Kind.OPAQUE  # what it does to its inputs; opaque is the safe answer
    channel_axis: ClassVar[int | None] = None  # of y's channels: 1, or -1 for the last axis; None: where x has them
    limits: ClassVar[tuple[float, ...]] = ()  # outputs near which hardly any gradient comes through
    param_names: ClassVar[tuple[str, ...]] = ()  # fields that learn
    buffer_names: ClassVar[tuple[str, ...]] = ()  # array fields that do not learn (running statistics)
    uses_rng: ClassVar[bool] = False  # forward takes rng=: giving one means training
    passes_on: ClassVar[bool] = False  # in use y holds what x holds, in the same order, and nothing else
    pixelwise: ClassVar[bool] = False  # y (N, C, H, W) at a pixel depends on x at that pixel only

    def forward(self, *xs: Any, **settings: Any) -> tuple[Array, Any]:
        """Compute xs -> (y, saved)."""
        raise NotImplementedError

    def backward(self, dy: Array, saved: Any) -> Any:
        """Carry dL/dy, with what forward saved, to dL/dx; a tuple for several inputs."""
        raise NotImplementedError

    def param_grads(self, dy: Array, saved: Any) -> dict[str, Array]:  # noqa: ARG002 (a layer without parameters)
        """Return {parameter name: dL/dparameter}, summed over the batch, from dL/dy and what forward saved."""
        return {}

    def backward_and_grads(self, dy: Array, saved: Any) -> tuple[Any, dict[str, Array]]:
        """Return what `backward` and `param_grads` return; where both begin with the same work it is done once."""
        return self.backward(dy, saved), self.param_grads(dy, saved)

    def trained(self, saved: Any) -> Self:  # noqa: ARG002 (most layers learn by their parameters alone)
        """Return the layer after a training pass that saved this, with its running statistics moved."""
        return self

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        """Return small (layer, inputs) cases in float64; the tests of all layers run over them."""
        raise NotImplementedError

    @property
    def window(self) -> Window | None:
        """Return which part of its input (N, C, H, W) an output pixel reads; None: perhaps all of it.

        A layer that declares its window lets a pass compute parts of maps; `crop` gives what else changes on a part.
        """
        return PIXEL if self.pixelwise else None

    def sees(self, axes: Pair = PIXELS) -> Sight | None:
        """Return what an output pixel sees of an input whose rows and columns lie along `axes`; None: perhaps all.

        This serves receptive fields. It says more than `window`, through which parts of maps are computed: crops may
        not do where a border is copied, though it is known what is copied. Of a window with holes the holes count.
        """
        window = self.window if axes == PIXELS else PIXEL if self.kind is Kind.GATES else None
        return None if window is None else Sight(window, axes)

    def crop(self, saved: Any, x: Boxes, y: Boxes) -> Any:  # noqa: ARG002 (y is for layers whose output is smaller)
        """Return `saved` as `forward` would have made it on the crop x of the input, whose output is the crop y.

        None if the backward pass mixes all pixels. This default suits layers that save maps of their input's size.
        """
        maps = {name: value for name, value in saved._asdict().items() if getattr(value, "ndim", 0) == 4}
        return saved._replace(**{name: x.take(value) for name, value in maps.items()})

    def channels_at(self, axis: int) -> int:
        """Return the axis of y's channels, where x has its own at `axis`; -1 is the last."""
        return axis if self.channel_axis is None else self.channel_axis

    @property
    def type_name(self) -> str:
        """Return the layer's name in a sentence, such as "Conv2d"."""
        return type(self).__name__

    @property
    def has_filters(self) -> bool:
        """Return whether the weights are small maps slid over images: convolutions, transposed ones too."""
        return self.kind is Kind.WEIGHS and self.params["weight"].ndim == 4

    def input_of(self, saved: Any) -> Array:
        """Return the input of the forward pass that saved this, of a layer that keeps it as `saved.x`."""
        x: Array = saved.x
        return x

    @property
    def params(self) -> dict[str, Array]:
        """Return the arrays that learn, by PyTorch's names (a bias that is None is left out)."""
        return {name: value for name in self.param_names if (value := getattr(self, name)) is not None}

    @property
    def state(self) -> dict[str, Array]:
        """Return parameters and buffers, by PyTorch's names: what a weights file holds."""
        return self.params | {name: getattr(self, name) for name in self.buffer_names}

    def replace(self, **fields: Any) -> Self:
        """Return the same layer with other parameters or settings; this one stays as it is."""
        return dataclasses.replace(self, **fields)

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Return the same layer with its arrays in another precision (float32, float64)."""
        return self.replace(**{name: value.astype(dtype) for name, value in self.state.items()})

    def to(self, device: str) -> Self:
        """Return the same layer with its arrays on "cpu" (NumPy) or "cuda" (CuPy)."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {name: kernels.to_device(value, device) for name, value in fields.items() if hasattr(value, "dtype")}
        return self.replace(**arrays)

    def __repr__(self) -> str:
        """Show settings and the shapes of arrays: Conv2d(weight (64, 3, 3, 3), bias (64,), stride=(2, 2))."""
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if hasattr(value, "shape"):
                parts.append(f"{field.name} {tuple(value.shape)}")
            elif value is not None and (field.default is dataclasses.MISSING or value != field.default):
                parts.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def expect_axes(layer: Layer, x: Array, axes: str) -> None:
    """Raise a sentence unless x is a float array with the named axes, such as "N, C, H, W"."""
    expect_floats(layer, x)
    if x.ndim != axes.count(",") + 1:
        raise ShapeError(
            f"{type(layer).__name__} needs an array with the axes ({axes}), but x has shape {tuple(x.shape)}."
        )


def expect_floats(layer: Layer, x: Array, argument: str = "x") -> None:
    """Raise a sentence unless x is a float32 or float64 array, and has the precision of the layer's own arrays."""
    name = type(layer).__name__
    if not hasattr(x, "ndim"):
        raise ShapeError(f"{name} needs {argument} as an array, but got a {type(x).__name__}; use np.asarray first.")
    if x.dtype not in (np.float32, np.float64):
        raise ShapeError(f"{name} computes in float32 or float64, but {argument} is {x.dtype}; convert it with astype.")
    for field, value in layer.state.items():
        if value.dtype != x.dtype:
            raise ShapeError(
                f"{name} needs {argument} in the precision of its {field}, {value.dtype}, but it is {x.dtype}; "
                f"convert one of them with {argument}.astype or layer.astype."
            )


def expect_field(layer: Layer, name: str, *shape: int | str) -> None:
    """Raise a sentence unless a layer's array has this shape; a letter such as "O" stands for any size above 0."""
    value, label = getattr(layer, name), f"{type(layer).__name__}'s {name}"
    needed = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    if not hasattr(value, "shape"):
        raise ShapeError(f"{label} must be an array ({needed}), but got a {type(value).__name__}.")
    if value.dtype not in (np.float32, np.float64):
        raise ShapeError(f"{label} must hold float32 or float64 numbers, but got {value.dtype}; use astype.")
    valid = len(value.shape) == len(shape) and all(
        side > 0 if isinstance(need, str) else side == need for side, need in zip(value.shape, shape, strict=True)
    )
    if not valid:
        raise ShapeError(f"{label} must have the shape ({needed}), but got {tuple(value.shape)}.")


def same_batch(dy: Array, x: Array) -> tuple[Array, Array]:
    """Bring dy (K, ...) and a saved x (N, ...) to one batch, for a sum over the batch of their products.

    With one image and K seeds, sum_k dy_k * x = (sum_k dy_k) * x: adding the seeds first is K times less work.
    """
    if x.shape[0] == 1 and dy.shape[0] != 1:
        dy = dy.sum(axis=0, keepdims=True)
    return dy, x
