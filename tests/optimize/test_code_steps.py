"""Steps on the code of a generator, and an ascent whose gradient by the code is turned: DGN-AM's and PPGN's lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Flatten, Linear, Reshape
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.ascent import ascend
from minitorch_viz.optimize.code_steps import ClippedCode, NormalizedCode, ScaledCode, TowardsLikelyCodes
from minitorch_viz.optimize.parametrizations import Drawer, GeneratorCode, Pixels
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.units import Units

UNITS = Units((100.0,), (50.0,))
MOMENT = Moment(0, 1, (4, 4), UNITS)


def linear(weight: np.ndarray) -> Linear:
    return Linear(weight.astype(np.float32), np.zeros(len(weight), np.float32))


def autoencoder(rng: np.random.Generator) -> tuple[np.ndarray, Drawer]:
    """A linear one: 16 pixels, 3 numbers with orthogonal directions, so a code drawn and read again is 0.9 of it."""
    basis = np.linalg.qr(rng.standard_normal((16, 3)))[0]
    nodes = [
        ("flatten", Flatten()),
        ("code", linear(0.9 * basis.T)),
        ("strokes", linear(basis)),
        ("drawing", Reshape((1, 4, 4))),
    ]
    return basis, Drawer(Net(nodes), "code", "drawing", (3,), encodes=True)


def classifier(template: np.ndarray) -> Model:
    net = Net([("flatten", Flatten()), ("logits", linear(template[None]))])
    return Model.from_net(net, (4, 4), mean=100.0, std=50.0, scores="numbers")


def test_a_gradient_is_divided_by_its_mean_magnitude(rng: np.random.Generator) -> None:
    _, drawer = autoencoder(rng)
    gradient = rng.standard_normal((2, 3)) * np.array([[1e-20], [1e4]])
    even = NormalizedCode()({"code": gradient}, {}, GeneratorCode(UNITS, (4, 4), drawer=drawer), rng, MOMENT)["code"]
    np.testing.assert_allclose(even, gradient / np.abs(gradient).mean(axis=1, keepdims=True), rtol=1e-9)


def test_the_pull_is_towards_the_code_of_what_is_drawn(rng: np.random.Generator) -> None:
    _, drawer = autoencoder(rng)
    moved, code, gradient = GeneratorCode(UNITS, (4, 4), drawer=drawer), *rng.standard_normal((2, 2, 3))
    turn = TowardsLikelyCodes(0.3, 2.0, 0.0)
    turned = turn({"code": gradient}, {"code": code}, moved, rng, MOMENT)["code"]
    np.testing.assert_allclose(turned, 0.3 * (0.9 * code - code) + 2 * gradient, rtol=1e-5)
    noisy = replace(turn, noise=0.5)({"code": gradient}, {"code": code}, moved, np.random.default_rng(5), MOMENT)[
        "code"
    ]
    np.testing.assert_allclose(noisy - turned, 0.5 * np.random.default_rng(5).standard_normal(code.shape), atol=1e-12)
    with pytest.raises(SettingError, match="Pixels has no code"):
        turn({"code": gradient}, {"code": code}, Pixels(UNITS, (4, 4)), rng, MOMENT)
    silent = GeneratorCode(UNITS, (4, 4), drawer=replace(drawer, encodes=False))
    with pytest.raises(SettingError, match="has no encoder"):
        turn({"code": gradient}, {"code": code}, silent, rng, MOMENT)


def test_a_published_step_by_hand(rng: np.random.Generator) -> None:
    """DGN-AM: code + rate * g / mean|g|, clipped, times 0.99, where g is known for a linear generator and net."""
    basis, drawer = autoencoder(rng)
    template = rng.standard_normal(16)
    model = classifier(template)
    moved = GeneratorCode(UNITS, (4, 4), drawer=drawer)
    stage = Stage(2, (0.5, 0.1), uphill=(NormalizedCode(),), parameters=(ClippedCode(0, 3), ScaledCode(0.99)))
    steps = list(ascend(model, Unit("logits", (0,)), (stage,), moved, number=2, seed=4))
    code = steps[0].parameters["code"]
    np.testing.assert_array_equal(code, np.random.default_rng(4).standard_normal((2, 3)).astype(np.float32))
    gradient = 255 / 50 * basis.T @ template
    for rate, after in zip((0.5, 0.1), steps[1:], strict=True):
        code = 0.99 * np.clip(code + rate * gradient / np.abs(gradient).mean(), 0, 3)
        np.testing.assert_allclose(after.parameters["code"], code, rtol=1e-4, atol=1e-6)
    assert steps[2].scores[1].mean() > steps[2].scores[0].mean()


def test_a_resumed_ascent_has_the_same_bits_noise_and_all(rng: np.random.Generator) -> None:
    _, drawer = autoencoder(rng)
    model, moved = classifier(rng.standard_normal(16)), GeneratorCode(UNITS, (4, 4), drawer=drawer)
    stages = (Stage(6, (0.5, 0.1), uphill=(TowardsLikelyCodes(0.1, 1, 0.3), NormalizedCode())),)
    whole = list(ascend(model, Unit("logits", (0,)), stages, moved, seed=1))
    rest = list(ascend(model, Unit("logits", (0,)), stages, moved, seed=1, state=whole[3].packed()))
    assert rest[-1].x.tobytes() == whole[-1].x.tobytes()


@pytest.mark.parametrize("margin", [0, 1])
def test_the_encoder_gives_a_code_to_start_from(rng: np.random.Generator, margin: int) -> None:
    basis, drawer = autoencoder(rng)
    drawer, size = replace(drawer, margin=margin), (4 - 2 * margin, 4 - 2 * margin)
    moved = GeneratorCode(UNITS, size, drawer=drawer)
    pixels = rng.integers(0, 256, (2, 1, *size)).astype(float)
    whole = np.pad(pixels, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="edge")
    code = moved.inverse(UNITS.picture(pixels))["code"]
    np.testing.assert_allclose(code, 0.9 * whole.reshape(2, 16) / 255 @ basis, rtol=1e-5, atol=1e-5)
