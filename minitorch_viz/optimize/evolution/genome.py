"""A CPPN that grows: a graph of neurons from places to colours, and the ways in which evolution changes it.

The neurons stand in a row: four inputs, then the hidden ones, then the outputs. A connection runs from a neuron to a
later one, so there is no circle, and the row is an order in which the graph can be computed.

Paper: Stanley 2007, Compositional Pattern Producing Networks; the rates are those of Nguyen et al. 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.optimize.evolution.operators import polynomial_mutation

INPUTS = 4  # x, y, the distance from the centre, and 1
FUNCTIONS = ("sine", "sigmoid", "gaussian", "linear", "tanh")  # what a neuron makes of its sum (`drawn.py`)
LARGEST = 10.0  # magnitude of a weight

ADD_CONNECTION, DELETE_CONNECTION, CHANGE_CONNECTION = 0.5, 0.3, 0.5
ADD_NEURON, DELETE_NEURON = 0.5, 0.2
RATE, ETA = 0.1, 15.0  # of weights: which share is mutated, and how far; of functions the same share


@dataclass(frozen=True, eq=False)
class Genome:
    """Hold one graph of V neurons behind the inputs and E connections. Nothing in it is written to again."""

    outputs: int  # the last neurons
    functions: Array  # (V,) int: of each neuron that is no input, a place in FUNCTIONS
    sources: Array  # (E,) int: a neuron's place in the row; inputs are 0 to 3
    targets: Array  # (E,) int: a later neuron's
    genes: Array  # (E,) 0..1: the weights, from -10 to 10

    @property
    def weights(self) -> Array:
        """Return the weights (E,)."""
        return LARGEST * (2 * self.genes - 1)

    @property
    def length(self) -> int:
        """Return how many neurons stand in the row, with the inputs."""
        return INPUTS + len(self.functions)


def random_genome(outputs: int, rng: Generator) -> Genome:
    """Return a graph without hidden neurons: each input is connected to each output, weights and functions drawn."""
    sources, targets = (part.ravel() for part in np.indices((INPUTS, outputs)))
    functions = rng.integers(len(FUNCTIONS), size=outputs)
    return Genome(outputs, functions, sources, INPUTS + targets, rng.random(len(sources)))


def mutated(genome: Genome, rng: Generator) -> Genome:
    """Return a changed copy: weights and functions first, then the graph itself, each change with its rate."""
    changed = rng.random(len(genome.functions)) < RATE
    drawn = rng.integers(len(FUNCTIONS), size=len(genome.functions))
    genes = polynomial_mutation(genome.genes, rng, RATE, ETA)
    genome = replace(genome, functions=np.where(changed, drawn, genome.functions), genes=genes)
    steps = (
        (CHANGE_CONNECTION, with_a_changed_connection), (ADD_CONNECTION, with_a_connection),
        (DELETE_CONNECTION, without_a_connection), (ADD_NEURON, with_a_neuron), (DELETE_NEURON, without_a_neuron),
    )  # fmt: skip
    for rate, step in steps:
        if rng.random() < rate:
            genome = step(genome, rng)
    return genome


def with_a_connection(genome: Genome, rng: Generator) -> Genome:
    """Return it with one connection more, of a drawn weight, between two neurons that have none."""
    pair = _free_pair(genome, rng)
    return genome if pair is None else _connected(genome, *pair, rng.random())


def without_a_connection(genome: Genome, rng: Generator) -> Genome:
    """Return it with one connection less."""
    return genome if not len(genome.sources) else _only(genome, ~_drawn(len(genome.sources), rng))


def with_a_changed_connection(genome: Genome, rng: Generator) -> Genome:
    """Return it with one connection moved, at its begin or at its end; the weight stays."""
    if not len(genome.sources):
        return genome
    edge = _drawn(len(genome.sources), rng)
    rest, gene = _only(genome, ~edge), float(genome.genes[edge][0])
    at_begin = rng.random() < 0.5
    kept = {"target": int(genome.targets[edge][0])} if at_begin else {"source": int(genome.sources[edge][0])}
    pair = _free_pair(genome, rng, **kept)
    return genome if pair is None else _connected(rest, *pair, gene)


def with_a_neuron(genome: Genome, rng: Generator) -> Genome:
    """Return it with a neuron of a drawn function in the middle of a connection, whose two halves have its weight."""
    if not len(genome.sources):
        return genome
    edge = _drawn(len(genome.sources), rng)
    source, target, gene = int(genome.sources[edge][0]), int(genome.targets[edge][0]), float(genome.genes[edge][0])
    rest, first = _only(genome, ~edge), max(source + 1, INPUTS)
    last = min(target, genome.length - genome.outputs)
    place = int(rng.integers(first, last + 1))
    functions = np.insert(rest.functions, place - INPUTS, rng.integers(len(FUNCTIONS)))
    moved = replace(
        rest, functions=functions,
        sources=rest.sources + (rest.sources >= place), targets=rest.targets + (rest.targets >= place),
    )  # fmt: skip
    return _connected(_connected(moved, source, place, gene), place, target + 1, gene)


def without_a_neuron(genome: Genome, rng: Generator) -> Genome:
    """Return it without one of its hidden neurons, and without that one's connections."""
    hidden = len(genome.functions) - genome.outputs
    if not hidden:
        return genome
    place = INPUTS + int(rng.integers(hidden))
    rest = _only(genome, (genome.sources != place) & (genome.targets != place))
    return replace(
        rest, functions=np.delete(rest.functions, place - INPUTS),
        sources=rest.sources - (rest.sources > place), targets=rest.targets - (rest.targets > place),
    )  # fmt: skip


def _free_pair(
    genome: Genome, rng: Generator, source: int | None = None, target: int | None = None
) -> tuple[int, int] | None:
    """Return two neurons between which a connection may run and none does; of one end given, with that one."""
    length = genome.length
    free = np.arange(length)[:, None] < np.arange(length)  # (source, target)
    free[:, :INPUTS] = False
    free[length - genome.outputs :] = False
    free[genome.sources, genome.targets] = False
    if source is not None:
        free[:source] = free[source + 1 :] = False
    if target is not None:
        free[:, :target] = free[:, target + 1 :] = False
    pairs = np.argwhere(free)
    if not len(pairs):
        return None
    begin, end = pairs[rng.integers(len(pairs))]
    return int(begin), int(end)


def _drawn(count: int, rng: Generator) -> Array:
    """Return (count,) bool with one place drawn."""
    chosen: Array = np.arange(count) == rng.integers(count)
    return chosen


def _only(genome: Genome, kept: Array) -> Genome:
    """Return it with some of its connections, (E,) bool."""
    return replace(genome, sources=genome.sources[kept], targets=genome.targets[kept], genes=genome.genes[kept])


def _connected(genome: Genome, source: int, target: int, gene: float) -> Genome:
    """Return it with a connection more."""
    return replace(
        genome, sources=np.append(genome.sources, source), targets=np.append(genome.targets, target),
        genes=np.append(genome.genes, gene),
    )  # fmt: skip
