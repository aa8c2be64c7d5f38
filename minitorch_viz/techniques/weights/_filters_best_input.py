"""The input of unit length that excites a filter most: the filter itself, w / |w|, to which it answers |w|."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import NUMBER_SIZE, in_rows, panels, show_image
from minitorch_viz.techniques.weights._filters_of import Chosen, FilterResult, draw_filter, full_scale, need_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

PAIRS = 6  # filters side by side, each with its input
SIDE = 0.72  # inches
GUESSES, AT_ONCE = 1000, 50  # random inputs of the same length; and how many of them are held at once
LEVELS = 110  # of the pixels' 255, how far the largest value of an input is drawn from the net's mean colour
ROUNDING = 1e-4  # of |w|, the most that single precision may be off


@dataclass(frozen=True, eq=False)
class BestInput(FilterResult):
    """Hold filters, and the input of length 1 that excites each most."""

    inputs: Array  # (k, C, kh, kw), all channels of the picture: w / |w|, in the net's numbers
    responses: Array  # (k,): what the net answers to them, without the bias
    guesses: Array  # (k,): the largest answer to random inputs of length 1
    pictures: Array  # (k, kh, kw, 3) uint8: the inputs as pixels, made stronger until they can be seen

    @property
    def caption(self) -> str:
        live = self.norms > 0
        share = float((self.guesses[live] / self.norms[live]).max()) if live.any() else 0.0
        return (
            f"{self.shown}: each, and right of it the input of length 1 that excites it most. It is the filter divided "
            "by its length |w|, and the answer, the number above, is |w|: each was run through the net. Of "
            f"{GUESSES:,} random inputs of length 1 the best reached {share:.0%} of that. Filters: mid-grey or white "
            "is 0, each on a scale of its own; inputs: as a photo, around the net's mean colour, made stronger until "
            "the largest value is seen."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        off = np.abs(self.responses - self.norms) > ROUNDING * np.maximum(self.norms, 1e-30)
        wrong = ", ".join(str(number) for number in self.numbers[off])
        return (
            *super().notes,
            *((f"The net's answer to the inputs of filters {wrong} is not the filter's length.",) if wrong else ()),
        )

    def drawn(self, figure: Figure) -> None:
        """Draw each filter with its input at its right."""
        count, _, high, wide = self.weights.shape
        pairs = math.ceil(count / math.ceil(count / PAIRS))
        titles = [
            title
            for number, response in zip(self.numbers, self.responses, strict=True)
            for title in (str(number), f"{response:.3g}")
        ]
        heading = f"Filters of {self.node}, and the input of length 1 that excites each most, with the answer"
        sheet = panels(
            figure, in_rows(titles, 2 * pairs), high / wide, heading=heading, side=SIDE, size=NUMBER_SIZE, least=6.0
        )
        panes = sheet.axes.reshape(-1, 2)
        for weights, picture, (left, right) in zip(self.weights, self.pictures, panes, strict=False):
            draw_filter(left, weights, full_scale(weights), self.colour)
            show_image(right, picture)


def best_inputs(model: Model, chosen: Chosen, seed: int = 0) -> BestInput:
    """Return filters with the input of length 1 that excites each most, w / |w|, and the net's answer to it.

    That it is the best one is Cauchy and Schwarz's inequality: w x <= |w| |x|, equal where x is along w.
    Raises SettingError unless the filters look at the net's own input.
    """
    need_pixels(model, chosen, "best-input")
    layer: Any = model.net[chosen.node].layer
    weights = chosen.weights.astype(np.float64)
    directions = weights / np.where(chosen.norms > 0, chosen.norms, 1)[:, None, None, None]
    groups = layer.groups if layer.has_filters else 1
    inputs = np.zeros((len(weights), groups, *weights.shape[1:]))  # a filter of a group sees that group's channels only
    inputs[np.arange(len(weights)), chosen.numbers // (chosen.of // groups)] = directions
    inputs = inputs.reshape(len(weights), -1, *weights.shape[2:])
    pictures = np.stack([_pixels(model, values) for values in inputs])
    return BestInput(*chosen, inputs, answers_to(model, chosen, inputs), best_guesses(weights, seed), pictures)


def best_guesses(weights: Array, seed: int) -> Array:
    """Return (k,): the largest answer of each of (k, C, kh, kw) to random inputs of length 1, a few at a time."""
    flat, rng = weights.reshape(len(weights), -1), np.random.default_rng(seed)
    best = np.full(len(flat), -np.inf)
    for count in [AT_ONCE] * (GUESSES // AT_ONCE):
        guesses = rng.standard_normal((count, flat.shape[1]))
        guesses /= np.sqrt((guesses**2).sum(axis=1, keepdims=True))
        best = np.maximum(best, (flat @ guesses.T).max(axis=1))
    return best


def answers_to(model: Model, chosen: Chosen, inputs: Array) -> Array:
    """Return (k,): what the net itself answers at one place where all else is 0, without the bias.

    inputs (k, C, kh, kw): one for each filter, put where a unit sees all of it.
    """
    layer: Any = model.net[chosen.node].layer
    x, place = _placed(layer, inputs) if layer.has_filters else (inputs, ())
    x = kernels.to_device(x.astype(model.dtype), model.net.device)
    answers = kernels.to_cpu(model.net.predict(x, upto=chosen.node))
    answers = answers[(np.arange(len(inputs)), chosen.numbers, *place)]
    bias = layer.params.get("bias")
    without: Array = answers if bias is None else answers - kernels.to_cpu(bias)[chosen.numbers]
    return without


def _placed(layer: Any, inputs: Array) -> tuple[Array, tuple[int, ...]]:
    """Return inputs (k, C, H, W) that are 0 but in the window of one unit of a convolution, and that unit's place."""
    pads = layer.padding if len(layer.padding) == 2 else layer.padding[::2]  # of (top, bottom, left, right)
    place, windows, sides = [], [], []
    for side, pad, stride, dilation in zip(inputs.shape[2:], pads, layer.stride, layer.dilation, strict=True):
        at = math.ceil(pad / stride)  # the first unit whose window begins inside the picture
        begin, reach = at * stride - pad, dilation * (side - 1) + 1
        place.append(at)
        windows.append(slice(begin, begin + reach, dilation))
        sides.append(begin + reach + pad)
    x = np.zeros((*inputs.shape[:2], *sides))
    x[:, :, windows[0], windows[1]] = inputs
    return x, tuple(place)


def _pixels(model: Model, values: Array) -> Array:
    """Return an input (C, kh, kw) as pixels (kh, kw, 3) uint8, made stronger until its largest value can be seen."""
    std = np.array(model.preprocessing.std).reshape(-1, 1, 1)
    largest = float(np.abs(values * std).max())
    pixels: Array = model.restore(values * (LEVELS / largest if largest else 0.0))
    return pixels
