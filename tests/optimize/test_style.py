"""The losses of style transfer against the papers' formulas, numerical gradients and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz import Model, Net
from minitorch_viz.layers import Conv2d, MaxPool2d, ReLU
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.objectives.gram_distance import GramDistance, gram
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.style.loss import PIXELS, StyleLoss, roughness
from minitorch_viz.optimize.style.scales import FROM_NOISE, FROM_PHOTO, sides, size_at, steps_of
from minitorch_viz.optimize.style.statistics import mixture, statistics
from minitorch_viz.optimize.style.terms import ContentTerm, GramTerm, WassersteinTerm


def slope(function, x: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """The numerical gradient of a function of one array, at every entry: exact up to the fourth power of the step."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        values = []
        for times in (-2, -1, 1, 2):
            moved = x.copy()
            moved[index] += times * step
            values.append(function(moved))
        gradient[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    return gradient


def maps_of(rng: np.random.Generator, channels: int = 4, side: int = 5) -> np.ndarray:
    return rng.standard_normal((1, channels, side, side + 1))


@pytest.mark.parametrize("guided", [False, True], ids=["everywhere", "a region"])
@pytest.mark.parametrize("term", [GramTerm, WassersteinTerm])
def test_the_gradient_of_a_style_is_that_of_its_value(term, guided: bool, rng) -> None:
    target = statistics(maps_of(rng, side=7).reshape(4, -1))
    output = maps_of(rng) + 0.3
    guide = rng.random(30) if guided else None
    loss = term("relu", 3.0, target, guide)
    value, seed = loss.measured(output)
    assert value > 0
    np.testing.assert_allclose(seed, slope(lambda x: loss.measured(x).value, output), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("term", [GramTerm, WassersteinTerm])
def test_the_style_itself_is_met_exactly_and_a_guide_of_ones_is_none(term, rng) -> None:
    output = maps_of(rng)
    target = statistics(output.reshape(4, -1))
    assert abs(term("relu", 1.0, target).measured(output).value) < 1e-9
    other = maps_of(rng)
    plain, guided = (term("relu", 1.0, target, guide).measured(other) for guide in (None, np.ones(30)))
    assert plain.value == pytest.approx(guided.value, rel=1e-12)
    np.testing.assert_allclose(plain.seed, guided.seed, rtol=1e-10, atol=1e-14)


def test_the_gram_term_is_the_papers_loss_over_the_targets_size(rng) -> None:
    """Gatys et al. 2016: E = sum (G - A)^2 / (4 C^2 M^2)."""
    output, style = maps_of(rng), maps_of(rng)
    paper = GramDistance("relu", gram(style)[0])
    target = statistics(style.reshape(4, -1))
    ours = GramTerm("relu", 1.0, target).measured(output)
    scale = 4 * 4**2 / (target.products**2).sum()
    assert ours.value == pytest.approx(-scale * paper.value({"relu": output})[0], rel=1e-12)
    np.testing.assert_allclose(ours.seed, -scale * paper.seeds({"relu": output})["relu"], rtol=1e-10)


@pytest.fixture
def _threads():
    yield
    kernels.set_threads(None)


@pytest.mark.usefixtures("_threads")
def test_a_style_has_the_same_bits_with_any_number_of_threads(rng) -> None:
    output, style = (rng.standard_normal((1, 32, 50, 60)).astype(np.float32) for _ in range(2))
    measured = []
    for count in (1, 2, 3):
        kernels.set_threads(count)
        measured.append(GramTerm("relu", 1.0, statistics(style[0])).measured(output))
    for value, seed in measured[1:]:
        assert value == measured[0].value
        np.testing.assert_array_equal(seed, measured[0].seed)


def test_the_wasserstein_distance_of_normal_distributions_on_a_line(rng) -> None:
    """Of one channel it is (m - m0)^2 + (s - s0)^2."""
    output, style = maps_of(rng, 1), 2 + 3 * maps_of(rng, 1)
    value = WassersteinTerm("relu", 1.0, statistics(style.reshape(1, -1))).measured(output).value
    expected = (output.mean() - style.mean()) ** 2 + (output.std() - style.std()) ** 2
    assert value == pytest.approx(expected / (style.mean() ** 2 + style.var()), rel=1e-3)


def test_several_styles_are_mixed_as_if_their_places_were_one_pictures(rng) -> None:
    first, second = rng.standard_normal((3, 20)), rng.standard_normal((3, 60))
    mixed = mixture([statistics(first), statistics(second)], [20, 60])
    whole = statistics(np.concatenate([first, second], axis=1))
    np.testing.assert_allclose(mixed.products, whole.products, rtol=1e-12)
    np.testing.assert_allclose(mixed.covariance, whole.covariance, rtol=1e-12)


def test_roughness_and_its_gradient(rng) -> None:
    x = 255 * rng.random((1, 3, 4, 5))
    np.testing.assert_allclose(roughness(x)[1], slope(lambda y: roughness(y)[0], x, 1e-1), rtol=1e-6, atol=1e-12)
    assert roughness(np.full((1, 3, 4, 5), 7.0))[0] == 0


@pytest.fixture
def small(rng) -> Model:
    """Two convolutions, in float64."""

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))

    nodes = [
        ("conv1", Conv2d(normal(6, 3, 3, 3), normal(6), padding=1, padding_mode="reflect")),
        ("relu1", ReLU()),
        ("pool1", MaxPool2d(2, ceil_mode=True)),
        ("conv2", Conv2d(normal(8, 6, 3, 3), normal(8), padding=1, padding_mode="reflect")),
        ("relu2", ReLU()),
    ]
    reader = Preprocessing((16, 16), mean=(120, 110, 100), std=(60, 50, 40), resize="keep")
    return Model.from_net(Net(nodes), readers=reader).astype(np.float64)


def loss_of(model: Model, rng: np.random.Generator, term=GramTerm) -> StyleLoss:
    """A loss of two styles, a content and the pixels, for pictures of 6 x 5."""
    units = 60 * rng.standard_normal((2, 1, 3, 6, 5))
    tapes = [model.net.forward(x / np.array([60, 50, 40.0]).reshape(3, 1, 1), upto=("relu1", "relu2")) for x in units]
    target = {node: statistics(tapes[0][node].reshape(tapes[0][node].shape[1], -1)) for node in ("relu1", "relu2")}
    return StyleLoss(
        model,
        (
            ContentTerm("relu2", 0.7, tapes[1]["relu2"]),
            ContentTerm(PIXELS, 0.2, units[1]),
            term("relu1", 2.0, target["relu1"]),
            term("relu2", 0.5, target["relu2"]),
        ),
        0.4,
    )


@pytest.mark.parametrize("term", [GramTerm, WassersteinTerm])
def test_the_whole_loss_has_the_gradient_of_its_value(term, small: Model, rng) -> None:
    loss = loss_of(small, rng, term)
    x = 60 * rng.standard_normal((1, 3, 6, 5))
    value, gradient = loss(x)
    assert value == pytest.approx(sum(loss.parts(x).values()), rel=1e-12)
    numerical = slope(lambda y: loss(y)[0], x, 1e-3)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-7, atol=1e-7 * np.abs(numerical).max())


@pytest.mark.torch
def test_the_whole_loss_and_its_gradient_are_pytorchs(small: Model, rng) -> None:
    torch = pytest.importorskip("torch")
    from torch.nn import functional

    loss = loss_of(small, rng)
    picture = 60 * rng.standard_normal((1, 3, 6, 5))
    x = torch.tensor(picture, requires_grad=True)
    weights = {name: torch.tensor(value) for name, value in small.net.params.items()}

    def conv(y, name):
        padded = functional.pad(y, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, weights[f"{name}.weight"], weights[f"{name}.bias"])

    outputs = {PIXELS: x}
    outputs["relu1"] = torch.relu(conv(x / torch.tensor([60.0, 50, 40], dtype=torch.float64).reshape(3, 1, 1), "conv1"))
    outputs["relu2"] = torch.relu(conv(functional.max_pool2d(outputs["relu1"], 2, ceil_mode=True), "conv2"))
    total = 0.0
    for term in loss.terms:
        output = outputs[term.node]
        if isinstance(term, ContentTerm):
            wanted = torch.tensor(term.wanted)
            total = total + term.weight * ((output - wanted) ** 2).sum() / (wanted**2).sum()
        else:
            maps, wanted = output[0].flatten(1), torch.tensor(term.wanted.products)
            total = total + term.weight * ((maps @ maps.T / maps.shape[1] - wanted) ** 2).sum() / (wanted**2).sum()
    down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
    total = total + loss.smooth * ((down**2).sum() + (right**2).sum()) / (255**2 * 30)
    total.backward()
    value, gradient = loss(picture)
    assert value == pytest.approx(total.item(), rel=1e-10)
    np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=1e-6, atol=1e-10 * np.abs(gradient).max())


def test_sizes_grow_up_to_the_one_that_is_asked_for() -> None:
    assert sides(512, FROM_NOISE) == [128, 181, 256, 362, 512]
    assert sides(500, FROM_NOISE) == [177, 250, 354, 500]
    assert sides(128, FROM_NOISE) == [128]
    assert sides(40, FROM_NOISE) == [40]
    assert sides(1024, FROM_PHOTO) == [128, 256, 512, 1024]
    assert sides(256, FROM_PHOTO) == [128, 256]
    assert sides(250, FROM_PHOTO) == [250]
    assert size_at(256, (300, 400)) == (192, 256)
    assert size_at(16, (1, 100)) == (1, 16)


def test_most_steps_are_taken_where_they_pay() -> None:
    assert steps_of(40, 3, FROM_NOISE) == [80, 40, 40]
    assert steps_of(40, 4, FROM_PHOTO) == [40, 10, 10, 80]
    assert steps_of(1, 3, FROM_PHOTO) == [1, 1, 2]
    assert steps_of(40, 1, FROM_PHOTO) == [40]


def test_another_size_keeps_flat_pictures_and_means() -> None:
    flat = np.full((1, 3, 8, 6), 5.0)
    for size in ((16, 12), (5, 4), (8, 6), (13, 3)):
        np.testing.assert_allclose(resized(flat, size), 5.0, rtol=1e-12)
    ramp = np.arange(12.0)[None, None, None].repeat(4, axis=2)
    np.testing.assert_allclose(resized(ramp, (4, 6))[0, 0, 0, 1:-1], np.arange(12).reshape(6, 2).mean(axis=1)[1:-1])
