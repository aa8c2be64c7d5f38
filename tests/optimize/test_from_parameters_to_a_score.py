"""All pieces in one line: parameters, picture, transforms, the net's numbers, a class score, and back again."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.gradcheck import check
from minitorch_viz.layers import Flatten, Linear, Reshape, Sigmoid
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize import Units
from minitorch_viz.optimize.parametrizations import Drawer, parametrizations
from minitorch_viz.optimize.regularizers import TotalVariation
from minitorch_viz.optimize.transforms import Composed, Jitter, Noise, Pad, Resize, Rotate, Scale
from minitorch_viz.training import Adam

TRANSFORM = Composed((Pad(1), Noise(5), Jitter(2), Scale(), Rotate(), Resize((8, 8))))


def drawer(side: int) -> Drawer:
    """A generator of random blots: each number of its code is a smooth picture that is added."""
    rng, axis = np.random.default_rng(0), np.arange(side)
    rows, columns = (np.cos(np.pi * rng.integers(0, 5, (40, 1)) * (axis + 0.5) / side) for _ in range(2))
    blots = np.einsum("kh,kw->khw", rows, columns).reshape(40, -1).T.astype(np.float32)
    nodes = [
        ("code", Flatten()),
        ("blots", Linear(blots, np.zeros(side * side, np.float32))),
        ("bounded", Sigmoid()),
        ("drawing", Reshape((1, side, side))),
    ]
    return Drawer(Net(nodes), "code", "drawing", (40,))


class Score:
    """The class 3 of the digits, less a share of total variation, for one draw of the transforms."""

    def __init__(self, kind: str, dtype: type, size: int) -> None:
        self.model = load_model("digits", dtype=dtype)
        self.units = Units.of(self.model.reader())
        kinds = {
            "pyramid": {"levels": 2, "spread": 20.0},
            "generator": {"drawer": drawer(16)},
            "cppn": {"depth": 2, "width": 12, "activation": "sin", "spread": 2.0},
        }
        self.parametrization = parametrizations()[kind](self.units, (size, size), **kinds.get(kind, {}))
        self.objective = Unit(self.model.logits, (3,))

    def both(self, parameters: dict[str, np.ndarray], seed: int) -> tuple[float, dict[str, np.ndarray]]:
        """The value, and its gradient by the parameters."""
        x = self.parametrization.image(parameters)
        drawn = TRANSFORM.draw(np.random.default_rng(seed), x.shape[-2:])
        tape = self.model.net.forward(self.units.net(drawn.forward(x)))
        back = self.model.net.backward(tape, self.objective.seeds(tape))["input"]
        penalty, weight = TotalVariation(2.0, scale=50.0), 0.01
        dx = drawn.adjoint(self.units.gradient(back)) - weight * penalty.gradient(x)
        value = self.objective.value(tape) - weight * penalty.value(x)
        return float(value.sum()), self.parametrization.gradient(parameters, dx)


@pytest.mark.parametrize("kind", parametrizations())
def test_the_gradient_of_the_whole_line(kind: str) -> None:
    score = Score(kind, np.float64, 8)
    start = score.parametrization.start(np.random.default_rng(0), 1, np.float64)
    start = {name: value + 0.1 * np.random.default_rng(1).standard_normal(value.shape) for name, value in start.items()}
    report = check(lambda **parameters: score.both(parameters, 7), None, start, tolerance=1e-7, max_entries=40)
    assert report.ok, report


@pytest.mark.parametrize("kind", parametrizations())
def test_ascent_through_drawn_transforms_lifts_the_score_to_the_same_bits(kind: str) -> None:
    score = Score(kind, np.float32, 12)
    rates = {"pixels": 5.0, "pyramid": 2.0, "fourier": 0.05, "phase": 0.1, "generator": 0.5, "cppn": 0.05}

    def climbed() -> tuple[float, float, bytes]:
        parameters = score.parametrization.start(np.random.default_rng(0))
        optimizer = Adam(rates[kind])
        state, before = optimizer.start(parameters), over_fresh_draws(parameters)
        for step in range(40):
            _, gradient = score.both(parameters, step)
            descent = {name: -slope for name, slope in gradient.items()}
            parameters, state = optimizer.step(parameters, descent, state)
        picture = score.parametrization.image(parameters)
        assert picture.dtype == np.float32
        return before, over_fresh_draws(parameters), picture.tobytes()

    def over_fresh_draws(parameters: dict[str, np.ndarray]) -> float:
        return float(np.mean([score.both(parameters, seed)[0] for seed in range(1000, 1010)]))

    before, after, bits = climbed()
    assert after > before + 3
    assert climbed() == (before, after, bits)
