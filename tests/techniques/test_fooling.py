"""Fooling: what is said of the change is so, and every attack of the registry can be asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Linear, ReLU, Tanh
from minitorch_viz.models import Numbers
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.optimize.attacks import attacks, get_attack
from minitorch_viz.techniques import fooling, get_technique
from minitorch_viz.techniques.optimization._fooling_figure import in_percent
from minitorch_viz.techniques.optimization.fooling import Fooled


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


def rows_net(scores: str = "classes", classes: int = 3) -> Model:
    """A net of four numbers with a mean and a deviation each."""
    rng = np.random.default_rng(0)
    layers = [("fc1", Linear(rng.standard_normal((8, 4)))), ("tanh", Tanh())]
    net = Net([*layers, ("fc2", Linear(rng.standard_normal((classes, 8))))])
    names = ["left", "middle", "right"][:classes]
    reader = Numbers(4, mean=(1, 20, 300, 4), std=(1, 10, 100, 0.1), names=("a", "b", "c", "d"))
    return Model.from_net(net, readers=reader, scores=scores, class_names=names)


ROW = np.array([1.5, 12.0, 350.0, 3.9])


def test_what_is_said_of_the_change_is_so(digits: Model) -> None:
    result = fooling(digits, sample_digit(3), target=8)
    assert (result.old, result.new, result.target, result.fooled) == ("3", "8", "8", True)
    assert result.eps == 2 ** round(np.log2(result.eps))  # of those that are tried
    change = result.change
    assert change.shape == (1, 8, 8)
    assert result.linf == np.abs(change).max() <= result.eps + 1e-9
    assert result.l2 == pytest.approx(np.sqrt((change**2).sum()), rel=1e-12)
    assert result.rms == pytest.approx(result.l2 / 8, rel=1e-12)
    assert result.l0 == (change != 0).sum()
    difference = result.fooling.astype(float) - result.picture
    assert np.abs(difference[..., 0] - change[0]).max() <= 1  # both are rounded
    assert digits.classify(result.fooling, top=1)[0].name == result.trials[0].answer
    assert "in steps of 0 to 255" in result.caption
    for number in (f"{result.l2:.4g} in L2", f"{result.linf:.3g} in L-infinity", f"{result.rms:.3g} a value"):
        assert number in result.caption


def test_the_answers_are_the_nets(digits: Model) -> None:
    result = fooling(digits, sample_digit(3), target=8)
    predictions = digits.classify(sample_digit(3), top=5)
    assert result.before.names == tuple(prediction.name for prediction in predictions)
    np.testing.assert_allclose(result.before.shares, [prediction.probability for prediction in predictions], rtol=1e-4)
    assert result.after.names[0] == "8"
    assert result.share_new[-1] == pytest.approx(result.after.shares[0], rel=1e-12)
    assert len(result.share_new) == result.total == result.done


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_an_eps_that_is_given_is_kept(norm: Any, digits: Model) -> None:
    eps = {"linf": 30.0, "l2": 100.0}[norm]
    result = fooling(digits, sample_digit(3), eps=eps, norm=norm, steps=10)
    assert result.eps == eps
    assert getattr(result, norm) <= eps + 1e-9
    assert result.total == 10
    assert result.steps_each == 0


def test_the_smallest_of_the_doubled_eps_is_taken(digits: Model) -> None:
    found = fooling(digits, sample_digit(3), steps=10)
    assert found.fooled
    assert not fooling(digits, sample_digit(3), steps=10, eps=found.eps / 2).fooled
    assert fooling(digits, sample_digit(3), steps=10, eps=found.eps).change.tobytes() == found.change.tobytes()


def test_what_does_not_fool_is_told(digits: Model) -> None:
    result = fooling(digits, sample_digit(3), eps=0.5, target=8, steps=3)
    assert not result.fooled
    assert any("not fooled: the answer is not 8" in note for note in result.notes)
    assert any("less than one grey level; a share of 0.5 of the full range would be 127.5" in n for n in result.notes)
    assert "not fooled" in repr(result)
    faint = fooling(digits, sample_digit(3), eps=0.5, norm="l2", steps=3)
    assert any("An L2 eps of 0.5 over 64 values is 0.062 grey levels a value" in note for note in faint.notes)


def test_noise_becomes_what_the_net_is_sure_of(digits: Model) -> None:
    result, again, other = (fooling(digits, sample_digit(3), start="noise", seed=seed) for seed in (1, 1, 2))
    assert result.target == "3"  # what it sees in the photo
    assert result.after.names[0] == "3"
    assert result.after.shares[0] >= 0.99
    assert np.ptp(result.picture) > 200
    assert result.fooling.tobytes() == again.fooling.tobytes() != other.fooling.tobytes()
    assert result.photo is None
    assert "to noise" in result.caption
    assert fooling(digits, sample_digit(3), start="noise", target=5).after.names[0] == "5"


def test_the_class_is_meant_by_its_name_or_number(digits: Model) -> None:
    by_name, by_number = (fooling(digits, sample_digit(3), target=target, steps=3) for target in ("8", 8))
    assert by_name.change.tobytes() == by_number.change.tobytes()
    with pytest.raises(SettingError, match="ostrich"):
        fooling(digits, sample_digit(3), target="ostrich")


@pytest.mark.parametrize("name", attacks())
def test_every_attack_can_be_asked_for(name: str, digits: Model) -> None:
    kind = get_attack(name)
    names = {field.name for field in dataclasses.fields(kind)}
    settings = {"steps": 3} if "steps" in names else {}
    result = fooling(digits, sample_digit(3), attack=name, **settings)
    assert isinstance(result, Fooled)
    assert result.attack == name
    assert kind.paper in result.caption
    assert kind.title in result.caption
    assert result.norm in kind.norms
    assert np.isfinite(result.eps) == ("eps" in names)
    assert result.done == result.total
    assert result.fooling.min() >= 0
    assert len(result.trials) == 3


def test_the_manual_names_every_attack() -> None:
    words = get_technique("fooling").options["attack"].help.replace(";", ",").replace(",", " ").split()
    assert set(attacks()) <= set(words)


def test_a_setting_that_an_attack_has_not_is_refused(digits: Model) -> None:
    for name, kind in attacks().items():
        names = {field.name for field in dataclasses.fields(kind)}
        for setting, value in (("eps", 8.0), ("steps", 3), ("restarts", 2)):
            if setting not in names:
                with pytest.raises(SettingError, match=f"{name} "):
                    fooling(digits, sample_digit(3), attack=name, **{setting: value})


# ------------------------------------------------------------ rows, yes or no, labels


def test_a_row_changes_in_the_users_units() -> None:
    model = rows_net()
    result = fooling(model, ROW)
    assert result.fooled
    assert result.change.shape == (4,)
    np.testing.assert_allclose(result.fooling, ROW + result.change, rtol=1e-5)
    assert result.linf == pytest.approx(np.abs(result.change / [1, 10, 100, 0.1]).max(), rel=1e-4)
    assert not result.pixels
    assert result.trials == ()
    assert any("The numbers are no pixels of 0 to 255" in note for note in result.notes)
    assert "columns differ" in result.caption
    assert result.frame.shape[2] == 3
    assert min(result.frame.shape[:2]) >= 128


def test_a_net_that_says_yes_or_no_can_be_made_to_say_the_other() -> None:
    model = rows_net("yes-no", 1)
    result = fooling(model, ROW)
    assert {result.old, result.new} == {"left", "not left"}
    assert sum(result.before.shares) == pytest.approx(1)
    assert fooling(model, ROW, target=result.new).fooled
    with pytest.raises(SettingError, match="is the answer already"):
        fooling(model, ROW, target=result.old)


def test_labels_beside_one_another_are_told() -> None:
    result = fooling(rows_net("labels"), ROW)
    assert any("labels beside one another" in note for note in result.notes)
    np.testing.assert_allclose(sorted(result.before.shares), sorted(rows_net("labels").predict_answers(
        rows_net().read(ROW))[0]), rtol=1e-5)  # fmt: skip


def test_a_gradient_of_zero_is_told() -> None:
    """Where no ReLU fires there is no way to follow."""
    layers = [("fc1", Linear(np.ones((5, 4)), np.full(5, -1e6))), ("relu", ReLU()), ("fc2", Linear(np.ones((2, 5))))]
    model = Model.from_net(Net(layers), readers=Numbers(4), scores="classes")
    result = fooling(model, [1.0, 2, 3, 4], eps=0.5, steps=2)
    assert not result.fooled
    assert any("gradient is exactly 0" in note for note in result.notes)
    assert not any("gradient is exactly 0" in note for note in fooling(rows_net(), ROW, eps=0.5, steps=2).notes)


def test_nets_without_an_answer_are_refused() -> None:
    with pytest.raises(SettingError, match="gives plain numbers, and no class"):
        fooling(rows_net("numbers"), ROW)


# ------------------------------------------------------------ from the command line


def test_a_film_a_budget_and_an_eps_of_another_norm(tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fooling", "--model", "digits", "--target", "8", "--steps", "5", "--film", "f.gif"]) == 0
    assert (tmp_path / "f.gif").stat().st_size > 1000
    assert main(["fooling", "--model", "digits", "--eps", "776"]) == 2
    assert "norm l2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.99999, "99.9 %"), (0.996, "99.6 %"), (0.56, "56 %"), (0.0123, "1.2 %"), (1e-9, "<0.1 %")],
)
def test_a_probability_is_never_said_to_be_more_than_it_is(share: float, text: str) -> None:
    assert in_percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


# ------------------------------------------------------------ photos


@pytest.mark.slow
def test_a_bus_becomes_an_ostrich(googlenet: Model, shared_data: Any) -> None:
    """With the default settings, by a change that nobody sees."""
    bus = str(shared_data / "photos" / "school_bus.jpg")
    result = fooling(googlenet, bus, target="ostrich")
    assert (result.old, result.new) == ("school bus", "ostrich")
    assert result.eps == result.linf == 2
    assert result.rms < 2
    assert result.after.shares[0] > 0.5
    assert result.trials[0].fooled
