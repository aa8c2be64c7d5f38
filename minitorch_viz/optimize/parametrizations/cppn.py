"""A small net from coordinates to colours as the parameter: a picture of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, near
from minitorch_viz.layers import Linear
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.optimize.parametrizations.base import GREY, RGB, Parameters, Parametrization
from minitorch_viz.optimize.parametrizations.places import places
from minitorch_viz.optimize.units import WHITE

Activation: TypeAlias = Literal["composed", "sin", "tanh"]

# The root of the mean square of atan(x), and of its square, for a normal x: both halves of "composed" are as strong.
ROOTS = (0.67, 0.6)


@dataclass(frozen=True)
class Cppn(Parametrization):
    """Move the weights of a net of 1 x 1 layers, which gives each pixel its colour from its place alone.

    Places run from -sqrt(3) to sqrt(3) on both axes, so that they vary by 1; x = 255 sigmoid(last layer) - mean. The
    picture is as smooth as the net: it has no pixels, and `replace(cppn, size=...)` draws the same one larger.

    depth: hidden layers; width: units of each. activation: "composed", the arc tangent and its square, side by side
    (2 width numbers); "sin"; "tanh". spread: of the places: more is finer detail at the start.
    Parameters: "weight0" (N, width, 2), "bias0" (N, width), and so on; the last weights start at 0, a grey picture.
    Most pictures have no such parameters, so there is no inverse.
    Paper: Stanley 2007; by gradient, Mordvintsev et al. 2018, "Differentiable Image Parameterizations".
    """

    depth: WholeField = WholeField(8, least=1)
    width: WholeField = WholeField(24, least=1)
    activation: Activation = "composed"
    spread: NumberField = NumberField(1.0, least=1e-3)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in get_args(Activation):
            words = near(self.activation, get_args(Activation), "activation")
            raise SettingError(f"There is no activation {self.activation!r} of a CPPN; {words}.")

    def start(self, rng: Generator, number: int = 1, dtype: npt.DTypeLike = np.float32) -> dict[str, Array]:
        wide = self.width * (2 if self.activation == "composed" else 1)
        sizes = [(self.width, 2), *[(self.width, wide)] * (self.depth - 1), (self.units.channels, wide)]
        parameters = {}
        for level, (outputs, inputs) in enumerate(sizes):
            is_last = level == self.depth
            spread = 0.0 if is_last else np.sqrt(1 / inputs)
            parameters[f"weight{level}"] = (spread * rng.standard_normal((number, outputs, inputs))).astype(dtype)
            parameters[f"bias{level}"] = np.zeros((number, outputs), dtype)
        return parameters

    def image(self, parameters: Parameters) -> Array:
        shape = self.shape(len(parameters["bias0"]))
        colours = [self._forward(layers, parameters["bias0"].dtype)[0] for layers in self._layers(parameters)]
        return self.units.picture(WHITE * np.stack(colours).transpose(0, 2, 1).reshape(shape))

    def gradient(self, parameters: Parameters, dx: Array) -> dict[str, Array]:
        gradients: dict[str, list[Array]] = {name: [] for name in parameters}
        for layers, of_picture in zip(self._layers(parameters), dx, strict=True):
            share, inputs, sums = self._forward(layers, dx.dtype)
            dy = of_picture.reshape(len(of_picture), -1).T * WHITE * share * (1 - share)
            for level in range(self.depth, -1, -1):
                saved = Linear.Saved(inputs[level])
                for kind, value in layers[level].param_grads(dy, saved).items():
                    gradients[f"{kind}{level}"].append(value)
                if level:
                    dy = self._back(layers[level].backward(dy, saved), sums[level - 1])
        return {name: np.stack(values) for name, values in gradients.items()}

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(RGB, (6, 8), 2, 4), cls(RGB, (5, 7), 1, 3, "sin", 2.0), cls(GREY, (4, 3), 3, 3, "tanh"),
            cls(RGB, (1, 2), 1, 1),
        ]  # fmt: skip

    def _layers(self, parameters: Parameters) -> list[list[Linear]]:
        """Return the layers of each picture's net."""
        return [
            [Linear(parameters[f"weight{k}"][i], parameters[f"bias{k}"][i]) for k in range(self.depth + 1)]
            for i in range(len(parameters["bias0"]))
        ]

    def _forward(self, layers: list[Linear], dtype: npt.DTypeLike) -> tuple[Array, list[Array], list[Array]]:
        """Return the colours (H W, C) as shares 0..1, what each layer read, and the hidden layers' sums."""
        inputs, sums = [self._places().astype(dtype)], []
        for layer in layers[:-1]:
            sums.append(layer.forward(inputs[-1])[0])
            inputs.append(self._activated(sums[-1]))
        values = layers[-1].forward(inputs[-1])[0]
        return 0.5 * (1 + np.tanh(0.5 * values)), inputs, sums

    def _places(self) -> Array:
        """Return (H W, 2): the row and column of each pixel, the longer side from -sqrt(3) to sqrt(3)."""
        grid: Array = self.spread * np.sqrt(3) * places(self.size)
        return grid

    def _activated(self, sums: Array) -> Array:
        """Return what the units make of their sums (P, width)."""
        if self.activation == "composed":
            turn = np.arctan(sums)
            return np.concatenate([turn / ROOTS[0], turn**2 / ROOTS[1]], axis=1)
        activated: Array = np.sin(sums) if self.activation == "sin" else np.tanh(sums)
        return activated

    def _back(self, dy: Array, sums: Array) -> Array:
        """Return the gradient by the sums (P, width), given that by what the units made of them."""
        if self.activation == "composed":
            first, second = np.split(dy, 2, axis=1)
            by_turn = first / ROOTS[0] + 2 * np.arctan(sums) * second / ROOTS[1]
            through: Array = by_turn / (1 + sums**2)
            return through
        slope = np.cos(sums) if self.activation == "sin" else 1 - np.tanh(sums) ** 2
        return dy * slope
