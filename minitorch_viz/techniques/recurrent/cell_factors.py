"""Cell factors: the few things that all cells of a recurrent net do together, in colours over a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.letters import shown
from minitorch_viz.techniques.explain.reading import QUANTITIES, remembers
from minitorch_viz.techniques.recurrent._cell_factors_figure import draw
from minitorch_viz.techniques.recurrent._cell_factors_parts import (
    MOST_LETTERS,
    Side,
    explained,
    makers,
    strongest_places,
    taken_apart,
)
from minitorch_viz.techniques.recurrent._cells_sheet import lines_shown
from minitorch_viz.techniques.recurrent._cells_values import Quantity, watched
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_FACTORS = 8
NAMED = 5  # cells a factor
PLACES, APART, BEFORE = 3, 20, 7  # where a factor is strongest: so many places, so far apart, with the letters before


@dataclass(frozen=True, eq=False)
class CellFactors(Result):
    """Hold what the states of C cells at T letters are made of."""

    text: str  # T letters
    strengths: Array  # (T, k), nonnegative: how much of each factor is there after each letter
    directions: Array  # (k, 2 C), nonnegative, of unit length: how far cells are above their means, then below
    shares: Array  # (k,): each factor's share of all that the factors hold
    makers: tuple[tuple[Side, ...], ...]  # for each factor the sides of cells that it consists of, the largest first
    places: Array  # (k, 3) int: after which letters each is strongest; -1 where there are no more
    names: tuple[str, ...]  # (C,): what the cells are called
    explained: float  # the share of the cells' variance that the factors explain
    error: float  # what they leave out of the length of the values: ||X - W H|| / ||X||
    least: float  # the least that so many directions leave out, if they may have signs
    settled: bool  # whether the factorization ended by itself
    quantity: Quantity
    model: str
    cut: int  # letters that were left out
    without: tuple[str, ...]  # layers that have no such quantity
    asked: int  # how many factors were asked for
    seed: int

    @property
    def tops(self) -> Array:
        """Return (k,): the largest strength of each factor, at which its colour is full; 1 for none."""
        tops: Array = self.strengths.max(axis=0)
        return np.where(tops > 0, tops, 1)

    @property
    def legend(self) -> tuple[str, ...]:
        """Return for each factor its number, its share, and the cells that make it."""
        lines = []
        signs = {1: "+", -1: "\N{MINUS SIGN}"}
        for k, sides in enumerate(self.makers):
            cells = ", ".join(f"{self.names[side.cell]}{signs[side.sign]}" for side in sides)
            whole = sum(side.weight for side in sides)
            where = ", ".join(f"“{self._before(place)}”" for place in self.places[k].tolist() if place >= 0)
            words = f": {cells} ({whole:.0%} of it), strongest after {where}" if sides and where else ": nothing"
            lines.append(f"{k + 1}, {self.shares[k]:.0%}{words}")
        return tuple(lines)

    def _before(self, place: int) -> str:
        """Return the letters up to a place, as a figure can show them."""
        return "".join(map(shown, self.text[max(place - BEFORE, 0) : place + 1]))

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"{len(self.shares)} factors of {len(self.names)} cells", f"{len(self.text)} letters")

    @property
    def caption(self) -> str:
        tops = ", ".join(f"{top:.3g}" for top in self.tops)
        return (
            f"What all cells do together, {len(self.names)} of {self.model}: {QUANTITIES[self.quantity]}, after each "
            f"letter as a sum of {len(self.shares)} nonnegative factors, each cell split into how far it is above its "
            "mean and how far below. A letter has the colour of its strongest factor, the more opaque the stronger: "
            f"each has a scale of its own, from 0 (white) to its largest strength in this text, {tops}. The legend has "
            "each factor's share of what all hold, the cells that make it, + above the mean and \N{MINUS SIGN} below, "
            "with their part of its squared length, and the letters after which it is strongest. Together the factors "
            f"explain {self.explained:.1%} of the cells' variance and leave out {self.error:.1%} of the length of the "
            f"changes (as many directions with signs would leave out {self.least:.1%})."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if self.cut:
            yield f"The first {len(self.text):,} letters were taken apart; {self.cut:,} more were left out."
        if self.without:
            verb = "has" if len(self.without) == 1 else "have"
            yield f"{' and '.join(self.without)} {verb} no {QUANTITIES[self.quantity]} and no part in this."
        stop = lines_shown(self.text, 1)[-1].stop
        if stop < len(self.text):
            yield f"The figure shows the first {stop:,} letters of {len(self.text):,}."
        nowhere = [str(k + 1) for k, share in enumerate(self.shares) if not share]
        if nowhere:
            yield f"Nothing is left for factor {', '.join(nowhere)}: fewer would do."
        if len(self.shares) < self.asked:
            yield f"So few letters and cells have {len(self.shares)} factors, and not the {self.asked} asked for."
        if not self.settled:
            yield "The factorization was still improving when its rounds were over."


def cell_factors(
    model: Model,
    text: str,
    *,
    components: int = 6,
    quantity: Quantity | None = None,
    node: str | None = None,
    seed: int = 0,
) -> CellFactors:
    """Show the few things that all cells do together, in colours over a text.

    Single cells are hard to read, and many say nearly the same. A nonnegative factorization writes the states of all
    of them after each letter as a sum of a few factors, groups of cells that are on together: one may be the space
    between two words, one the inside of a quote, one the first letters of a word. Texts of up to 3,000 letters are
    taken apart, which takes some seconds for 512 cells.

    Args:
        components: how many factors
        quantity: tanh of the memory c, c itself, the output h, the gates i, f, o, or what may be written, g (default:
            tanh; of a net without LSTM h)
        node: a recurrent layer; by default the cells of all of them
        seed: of the factorization's start

    Returns a CellFactors with strengths (T, k) and directions (k, 2 C). Raises SettingError for a bad text or setting,
    NetError for an unknown node.

    Paper: Alammar 2021 (Ecco), after Olah et al. 2018.
    """
    need_whole("number of factors", components, 1, MOST_FACTORS)
    need_whole("seed", seed, 0)
    kept = text[:MOST_LETTERS] if isinstance(text, str) else text
    seen = watched(model, kept, quantity, node)
    if not np.isfinite(seen.values).all():
        raise SettingError("Some states are not finite (NaN or infinite), so that they cannot be taken apart.")
    parts = taken_apart(seen.values, components, seed)
    names = tuple("{} {}".format(*seen.name(cell)) for cell in range(seen.values.shape[1]))
    return CellFactors(
        seen.text, parts.strengths, parts.directions, parts.shares, makers(parts.directions, NAMED),
        strongest_places(parts.strengths, PLACES, APART), names,
        explained(seen.values, parts), parts.error, parts.least, parts.settled, seen.quantity, model.name,
        len(text) - len(kept), seen.left_out, components, seed,
    )  # fmt: skip


def plot(result: CellFactors, figure: Figure) -> None:
    """Draw the letters on the colours of their strongest factors, and the legend below."""
    draw(result, figure)


def example() -> CellFactors:
    """Take apart what a small net of random weights does with two lines."""
    from minitorch_viz.techniques.recurrent._small_net import small_reading

    return cell_factors(*small_reading(), components=4)


TECHNIQUE = Technique(
    name="cell-factors",
    compute=cell_factors,
    plot=plot,
    title="Cell factors: the few things that all cells do together",
    paper="Alammar 2021 (Ecco); Olah et al. 2018",
    example=example,
    applies=remembers,
    subject=TEXT,
    shown_by="war_and_peace",
    level=40,
)
