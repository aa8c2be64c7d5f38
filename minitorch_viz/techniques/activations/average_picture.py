"""The average picture: what the pictures of a data set, and of each of its classes, have in common pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.drawing import LABEL_SIZE, in_rows, panels, proportions, show_image
from minitorch_viz.errors import DataFileError
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES
from minitorch_viz.techniques.tally import Skipped, Tally, left_out, tallied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_CLASSES = 24  # classes on one page
ACROSS = 8  # of them side by side
ALL = "all pictures"


@dataclass(frozen=True, eq=False)
class AveragePicture(Result):
    """Hold the mean and the spread of the pictures of each class, as the net sees them."""

    means: Array  # (k, h, w, 3), 0..255
    spreads: Array  # (k, h, w, 3), 0..255: standard deviations
    counts: Array  # (k,) int: pictures of each class
    names: tuple[str, ...]  # (k,): the classes, or "all pictures"
    source: str  # what the pictures are called
    done: int
    total: int
    skipped: tuple[Skipped, ...]
    state: State | None = None  # what another run goes on from

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.source, f"{int(self.counts.sum())} pictures", f"{len(self.names)} classes")

    @property
    def caption(self) -> str:
        largest = f"{max(self.spreads.max(), 1):.0f} of 255"
        return (
            f"The mean of {int(self.counts.sum())} pictures of {self.source}, pixel by pixel, as the net sees them, "
            f"and below it their standard deviation on a scale from 0 (black) to {largest} "
            "(white). Where the mean is sharp and the deviation dark, all pictures look the same."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        empty = [name for name, count in zip(self.names, self.counts, strict=True) if not count]
        return (
            *how_far(self, "picture"),
            *left_out(self.skipped),
            *((f"There is no picture of {', '.join(empty)}.",) if empty else ()),
        )


@dataclass
class Moments(Tally):
    """Keep sums and sums of squares of the input, for each class."""

    node: str  # the net's input
    pictures: Pictures  # whose labels are the classes
    classes: int
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape: Tape, numbers: Array) -> None:
        images = kernels.to_cpu(tape[self.node]).astype(np.float64)
        if not self.arrays:
            zeros = np.zeros((self.classes, *images.shape[1:]))
            self.arrays = {"sums": zeros, "squares": zeros.copy(), "counts": np.zeros(self.classes, np.int64)}
        for image, number in zip(images, numbers.tolist(), strict=True):
            label = self.pictures.label(number) or 0  # without labels all are of one class
            self.arrays["sums"][label] += image
            self.arrays["squares"][label] += image**2
            self.arrays["counts"][label] += 1

    def merge(self, other: Self) -> None:
        if not self.arrays:
            self.arrays = {name: value.copy() for name, value in other.arrays.items()}
        elif other.arrays:
            self.arrays = {name: value + other.arrays[name] for name, value in self.arrays.items()}

    def result(self) -> tuple[Array, Array, Array]:
        """Return (mean (k, C, h, w), standard deviation, counts (k,)), in the net's units; 0 without a picture."""
        counts = self.arrays["counts"]
        each = np.maximum(counts, 1).reshape(-1, *[1] * (self.arrays["sums"].ndim - 1))
        mean = self.arrays["sums"] / each
        return mean, np.sqrt(np.maximum(self.arrays["squares"] / each - mean**2, 0)), counts


@looping("picture")
def average_picture(
    model: Model,
    pictures: Any,
    *,
    batch: int = 16,
    workers: int = 1,
    state: State | None = None,
) -> Iterator[AveragePicture]:
    """Show the mean of many pictures, and of each class of them.

    What a data set has in common is what a net can use without understanding anything: a blue border says ship, a brown
    middle says horse. A linear classifier's weights look much like these means.

    Args:
        batch: pictures a forward pass
        workers: processes that share the pictures

    Returns an AveragePicture with means (k, h, w, 3) in 0..255, one for each class. state= goes on from a result's.
    Raises DataFileError if there is no such folder or no picture in it, SettingError if a setting does not fit.

    Paper: Torralba, Oliva 2003.
    """
    shown = as_pictures(pictures)
    names = shown.class_names or (ALL,)
    tally = Moments(model.net.inputs[0], shown, len(names))
    for step in tallied(model, shown, [tally], batch=batch, workers=workers, state=state):
        (moments,) = step.tallies
        if not moments.arrays:  # every picture so far was broken
            continue
        mean, spread, counts = moments.result()
        std = np.array(model.preprocessing.std).reshape(-1, 1, 1)
        spread = np.broadcast_to(spread * std, (len(names), 3, *mean.shape[2:])).transpose(0, 2, 3, 1)
        yield AveragePicture(
            np.stack([model.restore(image) for image in mean]).astype(np.float64),
            spread,
            counts,
            names,
            shown.name,
            step.done,
            step.total,
            step.skipped,
            step.state,
        )
    if not moments.arrays:
        why = step.skipped[0].why
        raise DataFileError(f"There is no average picture: none of the {len(shown)} could be read. {why}")


def plot(result: AveragePicture, figure: Figure) -> None:
    """Draw the mean of each class, and below it the standard deviation."""
    count = min(len(result.names), MOST_CLASSES)
    columns = -(-count // -(-count // ACROSS))  # as even rows as can be
    largest = max(result.spreads.max(), 1)
    above = in_rows([f"{result.names[index]} ({result.counts[index]})" for index in range(count)], columns)
    below = in_rows([""] * count, columns)
    titles = [title for pair in zip(above, below, strict=True) for title in pair]
    sheet = panels(
        figure,
        titles,
        proportions(result.means[0]),
        heading=f"mean, and below it the standard deviation, white at {largest:.3g} of 255",
        size=LABEL_SIZE,
        side=1.5 if count > 1 else 3.0,
        least=6.0,
    )
    for index, (mean, spread) in enumerate(zip(sheet.axes[::2].flat, sheet.axes[1::2].flat, strict=True)):
        if index < count:
            show_image(mean, (result.means[index] / 255).clip(0, 1))
            show_image(spread, (result.spreads[index] / largest).clip(0, 1))


def example() -> AveragePicture:
    """Run it on scikit-learn's handwritten digits, as the bundled net sees them."""
    from minitorch_viz.data import load_digits
    from minitorch_viz.models import load_model

    return average_picture(load_model("digits"), load_digits()[1])


TECHNIQUE = Technique(
    name="average-picture",
    compute=average_picture,
    plot=plot,
    title="The average picture: what a class has in common",
    paper="Torralba, Oliva 2003",
    example=example,
    chapter="look",
    level=40,
    subject=PICTURES,
)
