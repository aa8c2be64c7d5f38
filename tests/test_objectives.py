"""Objectives: each value and its seeds against finite differences, and against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.gradcheck import check
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import (
    AnyOf,
    BestMatch,
    ChannelMean,
    ChannelSum,
    CodeDistance,
    Direction,
    Energy,
    GramDistance,
    Likeness,
    LogProbability,
    Nearness,
    Objective,
    PlaceEnergy,
    SortedDistance,
    Unit,
    gram,
    rectangle,
    stacked_seeds,
)

RNG = np.random.default_rng(0)
MAPS = RNG.standard_normal((3, 4, 2, 5))  # (N, C, H, W)
STEPS = RNG.standard_normal((3, 7, 4))  # (N, T, C)
ROWS = RNG.standard_normal((3, 6))  # (N, D)
VECTOR = RNG.standard_normal(4)
WANTED = gram(RNG.standard_normal((1, 4, 2, 5)))[0]
CODE = np.random.default_rng(1).standard_normal((4, 2, 5))
EXAMPLES: dict[str, Objective] = {
    "a class": Unit("fc", (2,)),
    "its opposite": Unit("fc", (2,), sign=-1),
    "a unit": Unit("conv", (1, 0, 3)),
    "a channel's mean": ChannelMean("conv", 2),
    "a row's entry as a channel": ChannelMean("fc", 4),
    "a channel's sum": ChannelSum("conv", 2),
    "a channel's sum over a region": ChannelSum("conv", 3, rectangle((2, 5), (0, 1, 2, 4))),
    "a channel's mean over a mask": ChannelSum("conv", 0, RNG.random((2, 5)), mean=True),
    "a sum over some steps": ChannelSum("lstm", 1, np.arange(7) > 3, axis=-1),
    "a row's entry as a sum": ChannelSum("fc", 4),
    "a difference of two regions": ChannelSum("conv", 1, rectangle((2, 5), (0, 0, 1, 5)))
    - ChannelSum("conv", 1, rectangle((2, 5), (1, 0, 2, 5))),
    "a direction": Direction("conv", VECTOR),
    "a caricature": Direction("conv", VECTOR, power=2),
    "a direction of a row": Direction("fc", RNG.standard_normal(6), power=1),
    "a step of a sequence": Unit("lstm", (6, 1)),
    "a channel of a sequence": ChannelMean("lstm", 3, axis=-1),
    "a caricature of a sequence": Direction("lstm", VECTOR, power=1, axis=-1),
    "a log probability": LogProbability(Unit("fc", (2,))),
    "a label's log probability": LogProbability(Unit("fc", (2,), sign=-1), alone=True),
    "likeness to a code": Likeness("conv", MAPS[0] + RNG.standard_normal((4, 2, 5))),
    "the dot product with a code": Likeness("fc", RNG.standard_normal(6), power=0),
    "likeness to a code that it is like": Likeness("conv", MAPS[1] + RNG.standard_normal((4, 2, 5)), power=1),
    "nearness to a code": Nearness("conv", RNG.standard_normal((4, 2, 5))),
    "energy": Energy("conv"),
    "energy at a place": PlaceEnergy("conv", (0.9, 0.3)),
    "energy of a unit": PlaceEnergy("conv", (0.0, 0.5), 2),
    "a sum at a place": PlaceEnergy("conv", (0.5, 0.99), squared=False),
    "best match": BestMatch("conv", RNG.standard_normal((4, 7))),
    "style": GramDistance("conv", WANTED),
    "a code": CodeDistance("conv", CODE),
    "a code of a row": CodeDistance("fc", np.arange(6.0)),
    "any of three": AnyOf((Unit("fc", (1,)), Unit("fc", (4,)), ChannelMean("conv", 0))),
    "a distribution": SortedDistance("conv", np.sort(RNG.standard_normal((4, 10)), axis=1), RNG.random(4)),
    "a distribution of other places": SortedDistance("conv", np.sort(RNG.standard_normal((4, 7)), axis=1), np.ones(4)),
    "numbers of a row as a distribution": SortedDistance("fc", RNG.standard_normal((6, 1)), RNG.random(6)),
    "a sum over two nodes": 2.0 * Unit("fc", (1,)) - 0.5 * ChannelMean("conv", 0) + Energy("conv"),
    "a difference of twins": Energy("conv") - Energy("conv"),
}


def tape_of(conv: np.ndarray, fc: np.ndarray, lstm: np.ndarray | None = None) -> Tape:
    return Tape({"conv": conv, "fc": fc} | ({} if lstm is None else {"lstm": lstm}), {})


@pytest.mark.parametrize("name", EXAMPLES)
def test_seeds_are_the_derivative(name: str) -> None:
    objective = EXAMPLES[name]
    weights = np.array([1.0, -0.7, 0.3])  # every image counts, by a weight of its own

    def forward(*outputs: np.ndarray) -> tuple[float, tuple[np.ndarray, ...]]:
        tape = tape_of(*outputs)
        seeds = {node: np.zeros_like(output) for node, output in tape.values.items()} | objective.seeds(tape)
        gradients = tuple(np.einsum("n,n...->n...", weights, seeds[node]) for node in tape.values)
        return float(weights @ objective.value(tape)), gradients

    report = check(forward, None, (MAPS.copy(), ROWS.copy(), STEPS.copy()))
    assert report.ok, report


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_number_an_image_and_what_it_reads(name: str) -> None:
    objective, tape = EXAMPLES[name], tape_of(MAPS, ROWS, STEPS)
    values = objective.value(tape)
    assert values.shape == (3,)
    for i in range(3):  # no image sees another
        alone = objective.value(tape_of(MAPS[i : i + 1], ROWS[i : i + 1], STEPS[i : i + 1]))
        np.testing.assert_allclose(values[i], alone[0], rtol=1e-12, atol=1e-12)
    assert set(objective.seeds(tape)) == set(objective.nodes)
    assert objective.label


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_sum_of_units_is_its_seeds_times_the_outputs(name: str) -> None:
    objective, tape = EXAMPLES[name], tape_of(MAPS, ROWS, STEPS)
    seeds, others = objective.seeds(tape), objective.seeds(tape_of(MAPS**2, ROWS**2, STEPS**2))
    parts = [(seed * tape[node]).reshape(3, -1).sum(axis=1) for node, seed in seeds.items()]
    adds_up = np.allclose(sum(parts), objective.value(tape), rtol=1e-12, atol=1e-12)
    constant = all(np.allclose(seed, others[node]) for node, seed in seeds.items())  # a caricature's are not
    assert objective.is_sum == (adds_up and constant) or name == "a difference of twins"  # 0 is the sum of nothing


def test_hand_computed_values() -> None:
    tape = tape_of(np.arange(8.0).reshape(1, 2, 2, 2), np.array([[1.0, -2.0]]))
    assert Unit("fc", (1,)).value(tape) == [-2]
    assert Unit("fc", (1,), sign=-1).value(tape) == [2]
    assert Unit("conv", (1, 0, 1)).value(tape) == [5]
    assert ChannelMean("conv", 1).value(tape) == [5.5]
    assert ChannelMean("lstm", 1, axis=-1).value(tape_of(MAPS, ROWS, np.array([[[1.0, 2], [3, 4], [5, 9]]]))) == [5]
    assert ChannelSum("conv", 1).value(tape) == [22]
    assert ChannelSum("conv", 1, mean=True).value(tape) == [5.5]
    assert ChannelSum("conv", 1, rectangle((2, 2), (0, 1, 2, 2))).value(tape) == [12]
    assert ChannelSum("conv", -1, np.array([[0.5, 0], [0, 1]])).value(tape) == [9]
    assert ChannelSum("conv", 1, np.array([[0.5, 0], [0, 1]]), mean=True).value(tape) == [6]
    np.testing.assert_array_equal(
        ChannelSum("conv", 0, rectangle((2, 2), (0, 1, 2, 2))).seeds(tape)["conv"],
        [[[[0, 1], [0, 1]], np.zeros((2, 2))]],
    )
    assert ChannelSum("conv", 1, np.array([[0.5, 0], [0, 1]])).count(tape) == 1.5
    assert PlaceEnergy("conv", (0.6, 0.4)).value(tape) == [(2**2 + 6**2) / 2]  # row 1, column 0
    assert PlaceEnergy("conv", (0.6, 0.4), 1).value(tape) == [6**2 / 2]
    assert PlaceEnergy("conv", (0.4, 0.6), squared=False).value(tape) == [1 + 5]
    columns = np.array([[1.0, 0, -1], [0, 1, 2]])  # at each place the largest of a, b and 2 b - a, of channels a and b
    assert BestMatch("conv", columns).value(tape) == [(2 * 4 - 0) + (2 * 5 - 1) + (2 * 6 - 2) + (2 * 7 - 3)]
    np.testing.assert_array_equal(BestMatch("conv", columns).seeds(tape)["conv"][0, :, 0, 0], [-1, 2])
    assert Energy("conv").value(tape) == [sum(i * i for i in range(8)) / 2]
    assert Direction("conv", np.array([1.0, -1.0])).value(tape) == [-4]
    difference = np.array([[14.0, 38.0], [38.0, 126.0]])  # F F^T of rows 0 1 2 3 and 4 5 6 7
    assert GramDistance("conv", np.zeros((2, 2))).value(tape) == [-(difference**2).sum() / (4 * 4 * 16)]
    assert GramDistance("conv", difference).value(tape) == [0]
    assert CodeDistance("fc", np.array([3.0, 4.0])).value(tape) == [-(4 + 36) / 25]
    assert CodeDistance("fc", np.array([1.0, -2.0])).value(tape) == [0]
    np.testing.assert_allclose(CodeDistance("fc", np.array([3.0, 4.0])).seeds(tape)["fc"], [[4 / 25, 12 / 25]])
    both = 3 * Unit("fc", (0,)) - Unit("fc", (1,))
    assert both.value(tape) == [5]
    np.testing.assert_array_equal(both.seeds(tape)["fc"], [[3, -1]])


def test_labels_say_what_is_added() -> None:
    cat, dog = Unit("fc", (0,), 'class "cat" (0)'), Unit("fc", (1,), 'class "dog" (1)')
    assert (cat - 0.5 * dog).label == '1 x class "cat" (0) - 0.5 x class "dog" (1)'
    assert (-cat).label == '- 1 x class "cat" (0)'
    assert ChannelSum("conv", 3).label == "conv channel 3, sum"
    assert ChannelSum("conv", 3, np.ones((2, 5)), mean=True).label == "conv channel 3, mean over a mask"
    assert Unit("conv", (1, 0, 3)).label == "conv[1, 0, 3]"


def test_many_units_share_a_tape() -> None:
    tape = tape_of(MAPS[:1], ROWS[:1])
    seeds = stacked_seeds([Unit("fc", (1,)), Unit("fc", (4,), sign=-1)], tape)
    np.testing.assert_array_equal(seeds["fc"], [[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, -1, 0]])
    with pytest.raises(SettingError, match="of one node"):
        stacked_seeds([Unit("fc", (1,)), Unit("conv", (0, 0, 0))], tape)
    with pytest.raises(SettingError, match="one image"):
        stacked_seeds([Unit("fc", (1,))], tape_of(MAPS, ROWS))


@pytest.mark.parametrize(
    ("objective", "error", "words"),
    [
        (Unit("fc", (6,)), SettingError, "no unit"),
        (Unit("conv", (1,)), SettingError, "no unit"),
        (Unit("conv", (0, 2, 0)), SettingError, "no unit"),
        (ChannelMean("conv", 4), SettingError, "without a channel 4"),
        (ChannelMean("lstm", 4, axis=-1), SettingError, "without a channel 4"),
        (SortedDistance("conv", np.zeros((3, 10)), np.ones(3)), ShapeError, "Wanted values of 3 channels"),
        (ChannelSum("conv", 4), SettingError, "without a channel 4"),
        (ChannelSum("conv", 0, np.ones((5, 2))), ShapeError, "does not fit the places"),
        (ChannelSum("fc", 0, np.ones(6)), ShapeError, "does not fit the places"),
        (Direction("conv", np.ones(5)), ShapeError, "does not fit"),
        (GramDistance("conv", np.ones((3, 3))), ShapeError, "does not fit"),
        (CodeDistance("conv", np.ones((4, 5, 2))), ShapeError, r"does not fit 'conv', which gives \(4, 2, 5\)"),
    ],
)
def test_what_does_not_fit_is_said(objective: Objective, error: type[Exception], words: str) -> None:
    for method in (objective.value, objective.seeds):
        with pytest.raises(error, match=words):
            method(tape_of(MAPS, ROWS, STEPS))


@pytest.mark.parametrize("other", [1, "a", None])
def test_only_objectives_add_up(other: object) -> None:
    with pytest.raises(TypeError):
        Energy("conv") + other  # type: ignore[operator]


def test_only_numbers_scale() -> None:
    with pytest.raises(TypeError):
        Energy("conv") * "2"  # type: ignore[operator]


def test_a_mask_that_marks_nothing_is_said() -> None:
    with pytest.raises(SettingError, match="0 everywhere"):
        ChannelSum("conv", 0, np.zeros((2, 5)))


@pytest.mark.parametrize("box", [(0, 0, 0, 2), (1, 0, 0, 2), (0, 2, 1, 2), (0, 0, 3, 2), (0, 0, 1, 6), (-1, 0, 1, 2)])
def test_a_region_that_is_empty_or_outside_is_said(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(SettingError, match="top < bottom <= 2 and left < right <= 5"):
        rectangle((2, 5), box)


@pytest.mark.parametrize(("code", "words"), [(0.0, "zero everywhere"), (np.nan, "not finite"), (np.inf, "not finite")])
def test_a_code_without_a_size_is_said(code: float, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        CodeDistance("conv", np.full((4, 2, 5), code))


def test_values_are_compared_by_rank() -> None:
    """What is largest is drawn to the largest that is wanted, wherever it lies; a permuted picture is as good."""
    tape = tape_of(np.array([5.0, 1, 3, 2]).reshape(1, 1, 2, 2), np.zeros((1, 2)))
    met = SortedDistance("conv", np.array([[1.0, 2, 3, 5]]), np.ones(1))
    assert met.value(tape) == [0]
    far = SortedDistance("conv", np.array([[1.0, 2, 3, 9]]), np.array([2.0]))
    assert far.value(tape) == [-2 * 16 / 4]
    np.testing.assert_array_equal(far.seeds(tape)["conv"].ravel(), [2 * 2 * 4 / 4, 0, 0, 0])
    coarse = SortedDistance("conv", np.array([[1.0, 3.0]]), np.ones(1))  # at 1/8, 3/8, 5/8, 7/8 of the way
    assert coarse.value(tape_of(np.array([1, 1.5, 2.5, 3]).reshape(1, 1, 2, 2), np.zeros((1, 2)))) == [0]


def test_one_of_several_is_enough() -> None:
    tape = tape_of(np.zeros((2, 1, 1, 1)), np.array([[0.0, np.log(3), -1000], [900, 0, 1000]]))
    either = AnyOf((Unit("fc", (0,)), Unit("fc", (1,)), Unit("fc", (2,))))
    np.testing.assert_allclose(either.value(tape), [np.log(4), 1000])
    np.testing.assert_allclose(either.seeds(tape)["fc"], [[0.25, 0.75, 0], [0, 0, 1]], atol=1e-12)
    assert either.label == "fc[0] or fc[1] or fc[2]"
    with pytest.raises(SettingError, match="at least one"):
        AnyOf(())
