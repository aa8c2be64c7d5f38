"""A CPPN that grows: a graph of neurons from places to colours, and the ways in which evolution changes it.

The neurons stand in a row: four inputs, then the hidden ones, then the outputs. A connection runs from a neuron to a
later one, so there is no circle, and the row is an order in which the graph can be computed.

Paper: Stanley 2007, Compositional Pattern Producing Networks; the rates are those of Nguyen et al. 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from minitorch_viz._types import Generator
from minitorch_viz.optimize.evolution.operators import polynomial_mutation

INPUTS = 4  # x, y, the distance from the centre, and 1
FUNCTIONS = ("sine", "sigmoid", "gaussian", "linear", "tanh")  # what a neuron makes of its sum (`drawn.py`)
LARGEST = 10.0  # magnitude of a weight

ADD_CONNECTION, DELETE_CONNECTION, CHANGE_CONNECTION = 0.5, 0.3, 0.5
ADD_NEURON, DELETE_NEURON = 0.5, 0.2
RATE, ETA = 0.1, 15.0  # of weights: which share is mutated, and how far; of functions the same share

Edge: TypeAlias = tuple[int, int, float]  # a connection: from, to (places in the row), and its gene 0..1


@dataclass(frozen=True)
class Genome:
    """Hold one graph of V neurons behind the inputs, and E connections.

    Graphs are small and of many sizes, so they are tuples; arrays begin where pictures do.
    """

    outputs: int  # the last neurons
    functions: tuple[int, ...]  # (V,) of each neuron that is no input, a place in FUNCTIONS
    edges: tuple[Edge, ...]  # (E,) each from a neuron to a later one; inputs are 0 to 3

    @property
    def length(self) -> int:
        """Return how many neurons stand in the row, with the inputs."""
        return INPUTS + len(self.functions)

    @property
    def hidden(self) -> int:
        """Return how many neurons are neither inputs nor outputs."""
        return len(self.functions) - self.outputs


def weight_of(gene: float) -> float:
    """Return the weight that a gene 0..1 means, from -10 to 10."""
    return LARGEST * (2 * gene - 1)


def random_genome(outputs: int, rng: Generator) -> Genome:
    """Return a graph without hidden neurons: each input is connected to each output, weights and functions drawn."""
    functions = tuple(_below(len(FUNCTIONS), rng) for _ in range(outputs))
    pairs = [(source, INPUTS + target) for source in range(INPUTS) for target in range(outputs)]
    return Genome(outputs, functions, tuple((source, target, rng.random()) for source, target in pairs))


def mutated(genome: Genome, rng: Generator) -> Genome:
    """Return a changed copy: weights and functions first, then the graph itself, each change with its rate."""
    genes = polynomial_mutation(np.array([gene for _, _, gene in genome.edges]), rng, RATE, ETA).tolist()
    edges = tuple((source, target, gene) for (source, target, _), gene in zip(genome.edges, genes, strict=True))
    changed = (rng.random(len(genome.functions)) < RATE).tolist()
    functions = tuple(
        _below(len(FUNCTIONS), rng) if change else old for change, old in zip(changed, genome.functions, strict=True)
    )
    genome = Genome(genome.outputs, functions, edges)
    steps = (
        (CHANGE_CONNECTION, with_a_changed_connection), (ADD_CONNECTION, with_a_connection),
        (DELETE_CONNECTION, without_a_connection), (ADD_NEURON, with_a_neuron), (DELETE_NEURON, without_a_neuron),
    )  # fmt: skip
    for rate, step in steps:
        if rng.random() < rate:
            genome = step(genome, rng)
    return genome


def with_a_connection(genome: Genome, rng: Generator) -> Genome:
    """Return it with a connection more, of a drawn weight, from a drawn neuron to a later one that it has none to."""
    source = _below(genome.length - genome.outputs, rng)
    taken = {target for begin, target, _ in genome.edges if begin == source}
    free = [target for target in range(max(source + 1, INPUTS), genome.length) if target not in taken]
    if not free:
        return genome
    return replace(genome, edges=(*genome.edges, (source, free[_below(len(free), rng)], rng.random())))


def without_a_connection(genome: Genome, rng: Generator) -> Genome:
    """Return it with one connection less."""
    return replace(genome, edges=_without(genome.edges, _below(len(genome.edges), rng))) if genome.edges else genome


def with_a_changed_connection(genome: Genome, rng: Generator) -> Genome:
    """Return it with one connection moved, at its begin or at its end; the weight stays."""
    if not genome.edges:
        return genome
    place = _below(len(genome.edges), rng)
    source, target, gene = genome.edges[place]
    pairs = {(begin, end) for begin, end, _ in genome.edges}
    if rng.random() < 0.5:
        ends = [(begin, target) for begin in range(min(target, genome.length - genome.outputs))]
    else:
        ends = [(source, end) for end in range(max(source + 1, INPUTS), genome.length)]
    free = [pair for pair in ends if pair not in pairs]
    if not free:
        return genome
    moved = (*free[_below(len(free), rng)], gene)
    return replace(genome, edges=(*_without(genome.edges, place), moved))


def with_a_neuron(genome: Genome, rng: Generator) -> Genome:
    """Return it with a neuron of a drawn function in the middle of a connection, whose two halves have its weight."""
    if not genome.edges:
        return genome
    edge = _below(len(genome.edges), rng)
    source, target, gene = genome.edges[edge]
    first, last = max(source + 1, INPUTS), min(target, INPUTS + genome.hidden)
    place = first + _below(last - first + 1, rng)  # behind the source, before the target and all outputs
    rest = tuple(
        (begin + (begin >= place), end + (end >= place), old) for begin, end, old in _without(genome.edges, edge)
    )
    at = place - INPUTS
    functions = (*genome.functions[:at], _below(len(FUNCTIONS), rng), *genome.functions[at:])
    return Genome(genome.outputs, functions, (*rest, (source, place, gene), (place, target + 1, gene)))


def without_a_neuron(genome: Genome, rng: Generator) -> Genome:
    """Return it without one of its hidden neurons, and without that one's connections."""
    if not genome.hidden:
        return genome
    at = _below(genome.hidden, rng)
    place = INPUTS + at
    kept = [edge for edge in genome.edges if place not in edge[:2]]
    edges = tuple((begin - (begin > place), end - (end > place), gene) for begin, end, gene in kept)
    return Genome(genome.outputs, (*genome.functions[:at], *genome.functions[at + 1 :]), edges)


def _below(count: int, rng: Generator) -> int:
    """Return a whole number from 0 to count - 1, each as often (four times faster than `rng.integers` for one)."""
    return int(count * rng.random())


def _without(edges: tuple[Edge, ...], place: int) -> tuple[Edge, ...]:
    """Return the connections without the one at a place."""
    return (*edges[:place], *edges[place + 1 :])
