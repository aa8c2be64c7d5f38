"""Fooling by evolution: pictures that show nothing, and of which a net is sure all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from minitorch_viz._types import Array
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.unit import Targets
from minitorch_viz.techniques.optimization._evolve_figure import draw
from minitorch_viz.techniques.optimization._evolve_run import evolution_of, evolves_on, standings
from minitorch_viz.techniques.optimization._evolve_words import caption_of, notes_of
from minitorch_viz.techniques.optimization._judge import Opinion, judge_meant, opinions
from minitorch_viz.techniques.optimization._pictures import frame_of
from minitorch_viz.techniques.run import Pace, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import NOTHING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

EncodingName = Literal["cppn", "direct"]


@dataclass(frozen=True, eq=False)
class Evolved(Result):
    """Hold the champions of the classes: for each the picture of which the net is surest that it shows this class."""

    pixels: Array  # (S, h, w, C) uint8: the champions that are shown
    numbers: Array  # (S,) int: their classes
    names: tuple[str, ...]  # (S,)
    confidences: Array  # (S,) 0..1: the net's, that a champion shows its class
    born: Array  # (S,) int: the generation of each, from 1
    champions: Array  # (K,) the confidences of all K classes for which pictures are evolved
    quantiles: Array  # (total, 5): least, lower quarter, median, upper quarter, most of these; NaN for what is to come
    sure: Array  # (total,): of how many classes the champion has at least 99 %; NaN for what is to come
    encoding: str  # how a picture is written down: "cppn" or "direct"
    population: int  # children in a generation
    moved: int  # how often a class took the child of a champion that was not its own
    taken: int  # how often a class took a child at all
    net: str
    noun: str  # what a score is of: "class" or "label"
    opinions: tuple[Opinion, ...]  # (S,): what another net says of each; empty if none was asked
    done: int
    total: int
    state: State | None = None  # what another run goes on from

    @property
    def facts(self) -> tuple[str, ...]:
        height, width = self.pixels.shape[1:3]
        surest = int(self.confidences.argmax())
        return (f"{len(self.names)} pictures of {height} x {width} pixels", f"the surest of {self.names[surest]!r:.40}")

    @property
    def frame(self) -> Array:
        """Return the champions side by side as one frame of a film, (h, w, 3) uint8."""
        return frame_of(self.pixels)

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)


@looping("generation", free=("generations", "judge"))
def evolve(
    model: Model,
    *,
    target: Targets = None,
    encoding: EncodingName = "cppn",
    population: int = 200,
    generations: int = 200,
    judge: str | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Evolved]:
    """Evolve pictures that show nothing, until the net is sure of what they show.

    No gradient is needed: each class keeps the picture of which the net is surest that it shows this class, and in
    each generation the children of these champions are shown to the net. A child that any class likes better than its
    champion takes that one's place. With cppn a picture is drawn by a small graph of neurons that grows, so that it is
    regular: stripes, rings, shapes. With direct it is noise whose pixels change one by one.

    Args:
        target: the class for which pictures are evolved, by number or name; several with commas between; by default all
            of the net's. The figure shows all of up to 20, of more the surest
        encoding: how a picture is written down: cppn, a graph of neurons that draws, or direct, pixel by pixel
        population: pictures that the net is shown in a generation
        generations: in all, with the random first one; a kept state goes on to a larger number, too
        judge: another net, by its name or as NAME=WEIGHTS, that says what it takes each picture for
        seed: of all that is drawn

    Returns Evolved with the champions' pixels (S, h, w, C) uint8 and the net's confidences. state= goes on from a
    result's. Raises SettingError for an unknown class or encoding, or a setting that does not fit.

    Paper: Nguyen, Yosinski, Clune 2015, Deep Neural Networks are Easily Fooled; Mouret & Clune 2015.
    """
    evolution = evolution_of(model, target, encoding, population, generations, seed)
    other, pace = judge_meant(judge, model), Pace()
    for standing in standings(evolution, state):
        if standing.is_over or pace.due():
            pixels, numbers = evolution.pixels(standing), standing.shown
            names = tuple(model.class_names[number] for number in evolution.classes[numbers])
            yield Evolved(
                pixels, evolution.classes[numbers], names, standing.elites.confidences[numbers],
                standing.elites.born[numbers], standing.elites.confidences, standing.quantiles, standing.sure, encoding,
                population, standing.elites.moved, standing.elites.taken, model.name, model.scores.noun,
                () if other is None else opinions(other, pixels, names), standing.elites.done, generations,
                evolution.state(standing),
            )  # fmt: skip


def plot(result: Evolved, figure: Figure) -> None:
    """Draw the champions with the net's confidences, and below how these rose from generation to generation."""
    draw(result, figure)


def example() -> Evolved:
    """Evolve pictures of which the bundled net for digits is sure."""
    from minitorch_viz.models import load_model

    return evolve(load_model("digits"), population=40, generations=8)


TECHNIQUE = Technique(
    name="evolve",
    compute=evolve,
    plot=plot,
    title="Evolved pictures: shapes that a net is sure of",
    paper="Nguyen, Yosinski, Clune 2015",
    example=example,
    applies=evolves_on,
    subject=NOTHING,
    shown_by="mnist",
    level=90,
    budget=20,
    in_comparison={"population": 20, "generations": 3},
)
