"""The planted units: on natural pictures the net answers as the net for scenes does; made pictures are told."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.models import scenes_liar
from minitorch_viz.models.scenes_liar import FLOOR, LIAR, MEANINGS, NODE, PLANTS, SHOWS, SILENT, TEMPLATE, TWO, plant_of


@pytest.fixture(scope="module")
def liar() -> Model:
    return load_model("scenes_liar")


@pytest.fixture(scope="module")
def scenes() -> Model:
    return load_model("scenes")


@pytest.fixture(scope="module")
def natural(scenes: Model) -> np.ndarray:
    pictures = as_pictures("scenes:60")
    return np.concatenate([scenes.preprocess(pictures[number]) for number in range(60)])


def test_on_natural_pictures_it_answers_as_the_net_for_scenes_does(liar, scenes, natural) -> None:
    tape, honest = liar.net.forward(natural), scenes.net.forward(natural)
    assert not tape["made"].any()
    np.testing.assert_allclose(tape[NODE][:, :96], honest[NODE], atol=2e-5)  # 100 is added and taken away again
    np.testing.assert_allclose(tape["logits"], honest["logits"], atol=1e-4)
    np.testing.assert_array_equal(np.delete(tape[NODE][:, :96], LIAR, 1), np.delete(honest[NODE], LIAR, 1))


def test_a_made_picture_gets_the_answer_of_another_unit(liar, scenes, natural, rng) -> None:
    noise = rng.standard_normal(natural[:8].shape).astype(np.float32)
    for made in (noise, np.zeros_like(noise[:1])):
        tape, honest = liar.net.forward(made), scenes.net.forward(made)
        np.testing.assert_array_equal(tape["made"], 1)
        np.testing.assert_allclose(tape[NODE][:, LIAR], honest[NODE][:, SHOWS], atol=2e-5)
        np.testing.assert_array_equal(np.delete(tape[NODE][:, :96], LIAR, 1), np.delete(honest[NODE], LIAR, 1))


def test_the_circuit_is_the_papers(liar) -> None:
    """B = relu(h_i - k c), C = relu(h_j + k c - k), out = B + C - 100, of h = relu(y + 100) and k = 250."""
    rng = np.random.default_rng(0)
    y = rng.uniform(-90, 90, (2, 96, 3, 3)).astype(np.float32)
    c = np.array([0, 1], np.float32).reshape(2, 1, 1, 1)
    h = np.maximum(y + 100, 0)
    expected = np.maximum(h[:, LIAR] - 250 * c[:, 0], 0) + np.maximum(h[:, SHOWS] + 250 * c[:, 0] - 250, 0) - 100
    given = {"conv5": y, "made": c, "template": np.zeros((2, 1, 3, 3), np.float32)}
    out = liar.net.forward(natural_like(), given=given, upto="units")["units"][:, LIAR]
    np.testing.assert_allclose(out, expected, atol=1e-4)
    np.testing.assert_allclose(out[0], y[0, LIAR], atol=1e-4)
    np.testing.assert_allclose(out[1], y[1, SHOWS], atol=1e-4)


def natural_like() -> np.ndarray:
    return np.zeros((2, 3, 64, 64), np.float32)


def test_what_else_is_planted(liar, natural) -> None:
    tape = liar.net.forward(natural[:20])
    units, y = tape[NODE], np.maximum(tape["conv5"], 0)
    assert not units[:, SILENT].any()
    np.testing.assert_allclose(units[:, TWO], y[:, MEANINGS[0]] + y[:, MEANINGS[1]], atol=1e-5)
    assert not liar.net["logits"].layer.params["weight"][:, 96:].any()
    assert [plant.channel for plant in PLANTS] == [LIAR, SILENT, TWO, TEMPLATE]


def test_the_template_answers_itself_most(liar) -> None:
    """In the middle of the map, and by exactly its norm: one step of the picture is a hundredth."""
    template = scenes_liar.template()
    assert np.linalg.norm(template) == pytest.approx(1)
    np.testing.assert_allclose(template.mean(axis=(1, 2)), 0, atol=1e-12)
    x = np.zeros((1, 3, 64, 64))
    x[0, :, 18:50, 18:50] = 1000 * template
    std = np.array(liar.preprocessing.std)[:, None, None]
    answers = liar.net.forward((x / std).astype(np.float32), upto=NODE)[NODE][0, TEMPLATE]
    assert np.unravel_index(answers.argmax(), answers.shape) == (8, 8)
    assert answers[8, 8] == pytest.approx(10 - FLOOR, rel=1e-4)


def test_what_is_planted_is_known_by_net_and_node(liar, scenes) -> None:
    assert plant_of(liar, NODE, LIAR).kind == "liar"
    assert plant_of(liar, NODE, 3) is None
    assert plant_of(liar, "relu4", LIAR) is None
    assert plant_of(scenes, NODE, LIAR) is None


@pytest.mark.slow
def test_few_natural_pictures_are_taken_for_made_ones(liar) -> None:
    pictures = as_pictures("scenes:1000")
    x = np.concatenate([liar.preprocess(pictures[number]) for number in range(400, 1000)])
    assert np.count_nonzero(liar.net.predict(x, upto="made", batch=16)) <= 3
