"""Multifaceted feature visualization: groups that are there, starts that are means, numbers of the paper, resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model
from minitorch_viz.data import Dataset, load_digits
from minitorch_viz.errors import DataFileError, NetError, SettingError
from minitorch_viz.models import load_model
from minitorch_viz.optimize.natural import as_x
from minitorch_viz.optimize.parametrizations.base import GREY
from minitorch_viz.optimize.stage import Moment
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._multifaceted_facets import chosen_pictures, grouped
from minitorch_viz.techniques.optimization._multifaceted_preset import (
    PRESET_FROM_MEANS,
    DenoisedMore,
    flatter,
    stages_of,
)
from minitorch_viz.techniques.optimization.multifaceted import multifaceted


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("digits")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_digits()[1][:150]


def test_planted_groups_are_told_apart() -> None:
    """Three clouds of 12, 8 and 20 codes: a facet each, the largest first, its middle pictures nearest."""
    rng = np.random.default_rng(0)
    clouds = np.repeat([0, 1, 2], [12, 8, 20])
    codes = 30 * np.eye(3, 60)[clouds] + rng.standard_normal((40, 60))
    numbers = 100 + np.arange(40)
    facets = grouped(numbers, np.zeros(40), codes, 3, 15, seed=0)
    assert facets.counts.tolist() == [20, 12, 8]
    for facet, cloud in enumerate((2, 0, 1)):
        assert set(facets.groups[clouds == cloud]) == {facet}
        assert set(facets.members(facet)) <= set(numbers[clouds == cloud])
    assert [len(facets.members(facet)) for facet in range(3)] == [15, 12, 8]
    middle = facets.places[clouds == 1].mean(axis=0)
    distances = np.linalg.norm(facets.places[clouds == 1] - middle, axis=1)
    assert facets.members(2)[0] == numbers[clouds == 1][distances.argmin()]
    again = grouped(numbers, np.zeros(40), codes, 3, 15, seed=0)
    assert again.places.tobytes() == facets.places.tobytes()
    with pytest.raises(SettingError, match="3 facets need as many pictures, but there are 2"):
        grouped(numbers[:2], np.zeros(2), codes[:2], 3, 15, seed=0)
    with pytest.raises(SettingError, match="pictures that differ"):
        grouped(numbers, np.zeros(40), np.zeros((40, 5)), 3, 15, seed=0)


def test_which_pictures_are_grouped() -> None:
    values, labels = np.array([1.0, 5, np.nan, 4, 3, 2]), np.array([0, 1, 0, 0, 1, 0])
    assert chosen_pictures(values, None, None, 5, 3).tolist() == [1, 3, 4]
    assert chosen_pictures(values, labels, 0, 3, 9).tolist() == [3, 5, 0]  # three of the class are enough
    assert chosen_pictures(values, labels, 0, 4, 9).tolist() == [1, 3, 4, 5, 0]
    with pytest.raises(DataFileError, match="finite"):
        chosen_pictures(np.full(3, np.nan), None, None, 5, 3)


def test_the_numbers_of_the_paper() -> None:
    """Octaves of mean pictures: 190, 150, 20 and 10 steps; both ends of each ramp are what they say."""
    stages = PRESET_FROM_MEANS.stages
    assert [stage.steps for stage in stages] == [190, 150, 20, 10]
    assert [stage.rate for stage in stages] == [(1, 2), (1, 1), (2, 2), (2, 2)]
    ramps = [stage.after[-1] for stage in stages]
    assert [(ramp.start, ramp.end) for ramp in ramps] == [(0.4, 0.4), (0.01, 2), (0.1, 2), (0.4, 2)]
    assert stages_of(370) == stages
    assert [(stage.steps, stage.rate) for stage in stages_of(74)] == [
        (37, (5, 10)),
        (29, (5, 5)),
        (5, (10, 10)),
        (3, (10, 10)),
    ]
    assert stages_of(10)[0].rate == (6, 12)
    x = GREY.picture(np.random.default_rng(0).uniform(0, 255, (1, 1, 224, 224)))
    for step, weight in ((0, 0.01), (149, 2.0)):  # a slip of precedence would take a weight below 0 at the end
        moment = Moment(step, 150, (224, 224), GREY)
        np.testing.assert_array_equal(DenoisedMore(0.01, 2.0)(x, x, moment), flatter(x, 255 * weight))


def test_denoising_takes_variation_out_the_more_the_smaller_the_weight() -> None:
    x = 100.0 * (np.indices((1, 1, 32, 32))[3] > 16) + 10 * np.random.default_rng(0).standard_normal((1, 1, 32, 32))
    variation = [np.abs(np.diff(flatter(x, weight), axis=-1)).sum() for weight in (2000.0, 20.0, 2.0)]
    assert variation == sorted(variation, reverse=True)
    assert flatter(x.astype(np.float32), 20.0).dtype == np.float32
    small = Moment(1, 9, (32, 32), GREY)
    np.testing.assert_array_equal(DenoisedMore(0.1, 2.0)(x, x, small), x)  # every seventh step
    assert np.abs(DenoisedMore(0.1, 2.0)(x, x, small._replace(step=7)) - x).max() > 1


def test_a_group_of_two_classes_has_a_facet_of_each(model: Model, digits: Dataset) -> None:
    result = multifaceted(model, digits, target="0,1", facets=2, steps=40, most=20, progress=False)
    labels = [{int(digits.labels[number]) for number in result.facets.members(facet)} for facet in range(2)]
    assert sorted(map(sorted, labels)) == [[0], [1]]
    zero, one = (labels.index({digit}) for digit in (0, 1))
    scores = model.net.predict(np.concatenate([model.preprocess(pixels[..., 0]) for pixels in result.pixels]))
    assert scores[zero].argmax() == 0  # each is still what it was started from
    assert scores[one].argmax() == 1
    assert (result.after > result.before + 1).all()
    units = Units.of(model.reader())
    mean = np.mean([as_x(digits.images[number], units, result.size) for number in result.facets.members(0)], axis=0)
    np.testing.assert_allclose(result.means[0], units.pixels(mean).transpose(1, 2, 0), atol=0.51)


def test_the_same_bits_again_and_after_a_stop(model: Model, digits: Dataset) -> None:
    settings = {"target": 8, "facets": 2, "steps": 12}
    results = list(multifaceted.each(model, digits, **settings))
    assert results[0].done == 1  # while pictures are looked at: 64 of them count as a step
    assert results[-1].done == results[-1].total == 15
    assert any(note.startswith("So far 64 of 150 pictures") for note in results[0].notes)
    again = multifaceted(model, digits, **settings, progress=False)
    assert again.pixels.tobytes() == results[-1].pixels.tobytes()
    climbing = next(result for result in results if result.done > 3)
    for state in (results[0].state, climbing.state):
        *_, last = multifaceted.each(model, digits, **settings, state=state)
        assert last.pixels.tobytes() == results[-1].pixels.tobytes()
        assert last.scores.tobytes() == results[-1].scores.tobytes()
        assert last.before.tobytes() == results[-1].before.tobytes()
        assert last.examples.tobytes() == results[-1].examples.tobytes()


def test_a_channel_inside_the_net(model: Model, digits: Dataset) -> None:
    result = multifaceted(model, digits, node="relu2", channel=3, facets=2, steps=40, progress=False)
    assert (result.after > result.before).all()
    assert np.isnan(result.probabilities).all()
    assert result.frame.shape[2] == 3
    assert min(result.frame.shape[:2]) >= 128


def test_what_does_not_fit_is_said(model: Model, digits: Dataset, tmp_path: Path) -> None:
    for settings, error, words in (
        ({"node": "relu2", "target": 3}, SettingError, "not both"),
        ({"node": "relu2"}, SettingError, "Which channel of 'relu2'"),
        ({"channel": 3}, SettingError, "belongs to a node"),
        ({"node": "relu2", "channel": 999}, SettingError, "without a channel 999"),
        ({"node": "relu9", "channel": 1}, NetError, "relu9"),
        ({"target": 12}, SettingError, "12"),
        ({"facets": 0}, SettingError, "number of facets"),
        ({"facets": 5, "most": 3}, SettingError, "most"),
        ({"codes": "nowhere"}, NetError, "nowhere"),
        ({"steps": 0}, SettingError, "steps"),
    ):
        with pytest.raises(error, match=words):
            multifaceted(model, digits, progress=False, **settings)
    with pytest.raises(DataFileError):
        multifaceted(model, tmp_path, progress=False)
    with pytest.raises(SettingError, match="4 facets need as many pictures"):
        multifaceted(model, digits[:3], progress=False)
