"""Guided backpropagation, gradient times input, integrated gradients, SmoothGrad, crops: formulas and invariants."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from minitorch_viz import Model, Net, relu_mode
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import run
from minitorch_viz.techniques.explain.path import MANY_STEPS, nodes_of
from minitorch_viz.techniques.gradients.gradient_x_input import gradient_x_input
from minitorch_viz.techniques.gradients.guided_backprop import guided_backprop
from minitorch_viz.techniques.gradients.integrated_gradients import integrated_gradients
from minitorch_viz.techniques.gradients.saliency import saliency
from minitorch_viz.techniques.gradients.smoothgrad import smoothgrad

UNIT = {"node": "relu2", "channel": 9, "position": (3, 4)}


@pytest.fixture(scope="module")
def digits64(digits) -> Model:
    return digits.astype(np.float64)


def no_biases(rng) -> Model:
    """A net without biases, so that the score is homogeneous: f(t x) = t f(x)."""
    net = Net(
        [
            ("conv", Conv2d(rng.standard_normal((6, 3, 3, 3)), None, padding=1)),
            ("relu", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((4, 6)))),
        ]
    )
    return Model.from_net(net, 9, mean=128.0, std=64.0)


@pytest.mark.parametrize("settings", [{"target": 3}, {"target": 8}, UNIT], ids=str)
def test_guided_is_the_explicit_product_of_gates_and_weights(digits64, settings) -> None:
    """The rule R * [x > 0] * [R > 0] of the paper, written out on dense matrices of each layer."""
    result = guided_backprop(digits64, sample_digit(), **settings)
    tape = digits64.net.forward(digits64.preprocess(sample_digit()))
    nodes = [node for node in digits64.net.nodes if node.name != "prob"]
    if "node" in settings:
        nodes = nodes[: [node.name for node in nodes].index(settings["node"]) + 1]
        signal = np.zeros(tape["relu2"].shape)
        signal[(0, 9, 3, 4)] = 1
    else:
        signal = np.eye(10)[settings["target"]][None]
    for node in reversed(nodes):
        source = tape[node.inputs[0]]
        if isinstance(node.layer, ReLU):
            signal = signal * (source > 0) * (signal > 0)
            continue
        units = np.eye(signal.size).reshape(-1, *signal.shape[1:])  # each unit of the output pushed back alone
        jacobian = node.layer.backward(units, tape.saved[node.name]).reshape(signal.size, -1)
        signal = (signal.ravel() @ jacobian).reshape(source.shape)
    np.testing.assert_allclose(result.signal, signal[0], rtol=1e-10, atol=1e-14)
    np.testing.assert_array_equal(result.heat, np.abs(result.signal).max(axis=0))


def test_guided_is_saliencys_guided_mode(digits) -> None:
    np.testing.assert_array_equal(
        guided_backprop(digits, sample_digit()).signal,
        saliency(digits, sample_digit(), mode="guided").gradients["guided"],
    )


def test_gradient_times_input_of_a_homogeneous_net_adds_up_to_the_score(rng) -> None:
    """Euler: sum x df/dx = f. The gradient is with respect to what enters the net."""
    model = no_biases(rng)
    image = rng.integers(0, 256, (9, 9, 3)).astype(np.uint8)
    for target in range(4):
        result = gradient_x_input(model, image, target=target)
        assert result.signal.sum() == pytest.approx(result.value, rel=1e-10)
        np.testing.assert_allclose(
            result.signal,
            saliency(model, image, target=target).gradients["normal"] * model.preprocess(image)[0],
            rtol=1e-12,
        )
        np.testing.assert_allclose(result.heat, result.signal.sum(axis=0))


def test_the_mean_colour_counts_as_nothing(rng) -> None:
    image = np.full((9, 9, 3), 128, np.uint8)
    image[2:4, 5] = 30
    heat = gradient_x_input(no_biases(rng), image).heat
    assert set(zip(*np.nonzero(heat), strict=True)) <= {(2, 5), (3, 5)}


@pytest.mark.parametrize("rule", ["gauss-legendre", "midpoint"])
@pytest.mark.parametrize("settings", [{"target": 3}, {"target": 0}, UNIT], ids=str)
@pytest.mark.parametrize("baseline", ["black", "mean", "blurred", "noise"])
def test_the_shares_are_complete(digits64, baseline, settings, rule) -> None:
    result = integrated_gradients(digits64, sample_digit(), baseline=baseline, rule=rule, **settings)
    base, value = result.path.ends
    assert value == pytest.approx(result.value)
    assert result.gap == pytest.approx(abs(result.signal.sum() - (value - base)) / abs(value - base), rel=1e-6)
    assert result.gap < 0.01 or result.notes
    if len(result.path.places) == 50:
        assert result.gap < 0.01
    np.testing.assert_allclose(result.path.weights @ result.path.slopes, result.signal.sum(), rtol=1e-9)


@pytest.mark.parametrize(
    ("photo", "baseline"),
    [
        ("cat_dog.jpg", "mean"),
        ("elephant_zebra.jpg", "blurred"),
        pytest.param("cat_dog.jpg", "black", marks=pytest.mark.slow),  # which takes the most steps
        *(
            pytest.param(photo, baseline, marks=pytest.mark.nightly)
            for photo, baseline in (
                ("elephant_zebra.jpg", "mean"),
                ("cat_dog.jpg", "blurred"),
                ("elephant_zebra.jpg", "black"),
            )
        ),
    ],
)
def test_they_are_complete_on_squeezenet(squeezenet, shared_data, photo, baseline) -> None:
    """To 1 % at 50 steps, or after more steps, which the notes say."""
    result = integrated_gradients(squeezenet, shared_data / "photos" / photo, baseline=baseline)
    steps = len(result.path.places)
    print(f"{photo} {baseline}: gap {result.gap:.3%} at {steps} steps")
    assert result.gap < 0.01
    assert steps == 50 or f"{steps} were taken" in result.notes[0]


def test_the_path_is_that_of_whole_passes(digits64) -> None:
    """Without leaving out the first layer: every step a pass of its own from the image."""
    x = digits64.preprocess(sample_digit())
    base = np.zeros_like(x) - 0 / 16
    mean, std = digits64.preprocessing.mean[0], digits64.preprocessing.std[0]
    base = base + (0 - mean) / std
    places, weights = nodes_of("gauss-legendre", 7)
    expected = 0
    for place, weight in zip(places, weights, strict=True):
        tape = digits64.net.forward(base + place * (x - base))
        expected = expected + weight * digits64.net.backward(tape, {"logits": np.eye(10)[3:4]})["input"]
    for chunk in (1, 3, 7, 100):
        result = integrated_gradients(digits64, sample_digit(), target=3, steps=7, refine=False, chunk=chunk)
        np.testing.assert_allclose(result.signal, (expected * (x - base))[0], rtol=1e-10, atol=1e-15)


def test_the_rules_integrate_polynomials() -> None:
    """Gauss-Legendre with n steps is exact to degree 2n - 1, midpoints to degree 1."""
    for steps in (1, 2, 5):
        places, weights = nodes_of("gauss-legendre", steps)
        for degree in range(2 * steps):
            assert weights @ places**degree == pytest.approx(1 / (degree + 1))
        places, weights = nodes_of("midpoint", steps)
        assert weights.sum() == pytest.approx(1)
        assert weights @ places == pytest.approx(1 / 2)


def test_a_first_layer_that_is_not_affine_is_run_each_time(rng) -> None:
    net = Net([("relu", ReLU()), ("flat", Flatten()), ("fc", Linear(rng.standard_normal((3, 3 * 5 * 5))))])
    model = Model.from_net(net, 5, mean=100.0, std=50.0)
    image = rng.integers(0, 256, (5, 5, 3)).astype(np.uint8)
    result = integrated_gradients(model, image, target=1, baseline="noise", steps=200, refine=False)
    assert result.gap < 0.01
    unit = integrated_gradients(model, image, node="input", channel=0, position=(2, 2))  # the pixel itself
    assert unit.signal[0, 2, 2] == pytest.approx(unit.value - (0 - 100) / 50)
    assert np.count_nonzero(unit.signal) == 1


def test_too_few_steps_are_refined_or_admitted(squeezenet, shared_data) -> None:
    photo = shared_data / "photos" / "cat_dog.jpg"
    coarse = integrated_gradients(squeezenet, photo, baseline="black", steps=4, refine=False)
    assert coarse.gap > 0.01
    assert "do not add up" in coarse.notes[0]
    assert len(coarse.path.places) == 4


@pytest.mark.parametrize("method", ["saliency", "deconvnet", "guided-backprop"])
def test_smoothgrad_is_the_mean_over_copies(digits64, method) -> None:
    """The noise drawn anew, each copy explained alone; the mean's short cut through the first layer included."""
    x = digits64.preprocess(sample_digit())
    noise = np.random.default_rng(7).standard_normal((9, *x.shape[1:]), np.float32).astype(np.float64)
    copies = x + 0.3 * (x.max() - x.min()) * noise
    mode = {"saliency": "normal", "guided-backprop": "guided"}.get(method, method)
    each = []
    for copy in copies:
        tape = digits64.net.forward(copy[None])
        each.append(digits64.net.backward(tape, {"logits": np.eye(10)[5:6]}, rules=relu_mode(mode))["input"][0])
    settings = {"target": 5, "method": method, "samples": 9, "noise": 0.3, "seed": 7}
    for variant, expected in (
        ("mean", np.mean(each, axis=0)),
        ("square", np.mean(np.square(each), axis=0)),
        ("variance", np.var(each, axis=0)),
    ):
        for chunk in (1, 4, 9):
            found = smoothgrad(digits64, sample_digit(), variant=variant, chunk=chunk, **settings).signal
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    "method", ["saliency", "deconvnet", "guided-backprop", "gradient-x-input", "integrated-gradients"]
)
def test_without_noise_it_is_the_method_itself(digits64, method) -> None:
    from minitorch_viz.techniques import get_technique

    technique = get_technique(method)
    quiet = {"steps": 16, "refine": False} if method == "integrated-gradients" else {}
    alone = technique.compute(digits64, sample_digit(), target=3, **quiet).heat
    smooth = smoothgrad(digits64, sample_digit(), target=3, method=method, noise=0.0, samples=3)
    np.testing.assert_allclose(smooth.heat, alone, rtol=1e-10, atol=1e-15)
    flat = smoothgrad(digits64, sample_digit(), target=3, method=method, noise=0.0, samples=3, variant="variance")
    assert flat.signal.max() < 1e-25


def test_seeds_repeat_and_differ(digits) -> None:
    a, b, c = (smoothgrad(digits, sample_digit(), seed=seed).signal for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_noise_calms_the_map(squeezenet, shared_data) -> None:
    """Two draws of smooth maps are more alike than two single noisy maps."""
    photo = shared_data / "photos" / "cat_dog.jpg"

    def alike(samples: int) -> float:
        maps = [smoothgrad(squeezenet, photo, samples=samples, seed=seed).signal.ravel() for seed in (0, 1)]
        return float(np.corrcoef(maps)[0, 1])

    assert alike(12) > alike(1) + 0.1


def test_ten_crops_average_what_each_crop_says(rng) -> None:
    """On a net that takes photos of any size: crops of the photo itself, laid back by hand."""
    import dataclasses

    model = no_biases(rng)
    model = model.with_reader(dataclasses.replace(model.preprocessing, resize="keep"))
    image = rng.integers(0, 256, (16, 24, 3)).astype(np.uint8)
    result = saliency(model, image, target=2, average=True)
    x = model.preprocess(image)
    total, magnitude, held = np.zeros((3, 16, 24)), np.zeros((16, 24)), np.zeros((16, 24))
    for top, left in [(0, 0), (0, 3), (2, 0), (2, 3), (1, 1)]:
        for mirrored in (False, True):
            crop = x[:, :, top : top + 14, left : left + 21]
            tape = model.net.forward(np.ascontiguousarray(crop[..., ::-1] if mirrored else crop))
            gradient = model.net.backward(tape, {"fc": np.eye(4)[2:3]})["input"][0]
            gradient = gradient[..., ::-1] if mirrored else gradient
            total[:, top : top + 14, left : left + 21] += gradient
            magnitude[top : top + 14, left : left + 21] += np.abs(gradient).max(axis=0)
            held[top : top + 14, left : left + 21] += 1
    np.testing.assert_allclose(result.gradients["normal"], total / held, rtol=1e-10)
    np.testing.assert_allclose(result.heat, magnitude / held, rtol=1e-10)
    assert "ten crops" in result.caption


def test_an_average_has_the_inputs_resolution(digits) -> None:
    for mode in ("normal", "compare"):
        result = saliency(digits, sample_digit(), mode=mode, average=True)
        assert all(one.shape == (8, 8) for one in result.averaged.values())
        assert all(one.shape == (1, 8, 8) for one in result.gradients.values())
        assert result.heat.max() > 0


def test_compare_is_also_a_switch(digits) -> None:
    a, b = saliency(digits, sample_digit(), compare=True), saliency(digits, sample_digit(), mode="compare")
    for mode in ("normal", "deconvnet", "guided"):
        np.testing.assert_array_equal(a.gradients[mode], b.gradients[mode])


@pytest.fixture
def _every_result(monkeypatch) -> None:
    """Loops yield after each step, however quick it is."""
    monkeypatch.setattr(run.Pace, "due", lambda self: True)


@pytest.mark.usefixtures("_every_result")
@pytest.mark.parametrize(
    "settings", [{}, {"method": "gradient-x-input"}, {"variant": "variance"}, {"variant": "square"}], ids=str
)
def test_a_smooth_map_on_the_way_is_that_of_the_copies_so_far(digits, settings) -> None:
    loop = smoothgrad.each(digits, sample_digit(), samples=20, chunk=4, seed=3, **settings)
    for number, half in zip(range(1, 6), loop, strict=True):
        assert (half.done, half.total) == (4 * number, 20)
        assert bool(half.notes) == (number < 5)
        whole = smoothgrad(digits, sample_digit(), samples=4 * number, chunk=4, seed=3, **settings)
        np.testing.assert_array_equal(half.signal, whole.signal)
    assert half.notes == ()


@pytest.mark.usefixtures("_every_result")
def test_integrated_gradients_on_the_way_say_how_far_they_are(digits64) -> None:
    results = [*integrated_gradients.each(digits64, sample_digit(), steps=10, chunk=4, refine=False)]
    assert [(result.done, result.total) for result in results] == [(4, 10), (8, 10), (10, 10)]
    for result in results:
        walked = result.path.weights[: result.done] @ result.path.slopes[: result.done]
        np.testing.assert_allclose(result.signal.sum(), walked, rtol=1e-9)  # the shares of the way so far
    assert "after 8 of 10 steps" in results[1].notes[0]
    assert "80% of the way" in results[1].caption
    assert "of the way" not in results[2].caption
    results[1].figure()


@pytest.mark.usefixtures("_every_result")
def test_a_finer_walk_keeps_the_whole_coarser_one_until_it_is_done(digits64, monkeypatch) -> None:
    module = importlib.import_module("minitorch_viz.techniques.gradients.integrated_gradients")
    monkeypatch.setattr(module, "COMPLETE", 0.0)  # never complete: all refinements are made
    results = [*integrated_gradients.each(digits64, sample_digit(), steps=8, chunk=8)]
    steps = [(result.done, result.total, len(result.path.places)) for result in results]
    assert steps[0] == (8, 24, 8)
    assert steps[1:3] == [(16, 24, 8), (24, 56, 16)]
    assert steps[-1] == (120, 120, 64)
    assert all(result.path.done == len(result.path.places) for result in results)


def test_few_steps_and_many_are_gausss() -> None:
    few, many = nodes_of("gauss-legendre", MANY_STEPS), nodes_of("gauss-legendre", MANY_STEPS + 1)
    for (places, weights), steps in ((few, MANY_STEPS), (many, MANY_STEPS + 1)):
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        for power in (1, 7, 100, 2 * steps - 1):  # exact for polynomials up to that degree
            assert weights @ places**power == pytest.approx(1 / (power + 1), rel=1e-9)


def test_an_interrupt_leaves_a_whole_result(digits, monkeypatch) -> None:
    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    end = run.run(interrupted(smoothgrad.each(digits, sample_digit(), samples=40), after=3))
    assert end.sentence("sample") == "interrupted; this is the result after 12 of 40 samples"
    assert end.result.heat.any()


def interrupted(loop, after: int):
    """The loop, with a Ctrl-C after some results."""
    for number, result in enumerate(loop, 1):
        yield result
        if number == after:
            raise KeyboardInterrupt
