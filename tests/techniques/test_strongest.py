"""The strongest answers of every channel against sorting all of them, by any way and however the pictures come."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.strongest import Strongest, Top
from minitorch_viz.techniques.tally import tallied

SHAPES = [(3, 4), (5,), ()]


def sorted_all(answers: np.ndarray, k: int, each: int, sign: int = 1) -> list[list[tuple[float, int, int]]]:
    """For each channel (value, number, place) of the k strongest, by sorting every answer of (N, C, P)."""
    result = []
    for channel in range(answers.shape[1]):
        taken: list[tuple[float, int, int]] = []
        entries = [(-sign * answers[n, channel, p], n, p) for n in range(len(answers)) for p in range(answers.shape[2])]
        for negated, number, place in sorted(entries):
            if sum(other == number for _, other, _ in taken) < each and len(taken) < k:
                taken.append((-sign * negated, number, place))
        result.append(taken)
    return result


def as_lists(top: Top, wide: int) -> list[list[tuple[float, int, int]]]:
    """The same of a result; wide: columns of the maps, 1 of a sequence, 0 without places."""
    result = []
    for channel in range(len(top.values)):
        ranks = range(top.count(channel))
        places = [top.position(channel, rank) for rank in ranks]
        flat = [p[0] * wide + p[1] if isinstance(p, tuple) else p or 0 for p in places]
        result.append([(top.values[channel, r], int(top.numbers[channel, r]), flat[r]) for r in ranks])
    return result


def answers_of(shape: tuple[int, ...], count: int = 23) -> np.ndarray:
    """Few different values, so that many are equal, with the zeros of a ReLU."""
    rng = np.random.default_rng(1)
    return np.maximum(rng.integers(-4, 5, (count, 6, *shape)), 0).astype(np.float32)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=["maps", "a sequence", "no places"])
@pytest.mark.parametrize(("k", "each"), [(9, 1), (9, 3), (4, 20), (40, 2)])
def test_it_is_what_sorting_all_answers_gives(k: int, each: int, shape: tuple[int, ...], negative: bool) -> None:
    answers = answers_of(shape)
    axis = -1 if len(shape) == 1 else 1
    tally = Strongest("node", k, each, axis=axis, negative=negative)
    for numbers in np.split(np.arange(len(answers)), [4, 5, 17]):
        tally.see(Tape({"node": np.moveaxis(answers[numbers], 1, axis)}, {}), numbers)
    flat = answers.reshape(*answers.shape[:2], -1)
    expected = sorted_all(flat, k, each, -1 if negative else 1)
    result = tally.result()
    assert as_lists(result, shape[-1] if len(shape) == 2 else 1) == expected
    assert result.values.shape == result.numbers.shape == (6, k)
    assert (np.isnan(result.values) == (result.numbers < 0)).all()


def test_tallies_that_are_merged_give_those_of_one_pass() -> None:
    answers = answers_of((3, 4))
    parts = []
    for numbers in np.split(np.arange(len(answers)), [2, 9]):
        parts.append(Strongest("node", 5, 2))
        parts[-1].take(answers[numbers], numbers)
    first, *others = parts
    empty = Strongest("node", 5, 2)
    for part in (first, Strongest("node", 5, 2), *others):
        empty.merge(part)
    whole = Strongest("node", 5, 2)
    whole.take(answers, np.arange(len(answers)))
    for merged, expected in zip(empty.result(), whole.result(), strict=True):
        np.testing.assert_array_equal(merged, expected)


def test_answers_that_are_not_finite_count_for_nothing_and_are_counted() -> None:
    answers = answers_of((3, 4))[:4]
    answers[1, 2, 0, 1], answers[2, 2, 1, 1], answers[3, 0] = np.nan, np.inf, np.nan
    tally = Strongest("node", 4)
    tally.take(answers, np.arange(4))
    assert tally.not_finite == 3
    top = tally.result()
    assert [top.count(channel) for channel in range(6)] == [3, 4, 4, 4, 4, 4]
    assert np.isfinite(top.values[2]).all()


def test_memory_is_that_of_k_answers_whatever_the_number_of_pictures() -> None:
    tally, answers = Strongest("node", 3), answers_of((3, 4))
    for begin in range(0, 230, 23):
        tally.take(answers, np.arange(begin, begin + 23))
    assert sum(array.nbytes for name, array in tally.arrays.items() if name != "broken") == 6 * 3 * (4 + 3 * 8)


def test_over_a_data_set_the_places_hold_the_values() -> None:
    model, pictures = load_model("digits"), as_pictures("digits:90")
    *_, step = tallied(model, pictures, [Strongest("relu2", 4, 2)])
    top = step.tallies[0].result()
    maps = model.net.predict(np.concatenate([model.preprocess(image) for image in pictures]), upto="relu2")
    for channel in range(maps.shape[1]):
        for rank in range(top.count(channel)):
            row, column = top.position(channel, rank)
            value = maps[top.numbers[channel, rank], channel, row, column]
            assert top.values[channel, rank] == pytest.approx(float(value), rel=1e-5)
        best = maps[:, channel].max(axis=(1, 2)).max()
        assert top.values[channel, 0] == pytest.approx(float(best), rel=1e-5)


@pytest.mark.parametrize("settings", [{"k": 0}, {"each": 0}, {"k": 2.5}])
def test_numbers_that_cannot_be_are_told(settings: dict) -> None:
    with pytest.raises(SettingError, match="whole number of at least 1"):
        Strongest("node", **settings)
