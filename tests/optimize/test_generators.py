"""Which generator suits which net, and the presets of the learned prior."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits, load_mnist
from minitorch_viz.errors import SettingError
from minitorch_viz.io.images import load_image, resize_image
from minitorch_viz.layers import Flatten, Linear
from minitorch_viz.objectives import Each, LogProbability, Unit
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.generators import bundled_drawer, colour_drawer_for, drawer_for
from minitorch_viz.optimize.parametrizations import GeneratorCode
from minitorch_viz.optimize.presets import Request, get_preset
from minitorch_viz.optimize.units import Units

DIGITS = range(10)
UNITS = Units.of(load_model("mnist").reader())


def climb(net: str, preset: str, noise: float = 0.0, steps: int = 200) -> Iterator[Ascent]:
    """All ten digits, each in so many steps of a preset of one stage; noise: that pixels start from."""
    model, way = load_model(net), get_preset(preset)
    size = model.preprocessing.size
    requests = [Request(model, Unit(model.logits, (digit,)), size) for digit in DIGITS]
    stages = [replace(stage, steps=steps) for stage in way.stages]
    objective = Each(tuple(way.objective(request) for request in requests))
    moved = way.parametrization(requests[0])
    if noise:
        moved = replace(moved, spread=noise)
    return ascend(model, objective, stages, moved, number=10)


@functools.cache
def climbed(net: str, preset: str, noise: float = 0.0) -> Ascent:
    """The end of it."""
    return list(climb(net, preset, noise))[-1]


def flat(channels: int, side: int) -> Model:
    net = Net([("flatten", Flatten()), ("logits", Linear(np.ones((2, channels * side * side), np.float32), None))])
    return Model.from_net(net, (side, side), class_names=("a", "b"), mean=0.0, std=255.0)


def test_a_net_gets_the_generator_of_its_pictures() -> None:
    assert drawer_for(load_model("mnist")) is bundled_drawer("mnist_autoencoder", 0)
    assert drawer_for(load_model("digits")).margin == 4
    assert drawer_for(flat(1, 28)) is bundled_drawer("mnist_autoencoder", 0)  # a net of one's own


def test_any_other_net_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    for model in (load_model("cifar10"), flat(1, 20)):
        with pytest.raises(SettingError, match=r"there is none: .* 28 x 28 or 8 x 8 pixels"):
            get_preset("dgn").parametrization(Request(model, Unit("logits", (0,)), (32, 32)))


def test_the_decoder_of_vgg19_needs_its_file_and_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    prior = get_preset("vgg-decoder").parametrization
    with pytest.raises(SettingError, match=r"put vgg19_decoders\.safetensors beside"):
        prior(Request(load_model("cifar10"), Unit("logits", (0,)), (32, 32)))
    with pytest.raises(SettingError, match="such as dgn"):
        prior(Request(load_model("mnist"), Unit("logits", (0,)), (28, 28)))


def test_a_preset_says_which_nets_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    for net, fitting in {"mnist": ("dgn", "ppgn"), "digits": ("dgn", "ppgn"), "cifar10": (), "faces": ()}.items():
        model = load_model(net)
        applying = [name for name in ("dgn", "ppgn", "vgg-decoder", "lucid") if not get_preset(name).applies(model)]
        assert applying == [*fitting, "lucid"]


def test_the_decoder_of_vgg19_draws_and_its_encoder_reads(shared_data: Path) -> None:
    model = load_model("squeezenet1_1", weights=shared_data / "weights")
    units = Units.of(model.reader())
    prior = GeneratorCode(units, (62, 64), drawer=colour_drawer_for(model, (62, 64)))
    photo = resize_image(load_image(shared_data / "photos" / "kitten.jpg"), (62, 64))
    x = units.picture(photo.transpose(2, 0, 1)[None].astype(np.float32))
    again = prior.image(prior.inverse(x))
    assert again.shape == x.shape
    assert 10 * np.log10(255**2 / np.mean((again - x) ** 2)) > 22  # 25.9 dB where no side is stretched
    assert np.array_equal(again, units.clip(again))  # beyond black and white the net would see what is not shown


@pytest.mark.slow
def test_the_decoder_of_vgg19_lifts_a_class(shared_data: Path) -> None:
    model, way = load_model("squeezenet1_1", weights=shared_data / "weights"), get_preset("vgg-decoder")
    objective = Unit(model.logits, (130,))
    prior = way.parametrization(Request(model, objective, (64, 64)))
    ascent = list(ascend(model, objective, [replace(way.stages[0], steps=12)], prior))[-1]
    assert ascent.scores[-1, 0] > ascent.scores[0, 0] + 20


def test_a_digit_that_fills_its_pixels_is_drawn_so() -> None:
    """The border of MNIST's digits is left out: the mean drawing has ink where scikit-learn's digits have it."""
    digits = load_model("digits")
    moved = GeneratorCode(Units.of(digits.reader()), (8, 8), drawer=drawer_for(digits), spread=0.7)
    x = moved.image(moved.start(np.random.default_rng(0), 200))
    ink = moved.units.pixels(x).mean(axis=(0, 1))
    real = load_digits()[0].images.mean(axis=0)
    assert np.corrcoef(ink.ravel(), real.ravel())[0, 1] > 0.75


def named_by_the_net(preset: str) -> tuple[np.ndarray, Ascent]:
    """At which of 301 steps (rows) the net names each digit (columns), and the end."""
    model, named = load_model("digits"), []
    for ascent in climb("digits", preset, steps=300):
        answers = model.predict_probabilities(Units.of(model.reader()).net(ascent.x))
        named.append(answers.argmax(axis=1) == np.arange(10))
    assert np.all(ascent.scores[-1] > ascent.scores[0])
    return np.array(named), ascent


def test_every_class_is_reached_uphill() -> None:
    named, ascent = named_by_the_net("dgn")
    assert named[-1].all()
    code = ascent.parameters["code"]
    assert code.min() >= 0
    assert code.max() <= 3


def test_every_class_is_reached_and_held_by_a_sampler() -> None:
    """A sampler wanders: where it is at one step hangs on rounding, how often it is at its class does not."""
    named, ascent = named_by_the_net("ppgn")
    held = named[-100:].mean(axis=0)
    assert held.min() > 0.75
    assert held.mean() > 0.95
    assert np.count_nonzero(named[-1]) >= 9
    code = ascent.parameters["code"]
    assert code.min() >= 0
    assert code.max() <= 30


def test_ppgn_climbs_the_log_probability_of_a_class_and_anything_else_as_it_is() -> None:
    model = load_model("mnist")
    objective = get_preset("ppgn").objective
    assert objective(Request(model, Unit("logits", (3,)), (28, 28))) == LogProbability(Unit("logits", (3,)))
    for asked in (Unit("conv2", (3, 1, 1)), Unit("logits", (3,), sign=-1), Unit("logits", (3,)) - Unit("logits", (4,))):
        assert objective(Request(model, asked, (28, 28))) is asked


@pytest.mark.slow
def test_a_judge_with_no_part_in_it_names_what_the_prior_draws_and_not_what_pixels_become(shared_data: Path) -> None:
    """Ten digits of the net `mnist`, 200 steps from noise each; the judge looks for the nearest real digits."""
    neighbors = pytest.importorskip("sklearn.neighbors")
    training, test = load_mnist(shared_data / "mnist")
    judge = neighbors.KNeighborsClassifier(3).fit(training.images[:10_000].reshape(-1, 784), training.labels[:10_000])
    assert judge.score(test.images[:200].reshape(-1, 784), test.labels[:200]) > 0.9
    right = {}
    for preset, noise in (("dgn", 0.0), ("ppgn", 0.0), ("none", 10.0), ("none", 0.0)):  # a code starts from noise, too
        ascent = climbed("mnist", preset, noise)
        answers = load_model("mnist").predict_probabilities(UNITS.net(UNITS.clip(ascent.x))).argmax(axis=1)
        assert answers.tolist() == list(DIGITS), preset  # the net itself is content with all of them
        named = judge.predict(ascent.pixels.reshape(10, -1))
        right[preset, noise] = int((named == list(DIGITS)).sum())
    print(f"\nnamed by a judge that had no part, of 10: {right}")
    assert right["dgn", 0.0] >= 9
    assert right["ppgn", 0.0] >= 9
    assert right["none", 10.0] <= 5
    assert right["none", 0.0] <= 8
