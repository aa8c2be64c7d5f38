"""The two ways to write down a picture so that evolution can change it: pixel by pixel, or as a CPPN.

An encoding draws genomes, changes them, shows them, and packs them into arrays for a file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.optimize.evolution import genome as graphs
from minitorch_viz.optimize.evolution.drawn import pictures
from minitorch_viz.optimize.evolution.operators import polynomial_mutation, simulated_binary_crossover

Genomes = list[Any]

CROSSED = 0.5  # of pairs of pictures; CPPNs are not crossed
SPREAD = 10.0  # eta of the crossover
HALF_LIFE = 1000  # generations after which half as many pixels are mutated


@dataclass(frozen=True)
class Encoding(ABC):
    """Write down pictures of `size` (H, W) with C channels."""

    name: ClassVar[str]

    size: Pair
    channels: int

    @abstractmethod
    def start(self, count: int, rng: Generator) -> Genomes:
        """Return so many random genomes."""

    @abstractmethod
    def children(self, parents: Genomes, rng: Generator, generation: int) -> Genomes:
        """Return a child of each parent; neighbours in the list are pairs. generation: its number, from 1."""

    @abstractmethod
    def pixels(self, genomes: Genomes) -> Array:
        """Return the pictures (N, H, W, C) uint8."""

    @abstractmethod
    def packed(self, genomes: Genomes) -> dict[str, Array]:
        """Return the genomes as arrays."""

    @abstractmethod
    def unpacked(self, arrays: Mapping[str, Array]) -> Genomes:
        """Return the genomes of such arrays."""


@dataclass(frozen=True)
class Direct(Encoding):
    """Take the pixels themselves as genes: a genome is a picture (H, W, C) uint8.

    Each pixel starts as uniform noise. Half of the pairs are crossed, and each number is mutated with a rate of 0.1,
    which halves every 1000 generations.
    """

    name: ClassVar[str] = "direct"

    def start(self, count: int, rng: Generator) -> Genomes:
        return list(rng.integers(0, 256, (count, *self.size, self.channels), dtype=np.uint8))

    def children(self, parents: Genomes, rng: Generator, generation: int) -> Genomes:
        rate, children = mutation_rate(generation), []
        for begin in range(0, len(parents), 2):
            genes = tuple(parent.astype(np.float64) / 255 for parent in parents[begin : begin + 2])
            if len(genes) == 2 and rng.random() < CROSSED:
                genes = simulated_binary_crossover(*genes, rng, SPREAD)
            mutants = [polynomial_mutation(each, rng, rate, graphs.ETA) for each in genes]
            children += [np.round(255 * mutant).astype(np.uint8) for mutant in mutants]
        return children

    def pixels(self, genomes: Genomes) -> Array:
        return np.stack(genomes)

    def packed(self, genomes: Genomes) -> dict[str, Array]:
        return {"pixels": np.stack(genomes)}

    def unpacked(self, arrays: Mapping[str, Array]) -> Genomes:
        return list(arrays["pixels"])


def mutation_rate(generation: int) -> float:
    """Return which share of the pixels is mutated in a generation (from 1): 0.1, halved every 1000 generations."""
    return graphs.RATE * 0.5 ** ((generation - 1) // HALF_LIFE)


@dataclass(frozen=True)
class Cppns(Encoding):
    """Take graphs of neurons that draw: a genome is a `Genome`. They are mutated, never crossed."""

    name: ClassVar[str] = "cppn"

    def start(self, count: int, rng: Generator) -> Genomes:
        return [graphs.random_genome(self.channels, rng) for _ in range(count)]

    def children(self, parents: Genomes, rng: Generator, generation: int) -> Genomes:  # noqa: ARG002 (one rate for all)
        return [graphs.mutated(parent, rng) for parent in parents]

    def pixels(self, genomes: Genomes) -> Array:
        flat = pictures(genomes, self.size)
        return np.ascontiguousarray(flat.transpose(0, 2, 1)).reshape(len(genomes), *self.size, self.channels)

    def packed(self, genomes: Genomes) -> dict[str, Array]:
        """Return all neurons and connections one after the other, and how many each genome has, (N, 2)."""
        edges = [edge for genome in genomes for edge in genome.edges]
        return {
            "counts": np.array([(len(genome.functions), len(genome.edges)) for genome in genomes]),
            "functions": np.array([number for genome in genomes for number in genome.functions]),
            "ends": np.array([edge[:2] for edge in edges], int).reshape(-1, 2),
            "genes": np.array([gene for _, _, gene in edges], float),
        }

    def unpacked(self, arrays: Mapping[str, Array]) -> Genomes:
        functions = iter(arrays["functions"].tolist())
        edges = zip(*arrays["ends"].T.tolist(), arrays["genes"].tolist(), strict=True)
        return [
            graphs.Genome(self.channels, tuple(islice(functions, neurons)), tuple(islice(edges, connections)))
            for neurons, connections in arrays["counts"].tolist()
        ]


ENCODINGS: Mapping[str, type[Encoding]] = {"cppn": Cppns, "direct": Direct}
