"""Cell map: the states of a recurrent net at the letters of a text on a map, like ones near one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.techniques.activations._tsne_map import FEWEST, embedded, first_two, need_perplexities, reduced
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.neighbours import Kept, kept, nearest
from minitorch_viz.techniques.explain.reading import remembers
from minitorch_viz.techniques.recurrent._cell_map_colourings import LETTER, colourings
from minitorch_viz.techniques.recurrent._cell_map_colours import Alike, Colouring, alike
from minitorch_viz.techniques.recurrent._cell_map_figure import draw
from minitorch_viz.techniques.recurrent._cell_map_words import caption_of, notes_of
from minitorch_viz.techniques.recurrent._cells_values import Quantity, watched
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

K = 10  # neighbours that are looked at
MOST = 5000  # letters on a map
FEWER = 4  # before the whole map one of every fourth letter is made, which takes a fraction of the time


@dataclass(frozen=True, eq=False)
class CellMap(Result):
    """Hold the places of n letters of a text on a map, what they are coloured by, and how much of that it shows."""

    text: str  # T letters
    places: Array  # (n,) int: which of them are on the map
    positions: Array  # (n, 2) on the map
    near: Array  # (n, k) int: of the n letters, the nearest by states
    colourings: tuple[Colouring, ...]  # those that are drawn come first
    alike: tuple[Alike, ...]  # the same order
    kept: Kept  # how much of the nearest by states the map keeps
    share: float  # of the states' variance in the components that t-SNE was given
    components: int
    cells: int  # C: how many numbers a state has
    quantity: Quantity
    nodes: tuple[str, ...]
    model: str
    perplexity: int  # 0: the map has the first two principal components
    is_asked: bool  # whether the first colouring was asked for, so that it is drawn alone
    cut: int  # letters of the text that were not read
    wanted: int  # letters that are on the map in the end
    seed: int
    done: int
    total: int

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"{len(self.places)} letters of a text", f"{self.cells} cells of {self.model}"[:60])

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)

    def html(self) -> str:
        """Return the page: hover for a letter in its place, choose what the colours are."""
        from minitorch_viz.techniques.recurrent._cell_map_page import render_page

        return render_page(self)


@looping("step")
def cell_map(
    model: Model,
    text: str,
    *,
    hypothesis: str | None = None,
    letters: int = 1000,
    quantity: Quantity | None = None,
    node: str | None = None,
    perplexity: int | None = None,
    seed: int = 0,
) -> Iterator[CellMap]:
    """Show the states after each letter on a map, those near one another that the net's memory finds alike.

    What all cells hold after a letter is one point; t-SNE lays the points on the plane so that near ones stay near.
    They are coloured by the class of the letter and by hypotheses about the text, such as being inside quotes; how
    many of a letter's ten nearest have its colour is said beside what chance would give. Saved as .html it is a page in
    which one hovers over letters, sees each in its place in the text, and chooses the colours. 1,000 letters take a few
    seconds.

    Args:
        hypothesis: what the colours are: letter, the name of a hypothesis about the text, or one's own,
            FILE.py:function (default: the class of the letter, and the three hypotheses that show most)
        letters: how many letters of a longer text are on the map, at even distances
        quantity: tanh of the memory c, c itself, the output h, the gates i, f, o, or what may be written, g (default:
            tanh; of a net without LSTM h)
        node: a recurrent layer; by default the cells of all of them
        perplexity: about how many neighbours of a letter count (default: 30, or fewer for few letters)
        seed: of t-SNE

    Yields a CellMap with the first two principal components, then t-SNE's positions (n, 2) of every fourth letter,
    then those of all. Raises SettingError for a bad text or setting, NetError for an unknown node, DataFileError for a
    hypothesis's file that cannot be read.

    Paper: Karpathy, Johnson, Fei-Fei 2015; van der Maaten, Hinton 2008.
    """
    need_whole("number of letters", letters, FEWEST, MOST)
    need_whole("seed", seed, 0)
    seen = watched(model, text, quantity, node)
    count = min(len(seen.text), letters)
    if count < FEWEST:
        raise SettingError(f"A map needs at least {FEWEST} letters, but the text has {len(seen.text)}.")
    (perplexity,) = need_perplexities(perplexity, count)
    places = np.arange(count) * len(seen.text) // count
    if not np.isfinite(seen.values).all():
        raise SettingError("Some states are not finite (NaN or infinite), so that there is no map of them.")
    steps = [places, *([places[::FEWER]] if count >= FEWER * K else []), places]
    for number, part in enumerate(steps, start=1):
        values = seen.values[part]
        points, share = reduced(values, seed)
        chosen = min(perplexity, (len(part) - 1) // 3)
        positions = first_two(points) if number == 1 else embedded(points, chosen, seed)
        by_states = nearest(values, K).numbers
        coloured, shares = _by_gain(colourings(seen.text, part, hypothesis), positions, by_states, hypothesis)
        yield CellMap(
            seen.text, part, positions, by_states, coloured, shares, kept(values, by_states, positions), share,
            points.shape[1], values.shape[1], seen.quantity, seen.nodes, model.name, 0 if number == 1 else chosen,
            hypothesis is not None, seen.cut, count, seed, number, len(steps),
        )  # fmt: skip


def _by_gain(
    choices: dict[str, Colouring], positions: Array, by_states: Array, asked: str | None
) -> tuple[tuple[Colouring, ...], tuple[Alike, ...]]:
    """Return what the letters can be coloured by, the first one first, then those that the map shows most, and shares.

    Where one is asked for that is the first, and the letter's class the second.
    """
    on_map = nearest(positions, K).numbers
    shares = {name: alike(on_map, by_states, colouring.labels) for name, colouring in choices.items()}
    first = [*dict.fromkeys([next(iter(choices)), LETTER])] if asked is not None else [LETTER]

    def gain(name: str) -> float:
        difference = shares[name].on_map - shares[name].by_chance
        return difference if np.isfinite(difference) else -1.0

    order = [*first, *sorted((name for name in choices if name not in first), key=gain, reverse=True)]
    return tuple(choices[name] for name in order), tuple(shares[name] for name in order)


def plot(result: CellMap, figure: Figure) -> None:
    """Draw the map in the colours that were asked for, or four times in those that show most."""
    draw(result, figure)


def example() -> CellMap:
    """Lay out what a small net of random weights remembers of three lines."""
    from minitorch_viz.techniques.recurrent._small_net import small_reading

    return cell_map(*small_reading())


TECHNIQUE = Technique(
    name="cell-map",
    compute=cell_map,
    plot=plot,
    title="Cell map: the states of a net at the letters of a text",
    paper="Karpathy, Johnson, Fei-Fei 2015; van der Maaten, Hinton 2008",
    example=example,
    applies=remembers,
    pages=(".html",),
    subject=TEXT,
    shown_by="war_and_peace",
    level=50,
    budget=20,
)
