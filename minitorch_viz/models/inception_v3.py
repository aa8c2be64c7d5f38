"""Inception v3: filters of several sizes side by side, the large ones taken apart into rows and columns."""

from __future__ import annotations

from typing import NamedTuple

from minitorch_viz._types import Pair
from minitorch_viz.layers import AvgPool2d, Concat, Dropout, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

EPS = 1e-3  # of its batch normalizations, as in TensorFlow, where its weights come from


class Filters(NamedTuple):
    """Hold one convolution of a branch."""

    name: str
    out: int
    kernel: int | Pair
    padding: int | Pair = 0
    stride: int = 1


ROW = (1, 7), (0, 3)  # kernel and padding of a 7x7 filter's half
COLUMN = (7, 1), (3, 0)
Branch = tuple[Filters, ...]  # convolutions one after another


def inception_v3(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build Inception v3: x (N, 3, H, W), usually 299 a side and at least 75 -> "fc" -> "prob" (N, classes).

    Names are torchvision's: "Mixed_5b" is the output of a module. Szegedy et al. 2015. The auxiliary classifier, which
    only helps training, is left out. Pictures come as (pixel - 127.5) / 127.5; torchvision turns ImageNet's mean and
    standard deviation into these inside its net.
    """
    p = Params(state, seed)
    nodes = chain(
        p,
        ("input", 3),
        Filters("Conv2d_1a_3x3", 32, 3, stride=2),
        Filters("Conv2d_2a_3x3", 32, 3),
        Filters("Conv2d_2b_3x3", 64, 3, 1),
    )
    nodes.append(("maxpool1", MaxPool2d(3, 2)))
    nodes += chain(p, ("maxpool1", 64), Filters("Conv2d_3b_1x1", 80, 1), Filters("Conv2d_4a_3x3", 192, 3))
    nodes.append(("maxpool2", MaxPool2d(3, 2)))
    channels = 192
    for number, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        nodes += small_filters(p, f"Mixed_{number}", nodes[-1][0], channels, pooled)
        channels = 224 + pooled
    nodes += halved(
        p,
        "Mixed_6a",
        nodes[-1][0],
        channels,
        (Filters("branch3x3", 384, 3, stride=2),),
        (Filters("branch3x3dbl_1", 64, 1), Filters("branch3x3dbl_2", 96, 3, 1), Filters("branch3x3dbl_3", 96, 3, 0, 2)),
    )
    channels = 768
    for number, narrow in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        nodes += rows_and_columns(p, f"Mixed_{number}", nodes[-1][0], channels, narrow)
    nodes += halved(
        p,
        "Mixed_7a",
        nodes[-1][0],
        channels,
        (Filters("branch3x3_1", 192, 1), Filters("branch3x3_2", 320, 3, stride=2)),
        (
            Filters("branch7x7x3_1", 192, 1),
            Filters("branch7x7x3_2", 192, *ROW),
            Filters("branch7x7x3_3", 192, *COLUMN),
            Filters("branch7x7x3_4", 192, 3, stride=2),
        ),
    )
    for number, channels in (("7b", 1280), ("7c", 2048)):
        nodes += widest(p, f"Mixed_{number}", nodes[-1][0], channels)
    nodes += [
        ("avgpool", GlobalAvgPool2d()),
        ("dropout", Dropout(0.5)),
        ("flatten", Flatten()),
        p.linear("fc", 2048, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def chain(p: Params, reads: tuple[str, int], *convolutions: Filters, within: str = "") -> list[NodeSpec]:
    """Build convolutions one after another, "NAME.conv", each with its normalization "NAME.bn" and its ReLU "NAME".

    reads: the node before them, and its number of maps. within: what stands in front of their names.
    """
    source, channels = reads
    nodes: list[NodeSpec] = []
    for name, out, kernel, padding, stride in convolutions:
        nodes += [
            p.conv(
                f"{within}{name}.conv", channels, out, kernel, padding=padding, stride=stride, bias=False, reads=source
            ),
            p.norm(f"{within}{name}.bn", out, eps=EPS),
            (f"{within}{name}", ReLU()),
        ]
        source, channels = nodes[-1][0], out
    return nodes


def module(p: Params, name: str, reads: str, channels: int, *branches: Branch) -> list[NodeSpec]:
    """Build branches side by side on the same maps, the last after a pooling; the node "NAME" holds their outputs."""
    nodes: list[NodeSpec] = [(f"{name}.pool", AvgPool2d(3, 1, padding=1), (reads,))]
    ends = []
    for branch in branches:
        source = f"{name}.pool" if branch is branches[-1] else reads
        nodes += chain(p, (source, channels), *branch, within=f"{name}.")
        ends.append(nodes[-1][0])
    return [*nodes, (name, Concat(), tuple(ends))]


def small_filters(p: Params, name: str, reads: str, channels: int, pooled: int) -> list[NodeSpec]:
    """Build 1x1, 5x5, two 3x3, and a pooling of `pooled` maps."""
    return module(
        p,
        name,
        reads,
        channels,
        (Filters("branch1x1", 64, 1),),
        (Filters("branch5x5_1", 48, 1), Filters("branch5x5_2", 64, 5, 2)),
        (Filters("branch3x3dbl_1", 64, 1), Filters("branch3x3dbl_2", 96, 3, 1), Filters("branch3x3dbl_3", 96, 3, 1)),
        (Filters("branch_pool", pooled, 1),),
    )


def rows_and_columns(p: Params, name: str, reads: str, channels: int, narrow: int) -> list[NodeSpec]:
    """Build 7x7 filters as 1x7 and 7x1, once and twice; `narrow`: the maps in between."""
    return module(
        p,
        name,
        reads,
        channels,
        (Filters("branch1x1", 192, 1),),
        (
            Filters("branch7x7_1", narrow, 1),
            Filters("branch7x7_2", narrow, *ROW),
            Filters("branch7x7_3", 192, *COLUMN),
        ),
        (
            Filters("branch7x7dbl_1", narrow, 1),
            Filters("branch7x7dbl_2", narrow, *COLUMN),
            Filters("branch7x7dbl_3", narrow, *ROW),
            Filters("branch7x7dbl_4", narrow, *COLUMN),
            Filters("branch7x7dbl_5", 192, *ROW),
        ),
        (Filters("branch_pool", 192, 1),),
    )


def widest(p: Params, name: str, reads: str, channels: int) -> list[NodeSpec]:
    """Build the last modules: 1x3 and 3x1 filters beside one another on the same maps."""

    def split(stem: str, before: tuple[Filters, ...], a: str, b: str) -> list[NodeSpec]:
        nodes = chain(p, (reads, channels), *before, within=f"{name}.")
        source = (nodes[-1][0], 384)
        nodes += chain(p, source, Filters(a, 384, (1, 3), (0, 1)), within=f"{name}.")
        nodes += chain(p, source, Filters(b, 384, (3, 1), (1, 0)), within=f"{name}.")
        return [*nodes, (f"{name}.{stem}", Concat(), (f"{name}.{a}", f"{name}.{b}"))]

    double = (Filters("branch3x3dbl_1", 448, 1), Filters("branch3x3dbl_2", 384, 3, 1))
    pool = f"{name}.pool"
    return [
        *chain(p, (reads, channels), Filters("branch1x1", 320, 1), within=f"{name}."),
        *split("branch3x3", (Filters("branch3x3_1", 384, 1),), "branch3x3_2a", "branch3x3_2b"),
        *split("branch3x3dbl", double, "branch3x3dbl_3a", "branch3x3dbl_3b"),
        (pool, AvgPool2d(3, 1, padding=1), (reads,)),
        *chain(p, (pool, channels), Filters("branch_pool", 192, 1), within=f"{name}."),
        (name, Concat(), tuple(f"{name}.{part}" for part in ("branch1x1", "branch3x3", "branch3x3dbl", "branch_pool"))),
    ]


def halved(p: Params, name: str, reads: str, channels: int, *branches: Branch) -> list[NodeSpec]:
    """Build branches of stride 2 and a max pooling side by side."""
    nodes: list[NodeSpec] = []
    ends = []
    for branch in branches:
        nodes += chain(p, (reads, channels), *branch, within=f"{name}.")
        ends.append(nodes[-1][0])
    return [*nodes, (f"{name}.pool", MaxPool2d(3, 2), (reads,)), (name, Concat(), (*ends, f"{name}.pool"))]


SPEC = ModelSpec(
    name="inception_v3",
    build=inception_v3,
    paper="Szegedy et al., Rethinking the Inception architecture for computer vision, 2015",
    licence=TORCHVISION_LICENCE,
    reader=Preprocessing((299, 299), mean=(127.5,), std=(127.5,)),
    parameters=23_834_568,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.77294,
    first_conv="Conv2d_1a_3x3.conv",
    last_conv="Mixed_7c",
    url=TORCHVISION_URL + "inception_v3_google-0cc3c7bd.pth",
    digest="sha256:0cc3c7bd",
)
