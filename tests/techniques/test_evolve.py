"""Evolved pictures: a planted optimum, champions that never get worse, states of other lengths, words, and digits."""

from __future__ import annotations

import dataclasses
import itertools
import time
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, Linear
from minitorch_viz.techniques.optimization._evolve_words import percent
from minitorch_viz.techniques.optimization.evolve import TECHNIQUE, Evolved, evolve
from minitorch_viz.techniques.run import Pace
from tests.measured_figures import check

DIGITS = load_model("digits")


def quarters(classes: int = 4, scores: str | None = None, factor: float = 6.0) -> Model:
    """A net of 8 x 8 grey pixels: class k likes white in the k-th part of the rows and black elsewhere."""
    weights = np.zeros((classes, 8, 8))
    for number, rows in enumerate(np.array_split(np.arange(8), classes)):
        weights[number, rows] = factor / (8 * len(rows))
    net = Net([("flat", Flatten()), ("fc", Linear(weights.reshape(classes, 64)))])
    return Model.from_net(net, (1, 8, 8), scores=scores)


@pytest.fixture(scope="module")
def results() -> list[Evolved]:
    """Every generation of an evolution on digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "due", lambda self: True)
        return list(evolve.each(DIGITS, population=30, generations=12, seed=2))


def confidences(model: Model, result: Evolved) -> np.ndarray:
    """What the net says of the pixels that are shown, each preprocessed as a photo is."""
    x = np.concatenate([model.preprocess(np.broadcast_to(p, (*p.shape[:2], 3))) for p in result.pixels])
    return model.predict_answers(x)[range(len(x)), result.numbers]


def test_champions_never_get_worse_and_are_counted(results: list[Evolved]) -> None:
    assert [result.done for result in results] == [*range(1, 13)]
    for before, after in itertools.pairwise(results):
        assert (after.champions >= before.champions).all()
        same = after.champions == before.champions
        np.testing.assert_array_equal(after.pixels[same], before.pixels[same])
        np.testing.assert_array_equal(after.born, np.where(same, before.born, after.done))
        np.testing.assert_array_equal(after.quantiles[: before.done], before.quantiles[: before.done])
    last = results[-1]
    assert last.champions.mean() > results[0].champions.mean() + 0.01
    np.testing.assert_array_equal(last.quantiles[-1], np.quantile(last.champions, [0, 0.25, 0.5, 0.75, 1]))
    assert last.sure[-1] == (last.champions >= 0.99).sum()
    assert np.isnan(results[3].quantiles[4:]).all()
    assert np.isnan(results[3].sure[4:]).all()


def test_the_confidence_is_that_of_the_very_pixels_that_are_shown(results: list[Evolved]) -> None:
    np.testing.assert_allclose(confidences(DIGITS, results[-1]), results[-1].confidences, rtol=1e-4)
    assert results[-1].pixels.shape == (10, 8, 8, 1)
    colours = evolve(load_model("cifar10"), population=8, generations=2)
    assert colours.pixels.shape == (10, 32, 32, 3)
    np.testing.assert_allclose(confidences(load_model("cifar10"), colours), colours.confidences, rtol=1e-4)


def test_the_planted_picture_of_each_class_is_found() -> None:
    model = quarters()
    result = evolve(model, encoding="direct", population=100, generations=120)
    most = np.exp(6) / (np.exp(6) + 3)  # its own rows white, all others black
    assert (result.champions > 0.99 * most).all()
    assert (result.champions <= most).all()
    for number, rows in enumerate(np.array_split(np.arange(8), 4)):
        level = result.pixels[number, ..., 0].mean(axis=1)
        assert level[rows].mean() > 200
        assert np.delete(level, rows).mean() < 55


def test_labels_beside_one_another_are_evolved_by_their_sigmoids() -> None:
    result = evolve(quarters(scores="labels"), population=30, generations=10)
    assert result.noun == "label"
    white = 1 / (1 + np.exp(-6))
    assert (result.champions > 0.95 * white).all()
    assert "for each label" in result.caption
    lone = evolve(quarters(1, scores="yes-no"), population=10, generations=3)
    assert lone.champions.shape == (1,)
    check(lone.figure())


def test_only_named_classes_are_evolved() -> None:
    result = evolve(DIGITS, target="8,3,8", population=20, generations=3)
    assert result.numbers.tolist() == [8, 3]
    assert result.names == ("8", "3")
    assert result.champions.shape == (2,)
    check(result.figure())
    lone = evolve(DIGITS, target=[1], population=4, generations=1, judge="digits_linear")
    assert lone.names == ("1",)
    assert "for the class 1 the one" in lone.caption
    assert "of 1 picture for" in " ".join(lone.notes)
    check(lone.figure())


def test_of_many_classes_the_surest_are_shown() -> None:
    model = load_model("scenes")
    result = evolve(model, population=24, generations=2, judge="scenes_liar")
    assert len(result.champions) == len(model.class_names) == 22
    assert len(result.pixels) == len(result.opinions) == 20
    assert (np.diff(result.confidences) <= 0).all()
    np.testing.assert_array_equal(result.confidences, np.sort(result.champions)[::-1][:20])
    assert "for the 20 surest of 22 classes the one" in result.caption
    check(result.figure())


def test_a_state_goes_on_to_more_generations() -> None:
    settings = {"population": 16, "encoding": "direct"}
    short, whole = (evolve(DIGITS, generations=count, **settings) for count in (3, 7))
    longer = evolve(DIGITS, generations=7, state=short.state, **settings)
    for field in dataclasses.fields(whole):
        np.testing.assert_equal(getattr(longer, field.name), getattr(whole, field.name))
    with pytest.raises(SettingError, match="has 7 generations already; give generations=7 or more"):
        evolve(DIGITS, generations=4, state=whole.state, **settings)


def test_the_file_of_a_state_serves_more_generations_and_other_judges(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["evolve", "--model", "digits", "--population", "12", "--resume", "run.state", "--out", "a.png"]
    assert main([*command, "--generations", "2"]) == 0
    assert main([*command, "--generations", "3", "--judge", "digits_linear", "--film", "a.gif"]) == 0
    assert "digits_linear, which had no part in it, takes" in capsys.readouterr().out
    assert (tmp_path / "a.gif").stat().st_size > 1000
    assert main([*command, "--generations", "3", "--encoding", "direct"]) == 2
    assert "with --encoding cppn, not --encoding direct" in capsys.readouterr().err
    assert main([*command, "--generations", "1"]) == 2
    assert "has 3 generations already; give --generations 3 or more." in capsys.readouterr().err


def test_the_seed_decides() -> None:
    first, again, other = (evolve(DIGITS, population=10, generations=3, seed=seed) for seed in (1, 1, 2))
    assert first.pixels.tobytes() == again.pixels.tobytes() != other.pixels.tobytes()
    np.testing.assert_array_equal(first.quantiles, again.quantiles)


def test_another_net_says_what_it_sees() -> None:
    result = evolve(DIGITS, population=20, generations=4, judge="digits_linear")
    judge = load_model("digits_linear")
    ranks = []
    for picture, opinion, number in zip(result.pixels, result.opinions, result.numbers, strict=True):
        answers = judge.predict_answers(judge.preprocess(picture.repeat(3, axis=2)))[0]
        assert opinion.best == str(answers.argmax())
        ranks.append(1 + (answers > answers[number]).sum())
    assert [opinion.rank for opinion in result.opinions] == ranks
    assert f"takes {ranks.count(1)} of 10 pictures for the same class" in " ".join(result.notes)
    stranger = evolve(DIGITS, population=4, generations=1, judge="cifar10")
    assert "cifar10 has no class of these names" in " ".join(stranger.notes)


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "> 99.999 %"), (0.9999949, "> 99.999 %"), (0.99999, "99.999 %"), (0.9989996, "99.899 %"), (0.99, "99.000 %"),
     (0.98999, "98.9 %"), (0.5, "50.0 %"), (0.0123, "1.2 %"), (0.00001, "0.001 %"), (0.0, "0 %")],
)  # fmt: skip
def test_a_percentage_is_never_rounded_up_to_what_it_does_not_reach(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"encoding": "cpnn"}, "near encodings: cppn"),
        ({"encoding": None}, "There is no encoding None"),
        ({"target": "flamingo"}, "knows no class 'flamingo'"),
        ({"target": 10}, "10"),
        ({"target": []}, "empty list"),
        ({"population": 1}, "population must be a whole number from 2"),
        ({"population": 2.5}, "population"),
        ({"generations": 0}, "number of generations must be a whole number from 1"),
        ({"seed": -1}, "seed"),
        ({"judge": "digits"}, "second opinion"),
        ({"judge": "digts"}, "digits"),
    ],
)
def test_a_setting_that_does_not_fit_gets_a_sentence(settings: dict, words: str) -> None:
    with pytest.raises(MinitorchVizError, match=words):
        evolve(DIGITS, **settings)


def test_a_net_that_is_not_sure_of_anything_is_refused(rng) -> None:
    numbers = quarters(scores="numbers")
    with pytest.raises(SettingError, match="gives plain numbers, and is not more or less sure"):
        evolve(numbers)
    assert TECHNIQUE.refuses(numbers)
    maps = Model.from_net(Net([("conv", Conv2d.random(rng, 3, 2, 3))]), 8)
    with pytest.raises(SettingError, match="is no classifier"):
        evolve(maps)


def test_answers_that_are_not_numbers_are_told() -> None:
    broken = Model.from_net(Net([("flat", Flatten()), ("fc", Linear(np.full((3, 64), np.nan)))]), (1, 8, 8))
    with pytest.raises(SettingError, match="not finite"):
        evolve(broken, population=4, generations=2)


def test_digits_are_soon_sure() -> None:
    """The quick counterpart of the nightly test: a hundred pictures, a dozen generations."""
    result = evolve(load_model("mnist"), population=100, generations=12)
    assert result.sure[-1] >= 3
    assert np.median(result.champions) > 0.9
    check(result.figure())


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_at_least_eight_of_ten_digits_in_under_five_minutes(seed: int) -> None:
    """99 % sure, with the default settings."""
    begin = time.monotonic()
    result = evolve(load_model("mnist"), seed=seed)
    seconds = time.monotonic() - begin
    reached = int(np.flatnonzero(result.sure >= 8)[0]) + 1
    print(f"seed {seed}: {int(result.sure[-1])} of 10 digits, {seconds:.0f} s; 8 of 10 after {reached} generations")
    assert result.sure[-1] >= 8
    assert seconds < 300
