"""Receptive fields against where gradients really reach, on nets with every kind of window."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import NetError
from minitorch_viz.layers import Add, Conv2d, MaxPool2d, UpsampleNearest
from minitorch_viz.models import Model
from minitorch_viz.models.load import sketch
from minitorch_viz.net import Net
from minitorch_viz.techniques.explain.receptive import Field, geometry, receptive_field
from tests.map_nets import MAP_NETS


def positive(net: Net) -> Net:
    """All weights above 0, so that no two paths cancel."""
    return net.with_params({key: np.abs(value) + 0.1 for key, value in net.params.items()})


@pytest.mark.parametrize(
    ("name", "node", "exact"),
    [
        ("plain", "conv1", True),
        ("plain", "relu1", True),
        ("plain", "pool1", False),  # a pooling's gradient reaches its winner only
        ("plain", "conv2", False),
        ("plain", "conv3", False),
        ("plain", "fc", False),
        ("fires", "squeeze", False),
        ("fires", "join", False),
        ("residual", "sum1", True),
        ("residual", "sum2", True),
        ("residual", "fc", False),
        ("decoder", "up", True),
        ("decoder", "conv2", True),
        ("decoder", "conv3", False),  # behind a mirror, which says nothing of its window: the whole image
    ],
)
def test_it_holds_every_gradient(rng, name: str, node: str, exact: bool) -> None:
    """In float64, over all places: nothing outside; and, where no pooling chooses, no smaller box would do."""
    case = MAP_NETS[name]
    net = positive(case.build(rng))
    x = np.abs(rng.standard_normal((1, 2, *case.size))) + 0.1
    tape = net.forward(x, upto=node)
    shape = tape[node].shape
    places = np.ndindex(*shape[2:]) if len(shape) == 4 else [None]
    for place in places:
        seed = np.zeros(shape)
        seed[(0, 0, *(place or ()))] = 1
        reached = net.backward(tape, {node: seed}, crop=False)["input"][0].any(axis=0)
        top, left, bottom, right = receptive_field(net, tape, node, place)
        inside = np.zeros_like(reached)
        inside[top:bottom, left:right] = True
        assert not (reached & ~inside).any(), (place, (top, left, bottom, right))
        if exact:
            rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
            assert (top, left, bottom, right) == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), place


def test_a_hand_counted_field(digits) -> None:
    """Two 3x3 convolutions see 5x5, clipped by the border."""
    tape = digits.net.forward(np.zeros((1, 1, 8, 8), np.float32))
    assert receptive_field(digits.net, tape, "relu2", (4, 3)) == (2, 1, 7, 6)
    assert receptive_field(digits.net, tape, "relu2", (0, 7)) == (0, 5, 3, 8)
    assert receptive_field(digits.net, tape, "pool2", (1, 2)) == (0, 2, 6, 8)  # a 2x2 pooling adds one
    assert receptive_field(digits.net, tape, "logits", None) == (0, 0, 8, 8)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("plain", ("conv1", "pool1", "conv2", "conv3")),
        ("fires", ("squeeze", "join")),
        ("residual", ("sum1", "sum2")),
        ("decoder", ("up", "conv2")),
    ],
)
def test_the_geometry_gives_the_box_of_every_unit(rng, name: str, nodes: tuple[str, ...]) -> None:
    """A box inside the image is the exact field; one that hangs over the border holds it."""
    case = MAP_NETS[name]
    model = Model.from_net(case.build(rng), (2, *case.size), logits=None)
    tape = model.net.forward(rng.standard_normal((1, 2, *case.size)))
    inside = 0
    for node in nodes:
        shape = geometry(model, node)
        for place in np.ndindex(*tape[node].shape[2:]):
            box = shape.box(place)
            field = receptive_field(model.net, tape, node, place)
            clipped = Field(max(box.top, 0), max(box.left, 0), *np.minimum(box[2:], case.size).tolist())
            assert field.union(clipped) == clipped, (node, place)  # rows that a stride leaves out are in the box alone
            assert field == box or clipped != box, (node, place)  # all of it inside: no padding below either
            inside += field == box
            if shape.is_even:
                first = np.add(shape.offset, np.multiply(shape.stride, place))
                assert box == (*first, *(first + shape.size)), (node, place)
    assert inside


def slim_resnet50() -> Model:
    """As in the published table: the stride in each block's last unit, the pooling's padding behind only."""
    one = np.ones((1, 1, 1, 1))
    nodes = [
        ("conv1", Conv2d(np.ones((1, 3, 7, 7)), None, 2, 3)),
        ("pool1", MaxPool2d(3, 2, ceil_mode=True)),
    ]
    for block, units in enumerate((3, 4, 6, 3), 1):
        for unit in range(units):
            name, stride = f"block{block}/unit{unit}", 2 if block < 4 and unit == units - 1 else 1
            below = nodes[-1][0]
            nodes += [
                (f"{name}/conv1", Conv2d(one, None), below),
                (f"{name}/conv2", Conv2d(np.ones((1, 1, 3, 3)), None, stride, 1)),
                (f"{name}/conv3", Conv2d(one, None)),
                (f"{name}/shortcut", Conv2d(one, None, stride), below),
                (name, Add(), (f"{name}/conv3", f"{name}/shortcut")),
            ]
    return Model.from_net(Net(nodes), (3, 224, 224), scores="maps")


def test_published_receptive_fields() -> None:
    """Araujo et al. 2019: size, stride and padding; torchvision's ResNet has its strides elsewhere, and sees less."""
    published = {
        "vgg16": ("features.30", 212, 32, 90),
        "inception_v3": ("Mixed_7c", 1311, 32, 618),
        "alexnet": ("features.12", 195, 32, 64 + 2),  # torchvision's first convolution is padded by 2
    }
    for name, (node, size, stride, padding) in published.items():
        shape = geometry(sketch(name), node)
        assert (shape.size, shape.stride, shape.padding) == ((size,) * 2, (stride,) * 2, (padding,) * 2), name
    shape = geometry(slim_resnet50(), "block4/unit2")
    assert (shape.size, shape.stride, shape.padding, shape.is_even) == ((483, 483), (32, 32), (239, 239), True)
    assert geometry(sketch("resnet50"), "layer4.2").size == (427, 427)


def test_branches_of_other_strides_and_alignments() -> None:
    """What they see together: exact for every unit, though the boxes grow along the map."""
    rng = np.random.default_rng(0)
    nodes = [
        ("wide", Conv2d(rng.uniform(1, 2, (1, 1, 7, 7)), None, 1, 0), "input"),  # 12 -> 6
        ("far", Conv2d(rng.uniform(1, 2, (1, 1, 2, 2)), None, 2, 0), "input"),  # 12 -> 6
        ("sum", Add(), ("wide", "far")),
    ]
    model = Model.from_net(Net(nodes), (1, 12, 12), scores="maps")
    shape = geometry(model, "sum")
    assert not shape.is_even
    assert shape.stride == (2, 2)
    tape = model.net.forward(np.ones((1, 1, 12, 12)))
    for place in np.ndindex(6, 6):
        seed = np.zeros((1, 1, 6, 6))
        seed[(0, 0, *place)] = 1
        reached = model.net.backward(tape, {"sum": seed}, crop=False)["input"][0, 0] != 0
        rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
        assert shape.box(place) == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), place


def test_an_enlarged_map_has_a_fraction_for_a_stride() -> None:
    net = Net([("conv", Conv2d(np.ones((1, 1, 3, 3)), None, 1, 1)), ("up", UpsampleNearest(2))])
    shape = geometry(Model.from_net(net, (1, 8, 8), scores="maps"), "up")
    assert (shape.size, shape.stride, shape.is_even) == ((3, 3), (0.5, 0.5), False)
    assert [shape.box((i, i)).top for i in range(4)] == [-1, -1, 0, 0]


def test_where_a_unit_may_see_everything_there_is_no_geometry(digits) -> None:
    assert geometry(digits, "logits") is None
    assert geometry(digits, "input").box((3, 4)) == (3, 4, 4, 5)
    with pytest.raises(NetError, match="relu2"):
        geometry(digits, "relu22")
