"""MAP-Elites over classes: each class keeps the picture of which a net is surest that it shows this class.

One generation: parents are drawn among the champions, each class as often; they have children; the net is asked about
all children in one pass; and each class takes whichever child it likes better than its champion. So a shape that was
found for one class can go on as another's.

Paper: Mouret & Clune 2015; Nguyen, Yosinski, Clune 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.optimize.evolution.encoding import Encoding, Genomes

Answers = Callable[[Genomes], Array]  # N genomes -> how sure a net is of their pictures, (N, K), a column a class


@dataclass(frozen=True, eq=False)
class Elites:
    """Hold the champions of K classes after a generation. Nothing in it is written to again."""

    genomes: Genomes  # (K,) a class's champion; several classes may have the same
    confidences: Array  # (K,) 0..1: that it shows this class
    born: Array  # (K,) int: the generation in which it was, from 1
    moved: int  # how often a class took the child of a champion that was not its own
    taken: int  # how often a class took a child at all
    done: int  # generations, with the random first one
    generator: Mapping[str, Any]  # the state of the random generator


def generations(
    encoding: Encoding, answers: Answers, population: int, rng: Generator, begin: Elites | None = None
) -> Iterator[Elites]:
    """Yield the champions after each generation, without end; begin: those that another run goes on from."""
    elites = begin
    if elites is None:
        elites = first_generation(encoding, answers, population, rng)
        yield elites
    else:
        rng.bit_generator.state = elites.generator
    while True:
        elites = next_generation(elites, encoding, answers, population, rng)
        yield elites


def first_generation(encoding: Encoding, answers: Answers, population: int, rng: Generator) -> Elites:
    """Return the best of so many random pictures for each class."""
    genomes = encoding.start(population, rng)
    confidences = answers(genomes)  # (N, K)
    best = confidences.argmax(axis=0)
    top = confidences[best, np.arange(len(best))]
    champions = [genomes[number] for number in best]
    return Elites(champions, top, np.ones(len(best), int), 0, 0, 1, rng.bit_generator.state)


def next_generation(elites: Elites, encoding: Encoding, answers: Answers, population: int, rng: Generator) -> Elites:
    """Return the champions after one generation more: a child that is no better than a champion changes nothing."""
    classes = np.arange(len(elites.genomes))
    parents = rng.integers(len(classes), size=population)
    children = encoding.children([elites.genomes[parent] for parent in parents], rng, elites.done)
    confidences = answers(children)  # (N, K)
    best = confidences.argmax(axis=0)
    top = confidences[best, classes]
    better = top > elites.confidences
    own = [elites.genomes[parent] is champion for parent, champion in zip(parents[best], elites.genomes, strict=True)]
    genomes = list(elites.genomes)
    for number in np.flatnonzero(better):
        genomes[number] = children[best[number]]
    return replace(
        elites,
        genomes=genomes,
        confidences=np.where(better, top, elites.confidences),
        born=np.where(better, elites.done + 1, elites.born),
        moved=elites.moved + int((better & ~np.array(own)).sum()),
        taken=elites.taken + int(better.sum()),
        done=elites.done + 1,
        generator=rng.bit_generator.state,
    )
