"""Pictures by evolution: the operators against their formulas, graphs that stay graphs, and planted optima."""

from __future__ import annotations

import colorsys
import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from minitorch_viz.optimize.evolution import genome as graphs
from minitorch_viz.optimize.evolution.colours import TURNS, pixels_of, rgb
from minitorch_viz.optimize.evolution.drawn import inputs, needed, pictures, values
from minitorch_viz.optimize.evolution.elites import Elites, generations
from minitorch_viz.optimize.evolution.encoding import ENCODINGS, Cppns, Direct, mutation_rate
from minitorch_viz.optimize.evolution.genome import (
    FUNCTIONS,
    INPUTS,
    LARGEST,
    Genome,
    mutated,
    random_genome,
    weight_of,
)
from minitorch_viz.optimize.evolution.operators import (
    polynomial_change,
    polynomial_mutation,
    simulated_binary_crossover,
)

ETA = 15.0


def grown(outputs: int, mutations: int, seed: int = 0) -> Genome:
    """A graph after so many mutations."""
    rng = np.random.default_rng(seed)
    genome = random_genome(outputs, rng)
    for _ in range(mutations):
        genome = mutated(genome, rng)
    return genome


# --------------------------------------------------------------------- operators


def polynomial_cdf(change: np.ndarray) -> np.ndarray:
    """Deb's: half (1 + change)^(eta + 1) below 0, and its mirror image above."""
    return np.where(change < 0, 0.5 * (1 + change) ** (ETA + 1), 1 - 0.5 * (1 - change) ** (ETA + 1))


def test_the_change_has_debs_distribution() -> None:
    u = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(polynomial_cdf(polynomial_change(u, ETA)), u, atol=1e-12)
    assert (np.diff(polynomial_change(u, ETA)) > 0).all()


def test_a_mutation_changes_a_tenth_of_the_genes_by_it(rng) -> None:
    genes = np.full(200_000, 0.5)
    moved = polynomial_mutation(genes, rng, 0.1, ETA) - genes
    changes = moved[moved != 0]
    assert binomtest(len(changes), len(genes), 0.1).pvalue > 1e-3
    assert kstest(changes, polynomial_cdf).pvalue > 1e-3
    assert np.abs(changes).mean() == pytest.approx(1 / (ETA + 2), rel=0.02)
    assert (changes**2).mean() == pytest.approx(2 / ((ETA + 2) * (ETA + 3)), rel=0.05)


def test_a_mutation_stays_in_range_and_leaves_the_rest_alone(rng) -> None:
    genes = rng.integers(0, 2, 5000).astype(float)
    genes.flags.writeable = False
    mutants = polynomial_mutation(genes, rng, 1.0, 1.0)
    assert mutants.min() == 0
    assert mutants.max() == 1
    assert (mutants == genes).mean() == pytest.approx(0.5, abs=0.05)  # half of the changes lead outside
    np.testing.assert_array_equal(polynomial_mutation(genes, rng, 0.0, ETA), genes)


def test_crossover_keeps_the_mean_and_spreads_as_its_formula_says(rng) -> None:
    first, second = np.full(100_000, 0.45), np.full(100_000, 0.55)
    one, other = simulated_binary_crossover(first, second, rng, 10.0)
    within = (np.minimum(one, other) > 0) & (np.maximum(one, other) < 1)
    np.testing.assert_allclose((one + other)[within] / 2, 0.5, atol=1e-12)
    beta = np.abs(one - other) / 0.1
    cdf: Callable[[np.ndarray], np.ndarray] = lambda b: np.where(b <= 1, 0.5 * b**11, 1 - 0.5 / np.maximum(b, 1) ** 11)
    assert kstest(beta[within], cdf).pvalue > 1e-3
    assert binomtest(int((one > other).sum()), len(one), 0.5).pvalue > 1e-3  # either is the first as often


def test_crossover_of_equal_parents_is_the_parent_and_nothing_leaves_the_range(rng) -> None:
    parent = rng.random(1000)
    for child in simulated_binary_crossover(parent, parent, rng, 10.0):
        np.testing.assert_array_equal(child, parent)
    for child in simulated_binary_crossover(np.zeros(5000), np.ones(5000), rng, 1.0):
        assert child.min() == 0
        assert child.max() == 1


# --------------------------------------------------------------------- graphs


def assert_graph(genome: Genome) -> None:
    """Connections run forwards, not into inputs nor out of outputs, and none is there twice."""
    assert all(0 <= source < target < genome.length for source, target, _ in genome.edges)
    assert all(target >= INPUTS for _, target, _ in genome.edges)
    assert all(source < genome.length - genome.outputs for source, _, _ in genome.edges)
    assert len({edge[:2] for edge in genome.edges}) == len(genome.edges)
    assert all(0 <= gene <= 1 and abs(weight_of(gene)) <= LARGEST for _, _, gene in genome.edges)
    assert set(genome.functions) <= set(range(len(FUNCTIONS)))
    assert genome.hidden >= 0


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_graph_stays_a_graph(outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    genome = random_genome(outputs, rng)
    assert len(genome.edges) == INPUTS * outputs
    for _ in range(300):
        genome = mutated(genome, rng)
        assert_graph(genome)
    assert genome.length > INPUTS + outputs + 10


def test_each_change_is_what_its_name_says(rng) -> None:
    genome = grown(3, 40)
    assert len(genome.functions) > 6
    sizes = lambda g: (len(g.functions), len(g.edges))
    neurons, connections = sizes(genome)
    assert sizes(graphs.with_a_connection(genome, rng)) == (neurons, connections + 1)
    assert sizes(graphs.without_a_connection(genome, rng)) == (neurons, connections - 1)
    changed = graphs.with_a_changed_connection(genome, rng)
    assert sizes(changed) == (neurons, connections)
    (old,), (new,) = set(genome.edges) - set(changed.edges), set(changed.edges) - set(genome.edges)
    assert (old[0] == new[0]) != (old[1] == new[1])  # one end stays
    assert old[2] == new[2]
    assert sizes(graphs.with_a_neuron(genome, rng)) == (neurons + 1, connections + 1)
    smaller = graphs.without_a_neuron(genome, rng)
    assert len(smaller.functions) == neurons - 1
    assert_graph(smaller)


def test_a_neuron_in_a_connection_hands_on_what_it_reads(rng) -> None:
    """Of a graph with one connection: the same weight twice, the new neuron's function between."""
    lone = Genome(1, (3,), ((0, 4, 0.6),))
    longer = graphs.with_a_neuron(lone, rng)
    assert longer.edges == ((0, 4, 0.6), (4, 5, 0.6))
    assert longer.functions[-1] == 3


def test_nothing_is_deleted_where_there_is_nothing(rng) -> None:
    empty = Genome(1, (0,), ())
    for step in (graphs.without_a_connection, graphs.with_a_changed_connection, graphs.with_a_neuron):
        assert step(empty, rng) is empty
    assert graphs.without_a_neuron(random_genome(3, rng), rng).length == INPUTS + 3
    full = random_genome(2, rng)
    assert graphs.with_a_connection(full, rng) is full


def test_the_rates_of_growth_are_those_of_the_table() -> None:
    """Neurons: one more where one is added and none deleted, .5 x .8; one less .5 x .2."""
    rng, genome, count = np.random.default_rng(3), grown(3, 20), 3000
    steps = np.array([len(mutated(genome, rng).functions) - len(genome.functions) for _ in range(count)])
    assert binomtest(int((steps == 1).sum()), count, 0.4).pvalue > 1e-3
    assert binomtest(int((steps == -1).sum()), count, 0.1).pvalue > 1e-3
    assert set(steps) == {-1, 0, 1}


# --------------------------------------------------------------------- pictures


def by_hand(genome: Genome, place: np.ndarray) -> list[float]:
    """What the outputs say at one pixel, neuron by neuron, in double precision."""
    shapes: dict[str, Callable[[float], float]] = {
        "sine": math.sin,
        "sigmoid": lambda s: 2 / (1 + math.exp(-s)) - 1,
        "gaussian": lambda s: math.exp(-s * s),
        "linear": lambda s: min(max(s, -3), 3) / 3,
        "tanh": lambda s: math.tanh(5 * s),
    }
    fired = [float(number) for number in place]
    for neuron in range(INPUTS, genome.length):
        total = sum(weight_of(gene) * fired[source] for source, target, gene in genome.edges if target == neuron)
        fired.append(shapes[FUNCTIONS[genome.functions[neuron - INPUTS]]](total))
    return fired[-genome.outputs :]


def test_a_graph_draws_what_it_computes_by_hand() -> None:
    genomes = [grown(3, mutations, seed) for seed, mutations in enumerate((0, 5, 15, 30))]
    size = (5, 7)
    computed, read = values(genomes, size), inputs(size)
    for genome, drawn in zip(genomes, computed, strict=True):
        expected = np.array([by_hand(genome, place) for place in read.T]).T
        np.testing.assert_allclose(drawn, expected, atol=2e-4)  # weights up to 10, one after the other, in float32


def test_the_inputs_are_places_the_distance_and_one() -> None:
    x, y, distance, bias = inputs((2, 4)).reshape(4, 2, 4)
    np.testing.assert_allclose(x, [[-0.75, -0.25, 0.25, 0.75]] * 2)
    np.testing.assert_allclose(y, [[-0.25] * 4, [0.25] * 4])
    np.testing.assert_allclose(distance, np.sqrt(x**2 + y**2), rtol=1e-6)
    assert (bias == 1).all()


def test_a_genome_draws_the_same_bits_whatever_stands_beside_it(monkeypatch) -> None:
    genomes = [grown(3, 2 * seed, seed) for seed in range(9)]
    together = pictures(genomes, (9, 11))
    monkeypatch.setattr("minitorch_viz.optimize.evolution.drawn.CACHED", 1)
    np.testing.assert_array_equal(pictures(genomes, (9, 11)), together)
    np.testing.assert_array_equal(pictures(genomes[::-1], (9, 11)), together[::-1])


def test_what_no_output_depends_on_is_not_computed() -> None:
    genome = grown(1, 60)
    kept = needed(genome)
    assert len(kept) < genome.length
    place = min({*range(genome.length)} - {*kept}) - INPUTS
    functions = list(genome.functions)
    functions[place] = (functions[place] + 1) % len(FUNCTIONS)
    other = replace(genome, functions=tuple(functions))
    np.testing.assert_array_equal(pictures([other], (8, 8)), pictures([genome], (8, 8)))


def test_hue_saturation_and_value(rng) -> None:
    hue, saturation, value = rng.random((3, 1, 200))
    colours = rgb(hue, saturation, value)[0].T
    expected = [colorsys.hsv_to_rgb(*triple) for triple in zip(hue[0], saturation[0], value[0], strict=True)]
    np.testing.assert_allclose(colours, expected, atol=1e-12)
    np.testing.assert_allclose(rgb(hue + 1, saturation, value)[0].T, expected, atol=1e-12)
    ends = pixels_of(np.array([[[0.0, -1.0], [1.0, 1.0], [1.0, -1.0]]]))  # hue 0 and 1, full
    np.testing.assert_array_equal(ends[0].T, [[255, 0, 0], np.round(255 * np.array(colorsys.hsv_to_rgb(TURNS, 1, 1)))])
    np.testing.assert_array_equal(pixels_of(np.array([[[0.0, -1.0, 0.5]]])), [[[0, 255, 128]]])


# --------------------------------------------------------------------- encodings


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_packed_genomes_are_the_same_genomes(name: str, channels: int) -> None:
    encoding = ENCODINGS[name]((6, 5), channels)
    rng = np.random.default_rng(0)
    genomes = encoding.start(7, rng)
    for generation in range(1, 6):
        genomes = encoding.children(genomes, rng, generation)
    assert len(genomes) == 7
    pixels = encoding.pixels(genomes)
    assert pixels.shape == (7, 6, 5, channels)
    assert pixels.dtype == np.uint8
    packed = encoding.packed(genomes)
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in packed.values())
    again = encoding.unpacked(packed)
    np.testing.assert_array_equal(encoding.pixels(again), pixels)
    first, second = (encoding.children(list(g), np.random.default_rng(5), 9) for g in (genomes, again))
    np.testing.assert_array_equal(encoding.pixels(first), encoding.pixels(second))


def test_the_rate_of_pixels_halves_every_thousand_generations() -> None:
    assert [mutation_rate(number) for number in (1, 1000, 1001, 2000, 2001)] == [0.1, 0.1, 0.05, 0.05, 0.025]


def test_half_of_the_pairs_of_pictures_are_crossed() -> None:
    """Of a black and a white parent a child that is not crossed keeps nine tenths of its pixels."""
    encoding, rng = Direct((20, 20), 1), np.random.default_rng(0)
    pair = [np.zeros((20, 20, 1), np.uint8), np.full((20, 20, 1), 255, np.uint8)]
    children = encoding.children(pair * 300, rng, 1)
    crossed = sum((0.2 < (children[i] > 127).mean() < 0.8) for i in range(0, 600, 2))
    assert binomtest(crossed, 300, 0.5).pvalue > 1e-3


# --------------------------------------------------------------------- MAP-Elites


def evolved(encoding, answers, population: int, count: int, seed: int = 0) -> list[Elites]:
    listed = []
    for elites in generations(encoding, answers, population, np.random.default_rng(seed)):
        listed.append(elites)
        if elites.done == count:
            return listed
    raise AssertionError("evolution ended by itself")


def test_the_optimum_of_a_planted_linear_problem_is_reached_in_each_class() -> None:
    """What a class likes is w.x: its optimum is white where w is above 0, and black elsewhere."""
    rng = np.random.default_rng(1)
    weights = rng.choice([-1.0, 1.0], (4, 16))
    encoding = Direct((4, 4), 1)

    def answers(genomes) -> np.ndarray:
        return encoding.pixels(genomes).reshape(len(genomes), -1) / 255 @ weights.T

    listed = evolved(encoding, answers, 60, 150)
    best = np.maximum(weights, 0).sum(axis=1)
    for elites, later in itertools.pairwise(listed):
        assert (later.confidences >= elites.confidences).all()
    np.testing.assert_array_equal(answers(listed[-1].genomes)[range(4), range(4)], listed[-1].confidences)
    assert (listed[-1].confidences > 0.97 * best).all()
    champions = encoding.pixels(listed[-1].genomes).reshape(4, -1)
    np.testing.assert_array_equal(champions > 127, weights > 0)
    assert (listed[0].confidences < 0.9 * best).all()  # chance did not do it


def test_a_child_that_is_no_better_changes_nothing_and_a_shape_moves_to_other_classes() -> None:
    encoding = Cppns((6, 6), 1)
    flat = evolved(encoding, lambda genomes: np.ones((len(genomes), 3)), 8, 5)
    assert flat[-1].taken == 0
    assert all(champion is first for champion, first in zip(flat[-1].genomes, flat[0].genomes, strict=True))
    assert (flat[-1].born == 1).all()

    def brightness(genomes) -> np.ndarray:
        level = encoding.pixels(genomes).mean(axis=(1, 2, 3))
        return np.stack([level, 2 * level, 255 - level], axis=1)

    listed = evolved(encoding, brightness, 8, 12)
    first, second, dark = listed[-1].genomes
    assert first is second  # both like the same
    assert dark is not first
    for before, after in itertools.pairwise(listed):
        levels = [encoding.pixels(e.genomes).mean(axis=(1, 2, 3)) for e in (before, after)]
        assert after.taken - before.taken == (levels[0] != levels[1]).sum()


def test_a_child_of_another_classs_champion_is_counted_as_moved() -> None:
    """Two classes whose champions were given: only the first has children that are better."""
    encoding = Direct((2, 2), 1)
    black, white = np.zeros((2, 2, 1), np.uint8), np.full((2, 2, 1), 255, np.uint8)

    def answers(genomes) -> np.ndarray:
        bright = np.array([genome.mean() for genome in genomes])
        return np.stack([-np.abs(bright - 200), bright], axis=1)

    rng = np.random.default_rng(0)
    begin = Elites([black, white], np.array([-200.0, 255.0]), np.ones(2, int), 0, 0, 1, rng.bit_generator.state)
    after = next(generations(encoding, answers, 40, rng, begin))
    assert (after.taken, after.moved) == (1, 1)  # near white is nearer to 200 than any child of black
    assert after.genomes[1] is white
    shared = Elites([white, white], np.array([-55.0, 255.0]), np.ones(2, int), 0, 0, 1, rng.bit_generator.state)
    after = next(generations(encoding, answers, 40, rng, shared))
    assert (after.taken, after.moved) == (1, 0)  # it was its own champion, too
