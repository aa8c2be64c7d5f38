"""The code of a generator as the parameter: a picture is what the generator draws for it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers import Linear, Reshape, Sigmoid, Tanh
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.net import Net
from minitorch_viz.optimize.maps import LinearMap
from minitorch_viz.optimize.parametrizations.base import GREY, RGB, Parameters, Parametrization
from minitorch_viz.optimize.resizing import resizing
from minitorch_viz.optimize.units import WHITE


@dataclass(frozen=True, eq=False)
class Drawer:
    """Describe a net that draws: its node `code` is given, its node `drawing` (N, C, h, w) is the picture, 0 to 1.

    shape: of one picture's code, without N. encodes: whether the net's own input, a picture (N, C, h, w) of 0 to 1,
    leads to `code`; then a picture has a code. margin: pixels at each border of the drawing that are left out, where a
    net was taught with pictures that fill theirs.
    """

    net: Net
    code: str
    drawing: str
    shape: tuple[int, ...]
    encodes: bool = False
    margin: int = 0

    def drawn(self, code: Array) -> Array:
        """Return the pictures (N, C, h, w), 0 to 1, of codes (N, *shape)."""
        return in_precision(self.net, code.dtype).predict(given={self.code: code}, upto=self.drawing)

    def gradient(self, code: Array, dy: Array) -> Array:
        """Return the gradient by the code, given that by the drawing."""
        net = in_precision(self.net, code.dtype)
        tape = net.forward(given={self.code: code}, upto=self.drawing)
        return net.backward(tape, {self.drawing: dy}, wrt=(self.code,))[self.code]

    def encoded(self, pictures: Array) -> Array:
        """Return the codes (N, *shape) of pictures (N, C, h, w), 0 to 1. Raises SettingError without an encoder."""
        if not self.encodes:
            raise SettingError("This generator has no encoder, so most pictures have no code that is known.")
        return in_precision(self.net, pictures.dtype).predict(pictures, upto=self.code)

    @functools.cached_property
    def size(self) -> Pair:
        """Return the size (h, w) of the whole drawing."""
        height, width = self.drawn(np.zeros((1, *self.shape), np.float32)).shape[-2:]
        return height, width


@dataclass(frozen=True)
class GeneratorCode(Parametrization):
    """Move the code of a generator: what can be drawn at all is what the generator learned to draw.

    The drawing is brought to the picture's size by a linear map, whose adjoint carries the gradient back; where it
    shrinks, areas are averaged. Codes start as normal noise of standard deviation `spread`.

    Papers: Nguyen et al. 2016, Synthesizing the preferred inputs for neurons; Nguyen et al. 2017, Plug and play
    generative networks.
    """

    drawer: Drawer = field(kw_only=True)
    spread: NumberField = NumberField(1.0, least=0)

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        code = rng.standard_normal((number, *self.drawer.shape)) * self.spread
        return {"code": code.astype(dtype)}

    def image(self, parameters: Parameters) -> Array:
        drawing = self.drawer.drawn(parameters["code"])
        if drawing.shape[1] != self.units.channels:
            raise ShapeError(
                f"The generator draws {drawing.shape[1]} channels, but the net looks at {self.units.channels}."
            )
        return self.units.picture(WHITE * self._resized.forward(drawing))

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:
        dy = WHITE * self._resized.adjoint(dx)
        return {"code": self.drawer.gradient(parameters["code"], dy.astype(parameters["code"].dtype))}

    def inverse(self, x: Array) -> dict[str, Array]:
        """Return the codes that the encoder gives; what the generator draws for them is like x, and not x."""
        if not self.drawer.encodes:
            return super().inverse(x)
        pixels = self.units.pixels(self.units.clip(self.fitting(x))) / WHITE
        height, width = self.drawer.size
        margin = self.drawer.margin
        inner = resizing(self.size, (height - 2 * margin, width - 2 * margin)).forward(pixels)
        edges = (0, 0), (0, 0), (margin, margin), (margin, margin)
        return {"code": self.drawer.encoded(np.pad(inner, edges, mode="edge").astype(x.dtype))}

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(RGB, (4, 5), drawer=_tiny_drawer(3, (5, 4))),
            cls(GREY, (8, 3), drawer=_tiny_drawer(1, (6, 7), margin=1)),
            cls(GREY, (3, 2), drawer=_tiny_drawer(1, (8, 8))),
        ]

    @functools.cached_property
    def _resized(self) -> LinearMap:
        return resizing(self.drawer.size, self.size, self.drawer.margin)


@functools.lru_cache(maxsize=8)
def in_precision(net: Net, dtype: npt.DTypeLike) -> Net:
    """Return the net in the code's precision."""
    return net.astype(dtype)


def _tiny_drawer(channels: int, size: Pair, margin: int = 0) -> Drawer:
    """Return a generator of two layers with random weights, for examples."""
    rng = np.random.default_rng(channels)
    height, width = size
    pixels = channels * height * width

    def linear(inputs: int, outputs: int) -> Linear:
        weight, bias = rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs)
        return Linear((weight / np.sqrt(inputs)).astype(np.float32), bias.astype(np.float32))

    nodes = [
        ("code", linear(3, 6)),
        ("wide", linear(6, 5)),
        ("bent", Tanh()),
        ("strokes", linear(5, pixels)),
        ("even", Sigmoid()),
        ("drawing", Reshape((channels, height, width))),
    ]
    return Drawer(Net(nodes), "code", "drawing", (6,), margin=margin)
