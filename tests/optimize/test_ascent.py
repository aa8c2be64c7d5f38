"""The ascent: it rises, finds planted optima, goes on to the same bits, and says what happened."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model, objectives
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Flatten, Linear, ReLU
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.objectives import (
    AnyOf,
    BestMatch,
    ChannelMean,
    ChannelSum,
    CodeDistance,
    Direction,
    Each,
    Energy,
    GramDistance,
    Likeness,
    LogProbability,
    Nearness,
    Objective,
    PlaceEnergy,
    SortedDistance,
    Unit,
)
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.parametrizations import Pixels
from minitorch_viz.optimize.presets import presets
from minitorch_viz.optimize.regularizers import LpNorm
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.score import score_of
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.steps import Clipped, Normalized
from minitorch_viz.optimize.transforms import Composed, Jitter, Noise, Placed
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._climb import climb_of, scaled
from minitorch_viz.training.optimizers import SGD, Optimizer, optimizers

DIGITS = load_model("digits")
UNITS = Units.of(DIGITS.reader())
LOGIT = Unit(DIGITS.logits, (3,))
OBJECTIVES: dict[str, Objective] = {
    "a class": LOGIT,
    "a class less another": LOGIT - Unit(DIGITS.logits, (5,)),
    "a log probability": LogProbability(LOGIT),
    "a unit inside": Unit("relu2", (5, 3, 3)),
    "a channel's mean": ChannelMean("relu2", 5),
    "a channel's sum": ChannelSum("relu3", 2),
    "a direction": Direction("relu2", np.random.default_rng(0).standard_normal(32)),
    "a caricature": Direction("relu2", np.random.default_rng(0).random(32), power=2),
    "likeness": Likeness("relu2", np.random.default_rng(1).random((32, 8, 8))),
    "nearness": Nearness("relu2", np.random.default_rng(1).random((32, 8, 8))),
    "energy": Energy("relu3"),
    "style": GramDistance("relu1", np.eye(16)),
    "energy at a place": PlaceEnergy("relu2", (0.4, 0.6)),
    "any of two": AnyOf((LOGIT, Unit(DIGITS.logits, (5,)))),
    "best match": BestMatch("relu2", np.random.default_rng(2).random((32, 6))),
    "a code": CodeDistance("relu2", np.random.default_rng(3).random((32, 8, 8))),
    "a distribution": SortedDistance("relu2", np.sort(np.random.default_rng(4).random((32, 64))), np.ones(32)),
    "each its own": Each((LOGIT, ChannelMean("relu2", 5))),
}


def last(ascents: Iterable[Ascent]) -> Ascent:
    *_, end = ascents
    return end


def linear(*weights: np.ndarray, bias: float = 0.0, relu: bool = False, dtype: type = np.float64) -> Model:
    """A net over grey pictures whose input is x itself: linear layers, and a ReLU at the end."""
    side = round(weights[0].shape[-1] ** 0.5)
    layers: list = [("flat", Flatten())]
    for i, weight in enumerate(weights):
        layers.append((f"fc{i}", Linear(weight.astype(dtype), np.full(len(weight), bias, dtype))))
    net = Net([*layers, *([("relu", ReLU())] if relu else [])])
    reader = Preprocessing((side, side), 1, (100.0,), (1.0,))
    return Model.from_net(net, readers=reader, scores="numbers")


def pixels(model: Model) -> Pixels:
    return Pixels(Units.of(model.reader()), model.preprocessing.size)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_rises(name: str) -> None:
    objective = OBJECTIVES[name]
    number = len(objective.objectives) if isinstance(objective, Each) else 1
    stage = Stage(20, (2.0, 1.0), gradient=(Normalized(),), after=(Clipped(),))
    first, *_, end = ascend(DIGITS, objective, (stage,), pixels(DIGITS), number=number)
    assert (score_of(DIGITS, objective, end.x) > score_of(DIGITS, objective, first.x)).all()
    assert end.pixels.shape == (number, 8, 8, 1)


def test_no_objective_is_left_out() -> None:
    kinds = {value for value in vars(objectives).values() if inspect.isclass(value) and issubclass(value, Objective)}
    assert {type(objective) for objective in OBJECTIVES.values()} == kinds - {Objective}


@pytest.mark.parametrize("name", [name for name, preset in presets().items() if not preset.applies(DIGITS)])
def test_every_preset_rises(name: str) -> None:
    """The picture's own score, from the start to the end, in few steps."""
    wanted = Unit(DIGITS.logits, (3,))
    climb = climb_of(DIGITS, [wanted], presets()[name], (8, 8), steps=40, pictures=load_digits()[1][:40])
    first, *_, end = climb.steps()
    before, after = (resized(UNITS.clip(ascent.x), (8, 8)) for ascent in (first, end))
    assert score_of(DIGITS, wanted, after) > score_of(DIGITS, wanted, before)
    assert end.done == end.total == 40
    assert np.isfinite(end.scores).all()


def test_the_optimum_under_a_penalty_is_found() -> None:
    """Of w x - c |x|^2 it is w / 2c."""
    weight = np.random.default_rng(1).standard_normal((1, 16))
    stage = Stage(60, (0.2, 0.2), penalties=((1.0, LpNorm(2.0, 1.0)),))
    model = linear(weight)
    end = last(ascend(model, Unit("fc0", (0,)), (stage,), pixels(model)))
    np.testing.assert_allclose(end.x.ravel(), weight.ravel() / 2, rtol=1e-3, atol=1e-6)


def test_the_optimum_in_a_ball_is_found() -> None:
    """Of w x with |x| <= 7 it is 7 w / |w|."""
    weight = np.random.default_rng(2).standard_normal((1, 16))

    def into_ball(x: np.ndarray, *_: object) -> np.ndarray:
        return x * min(1.0, 7 / float(np.linalg.norm(x)))

    model = linear(weight)
    start = np.random.default_rng(3).standard_normal((1, 1, 4, 4))
    ascents = ascend(model, Unit("fc0", (0,)), (Stage(60, after=(into_ball,)),), pixels(model), start=start)
    np.testing.assert_allclose(last(ascents).x.ravel(), 7 * weight.ravel() / np.linalg.norm(weight), rtol=1e-3)


@pytest.mark.parametrize("name", optimizers())
def test_the_optimum_of_a_quadratic_is_found_by_every_optimizer(name: str) -> None:
    """Of -|W x + b|^2 / 2 it is where W x = -b."""
    rng = np.random.default_rng(4)
    weight = np.linalg.qr(rng.standard_normal((4, 4)))[0] * np.array([1.0, 1.2, 0.8, 1.0])
    model = linear(weight, bias=0.5)
    rates = {"sgd": (0.5, 0.5), "adagrad": (0.5, 0.5), "rmsprop": (0.05, 0.0)}
    kind: type[Optimizer] = optimizers()[name]
    settings = {"weight_decay": 0.0} if name == "adamw" else {}
    stage = Stage(300, rates.get(name, (0.1, 0.0)), optimizer=kind(0.1, **settings))
    end = last(ascend(model, -1 * Energy("fc0"), (stage,), pixels(model)))
    np.testing.assert_allclose(end.x.ravel(), np.linalg.solve(weight, np.full(4, -0.5)), atol=1e-3)


def stages(optimizer: Optimizer) -> tuple[Stage, ...]:
    def moves(_: Moment) -> Composed:
        return Composed((Jitter(1), Noise(2.0)))

    return Stage(3, (1, 0.5), 0.5, moves, optimizer=optimizer), Stage(3, transform=moves, views=2, optimizer=optimizer)


@pytest.mark.parametrize("name", optimizers())
def test_it_goes_on_to_the_same_bits_from_every_step(name: str) -> None:
    """Over a stage's end, too, and through a file's arrays and JSON."""
    settings = stages(optimizers()[name](0.1))
    whole = list(ascend(DIGITS, LOGIT, settings, pixels(DIGITS), seed=3))
    again = list(ascend(DIGITS, LOGIT, settings, pixels(DIGITS), seed=3))
    other = last(ascend(DIGITS, LOGIT, settings, pixels(DIGITS), seed=4))
    assert [ascent.done for ascent in whole] == list(range(7))
    assert whole[-1].x.tobytes() == again[-1].x.tobytes() != other.x.tobytes()
    for ascent in whole:
        arrays, numbers = ascent.packed()
        packed = {name: value.copy() for name, value in arrays.items()}, json.loads(json.dumps(numbers))
        end = last(ascend(DIGITS, LOGIT, settings, pixels(DIGITS), seed=3, state=packed))
        for field, expected in whole[-1].packed()[0].items():
            assert end.packed()[0][field].tobytes() == expected.tobytes(), field
        assert end.packed()[1] == whole[-1].packed()[1]


def test_pictures_side_by_side_are_those_made_alone() -> None:
    """More of them than go through the net at once, without anything drawn at random."""
    stage = Stage(3, gradient=(Normalized(),))
    goals = tuple(Unit(DIGITS.logits, (i % 10,)) for i in range(19))
    together = last(ascend(DIGITS, Each(goals), (stage,), pixels(DIGITS), number=19))
    alone = last(ascend(DIGITS, goals[17], (stage,), pixels(DIGITS)))
    np.testing.assert_allclose(together.x[17], alone.x[0], rtol=1e-4, atol=1e-4)


def test_nothing_in_it_can_be_written_to() -> None:
    """A display that changes the picture in place would change what is climbed."""
    ascent = last(ascend(DIGITS, LOGIT, stages(optimizers()["adam"](0.1)), pixels(DIGITS)))
    for array in (ascent.x, ascent.scores, ascent.transparency, *ascent.optimizer.mean.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    ascent.pixels[0] = 0  # a copy


def test_a_step_where_the_net_overflows_is_halved_and_said() -> None:
    """The score is 1e38 x and overflows above 3.4; the step leads to 10."""
    model = linear(np.full((1, 1), 1e19), np.full((1, 1), 1e19), dtype=np.float32)
    stage = Stage(6, (10, 10), gradient=(Normalized(),))
    ascents = list(ascend(model, Unit("fc1", (0,)), (stage,), pixels(model)))
    end = ascents[-1]
    assert end.done == 6
    assert np.isfinite(end.scores).all()
    assert np.isfinite(end.x).all()
    assert 2.5 <= float(end.x[0, 0, 0, 0]) < 3.5
    assert end.scores[-1] > end.scores[1] > 1e38
    assert any("Step 1 led to numbers that are not finite; it was halved until they were" in w for w in end.words)
    middle = ascents[4]
    again = last(ascend(model, Unit("fc1", (0,)), (stage,), pixels(model), state=middle.packed()))
    assert again.x.tobytes() == end.x.tobytes()


def test_a_step_to_infinity_is_taken_again_and_in_the_end_given_up() -> None:
    model = linear(np.ones((1, 1)), dtype=np.float32)
    far = Stage(5, (1e39, 0))  # infinite, and finite at a quarter of it
    end = last(ascend(model, Unit("fc0", (0,)), (far,), pixels(model)))
    assert end.done == 5
    assert np.isfinite(end.x).all()
    assert end.shrink < 1
    end = last(ascend(model, Unit("fc0", (0,)), (Stage(5, (1e60, 1e60)),), pixels(model)))
    assert end.gave_up
    assert end.is_over
    assert end.done == 0
    assert np.isfinite(end.x).all()
    assert "The ascent stopped at step 1: its steps are not finite" in end.words[0]


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_a_start_that_is_not_finite_gets_a_sentence(weight: float) -> None:
    model = linear(np.full((1, 1), weight))
    with pytest.raises(SettingError, match="start whose score and gradient are finite"):
        last(ascend(model, Unit("fc0", (0,)), (Stage(2),), pixels(model)))
    model = linear(np.ones((1, 1)))
    with pytest.raises(SettingError, match="finite picture"):
        last(ascend(model, Unit("fc0", (0,)), (Stage(2),), pixels(model), start=np.full((1, 1, 1, 1), weight)))


def test_a_unit_that_cannot_fire_and_one_that_was_off() -> None:
    stage = Stage(20, (1, 1), gradient=(Normalized(),), after=(Clipped(),))
    never = linear(np.zeros((1, 16)), bias=-1, relu=True)
    end = last(ascend(never, Unit("relu", (0,)), (stage,), pixels(never)))
    assert end.words[0].startswith("In 20 of 20 steps the gradient was exactly 0")
    assert not end.x.any()
    assert end.words[1] == "The score did not rise: the ascent stood still, and the picture says nothing."
    off = linear(np.ones((1, 16)), bias=-100, relu=True)
    end = last(ascend(off, Unit("relu", (0,)), (stage,), pixels(off)))
    assert end.words[0].startswith("In 7 of 20 steps nothing fired")
    assert end.scores[-1] > 0
    assert len(end.words) == 1


def test_a_converged_ascent_is_told_from_one_that_stands_still() -> None:
    model = linear(np.ones((2, 16)))
    short, long = Stage(8, after=(Clipped(),)), Stage(400, (2, 2), after=(Clipped(),))
    goal = Each((Unit("fc0", (0,)), 0.0 * Unit("fc0", (1,))))
    end = last(ascend(model, goal, (long,), pixels(model), number=2))
    assert end.words[1:] == (
        "The score of picture 2 did not rise: the ascent stood still, and the picture says nothing.",
        "Converged: the score of picture 1 rose no more in the last quarter of the steps.",
    )
    assert last(ascend(model, Unit("fc0", (0,)), (short,), pixels(model))).words == ()


def test_a_small_picture_in_its_place_is_moved_alone() -> None:
    weight = np.random.default_rng(5).standard_normal((1, 64))
    model = linear(weight)
    placed = Placed((8, 8), (2, 3, 6, 6))  # top, left, bottom, right
    part = Pixels(Units.of(model.reader()), (4, 3))
    end = last(ascend(model, Unit("fc0", (0,)), (Stage(1),), part, look=placed))
    np.testing.assert_allclose(end.x[0, 0], weight.reshape(8, 8)[2:6, 3:6])


def test_stages_keep_their_proportions() -> None:
    three = Stage(190, redirected=19), Stage(150), Stage(10)
    assert [stage.steps for stage in scaled(three, 350)] == [190, 150, 10]
    assert [stage.steps for stage in scaled(three, 35)] == [18, 15, 2]
    assert scaled(three, 35)[0].redirected == 2
    assert [stage.steps for stage in scaled(three, 3)] == [1, 1, 1]
    assert [stage.steps for stage in scaled(three, 2)] == [1, 1]
    for steps in range(1, 60):
        assert sum(stage.steps for stage in scaled(three, steps)) == steps


def test_sgd_without_anything_is_the_gradient() -> None:
    model = linear(np.arange(16.0)[None])
    end = last(ascend(model, Unit("fc0", (0,)), (Stage(1, (0.5, 0.5), optimizer=SGD(1.0)),), pixels(model)))
    np.testing.assert_allclose(end.x.ravel(), np.arange(16) / 2)
    np.testing.assert_allclose(end.transparency.ravel(), np.arange(16))
