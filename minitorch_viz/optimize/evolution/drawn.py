"""The pictures that CPPNs draw: a whole population at once, neuron by neuron along the row.

Sums are made connection by connection and not by a matrix product, whose last bits would depend on which genomes are
computed together: a genome draws the same picture whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.evolution.colours import pixels_of
from minitorch_viz.optimize.evolution.genome import FUNCTIONS, INPUTS, Genome, weight_of
from minitorch_viz.optimize.parametrizations.places import places

CACHED = 2**18  # numbers that are worked on together: as many genomes as fit the cache


# What a neuron makes of its sum, by name: all from -1 to 1.
SHAPES: dict[str, Callable[[Array], Array]] = {
    "sine": np.sin,
    "sigmoid": lambda sums: np.tanh(sums / 2),  # 2 / (1 + exp(-sum)) - 1
    "gaussian": lambda sums: np.exp(-(sums**2)),
    "linear": lambda sums: np.clip(sums, -3, 3) / 3,
    "tanh": lambda sums: np.tanh(5 * sums),
}


def inputs(size: Pair) -> Array:
    """Return what a CPPN reads at each of the P = H W pixels, (4, P): x, y, distance from the centre, 1.

    The longer side runs from -1 to 1, x to the right and y downwards.
    """
    y, x = places(size).T
    return np.stack([x, y, np.hypot(x, y), np.ones_like(x)]).astype(np.float32)


def pictures(genomes: Sequence[Genome], size: Pair) -> Array:
    """Return the pictures of N CPPNs, (N, C, P) uint8, as many at a time as fit the cache."""
    longest = max(genome.length for genome in genomes)
    together = max(1, CACHED // (longest * size[0] * size[1]))
    parts = [genomes[begin : begin + together] for begin in range(0, len(genomes), together)]
    return np.concatenate([pixels_of(values(part, size)) for part in parts])


def values(genomes: Sequence[Genome], size: Pair) -> Array:
    """Return what the outputs of N CPPNs say at each pixel, (N, outputs, P) from -1 to 1, all computed together."""
    read, rows = inputs(size), [needed(genome) for genome in genomes]
    count, outputs, longest = len(genomes), genomes[0].outputs, max(map(len, rows))
    fired = np.empty((count, longest, read.shape[1]), np.float32)  # what each neuron of each genome's row says
    fired[:, :INPUTS] = read
    connections, functions = _tables(genomes, rows, longest)
    each = np.arange(count)
    for place in range(INPUTS, longest):
        sums = np.zeros((count, read.shape[1]), np.float32)
        for sources, weights in connections[place]:
            sums += weights[:, None] * fired[each, sources]
        for number, name in enumerate(FUNCTIONS):
            chosen = np.flatnonzero(functions[:, place] == number)
            if len(chosen):
                fired[chosen, place] = SHAPES[name](sums[chosen])
    ends = np.array([len(row) for row in rows])[:, None] - outputs + np.arange(outputs)
    last: Array = fired[each[:, None], ends]
    return last


def needed(genome: Genome) -> list[int]:
    """Return the neurons on which an output depends, in the order of the row; inputs and outputs always."""
    inside = genome.length - genome.outputs
    is_needed = [place < INPUTS or place >= inside for place in range(genome.length)]
    for source, target, _ in sorted(genome.edges, key=itemgetter(1), reverse=True):  # what the last ones need first
        is_needed[source] |= is_needed[target]
    return [place for place in range(genome.length) if is_needed[place]]


def _tables(
    genomes: Sequence[Genome], rows: Sequence[list[int]], longest: int
) -> tuple[list[list[tuple[Array, Array]]], Array]:
    """Return, for each place in the row, its connections as pairs of sources and weights (N,), and functions (N, L).

    A genome with fewer connections at a place than others has some of weight 0; one with a shorter row has -1 behind.
    """
    count = len(genomes)
    tables: list[list[tuple[Array, Array]]] = [[] for _ in range(longest)]
    functions = np.full((count, longest), -1)
    for number, (genome, row) in enumerate(zip(genomes, rows, strict=True)):
        functions[number, INPUTS : len(row)] = [genome.functions[place - INPUTS] for place in row[INPUTS:]]
        place_of = {neuron: place for place, neuron in enumerate(row)}
        filled = [0] * longest
        for begin, end, gene in genome.edges:
            if begin not in place_of or end not in place_of:
                continue
            target = place_of[end]
            table = tables[target]
            if filled[target] == len(table):
                table.append((np.zeros(count, int), np.zeros(count, np.float32)))
            sources, weights = table[filled[target]]
            sources[number], weights[number] = place_of[begin], weight_of(gene)
            filled[target] += 1
    return tables, functions
