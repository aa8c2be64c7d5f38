"""What every attack must keep, run over the registry: a new attack is tested by being there."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.layers import Linear
from minitorch_viz.models.readers import Numbers
from minitorch_viz.optimize.attacks import Attack, Attempt, aim_at, attacks, get_attack, last
from minitorch_viz.optimize.attacks.losses import LOSSES
from minitorch_viz.optimize.attacks.norms import Norm, size_in
from minitorch_viz.techniques.state import State

EPS: dict[str, float] = {"linf": 40.0, "l2": 250.0, "l0": 2.0}  # of digits, 64 pixels
ROUNDING = 1e-9
WAYS = [(name, norm) for name, attack in attacks().items() for norm in attack.norms]
each_way = pytest.mark.parametrize(("name", "norm"), WAYS, ids=lambda value: str(value))


@functools.cache
def digits(dtype: Any = np.float32) -> Model:
    return load_model("digits").astype(dtype)


def pictures(count: int, model: Model) -> Any:
    images = load_digits()[1].images[:count]
    return np.concatenate([model.read(image[..., None].repeat(3, axis=2)) for image in images])


def made(name: str, norm: Norm, **settings: Any) -> Attack:
    """An attack that takes few steps, at an eps that fools some digits and not all."""
    cls = get_attack(name)
    fields = {field.name for field in dataclasses.fields(cls)}
    small = {"norm": norm, "eps": EPS.get(norm), "steps": 3, "restarts": 2, "searches": 3, "population": 12} | settings
    return cls(**{key: value for key, value in small.items() if key in fields})


@functools.cache
def attempts(name: str, norm: Norm, targeted: bool) -> list[Attempt]:
    model = digits()
    aim, pixels = aim_at(model, pictures(6, model))
    if targeted:
        aim, pixels = aim_at(model, pictures(6, model), targets=(aim.labels + 1) % 10)
    return list(made(name, norm).attempts(aim, pixels, seed=3))


@pytest.mark.parametrize("targeted", [False, True], ids=["any other answer", "a target"])
@each_way
def test_nothing_leaves_the_box_nor_eps(name: str, norm: Norm, targeted: bool) -> None:
    model = digits()
    _, pixels = aim_at(model, pictures(6, model))
    for attempt in attempts(name, norm, targeted):
        assert attempt.pixels.shape == pixels.shape
        assert attempt.pixels.dtype == np.float64
        assert attempt.pixels.min() >= 0
        assert attempt.pixels.max() <= 255
        if get_attack(name).kind == "fixed eps":
            assert size_in(attempt.pixels - pixels, norm).max() <= EPS[norm] + ROUNDING


@pytest.mark.parametrize("targeted", [False, True], ids=["any other answer", "a target"])
@each_way
def test_what_is_fooled_is_so_and_stays_so(name: str, norm: Norm, targeted: bool) -> None:
    model = digits()
    aim, _ = aim_at(model, pictures(6, model))
    if targeted:
        aim = dataclasses.replace(aim, targets=(aim.labels + 1) % 10)
    before = np.zeros(6, bool)
    for number, attempt in enumerate(attempts(name, norm, targeted), 1):
        assert attempt.done == number <= attempt.total
        if get_attack(name).one_for_all:  # the change that fools more in all may let one picture go
            assert attempt.fooled.sum() >= before.sum()
        else:
            assert (attempt.fooled >= before).all()
        np.testing.assert_array_equal(attempt.fooled, aim.fooled(aim.logits(attempt.pixels)))
        np.testing.assert_allclose(attempt.logits, aim.logits(attempt.pixels), rtol=1e-4, atol=1e-4)
        before = attempt.fooled
    assert attempt.passes >= 1


@each_way
def test_the_same_seed_gives_the_same_bits(name: str, norm: Norm) -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(6, model))
    again = last(made(name, norm).attempts(aim, pixels, seed=3))
    assert again.pixels.tobytes() == attempts(name, norm, False)[-1].pixels.tobytes()


@each_way
def test_it_goes_on_from_any_state_to_the_same_bits(name: str, norm: Norm) -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(6, model))
    whole = attempts(name, norm, False)
    for attempt in whole[:-1]:
        arrays, numbers = attempt.packed()
        state = State(arrays, json.loads(json.dumps(numbers)))  # as a file keeps it
        *_, end = made(name, norm).attempts(aim, pixels, seed=3, state=state)
        assert (end.done, end.passes) == (whole[-1].done, whole[-1].passes)
        assert end.pixels.tobytes() == whole[-1].pixels.tobytes()
        assert end.logits.tobytes() == whole[-1].logits.tobytes()


@each_way
def test_its_pictures_are_not_written_to(name: str, norm: Norm) -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(2, model))
    before = pixels.copy()
    for attempt in made(name, norm).attempts(aim, pixels):
        with pytest.raises(ValueError, match="read-only"):
            attempt.pixels[0] = 0
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels, before)


def linear(rng: np.random.Generator, values: int = 30, classes: int = 2) -> Model:
    net = Net([("fc", Linear(rng.standard_normal((classes, values)), np.zeros(classes)))])
    return Model.from_net(net, readers=Numbers(values), scores="classes")


# Of those whose change is for one picture: one for all cannot rise for pictures of either answer.
LINEAR = [
    name
    for name, norm in WAYS
    if norm == "linf" and get_attack(name).kind == "fixed eps" and not get_attack(name).one_for_all
]


@pytest.mark.parametrize("name", LINEAR)
def test_on_a_linear_net_the_effect_is_eps_times_the_l1_norm_of_the_weights(name: str, rng: Any) -> None:
    model = linear(rng)
    x = rng.uniform(-1, 1, (3, 30))
    aim, values = aim_at(model, x, box=None)
    box = dataclasses.replace(aim.box, low=-9.0, high=9.0)
    aim = dataclasses.replace(aim, box=box)
    eps = 0.25
    end = last(made(name, "linf", eps=eps, steps=10, loss="margin").attempts(aim, values))
    weights = model.net.params["fc.weight"]
    rows, other = np.arange(3), 1 - aim.labels
    before = aim.logits(values)
    rise = (end.logits[rows, other] - end.logits[rows, aim.labels]) - (before[rows, other] - before[rows, aim.labels])
    np.testing.assert_allclose(rise, eps * np.abs(weights[1] - weights[0]).sum(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("targeted", [False, True], ids=["any other answer", "a target"])
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_each_loss_is_its_slope(name: str, targeted: bool, rng: Any) -> None:
    z = 3 * rng.standard_normal((6, 7))
    labels, targets = z.argmax(axis=1), None
    labels[3:] = (labels[3:] + 2) % 7  # fooled already
    if targeted:
        targets = (labels + 3) % 7
    _, gradient = LOSSES[name](z, labels, targets)
    for k in range(7):
        h = 1e-5 * (np.arange(7) == k)
        slope = (LOSSES[name](z + h, labels, targets)[0] - LOSSES[name](z - h, labels, targets)[0]) / 2e-5
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-7, atol=1e-7)
