"""Presets: their tables against the published numbers, their steps against the formulas, and that each one climbs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from minitorch_viz.errors import SettingError
from minitorch_viz.models import load_model
from minitorch_viz.objectives import Each, Unit
from minitorch_viz.optimize.ascent import Ascent, ascend
from minitorch_viz.optimize.presets import Preset, Request, get_preset, presets
from minitorch_viz.optimize.presets._yosinski import STEEPNESS
from minitorch_viz.optimize.score import score_of
from minitorch_viz.optimize.stage import Moment
from minitorch_viz.optimize.units import Units

PLAIN = [
    "none",
    "erhan",
    "simonyan",
    "mahendran",
    "mordvintsev",
    "oygard",
    "deepdraw",
    "nguyen2015",
    "tyka",
    "laplacian",
]
HERE = [*PLAIN, "ours", *(f"yosinski-{row}" for row in (1, 2, 3, 4))]


def climbed(name: str, net: str = "digits", steps: int = 1000, classes: tuple[int, ...] = (0, 3)) -> list[Ascent]:
    model = load_model(net)
    preset = get_preset(name)
    objective = Each(tuple(Unit(model.logits, (i,)) for i in classes))
    request = Request(model, objective, model.reader().blank(np.float32).shape[-2:])
    moved = preset.parametrization(request)
    ascents = []
    for ascent in ascend(model, preset.objective(request), preset.stages, moved, number=len(classes)):
        ascents.append(ascent)
        if ascent.done == steps:
            break
    return ascents


def plain_score(x: np.ndarray, net: str = "digits", classes: tuple[int, ...] = (0, 3)) -> np.ndarray:
    model = load_model(net)
    objective = Each(tuple(Unit(model.logits, (i,)) for i in classes))
    return score_of(model, objective, Units.of(model.reader()).clip(x))


@pytest.mark.parametrize("name", HERE)
def test_it_raises_the_plain_score_in_the_open(name: str) -> None:
    ascents = climbed(name)
    blank = np.zeros_like(ascents[-1].x)
    assert ascents[-1].done == get_preset(name).steps
    assert not any("not finite" in words or "did not rise" in words for words in ascents[-1].words)
    assert (plain_score(ascents[-1].x) > plain_score(blank) + 0.5).all()
    assert ascents[-1].pixels.std(axis=(1, 2, 3)).min() > 8  # neither blank
    assert np.mean((ascents[-1].pixels == 0) | (ascents[-1].pixels == 255)) < 0.7  # nor black and white alone


@pytest.mark.parametrize("name", HERE)
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    first, again = (climbed(name, steps=12)[-1].x.tobytes() for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", HERE)
def test_it_says_where_it_is_from(name: str) -> None:
    preset = presets()[name]
    assert str(preset.year) in preset.source or name in ("none",)
    assert preset.title[0].isupper()
    assert preset.differs.endswith((".", ")", ""))


def test_the_rows_of_yosinski() -> None:
    """Decay, blur and how often, masks, steps, rate: REFERENCE A4."""
    table = {
        1: (0.0, (0.5, 4), (50, 0), 500, ("progress", 2.0, 100)),
        2: (0.3, None, (20, 0), 750, ("constant", 100)),
        3: (1e-4, (1.0, 4), None, 1000, ("constant", 100)),
        4: (0.0, (0.5, 4), (0, 90), 1000, ("progress", 2.0, 1e8)),
    }
    for row, (decay, blur, masks, steps, rate) in table.items():
        (stage,) = get_preset(f"yosinski-{row}").stages
        after = {type(step).__name__: step for step in stage.after}
        assert stage.steps == steps
        assert after["Decayed"].share == decay
        assert ("Blurred" in after) == (blur is not None)
        if blur:
            assert (after["Blurred"].start, after["Blurred"].end, after["Blurred"].every) == (blur[0], *blur)
        assert ("Masked" in after) == (masks is not None)
        if masks:
            assert (after["Masked"].norms, after["Masked"].contributions) == masks
        (change,) = stage.gradient
        if rate[0] == "constant":
            assert stage.rate == (100, 100)
            assert change.size == STEEPNESS[row]
        else:
            assert stage.rate == (1, 1)
            assert (change.desired, change.most) == rate[1:]
    request = Request(load_model("digits"), Unit("logits", (0,)), (40, 40))
    start = get_preset("yosinski-1").parametrization(request).start(np.random.default_rng(0))["pixels"]
    assert start.std() == pytest.approx(10, rel=0.05)


def test_the_order_of_yosinskis_step() -> None:
    """Several steps on a linear net, against the formulas written out: clip, climb, decay, blur every 4, masks."""
    model = load_model("digits_linear", dtype=np.float64)
    units = Units.of(model.reader())
    start = 150 * np.random.default_rng(3).standard_normal((1, 1, 8, 8))  # so that clipping matters
    for row in (1, 2, 3, 4):
        preset = get_preset(f"yosinski-{row}")
        request = Request(model, Unit(model.logits, (3,)), (8, 8))
        x, low, high = start, *units.bounds(np.float64)
        climbing = ascend(model, request.objective, preset.stages, preset.parametrization(request), start=start)
        next(climbing)
        weights = _weights(model)
        for step, ascent in zip(range(6), climbing, strict=False):
            x = np.clip(x, low, high)
            if row in (1, 4):
                most = 1e8 if row == 4 else 100 * 0.01 / np.abs(weights).mean()
                move = min(most, 2 / np.sum(weights**2)) * weights
            else:
                move = 100 * {2: 0.05, 3: 0.005}[row] * weights / np.abs(weights).mean()
            x = (x + move) * (1 - {1: 0, 2: 0.3, 3: 1e-4, 4: 0}[row])
            radius = {1: 0.5, 2: 0, 3: 1.0, 4: 0.5}[row] * 8 / 227
            if radius and step % 4 == 0:
                x = gaussian_filter(x, (0, 0, radius, radius))
            if row in (1, 2):
                x = np.where(np.abs(x) < np.percentile(np.abs(x), {1: 50, 2: 20}[row]), 0, x)
            if row == 4:
                counts = np.abs(x * weights)
                x = np.where(counts < np.percentile(counts, 90), 0, x)
            np.testing.assert_allclose(ascent.x, x, atol=1e-9)


def _weights(model: object) -> np.ndarray:
    """The weights (1, 1, 8, 8) of the class 3, per step of 0..255, by differences."""
    x = np.zeros((65, 1, 8, 8))
    x.reshape(65, 64)[1:] = np.eye(64)
    scores = score_of(model, Unit(model.logits, (3,)), x)  # type: ignore[attr-defined, arg-type]
    return (scores[1:] - scores[0]).reshape(1, 1, 8, 8)


def test_the_stages_of_deepdraw() -> None:
    """Steps, blur, step size: REFERENCE A7; ramps end at their ends, and the picture grows by 1.2 and 1.2."""
    table = [
        (190, (2.5, 0.78), (11, 11), 224),
        (150, (0.936, 0.78), (6, 6), 268.8),
        (150, (0.936, 0.44), (6, 3), 322.56),
        (10, (0.44, 0.304), (3, 3), 322.56),
    ]
    preset = get_preset("deepdraw")
    for stage, (steps, sigma, rate, side) in zip(preset.stages, table, strict=True):
        blurred = next(step for step in stage.after if type(step).__name__ == "Blurred")
        assert (stage.steps, stage.rate, (blurred.start, blurred.end)) == (steps, rate, sigma)
        assert 322.56 * stage.side == pytest.approx(side)
        assert stage.transform(_moment(0, 1, (322, 322))).wander == 0.3
        first, last = (_moment(step, steps, (322, 322)) for step in (0, steps - 1))
        assert (first.between(*sigma), last.between(*sigma)) == sigma
    assert preset.steps == 500
    light = preset.parametrization(Request(load_model("cifar10"), Unit("logits", (0,)), (32, 32)))
    start = light.units.pixels(light.start(np.random.default_rng(0))["pixels"])
    assert (start.mean(), start.std()) == pytest.approx((200, 8), abs=0.5)


def _moment(step: int, steps: int, size: tuple[int, int]) -> Moment:
    return Moment(step, steps, size, Units((0.0,), (1.0,)), (224, 224))


def test_the_octaves_of_mordvintsev() -> None:
    for name, change in (("mordvintsev", "Normalized"), ("laplacian", "LaplacianNormalized")):
        stages = get_preset(name).stages
        assert [(stage.steps, stage.rate) for stage in stages] == [(10, (1, 1))] * 3
        assert [stage.side for stage in stages] == pytest.approx([1 / 1.96, 1 / 1.4, 1])
        for stage in stages:
            assert [type(step).__name__ for step in stage.gradient] == [change]
            assert stage.transform(_moment(0, 10, (224, 224))).most == 32
    assert get_preset("mordvintsev").stages[0].gradient[0].by == "deviation"
    assert get_preset("laplacian").stages[0].gradient[0].levels == 4
    pictures = climbed("mordvintsev")[-1].x
    assert pictures.std(axis=(1, 2, 3)) == pytest.approx([25.5, 25.5], rel=0.02)  # as the notebook shows them


def test_mahendrans_numbers() -> None:
    fast, slow = get_preset("mahendran").stages
    assert (fast.steps, slow.steps) == (300, 50)
    (one, power), (other, variation) = fast.penalties
    assert (one, power.power, power.scale, power.of_pixels) == (1, 6, 80, True)
    assert (other, variation.beta) == (1, 2)
    assert variation.scale == pytest.approx(80 / 6.5)
    assert fast.after[0].length == 160


def test_a_step_of_mahendran() -> None:
    """Their update, written out: momentum over gradients divided by 1 / rate + the root of a fading sum of squares."""
    for stage, rate in zip(get_preset("mahendran").stages, (0.05 * 80**2 / 6, 0.005 * 80**2 / 6), strict=True):
        rng, x, velocity, fading = np.random.default_rng(0), np.zeros((1, 1, 4, 4)), 0.0, 0.0
        parameters = {"pixels": x}
        state = stage.optimizer.start(parameters)
        for _ in range(5):
            gradient = 0.05 * rng.standard_normal((1, 1, 4, 4))
            fading = 0.9 * fading + gradient**2
            velocity = 0.9 * velocity - gradient / (1 / rate + np.sqrt(fading))
            x = x + velocity
            parameters, state = stage.optimizer.step(parameters, {"pixels": gradient}, state, stage.rate[0])
            np.testing.assert_allclose(parameters["pixels"], x, atol=1e-12)


def test_erhans_norm_is_kept() -> None:
    for ascent in climbed("erhan")[1::20]:
        assert np.sqrt(np.mean(ascent.x**2, axis=(1, 2, 3))) == pytest.approx([58, 58], rel=1e-5)


def test_a_penalty_balances_the_score_alike_on_every_net() -> None:
    """The weighted score is as steep on a net of 8 x 8 pixels as on one of 32 x 32, and for each picture of a batch."""
    from minitorch_viz.optimize.presets._balance import SPREAD, as_steep
    from minitorch_viz.optimize.score import score_and_gradient

    for net, side in (("digits", 8), ("cifar10", 32)):
        model = load_model(net)
        request = Request(model, Each((Unit(model.logits, (0,)), Unit(model.logits, (1,)))), (side, side))
        noise = SPREAD * np.random.default_rng(0).standard_normal((2, request.units.channels, side, side))
        _, gradient = score_and_gradient(model, as_steep(0.03)(request), noise.astype(np.float32))
        assert np.abs(gradient).mean(axis=(1, 2, 3)) == pytest.approx([0.03, 0.03], rel=1e-3)


def test_an_unknown_preset_gets_a_sentence() -> None:
    with pytest.raises(SettingError, match=r"no preset 'yosinski-5'; .*yosinski-1"):
        get_preset("yosinski-5")
    assert all(isinstance(preset, Preset) and preset.name == name for name, preset in presets().items())
