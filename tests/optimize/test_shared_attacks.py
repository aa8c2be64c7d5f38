"""One change for all pictures: its slope, its bounds, and how it does on pictures that had no part in it."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Linear
from minitorch_viz.models.readers import Numbers
from minitorch_viz.optimize.attacks import Aim, Attempt, aim_at, last
from minitorch_viz.optimize.attacks.norms import size_in
from minitorch_viz.optimize.attacks.patch import LEAST, Patch, disc
from minitorch_viz.optimize.attacks.universal import Universal
from minitorch_viz.techniques.state import State


@functools.cache
def digits() -> Model:
    return load_model("digits").astype(np.float64)


def aimed(first: int, last_: int, target: int | None = None) -> tuple[Aim, np.ndarray]:
    """The digits of these numbers in the test split; with a target without those that the net takes for it."""
    model = digits()
    x = np.concatenate(
        [model.read(image[..., None].repeat(3, axis=2)) for image in load_digits()[1].images[first:last_]]
    )
    if target is not None:
        x = x[model.predict_answers(x).argmax(axis=1) != target]
    return aim_at(model, x, targets=target)


@pytest.mark.parametrize("target", [None, 3])
def test_the_slope_of_a_universal_change_is_that_of_finite_differences(target: int | None, rng: Any) -> None:
    aim, pixels = aimed(0, 12, target)
    pixels = 20 + 0.8 * pixels  # away from the ends, where the loss has a kink
    attack = Universal(bound=6.0)
    change = rng.uniform(-15, 15, pixels.shape[1:])
    _, slope = attack.slope(aim, pixels, change)
    for direction in rng.standard_normal((4, *change.shape)):
        up, down = (attack.slope(aim, pixels, change + sign * 1e-4 * direction)[0] for sign in (1, -1))
        assert (slope * direction).sum() == pytest.approx((up - down) / 2e-4, rel=1e-7)


def test_a_picture_beyond_the_bound_has_no_say() -> None:
    aim, pixels = aimed(0, 6)
    attack = Universal(bound=1e-12)
    labels = (aim.labels + 1) % 10  # wrong ones, so that each loss is far above the bound
    _, slope = attack.slope(dataclasses.replace(aim, labels=labels), pixels, np.zeros(pixels.shape[1:]))
    assert not slope.any()


@pytest.mark.parametrize("target", [None, 3])
def test_the_slope_of_a_patch_is_that_of_finite_differences(target: int | None, rng: Any) -> None:
    aim, pixels = aimed(0, 8, target)
    attack = Patch(size=0.6)
    places = attack.places(rng, pixels)
    patch = rng.uniform(40, 200, (1, 5, 5))
    _, slope = attack.slope(aim, pixels, patch, places)
    assert slope.any()
    for direction in rng.standard_normal((4, *patch.shape)):
        up, down = (attack.slope(aim, pixels, patch + sign * 1e-4 * direction, places)[0] for sign in (1, -1))
        assert (slope * direction).sum() == pytest.approx((up - down) / 2e-4, rel=1e-7)


def test_on_a_linear_net_one_change_is_as_good_as_one_for_each(rng: Any) -> None:
    """Of pictures with one answer: all of eps along the sign of the weights, so eps |w|_1."""
    weights = rng.standard_normal((2, 30))
    net = Net([("fc", Linear(weights, np.array([20.0, 0.0])))])
    model = Model.from_net(net, readers=Numbers(30), scores="classes")
    aim, values = aim_at(model, rng.uniform(-1, 1, (7, 30)))
    assert not aim.labels.any()
    aim = dataclasses.replace(aim, box=dataclasses.replace(aim.box, low=-9.0, high=9.0))
    attack = Universal(eps=0.25, steps=12, loss="margin", batch=4)
    end = last(attack.attempts(aim, values))
    rise = (end.logits - aim.logits(values)) @ [-1, 1]
    np.testing.assert_allclose(rise, 0.25 * np.abs(weights[1] - weights[0]).sum(), atol=1e-6)
    np.testing.assert_allclose(end.pixels - values, np.broadcast_to(end.inner["best"], values.shape), atol=1e-12)


@pytest.mark.parametrize(
    "attack", [Universal(eps=60, steps=9, batch=4), Patch(steps=9, batch=4)], ids=["universal", "patch"]
)
def test_it_goes_on_in_the_middle_of_a_round(attack: Any) -> None:
    aim, pixels = aimed(0, 10)
    whole = list(attack.attempts(aim, pixels, seed=5))
    assert [np.array_equal(attempt.pixels, pixels) for attempt in whole] == [True] * 2 + [False] * 7
    for attempt in whole[:-1]:
        arrays, numbers = attempt.packed()
        *_, end = attack.attempts(aim, pixels, seed=5, state=State(arrays, json.loads(json.dumps(numbers))))
        assert end.pixels.tobytes() == whole[-1].pixels.tobytes()
        assert end.inner["best"].tobytes() == whole[-1].inner["best"].tobytes()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_universal_change_fools_on_digits_that_had_no_part_in_it(norm: Any) -> None:
    """Much more often than random signs of the same size do."""
    eps = {"linf": 80.0, "l2": 400.0}[norm]
    attack = Universal(eps=eps, norm=norm, steps=60)
    aim, pixels = aimed(0, 100)
    end = last(attack.attempts(aim, pixels))
    others, fresh = aimed(100, 200)
    put = attack.put_on(others, end, fresh, np.random.default_rng(0))
    assert put.min() >= 0
    assert put.max() <= 255
    assert size_in(put - fresh, norm).max() <= eps + 1e-9
    rate = others.fooled(others.logits(put)).mean()
    signs = np.random.default_rng(0).integers(0, 2, fresh.shape[1:]) * 2.0 - 1
    noise = others.box.clip(fresh + signs * (eps if norm == "linf" else eps / 8))
    assert rate > 0.55
    assert rate > others.fooled(others.logits(noise)).mean() + 0.25


def test_a_patch_works_at_places_and_on_digits_that_it_has_not_seen() -> None:
    """It takes other digits for a 3; a patch of random pixels hardly ever does."""
    attack = Patch(size=0.75, steps=60, step=16.0)
    aim, pixels = aimed(0, 100, 3)
    end = last(attack.attempts(aim, pixels))
    others, fresh = aimed(100, 200, 3)
    put = attack.put_on(others, end, fresh, np.random.default_rng(9))
    rate = others.fooled(others.logits(put)).mean()
    noise = Attempt.begin(others, fresh, 1, best=np.random.default_rng(0).uniform(0, 255, (1, 6, 6)))
    random = others.fooled(others.logits(attack.put_on(others, noise, fresh, np.random.default_rng(9)))).mean()
    assert rate > 0.45
    assert rate > 3 * random


@pytest.mark.parametrize("size", [0.2, 0.5, 1.0])
def test_a_patch_covers_its_own_square_alone_and_stays_within_0_and_255(size: float, rng: Any) -> None:
    attack = Patch(size=size, smallest=0.5, angle=180.0)
    aim, pixels = aimed(0, 20)
    pixels = np.full_like(pixels, 100.0)  # so that every change is seen
    side = attack.side_of(pixels)
    attempt = Attempt.begin(aim, pixels, 1, best=rng.choice([0.0, 255.0], (1, side, side)))
    put = attack.put_on(aim, attempt, pixels, rng)
    assert put.min() >= 0
    assert put.max() <= 255
    for moved in (put - pixels != 0)[:, 0]:
        rows, columns = (np.flatnonzero(moved.any(axis=axis)) for axis in (1, 0))
        assert np.ptp(rows) < side
        assert np.ptp(columns) < side
    assert side >= LEAST


def test_a_patch_as_it_is_lies_where_it_is_laid(rng: Any) -> None:
    """Neither turned nor scaled: inside the disc the patch, outside the picture."""
    attack = Patch(size=0.6, smallest=1.0, angle=0.0)
    aim, pixels = aimed(0, 5)
    patch = rng.uniform(0, 255, (1, 5, 5))
    put = attack.put_on(aim, Attempt.begin(aim, pixels, 1, best=patch), pixels, np.random.default_rng(2))
    places = attack.places(np.random.default_rng(2), pixels)
    for picture, clean, place in zip(put, pixels, places, strict=True):
        inside = place.forward(disc(5)[None, None])[0] == 1
        assert inside.sum() == disc(5).sum()
        np.testing.assert_allclose(picture[inside], patch[:, disc(5) == 1].ravel())
        np.testing.assert_array_equal(picture[~inside], clean[~inside])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Universal(eps=-1), "at least 0"),
        (lambda: Universal(norm="l0"), "linf and l2"),
        (lambda: Universal(bound=0), "bound"),
        (lambda: Universal(step=float("nan")), "step"),
        (lambda: Universal(batch=0), "batch"),
        (lambda: Patch(size=1.5), "size .* at most 1"),
        (lambda: Patch(smallest=0), "smallest"),
        (lambda: Patch(angle=-1), "0 to 180"),
        (lambda: Patch(norm="linf"), "l0"),
    ],
)
def test_bad_settings_get_a_sentence(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        make()
    assert str(caught.value).endswith(".")


def test_a_patch_needs_a_picture(rng: Any) -> None:
    net = Net([("fc", Linear(rng.standard_normal((2, 5))))])
    aim, values = aim_at(Model.from_net(net, readers=Numbers(5)), rng.uniform(-1, 1, (2, 5)))
    with pytest.raises(SettingError, match="lies on a picture"):
        last(Patch().attempts(aim, values))
