"""Effective and empirical fields against formulas, brute force and the paper's law."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.layers import Add, Conv2d, GlobalAvgPool2d, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import receptive_field
from minitorch_viz.techniques.explain.fields import effective_field, spot_of, spread_of
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.explain.view import view


@pytest.fixture(scope="module")
def cifar10() -> Model:
    return load_model("cifar10")


def model_of(layers, size=(1, 41, 41)) -> Model:
    return Model.from_net(Net(layers), size, scores="maps")


def test_the_spread_of_a_gaussian() -> None:
    """Sigma is the Gaussian's, 1 - exp(-1/2) of it lies inside one sigma, and 95 % inside 2.448 sigma."""
    rows, columns = np.arange(-150, 151), np.arange(-120, 121)
    energy = np.exp(-((rows[:, None] - 3) ** 2) / (2 * 23.7**2) - (columns - 1) ** 2 / (2 * 17.3**2))
    spread = spread_of(energy, rows, columns)
    assert (spread.row, spread.column) == pytest.approx((3, 1), abs=1e-6)
    assert spread.sigma == pytest.approx((23.7, 17.3), rel=1e-4)
    assert spread.share == pytest.approx(1 - np.exp(-0.5), abs=0.005)
    assert spread.side == pytest.approx((np.pi * 23.7 * 17.3 * 2 * np.log(20)) ** 0.5, rel=0.01)
    assert spread_of(np.zeros((3, 3)), range(3), range(3)).is_blank


def test_a_single_pixel_has_no_width() -> None:
    energy = np.zeros((5, 4))
    energy[2, 1] = 7
    assert spread_of(energy, range(5), range(4)) == (2, 1, (0, 0), 1, 1)


def test_equal_weights_give_the_square_of_a_binomial() -> None:
    """A chain of n 3 x 3 filters of ones: the gradient is the n-fold convolution of (1, 1, 1) along both axes."""
    model = model_of([(f"conv{i}", Conv2d(np.ones((1, 1, 3, 3)), None, 1, 1)) for i in range(6)])
    tape = model.net.forward(np.ones((1, 1, 41, 41)))
    line = np.ones(1)
    for _ in range(6):
        line = np.convolve(line, np.ones(3))
    expected = np.zeros((41, 41))
    expected[14:27, 14:27] = np.outer(line, line) ** 2
    for samples in (1, 9):  # other units see the same, moved
        field = effective_field(model, tape, spot_of(model, tape, "conv5"), samples)
        np.testing.assert_allclose(field, expected, rtol=1e-12)


@pytest.mark.parametrize(("kernel", "depth"), [(3, 4), (3, 9), (5, 4)])
def test_random_weights_follow_the_papers_law(kernel: int, depth: int, rng) -> None:
    """Luo et al. 2016: of n linear layers of k x k random weights the energy has sigma sqrt(n (k^2 - 1) / 12)."""
    channels = [1, *[24] * depth]
    layers = [
        (f"conv{i}", Conv2d(rng.standard_normal((o, c, kernel, kernel)) / (c * kernel**2) ** 0.5, None, 1, kernel // 2))
        for i, (c, o) in enumerate(itertools.pairwise(channels))
    ]
    model = model_of(layers)
    tape = model.net.forward(rng.standard_normal((1, 1, 41, 41)))
    field = effective_field(model, tape, spot_of(model, tape, f"conv{depth - 1}"), 16)
    spread = spread_of(field, range(41), range(41))
    law = (depth * (kernel**2 - 1) / 12) ** 0.5
    assert spread.sigma == pytest.approx((law, law), rel=0.12)
    assert np.count_nonzero(field.sum(axis=0)) == depth * (kernel - 1) + 1  # while the box grows with n, not its root


def test_random_signs_give_the_sum_of_the_channels_energies(digits) -> None:
    """At one place, in many samples; of one channel a sample is its gradient's square."""
    x = digits.preprocess(sample_digit(3))
    tape = digits.net.forward(x)
    spot = spot_of(digits, tape, "logits")  # without places: all samples are taken of it
    one_by_one = sum(
        effective_field(digits, tape, spot_of(digits, tape, "logits", channel=channel), 5) for channel in range(10)
    )
    gradients = digits.net.backward(tape, {"logits": np.eye(10, dtype=np.float32)})["input"]
    np.testing.assert_allclose(one_by_one, np.square(gradients, dtype=float).sum(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(effective_field(digits, tape, spot, 3000).sum(), one_by_one.sum(), rtol=0.03)


def test_changes_are_those_of_whole_forward_passes(cifar10) -> None:
    """Squared and summed over the channels, with the square at its place, hanging over the border too."""
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    result = receptive_field(cifar10, photo, size=5, stride=9, fill="black", along=3)
    x = view(cifar10, photo).x
    black = cifar10.preprocess(np.zeros((32, 32, 3), np.uint8))
    plain = cifar10.net.forward(x)
    for row, top in enumerate(result.tops):
        for column, left in enumerate(result.lefts):
            covered = x.copy()
            part = (..., slice(max(top, 0), top + 5), slice(max(left, 0), left + 5))
            covered[part] = black[part]
            tape = cifar10.net.forward(covered)
            for depth, node in enumerate(result.nodes):
                place = tuple(map(int, (p.strip(",") for p in result.units[depth].split()[-3::2])))
                expected = np.square(tape[node] - plain[node], dtype=float)[0, :, place[0], place[1]].sum()
                np.testing.assert_allclose(result.changes[depth, row, column], expected, rtol=1e-3, atol=1e-6)


def test_nothing_outside_the_box_counts(cifar10) -> None:
    result = receptive_field(cifar10, np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8), size=3)
    assert len(set(map(tuple, result.boxes.tolist()))) == len(result.nodes) > 4
    for depth in range(len(result.nodes)):
        box = result.box(depth)
        outside = np.ones((32, 32), bool)
        outside[max(box.top, 0) : box.bottom, max(box.left, 0) : box.right] = False
        assert result.effective[depth][outside].sum() < 1e-9  # fast convolutions leave their rounding
        assert result.effective[depth].sum() == pytest.approx(1)
        for row, top in enumerate(result.tops):
            for column, left in enumerate(result.lefts):
                if top >= box.bottom or top + 3 <= box.top or left >= box.right or left + 3 <= box.left:
                    assert result.changes[depth, row, column] < 1e-6 * np.nanmax(result.changes[depth])


def test_nodes_along_the_net_look_at_one_place(cifar10) -> None:
    """Their fields' middles lie at the chosen one's, to half a stride."""
    result = receptive_field(cifar10, np.zeros((32, 32, 3), np.uint8), size=16, node="relu5", position=(1, 5))
    shapes = {row.node: row for row in result.table.rows}
    goal = np.array(result.box(result.chosen)).reshape(2, 2).mean(axis=0)
    for depth, node in enumerate(result.nodes):
        middle = np.array(result.box(depth)).reshape(2, 2).mean(axis=0)
        assert (np.abs(middle - goal) <= np.array(shapes[node].stride) / 2).all(), node


def test_a_branch_and_a_closed_gate_and_a_net_without_maps(digits) -> None:
    weight = np.ones((2, 1, 3, 3))
    layers = [
        ("conv", Conv2d(weight, np.array([-99.0, -99.0]), 1, 1)),
        ("relu", ReLU()),
        ("side", Conv2d(np.ones((2, 2, 3, 3)), None, 1, 1), "conv"),
        ("sum", Add(), ("relu", "side")),
    ]
    model = model_of(layers, (1, 12, 12))
    result = receptive_field(model, np.zeros((12, 12, 1), np.uint8), node="relu", size=3)
    assert not result.effective[result.chosen].any()
    assert any("closed on this photo" in note for note in result.notes)
    side = receptive_field(model, np.zeros((12, 12, 1), np.uint8), node="side", size=3)
    assert (result.box(result.chosen), side.box(side.chosen)) == ((5, 5, 8, 8), (4, 4, 9, 9))
    whole = receptive_field(digits, sample_digit(), node="logits", size=4, along=1)
    assert not whole.has_box[0]
    assert whole.box(0) == (0, 0, 8, 8)
    assert "may depend on every pixel" in whole.caption


def test_a_pooled_map_beside_a_global_pooling(rng) -> None:
    """Behind a gate that all of the photo sets, every unit may depend on everything."""
    net = Net([("conv", Conv2d.random(rng, 1, 3, 3, padding=1)), ("gap", GlobalAvgPool2d())])
    result = receptive_field(
        Model.from_net(net, (1, 9, 9), scores="maps"), np.eye(9, dtype=np.uint8), node="gap", size=3
    )
    assert not result.has_box[result.chosen]


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"node": "relu33"}, NetError, "relu3"),
        ({"node": "relu3", "channel": 999}, SettingError, "channel"),
        ({"node": "relu3", "position": (9, 9)}, SettingError, "row of 'relu3'"),
        ({"node": "logits", "position": (1, 1)}, SettingError, "position"),
        ({"size": 0}, SettingError, "size"),
        ({"fill": "plaid"}, SettingError, "plaid"),
        ({"samples": 0}, SettingError, "samples"),
        ({"along": 0}, SettingError, "along"),
    ],
)
def test_bad_settings_get_a_sentence(digits, settings, error, words) -> None:
    with pytest.raises(error, match=words):
        receptive_field(digits, sample_digit(), **settings)


def test_the_table_holds_every_node_with_maps(cifar10) -> None:
    """As it is written to a file of numbers; a net behind a global pooling may see everything."""
    table = receptive_field(cifar10, np.zeros((32, 32, 3), np.uint8), size=16, along=1).table
    for row, node in enumerate(table.nodes):
        shape = geometry(cifar10, node)
        assert (*table.sizes[row], *table.strides[row], *table.offsets[row]) == (
            *shape.size,
            *shape.stride,
            *shape.offset,
        )
    assert table.nodes[0] == "input"
    assert len(table.nodes) > 15


def test_the_page_holds_every_depth_and_every_node(digits, tmp_path) -> None:
    result = receptive_field(digits, sample_digit(), size=2)
    text = result.save(tmp_path / "page.html").read_text()
    data = json.loads(text.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    assert [depth["node"] for depth in data["depths"]] == list(result.nodes)
    assert data["depths"][-1]["sides"] == [10, 10]
    assert all(f">{row.node}<" in text for row in result.table.rows)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(("fill", "words"), [("noise", "random order"), ("blur", "smoothed"), ("texture", "mirrored")])
def test_what_the_squares_show_is_said(digits, fill: str, words: str) -> None:
    result = receptive_field(digits, sample_digit(), size=4, along=1, fill=fill)
    assert any(words in note for note in result.notes)
    assert f"a {fill if fill == 'blur' else fill + '-filled'}" in result.caption


@pytest.mark.parametrize("along", [1, 2, 3, 5, 99])
def test_nodes_along_are_spread_evenly_and_hold_the_chosen_one(cifar10, along: int) -> None:
    for node in ("relu1", "relu4", "conv4", "relu7"):
        nodes = receptive_field(
            cifar10, np.zeros((32, 32, 3), np.uint8), size=32, node=node, along=along, samples=1
        ).nodes
        assert node in nodes
        assert len(nodes) == len(set(nodes)) == min(along, 9)
