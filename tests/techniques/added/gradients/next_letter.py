"""Next letter: which letters of a text raise the score of the letter that comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.letters import letters, shown
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class NextLetter(Result):
    """How much each letter of a text raises one score of the next letter."""

    influence: Array  # (T,) floats: the score's derivative by each letter's own 1
    text: str  # T letters
    label: str  # what is explained

    @property
    def caption(self) -> str:
        largest = np.abs(self.influence).max()
        return (
            f"How much each letter raises (red) or lowers (blue) {self.label} after the text: the score's derivative "
            f"by the letter's own input. The scale goes from {-largest:.3g} to {largest:.3g}."
        )


def next_letter(model: Model, text: str, *, letter: str | None = None) -> NextLetter:
    """Show which letters of a text raise the score of the letter that comes next.

    Args:
        letter: the next letter that is explained; by default the most probable one

    Paper: Li, Chen, Hovy, Jurafsky 2016, Visualizing and Understanding Neural Models in NLP.
    """
    seen = letters(model, text)
    if not seen.alphabet.one_hot:
        raise SettingError(f"{model.name} takes letters as whole numbers, which have no gradient.")
    tape = model.net.forward(seen.x)
    scores = kernels.to_cpu(tape[model.net.output])[0, -1]
    number = int(scores.argmax()) if letter is None else int(seen.alphabet.codes(letter)[0])
    seed = np.zeros((1, *tape[model.net.output].shape[1:]))
    seed[0, -1, number] = 1
    gradient = model.net.backward(tape, {model.net.output: seed})[model.input]
    influence = kernels.to_cpu(gradient * seen.x)[0].sum(axis=1)
    return NextLetter(influence, seen.text, f"the score of {seen.alphabet.letters[number]!r}")


def plot(result: NextLetter, figure: Figure) -> None:
    """Draw the letters in rows, each on the colour of its influence."""
    wide = min(40, len(result.text))
    rows = -(-len(result.text) // wide)
    grid = np.full(rows * wide, np.nan)
    grid[: len(result.text)] = result.influence
    figure.set_size_inches(9, 1 + 0.4 * rows)
    axes = figure.subplots()
    largest = np.abs(result.influence).max() or 1
    image = axes.imshow(grid.reshape(rows, wide), cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
    for place, letter in enumerate(result.text):
        axes.text(place % wide, place // wide, shown(letter), ha="center", va="center", family="monospace")
    axes.set_axis_off()
    figure.colorbar(image, ax=axes, label=result.label)


def example() -> NextLetter:
    """A small random net that reads a text."""
    from tests.techniques.letters_net import letters_net

    return next_letter(letters_net(), "a small net reads a text, letter by letter")


TECHNIQUE = Technique(
    name="next-letter",
    compute=next_letter,
    plot=plot,
    title="Next letter: which letters raise its score",
    paper="Li, Chen, Hovy, Jurafsky 2016",
    example=example,
    subject=TEXT,
)
