"""Which generator suits which net, and the presets of the learned prior."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Flatten, Linear
from minitorch_viz.objectives import Each, LogProbability, Unit
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.generators import bundled_drawer, drawer_for
from minitorch_viz.optimize.parametrizations import GeneratorCode
from minitorch_viz.optimize.presets import Request, get_preset
from minitorch_viz.optimize.units import Units

DIGITS = range(10)


def climbed(net: str, preset: str, seed: int = 0) -> Ascent:
    """All ten digits, each in the preset's own steps."""
    model, way = load_model(net), get_preset(preset)
    size = model.preprocessing.size
    requests = [Request(model, Unit(model.logits, (digit,)), size) for digit in DIGITS]
    objective = Each(tuple(way.objective(request) for request in requests))
    return list(ascend(model, objective, way.stages, way.parametrization(requests[0]), number=10, seed=seed))[-1]


def flat(channels: int, side: int) -> Model:
    net = Net([("flatten", Flatten()), ("logits", Linear(np.ones((2, channels * side * side), np.float32), None))])
    return Model.from_net(net, (side, side), class_names=("a", "b"), mean=0.0, std=255.0)


def test_a_net_gets_the_generator_of_its_pictures() -> None:
    assert drawer_for(load_model("mnist"), (28, 28)) is bundled_drawer("mnist_autoencoder", 0)
    assert drawer_for(load_model("digits"), (8, 8)).margin == 4
    assert drawer_for(flat(1, 28), (64, 64)) is bundled_drawer("mnist_autoencoder", 0)  # a net of one's own


def test_any_other_net_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    for model in (load_model("cifar10"), flat(1, 20)):
        with pytest.raises(SettingError, match=r"there is none: .* 28 x 28 or 8 x 8 pixels; .*vgg19_decoders"):
            get_preset("dgn").parametrization(Request(model, Unit("logits", (0,)), (32, 32)))


def test_a_digit_that_fills_its_pixels_is_drawn_so() -> None:
    """The border of MNIST's digits is left out: the mean drawing has ink where scikit-learn's digits have it."""
    digits = load_model("digits")
    moved = GeneratorCode(Units.of(digits.reader()), (8, 8), drawer=drawer_for(digits, (8, 8)), spread=0.7)
    x = moved.image(moved.start(np.random.default_rng(0), 200))
    ink = moved.units.pixels(x).mean(axis=(0, 1))
    real = load_digits()[0].images.mean(axis=0)
    assert np.corrcoef(ink.ravel(), real.ravel())[0, 1] > 0.75


@pytest.mark.parametrize("preset", ["dgn", "ppgn"])
@pytest.mark.parametrize("net", ["mnist", "digits"])
def test_every_class_is_reached(net: str, preset: str) -> None:
    model, ascent = load_model(net), climbed(net, preset)
    answers = model.predict_probabilities(Units.of(model.reader()).net(ascent.x))
    assert answers.argmax(axis=1).tolist() == list(DIGITS)
    assert np.all(ascent.scores[-1] > ascent.scores[0])
    code = ascent.parameters["code"]
    assert code.min() >= 0
    assert code.max() <= (3 if preset == "dgn" else 30)


def test_ppgn_climbs_the_log_probability_of_a_class_and_anything_else_as_it_is() -> None:
    model = load_model("mnist")
    objective = get_preset("ppgn").objective
    assert objective(Request(model, Unit("logits", (3,)), (28, 28))) == LogProbability(Unit("logits", (3,)))
    for asked in (Unit("conv2", (3, 1, 1)), Unit("logits", (3,), sign=-1), Unit("logits", (3,)) - Unit("logits", (4,))):
        assert objective(Request(model, asked, (28, 28))) is asked
