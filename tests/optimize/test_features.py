"""The features of real pictures, and the preset that distributes a picture's features as they are (VITAL)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError
from minitorch_viz.models import load_model
from minitorch_viz.objectives import ChannelMean, Energy, Unit
from minitorch_viz.optimize.ascent import ascend
from minitorch_viz.optimize.natural.features import (
    real_pictures,
    relevant_channels,
    sorted_means,
    telling_nodes,
)
from minitorch_viz.optimize.presets import Request, get_preset
from minitorch_viz.optimize.score import score_of
from minitorch_viz.techniques.gradients.lrp import lrp


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("scenes")


def test_the_pictures_of_a_class_are_those_with_its_label(model: Model) -> None:
    pictures = as_pictures("scenes:60")
    labels = [pictures.class_names[pictures.label(i)] for i in range(60)]
    name = max(set(labels), key=labels.count)
    unit = Unit(model.logits, (model.class_names.index(name),))
    images = real_pictures(model, unit, pictures)
    assert len(images) == labels.count(name)
    np.testing.assert_array_equal(images[0], model.preprocess(pictures[labels.index(name)])[0])
    assert len(real_pictures(model, unit, pictures, most=1)) == 1


def test_without_labels_they_are_those_with_high_values(model: Model) -> None:
    pictures = as_pictures("scenes:40")
    channel = ChannelMean(telling_nodes(model, Unit(model.logits, (0,)))[-1], 5)
    everything = np.concatenate([model.preprocess(pictures[i]) for i in range(40)])
    values = channel.value(model.net.forward(everything, upto=channel.nodes))
    images = real_pictures(model, channel, pictures)
    assert 1 <= len(images) == (values >= 0.75 * values.max()).sum() < 40
    np.testing.assert_array_equal(images[0], everything[values.argmax()])
    with pytest.raises(DataFileError, match="no folder"):
        real_pictures(model, channel, "nowhere")


def test_sorted_values_are_meaned_by_rank(model: Model) -> None:
    nodes = telling_nodes(model, Unit(model.logits, (0,)))
    tape = model.net.forward(model.reader().blank(model.dtype))
    sizes = [tape[node].shape[2:] for node in nodes]
    assert sizes == sorted(set(sizes), reverse=True)  # one node a size, the finest first
    images = np.concatenate([model.preprocess(as_pictures("scenes:20")[i]) for i in range(20)])
    maps = model.net.forward(images, upto=(nodes[-1],))[nodes[-1]]
    by_hand = np.sort(maps.reshape(20, maps.shape[1], -1), axis=2).mean(axis=0)
    np.testing.assert_allclose(sorted_means(model, nodes, images)[nodes[-1]], by_hand, rtol=1e-5, atol=1e-6)


def test_relevance_is_that_of_the_technique(model: Model) -> None:
    """Summed over the channels of the pixels' colours it is lrp's positive relevance; channels count 1 on average."""
    unit, image = Unit(model.logits, (4,)), as_pictures("scenes:5")[2]
    weights = relevant_channels(model, unit, ("input",), model.preprocess(image))["input"]
    positive = np.maximum(lrp(model, image, target=4).relevance["composite"], 0).sum(axis=(1, 2))
    np.testing.assert_allclose(weights, positive / positive.mean(), rtol=1e-6)
    node = telling_nodes(model, unit)[-1]
    deep = relevant_channels(model, unit, (node,), model.preprocess(image))[node]
    assert deep.min() >= 0
    assert deep.mean() == pytest.approx(1)
    flat = relevant_channels(model, Energy(node), (node,), model.preprocess(image))[node]
    np.testing.assert_array_equal(flat, 1)


@pytest.mark.slow
def test_vital_meets_the_distributions_and_lifts_the_score(model: Model) -> None:
    preset, goal = get_preset("vital"), Unit(model.logits, (0,))
    assert preset.needs_pictures
    request = Request(model, goal, (64, 64), "scenes:60")
    stage = replace(preset.stages[0], steps=50)
    assert (stage.optimizer.beta1, stage.optimizer.beta2) == (0.5, 0.9)
    distance = preset.objective(request)
    steps = list(ascend(model, distance, [stage], preset.parametrization(request)))
    assert steps[-1].scores[-1, 0] > 0.3 * steps[-1].scores[0, 0]  # distances are below 0
    first, last = (score_of(model, goal, step.x)[0] for step in (steps[0], steps[-1]))
    assert last > first + 2
