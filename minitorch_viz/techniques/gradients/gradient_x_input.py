"""Gradient times input: how much of a score each pixel carries, to first order, and how much none of them does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.rules.accounts import SINGLE, Books, gradient_books
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import why_blank
from minitorch_viz.techniques.explain.books import books_notes
from minitorch_viz.techniques.explain.maps import Form, PixelMap, plot_map
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class GradientTimesInput(PixelMap):
    """Hold shares of the score, pixel by pixel and channel by channel."""

    stayed: Books = field(default_factory=Books)  # what no pixel holds: value = sum of the signal + stayed.total

    @property
    def form(self) -> Form:
        return "attribution"

    @property
    def caption(self) -> str:
        if self.of_numbers is not None:
            return (
                f"{self.explains} Each number's gradient times its value as the net gets it, so that the mean that its "
                f"reader subtracts counts as nothing. Together they hold {self.signal.sum():.4g} of the value. "
                f"{self.legend}"
            )
        return (
            f"{self.explains} Each pixel's gradient times its value as the net gets it, so that a pixel of the net's "
            f"mean colour counts as nothing. The pixels hold {self.signal.sum():.4g} of the value. {self.legend}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return super().notes + (
            () if self.blank else books_notes(self.signal, self.value, self.stayed, places=self.place)
        )


@spelled_out
def gradient_x_input(model: Model, image: Any, **choice: Unpack[Which]) -> GradientTimesInput:
    """Show how much of a score each pixel carries to first order, its gradient times its value, and how much none does.

    The value is the normalized one that enters the net, so "nothing" (the baseline) is the net's mean colour, which is
    0 there; for a net that takes pixels from 0 to 1 it is black. If the net were made of ReLUs without biases, the
    shares would add up to the score. Otherwise biases hold a part of it, often the larger one, and so does the bend of
    a tanh or a normalization; a note says how much and where. Integrated gradients add up for every net.

    Returns a GradientTimesInput with signal (C, h, w), in units of the score, and what stayed at which node.
    Raises SettingError for an unknown class or channel, NetError for an unknown node, ImageFileError for a bad image.

    Paper: Shrikumar et al. 2016 ("Not just a black box").
    """
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    seeds = unit.seeds(tape)
    gradients, books = gradient_books(model.net, tape, seeds)
    if bent := _bend(tape, seeds, value):
        books.stayed[unit.label] = {"the objective's own curve": bent}
    gradient = kernels.to_cpu(gradients)[0]
    signal = gradient * kernels.to_cpu(seen.x)[0]
    blank = why_blank(model, tape, unit, gradient)
    if not blank and not signal.any():
        mean = "of the net's mean colour" if seen.noun == "photo" else "the mean that the net's reader subtracts"
        blank = f"the {seen.noun} is {mean} wherever the gradient is not 0"
    return GradientTimesInput(
        signal, seen.picture, seen.pixel_aspect, unit.label, value, blank,
        reading=reading, stayed=books, photo=seen.area, given=seen.given,
    )  # fmt: skip


def _bend(tape: Tape, seeds: Mapping[str, Array], value: float) -> float:
    """Return how far an objective is from its slopes times what it reads, added up: 0 for whatever is linear."""
    with np.errstate(invalid="ignore", over="ignore"):  # broken weights are for the map to diagnose
        slopes = [seed * tape[node] for node, seed in seeds.items()]
        bent = value - sum(float(slope.sum(dtype=np.float64)) for slope in slopes)
    return bent if abs(bent) > SINGLE * sum(float(abs(slope).sum()) for slope in slopes) else 0.0


def example() -> GradientTimesInput:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return gradient_x_input(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="gradient-x-input",
    compute=gradient_x_input,
    plot=plot_map,
    title="Gradient times input: each pixel's part of the score, to first order",
    paper="Shrikumar et al. 2016",
    example=example,
    chapter="pixels",
    level=20,
    explains=True,
    takes_numbers=True,
)
