"""Fooling by one change for all pictures: made of others, carried to the photo, counted on pictures without a part."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Linear
from minitorch_viz.models import Numbers
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.optimize.attacks import aim_at
from minitorch_viz.optimize.attacks.carried import carried, companions_of
from minitorch_viz.optimize.attacks.pgd import Pgd
from minitorch_viz.techniques import get_technique
from minitorch_viz.techniques.optimization import _others
from minitorch_viz.techniques.run import Pace

fooling = get_technique("fooling").compute
WAYS = {"universal": {"eps": 90.0}, "patch": {"target": 8}}


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


@pytest.mark.parametrize("attack", WAYS)
def test_the_photo_gets_a_change_that_was_made_of_others(attack: str, digits: Model) -> None:
    """The same change, whatever the photo is; its own pixels have no part in it."""
    settings = {"attack": attack, "pictures": load_digits()[0], "steps": 20, **WAYS[attack]}
    results = [fooling(digits, sample_digit(d), **settings) for d in (3, 5)]
    if attack == "universal":
        assert all(result.linf <= 90 + 1e-9 for result in results)
        first, second = (result.change for result in results)
        inside = [(r.fooling[..., 0] > 0) & (r.fooling[..., 0] < 255) for r in results]
        np.testing.assert_allclose(first[0][inside[0] & inside[1]], second[0][inside[0] & inside[1]], atol=1e-5)
        assert (inside[0] & inside[1]).any()
    else:
        assert all(0 < result.l0 <= 9 for result in results)  # a square of 3 of the 8 x 8 pixels
    for result in results:
        words = re.search(
            r"made of (\d+) other pictures, of which it fools (\d+)%; of (\d+) that", " ".join(result.notes)
        )
        assert words is not None
        assert 100 < int(words[1]) <= 128
        assert int(words[3]) in (int(words[1]) - 1, int(words[1]))


@pytest.mark.parametrize("attack", WAYS)
def test_it_goes_on_from_any_result_to_the_same_bits(attack: str, digits: Model, monkeypatch) -> None:
    monkeypatch.setattr(Pace, "due", lambda self: True)
    settings = {"attack": attack, "steps": 7, **WAYS[attack]}
    whole = list(fooling.each(digits, sample_digit(3), **settings))
    assert [result.done for result in whole] == [*range(1, 8)]
    assert "will be tried on" in " ".join(whole[0].notes)
    for result in whole[:-1]:
        *_, end = fooling.each(digits, sample_digit(3), **settings, state=result.state)
        assert end.change.tobytes() == whole[-1].change.tobytes()
        assert end.notes == whole[-1].notes


def test_the_rates_are_counted_on_the_pictures_that_are_named(digits: Model) -> None:
    """Without any room for a change nothing is fooled; with all of it more of both halves."""
    data = load_digits()[1]
    none, much = (
        fooling(digits, sample_digit(3), attack="universal", eps=eps, steps=8, pictures=data) for eps in (1e-9, 120.0)
    )
    assert "of which it fools 0%" in " ".join(none.notes)
    rates = [int(number) for number in re.findall(r"it fools (\d+)%", " ".join(much.notes))]
    assert min(rates) > 50


def test_rows_of_a_table_have_one_change_within_the_range_of_all(rng: np.random.Generator) -> None:
    weights = rng.standard_normal((2, 6))
    model = Model.from_net(Net([("fc", Linear(weights))]), readers=Numbers(6), scores="classes")
    table = rng.uniform(-1, 1, (40, 6))
    table[(table @ (weights[1] - weights[0])) > 0] *= -1  # all of one class
    row = table[0] * 0.5
    result = fooling(model, row, attack="universal", eps=0.5, pictures=table, steps=30)
    wanted = np.clip(row + 0.5 * np.sign(weights[1] - weights[0]), table.min(), table.max())
    np.testing.assert_allclose(row + result.change, wanted, atol=1e-6)
    assert result.fooled == (wanted @ (weights[1] - weights[0]) > 0)


def test_those_of_the_target_are_left_out(digits: Model) -> None:
    x = np.concatenate([digits.read(sample_digit(d)) for d in (3, 5, 8, 8, 5)])
    aim, pixels = aim_at(digits, x[:1], targets=8)
    companions = companions_of(aim, aim.box.values(x[1:]))
    assert companions.making.labels.tolist() == [5]
    assert companions.judging.labels.tolist() == [5]
    with pytest.raises(SettingError, match="that are not of the target, but there are 1"):
        companions_of(aim, aim.box.values(x[1:4]))
    with pytest.raises(SettingError, match="pgd makes a change for each picture"):
        next(carried(Pgd(), companions, aim, pixels))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attack": "universal", "start": "noise"}, "noise is none"),
        ({"attack": "universal", "eps": -1.0}, "at least 0"),
        ({"attack": "universal", "norm": "l0"}, "linf and l2"),
        ({"attack": "patch", "eps": 8.0}, "patch takes no eps: it covers a part"),
        ({"attack": "patch", "target": "3"}, "is the answer already"),
        (
            {"attack": "universal", "pictures": [np.zeros((8, 8), np.uint8)]},
            "at least 2 beside this one, but there are 1",
        ),
        ({"attack": "universal", "pictures": "nowhere"}, "no folder nowhere"),
    ],
    ids=str,
)
def test_bad_settings_get_a_sentence(settings: dict[str, object], message: str, digits: Model) -> None:
    with pytest.raises(Exception, match=message) as caught:
        fooling(digits, sample_digit(3), **settings)
    assert str(caught.value).endswith(".")


def test_pictures_that_are_not_used_are_told(digits: Model) -> None:
    result = fooling(digits, sample_digit(3), steps=2, pictures=load_digits()[1])
    assert "pgd makes a change of this picture alone: pictures= was not used." in result.notes


def test_other_pictures_are_spread_evenly_and_never_the_photo_itself(digits: Model) -> None:
    data = load_digits()[1]
    x = digits.read(data.images[0][..., None].repeat(3, axis=2))
    others = _others.others_of(digits, x, data, 4)
    assert len(others.inputs) == 4
    numbers = [int(name.split()[-1]) for name in others.names]
    assert numbers == [round(i * (len(data) - 1) / 4) for i in (1, 2, 3, 4)]
