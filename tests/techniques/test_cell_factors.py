"""Factors of cells: planted groups are found with their signs, and the shares are what they are said to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import cell_factors
from minitorch_viz.techniques.recurrent import _cell_factors_parts as parts
from minitorch_viz.techniques.recurrent._cell_factors_figure import factor_colours
from minitorch_viz.techniques.recurrent._small_net import small_reading
from tests.measured_figures import check


def test_two_planted_groups_of_cells_are_found_with_their_signs() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.random((200, 2)) * (rng.random((200, 2)) < 0.4)).T
    values = np.full((200, 6), 0.3)
    values[:, 0], values[:, 3] = first, 2 - 0.5 * first
    values[:, 1], values[:, 4] = -second, 0.25 * second
    result = parts.taken_apart(values, 4, 0)
    assert result.error < 0.02
    assert parts.explained(values, result) > 0.999
    groups = {tuple(sorted((side.cell, side.sign) for side in sides)) for sides in parts.makers(result.directions, 2)}
    assert groups == {((0, 1), (3, -1)), ((0, -1), (3, 1)), ((1, -1), (4, 1)), ((1, 1), (4, -1))}


def test_both_sides_together_are_the_distance_from_the_mean(rng: np.random.Generator) -> None:
    values = rng.standard_normal((30, 5))
    sides = parts.split(values)
    assert (sides >= 0).all()
    np.testing.assert_allclose(sides[:, :5] - sides[:, 5:], values - values.mean(axis=0))
    assert not (sides[:, :5] * sides[:, 5:]).any()


def test_what_is_explained_is_a_share_of_the_variance(rng: np.random.Generator) -> None:
    values = rng.standard_normal((40, 4))
    result = parts.taken_apart(values, 3, 0)
    rebuilt = result.strengths @ result.directions
    rebuilt = rebuilt[:, :4] - rebuilt[:, 4:]
    expected = 1 - ((values - values.mean(axis=0) - rebuilt) ** 2).sum() / ((values - values.mean(axis=0)) ** 2).sum()
    assert parts.explained(values, result) == pytest.approx(expected)
    lengths = np.linalg.norm(result.directions, axis=1)
    np.testing.assert_allclose(lengths, 1)
    weights = [sum(side.weight for side in sides) for sides in parts.makers(result.directions, 8)]
    np.testing.assert_allclose(weights, 1)


def test_the_strongest_places_are_apart() -> None:
    strengths = np.zeros((100, 2))
    strengths[[10, 12, 50, 90], 0] = 5, 4, 3, 2
    places = parts.strongest_places(strengths, 3, 20)
    assert places.tolist() == [[10, 50, 90], [-1, -1, -1]]


def test_colours_are_those_of_the_strongest_and_white_where_nothing_is() -> None:
    strengths = np.array([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0], [1.0, 0.0]])
    colours = factor_colours(strengths, np.array([2.0, 4.0]))
    np.testing.assert_allclose(colours[2], 1)
    assert not np.allclose(colours[0], colours[1])
    np.testing.assert_allclose(colours[3], (1 + colours[0]) / 2)


def test_more_factors_leave_less_out_and_never_less_than_the_best_directions() -> None:
    model, text = small_reading()
    few, many = (cell_factors(model, text, components=count) for count in (1, 6))
    assert many.error < few.error
    assert many.explained > few.explained
    for result in (few, many):
        assert result.error >= result.least - 1e-9
        assert result.shares.sum() == pytest.approx(1)
        assert len(result.legend) == len(result.shares)
    check(many.figure())


BAD = {
    "no factors": ({"components": 0}, "factors .*0"),
    "too many factors": ({"components": 9}, "from 1 to 8"),
    "negative seed": ({"seed": -1}, "seed .*-1"),
    "unknown quantity": ({"quantity": "x"}, "no quantity 'x'"),
    "unknown node": ({"node": "lstm7"}, "near nodes: lstm"),
    "unknown letter": ({"text": "Ž"}, "'Ž' at place 0"),
}


@pytest.mark.parametrize(("settings", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_gets_a_sentence(settings: dict[str, Any], message: str) -> None:
    model, text = small_reading()
    with pytest.raises(MinitorchVizError, match=message):
        cell_factors(model, settings.pop("text", text), **settings)


def test_one_letter_has_one_factor_and_says_so() -> None:
    model, _ = small_reading()
    result = cell_factors(model, "a")
    assert result.strengths.shape == (1, 1)
    assert any("and not the 6 asked for" in note for note in result.notes)
    check(result.figure())
