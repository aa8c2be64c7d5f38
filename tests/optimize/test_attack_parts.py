"""The parts of attacks: norms, the box, what is aimed at, the smallest eps; and each attack against its formula."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Linear, Sigmoid, Softmax, Tanh
from minitorch_viz.models.readers import Numbers
from minitorch_viz.optimize.attacks import Attempt, aim_at, attacks, get_attack, get_loss, last, sizes
from minitorch_viz.optimize.attacks.apgd import Apgd, checkpoints
from minitorch_viz.optimize.attacks.fgsm import Fgsm
from minitorch_viz.optimize.attacks.gradient import Gradient
from minitorch_viz.optimize.attacks.growing import doubled, growing
from minitorch_viz.optimize.attacks.losses import LOSSES
from minitorch_viz.optimize.attacks.norms import project, random_in_ball, remark_on, size_in, steepest
from minitorch_viz.optimize.attacks.pgd import Pgd
from minitorch_viz.techniques.state import State
from tests.optimize.test_attacks import digits, pictures


def smooth(rng: np.random.Generator, ending: list[Any] | None = None, classes: int = 5, **settings: Any) -> Model:
    """A net of 6 numbers without kinks."""
    layers = [("fc1", Linear(rng.standard_normal((8, 6)) / 2)), ("tanh", Tanh())]
    layers += [("fc2", Linear(rng.standard_normal((classes, 8))))]
    return Model.from_net(Net([*layers, *(ending or [])]), readers=Numbers(6, std=2.0), **settings)


NETS: dict[str, dict[str, Any]] = {
    "classes": {"scores": "classes"},
    "labels": {"scores": "labels"},
    "yes or no": {"scores": "yes-no", "classes": 1},
    "probabilities": {"ending": [("softmax", Softmax())], "logits": "softmax"},
    "probabilities of labels": {"ending": [("sigmoid", Sigmoid())], "logits": "sigmoid"},
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETS)
def test_the_gradient_by_the_values_is_that_of_finite_differences(name: str, loss: str, rng: Any) -> None:
    model = smooth(rng, **NETS[name])
    aim, values = aim_at(model, rng.standard_normal((3, 6)))
    if loss == "dlr" and len(aim.classes) < 3:
        with pytest.raises(SettingError, match="needs 3 classes, but the net has 2"):
            aim.loss_and_gradient(values, LOSSES[loss])
        return
    _, gradient, _ = aim.loss_and_gradient(values, LOSSES[loss])
    for place in range(6):
        h = 1e-5 * (np.arange(6) == place)
        up, down = (aim.loss_and_gradient(values + sign * h, LOSSES[loss])[0] for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, place], (up - down) / 2e-5, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", NETS)
def test_the_answers_are_the_models_own(name: str, rng: Any) -> None:
    model = smooth(rng, **NETS[name])
    x = rng.standard_normal((4, 6))
    aim, values = aim_at(model, x)
    shares = aim.shares(aim.logits(values))
    answers = model.predict_answers(x)
    np.testing.assert_allclose(shares[:, -answers.shape[1] :], answers, rtol=1e-12)
    if name == "yes or no":
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        np.testing.assert_array_equal(aim.labels == 1, answers[:, 0] > 0.5)


def test_a_slope_that_float32_cannot_hold_is_no_zero() -> None:
    """Seeds of 1e-60 go through a net in float32, scaled, and come back."""
    model = digits()
    aim, pixels = aim_at(model, pictures(2, model))
    passed = aim.forward(pixels)
    seeds = np.zeros((2, 10))
    seeds[:, 3] = 1e-60
    tiny, plain = passed.back(seeds), passed.back(1e60 * seeds)
    np.testing.assert_allclose(tiny * 1e60, plain, rtol=1e-6)
    assert tiny.any()


def test_batches_do_not_matter_but_for_rounding() -> None:
    model = digits(np.float64)
    aim, pixels = aim_at(model, pictures(5, model))
    whole = aim.loss_and_gradient(pixels, get_loss("ce"))
    parts = dataclasses.replace(aim, batch=2).loss_and_gradient(pixels, get_loss("ce"))
    for first, second in zip(whole, parts, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


def test_a_picture_goes_into_the_box_and_back() -> None:
    model = digits(np.float64)
    x = pictures(3, model)
    aim, pixels = aim_at(model, x)
    assert (aim.box.low, aim.box.high, aim.box.grain) == (0, 255, 1)
    np.testing.assert_allclose(aim.box.net(pixels), x, atol=1e-12)
    np.testing.assert_array_equal(aim.box.rounded(pixels + 0.4), np.rint(pixels + 0.4))


def test_numbers_stay_in_their_range_and_constant_ones_get_some(rng: Any) -> None:
    model = smooth(rng)
    x = rng.uniform(-2, 3, (2, 6))
    box = aim_at(model, x)[0].box
    assert (box.low, box.high) == (x.min(), x.max())
    assert "the range of what was given" in box.words
    constant = aim_at(model, np.full((1, 6), 4.0))[0].box
    assert (constant.low, constant.high) == (3.0, 5.0)


def test_what_has_no_answer_or_no_such_class_gets_a_sentence(rng: Any) -> None:
    x = rng.standard_normal((2, 6))
    with pytest.raises(SettingError, match="gives plain numbers, and no class"):
        aim_at(smooth(rng, scores="numbers"), x)
    model = smooth(rng)
    for targets in (5, [1], [0.5, 1.5], [-1, 2]):
        with pytest.raises(SettingError, match="one target for each of 2 inputs, a whole number from 0 to 4"):
            aim_at(model, x, targets=targets)
    answers = aim_at(model, x)[0].labels
    with pytest.raises(SettingError, match="is the answer already"):
        aim_at(model, x, targets=answers)


# ------------------------------------------------------------ norms


def test_the_sizes_of_a_change() -> None:
    change = np.zeros((2, 3, 2, 2))
    change[0, :, 0, 0] = 3, -4, 12
    change[1, 0] = 2
    size = sizes(change)
    np.testing.assert_allclose(size.l2, [13, 4])
    np.testing.assert_allclose(size.linf, [12, 2])
    np.testing.assert_allclose(size.rms, np.array([13, 4]) / np.sqrt(12))
    np.testing.assert_array_equal(size.l0, [1, 4])
    np.testing.assert_array_equal(sizes(change.reshape(2, 12)).l0, [3, 4])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_projection_is_the_nearest_change_within_eps(norm: Any, rng: Any) -> None:
    change = 3 * rng.standard_normal((50, 4))
    nearest = project(change, norm, 2.0)
    assert size_in(nearest, norm).max() <= 2 + 1e-12
    inside = size_in(change, norm) <= 2
    np.testing.assert_array_equal(nearest[inside], change[inside])
    for other in random_in_ball(rng, (200, 1, 4), norm, 2.0):
        assert (((change - other) ** 2).sum(axis=1) >= ((change - nearest) ** 2).sum(axis=1) - 1e-12).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_change_of_size_one_rises_more_than_the_steepest(norm: Any, rng: Any) -> None:
    gradient = rng.standard_normal((1, 7))
    best = steepest(gradient, norm)
    np.testing.assert_allclose(size_in(best, norm), 1)
    others = random_in_ball(rng, (500, 7), norm, 1.0)
    assert (others @ gradient[0]).max() <= (best * gradient).sum()
    dual = np.abs(gradient).sum() if norm == "linf" else np.sqrt((gradient**2).sum())
    np.testing.assert_allclose((best * gradient).sum(), dual)
    np.testing.assert_array_equal(steepest(np.zeros((1, 7)), norm), 0)
    np.testing.assert_allclose(steepest(1e-200 * gradient, norm), best)


def test_random_starts_fill_the_ball_evenly(rng: Any) -> None:
    disc = random_in_ball(rng, (20_000, 2), "l2", 3.0)
    radii = np.sqrt((disc**2).sum(axis=1))
    assert radii.max() <= 3
    assert abs((radii < 1.5).mean() - 0.25) < 0.01  # a quarter of the area
    assert np.abs(disc.mean(axis=0)).max() < 0.05
    square = random_in_ball(rng, (20_000, 2), "linf", 3.0)
    assert np.abs(square).max() <= 3
    assert abs((np.abs(square).max(axis=1) < 1.5).mean() - 0.25) < 0.01


def test_an_eps_of_another_norm_is_told() -> None:
    assert "0.021 grey levels a value" in remark_on(8.0, "l2", 150_528)
    assert "a share of 0.03 of the full range would be 7.65" in remark_on(0.03, "linf", 784)
    assert remark_on(8.0, "linf", 784) == remark_on(776.0, "l2", 150_528) == ""


# ------------------------------------------------------------ each attack, by its formula


def test_fgsm_is_one_step_along_the_sign_or_the_gradient() -> None:
    model = digits(np.float64)
    aim, pixels = aim_at(model, pictures(4, model))
    _, gradient, _ = aim.loss_and_gradient(pixels, get_loss("ce"))
    lengths = np.sqrt((gradient**2).sum(axis=(1, 2, 3), keepdims=True))
    for norm, step in (("linf", 9 * np.sign(gradient)), ("l2", 60 * gradient / lengths)):
        end = last(Fgsm(norm=norm, eps={"linf": 9.0, "l2": 60.0}[norm]).attempts(aim, pixels))
        np.testing.assert_allclose(end.pixels, np.clip(pixels + step, 0, 255), rtol=1e-12)
        assert end.passes == 4  # the pictures, there and back, and what became of them


def test_one_step_of_pgd_from_the_picture_is_fgsm() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(4, model))
    one = last(Pgd(eps=30.0, steps=1, start="clean").attempts(aim, pixels))
    np.testing.assert_array_equal(one.pixels, last(Fgsm(eps=30.0).attempts(aim, pixels)).pixels)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pgd_is_its_formula(norm: Any) -> None:
    """Step by step, from the same random start, the best place kept."""
    model = digits(np.float64)
    aim, pixels = aim_at(model, pictures(3, model))
    eps, loss = {"linf": 25.0, "l2": 150.0}[norm], get_loss("ce")
    end = last(Pgd(norm=norm, eps=eps, steps=6).attempts(aim, pixels, seed=5))
    rng = np.random.default_rng(5)
    x = np.clip(pixels + random_in_ball(rng, pixels.shape, norm, eps), 0, 255)
    best, best_value = pixels.copy(), np.full(3, -np.inf)
    for number in range(7):
        values, gradient, logits = aim.loss_and_gradient(x, loss)
        for i in range(3):
            fools = [int(aim.of([i]).fooled(each[None])[0]) for each in (aim.logits(best)[i], logits[i])]
            if (fools[1], values[i]) > (fools[0], best_value[i]):
                best[i], best_value[i] = x[i], values[i]
        if number < 6:
            moved = x + 2.5 / 6 * eps * steepest(gradient, norm) - pixels
            x = np.clip(pixels + project(moved, norm, eps), 0, 255)
    np.testing.assert_allclose(end.pixels, best, rtol=1e-12)
    assert end.passes == 14


def test_a_restart_is_for_those_that_are_not_fooled() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(12, model))
    attempts = list(Pgd(eps=20.0, steps=4, restarts=3).attempts(aim, pixels))
    first, end = attempts[3], attempts[-1]
    assert 0 < first.fooled.sum() < 12
    np.testing.assert_array_equal(end.pixels[first.fooled], first.pixels[first.fooled])
    np.testing.assert_array_equal(attempts[4].inner["rows"], np.flatnonzero(~first.fooled))
    fooled = Pgd(eps=255.0, steps=4, restarts=3)
    easy = list(fooled.attempts(aim, pixels))
    assert easy[3].fooled.all()
    assert easy[-1].passes == easy[3].passes  # nothing is left to do


def test_the_gradient_attack_rests_where_the_net_is_fooled() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(6, model))
    attempts = list(Gradient(step=20.0, steps=60).attempts(aim, pixels))
    assert attempts[-1].fooled.all()
    for before, after in itertools.pairwise(attempts):
        np.testing.assert_array_equal(before.pixels[before.fooled], after.pixels[before.fooled])
    first = attempts[0].inner["x"] - pixels
    assert (size_in(first, "l2") <= 20 + 1e-9).all()


def test_the_step_of_rows_is_in_255ths_of_their_range(rng: Any) -> None:
    model = smooth(rng)
    aim, values = aim_at(model, rng.uniform(-1, 1, (1, 6)))
    first = next(iter(Gradient(step=5.0).attempts(aim, values)))
    np.testing.assert_allclose(size_in(first.inner["x"] - values, "l2"), 5 * aim.box.span / 255, rtol=1e-9)


def test_the_checkpoints_are_the_papers() -> None:
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(3)[0] == 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_apgd_is_algorithm_1_of_its_paper(norm: Any) -> None:
    """For one picture at a time, as the paper writes it: x_0, the full first step, momentum 0.75, two conditions."""
    model = digits(np.float64)
    aim, pixels = aim_at(model, pictures(4, model), targets=np.array([8, 3, 9, 0]))
    eps, loss, steps = {"linf": 30.0, "l2": 180.0}[norm], get_loss("ce"), 30
    attempts = list(Apgd(norm=norm, eps=eps, steps=steps).attempts(aim, pixels, seed=2))
    starts = pixels + random_in_ball(np.random.default_rng(2), pixels.shape, norm, eps)
    halvings = 0
    for i in range(4):
        clean, part = pixels[[i]], aim.of([i])
        nearest = lambda z, clean=clean: np.clip(clean + project(z - clean, norm, eps), 0, 255)
        f = lambda z, part=part: part.loss_and_gradient(z, loss)
        before = x = np.clip(starts[[i]], 0, 255)
        best, top, step, rises, halved = x, f(x)[0][0], 2 * eps, 0, True
        value, then, place = top, top, 0
        for k in range(steps):
            z = nearest(x + step * steepest(f(x)[1], norm))
            share = 0.75 if k else 1.0
            before, x = x, nearest(x + share * (z - x) + (1 - share) * (x - before))
            new = f(x)[0][0]
            rises += new > value
            value = new
            if value > top:
                best, top = x, value
            if k + 1 in checkpoints(steps):
                halved = rises < 0.75 * (k + 1 - place) or (not halved and top == then)
                if halved:
                    step, x, value, halvings = step / 2, best, top, halvings + 1
                then, place, rises = top, k + 1, 0
            np.testing.assert_allclose(attempts[k].inner["x"][i], x[0], rtol=1e-9, atol=1e-9)
            assert attempts[k].inner["step"][i] == step
    assert halvings > 4


def test_apgd_raises_the_loss_at_least_as_far_as_pgd() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(40, model))
    ends = [last(kind(eps=25.0, steps=40).attempts(aim, pixels)) for kind in (Pgd, Apgd)]
    assert ends[1].fooled.sum() >= ends[0].fooled.sum()
    values = [aim.loss(end.logits, get_loss("ce"))[0].mean() for end in ends]
    assert values[1] > 0.98 * values[0]


# ------------------------------------------------------------ the smallest eps


def test_each_picture_gets_the_smallest_eps_that_is_enough() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(10, model))
    tried = (4.0, 16.0, 64.0, 250.0)
    attack = Pgd(steps=5)
    end = last(growing(attack, aim, pixels, tried, seed=1))
    assert end.fooled.all()
    assert end.done == end.total
    eps = end.inner["eps"]
    assert len(np.unique(eps)) > 1
    assert (size_in(end.pixels - pixels, "linf") <= eps + 1e-9).all()
    for number, size in enumerate(tried):
        here = last(dataclasses.replace(attack, eps=size).attempts(aim, pixels, seed=1)).fooled
        if number == 0:
            np.testing.assert_array_equal(eps == size, here)
    assert doubled(aim.box, "linf", 64)[:3] == (1, 2, 4)
    assert doubled(aim.box, "l2", 64)[0] == 8


@pytest.mark.parametrize("name", [name for name, kind in attacks().items() if kind.kind == "fixed eps"])
def test_a_search_goes_on_from_any_state_to_the_same_bits(name: str) -> None:
    cls = get_attack(name)
    fields = {field.name for field in dataclasses.fields(cls)}
    if "eps" not in fields:
        pytest.skip("it has no eps")
    attack = cls(**({"steps": 3} if "steps" in fields else {}))
    model = digits()
    aim, pixels = aim_at(model, pictures(5, model))
    whole: list[Attempt] = list(growing(attack, aim, pixels, (4.0, 30.0, 200.0), seed=1))
    for attempt in whole[:-1]:
        arrays, numbers = attempt.packed()
        state = State(arrays, json.loads(json.dumps(numbers)))
        *_, end = growing(attack, aim, pixels, (4.0, 30.0, 200.0), seed=1, state=state)
        assert (end.done, end.total, end.passes) == (whole[-1].done, whole[-1].total, whole[-1].passes)
        assert end.pixels.tobytes() == whole[-1].pixels.tobytes()
        np.testing.assert_array_equal(end.inner["eps"], whole[-1].inner["eps"])


def test_what_is_to_be_sure_gets_more() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(6, model))
    tried = (8.0, 32.0, 64.0, 128.0, 255.0)
    plain, sure = (last(growing(Pgd(steps=10), aim, pixels, tried, sure=share)) for share in (0.0, 0.99))
    assert plain.fooled.all()
    assert (aim.shares(sure.logits).max(axis=1) >= 0.99).all()
    assert not (aim.shares(plain.logits).max(axis=1) >= 0.99).all()


def test_the_smallest_change_is_not_searched_twice() -> None:
    model = digits()
    aim, pixels = aim_at(model, pictures(1, model))
    with pytest.raises(SettingError, match="gradient looks for the smallest change itself"):
        next(growing(Gradient(), aim, pixels, (1.0,)))
