"""The loss of style transfer: all terms of one picture, and which way the picture has to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.optimize.style.terms import Term
from minitorch_viz.optimize.units import WHITE, Units

if TYPE_CHECKING:
    from minitorch_viz.models import Model

PIXELS = "pixels"  # the "node" of a term that looks at the picture itself, in steps of 0..255 about the mean


@dataclass(frozen=True, eq=False)
class StyleLoss:
    """Give value and gradient of a picture (1, C, H, W), pixel - mean, in steps of 0..255: what an optimizer asks for.

    smooth: the weight of the mean squared difference between neighbouring pixels, black to white being 1.
    """

    model: Model
    terms: Sequence[Term]
    smooth: float = 0.0

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Return the loss and its gradient by the picture, in the picture's dtype; the net computes in its own."""
        value, gradient, _ = self._evaluated(x)
        return value, gradient

    def parts(self, x: Array) -> dict[str, float]:
        """Return what each term adds to the loss, by its node and kind."""
        return self._evaluated(x)[2]

    def _evaluated(self, x: Array) -> tuple[float, Array, dict[str, float]]:
        picture = x.astype(self.model.dtype)
        of_net = [term for term in self.terms if term.node != PIXELS]
        gradient = np.zeros_like(picture)
        parts: dict[str, float] = {}
        if of_net:
            units = Units.of(self.model.reader())
            net, name = self.model.net, self.model.input
            nodes = tuple(dict.fromkeys(term.node for term in of_net))
            tape = net.forward(kernels.to_device(units.net(picture), net.device), upto=nodes, fuse=True)
            seeds: dict[str, Array] = {}
            for term in of_net:
                value, seed = term.measured(tape[term.node])
                seeds[term.node] = seeds[term.node] + seed if term.node in seeds else seed
                _add(parts, term, value)
            back = net.backward(tape, seeds, wrt=(name,))[name]
            gradient = units.gradient(kernels.to_cpu(back))
        for term in self.terms:
            if term.node == PIXELS:
                value, seed = term.measured(picture)
                gradient = gradient + seed
                _add(parts, term, value)
        if self.smooth:
            value, slope = roughness(picture)
            gradient = gradient + np.asarray(self.smooth, picture.dtype) * slope
            parts["smoothness"] = self.smooth * value
        return sum(parts.values()), gradient.astype(x.dtype, copy=False), parts


def roughness(x: Array) -> tuple[float, Array]:
    """Return the mean squared difference between neighbouring pixels, black to white being 1, and its gradient.

    It is the total variation with the exponent 2 (Mahendran and Vedaldi 2015), a pixel.
    """
    down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
    scale = 1 / (WHITE**2 * x[0, 0].size)
    gradient = np.zeros_like(x)
    gradient[..., 1:, :] += down
    gradient[..., :-1, :] -= down
    gradient[..., 1:] += right
    gradient[..., :-1] -= right
    value = scale * (float((down**2).sum()) + float((right**2).sum()))
    return value, np.asarray(2 * scale, x.dtype) * gradient


def _add(parts: dict[str, float], term: Term, value: float) -> None:
    key = f"{term.noun} {term.node}"
    parts[key] = parts.get(key, 0.0) + value
