"""ResNet-18: blocks that compute a correction and add it to their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minitorch_viz.layers import Add, Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

CHANNELS = (64, 128, 256, 512)  # of the four stages; from the second on each starts by halving the size
Block = Callable[[Params, str, str, int, int, int], list[NodeSpec]]  # params, name, reads, channels, width, stride


def resnet(block: Block, expansion: int, depths: Sequence[int], p: Params, classes: int, fold: bool) -> Net:
    """Build a net of the ResNet family: depths[i] blocks in stage i, each giving CHANNELS[i] * expansion maps.

    fold: merge each batch normalization into the convolution before it (`fold_batch_norms`).
    """
    nodes: list[NodeSpec] = [
        p.conv("conv1", 3, 64, 7, stride=2, padding=3, bias=False),
        p.norm("bn1", 64),
        ("relu", ReLU()),
        ("maxpool", MaxPool2d(3, 2, padding=1)),
    ]
    channels = 64
    for stage, (depth, width) in enumerate(zip(depths, CHANNELS, strict=True), start=1):
        for i in range(depth):
            stride = 2 if stage > 1 and i == 0 else 1
            nodes += block(p, f"layer{stage}.{i}", nodes[-1][0], channels, width, stride)
            channels = width * expansion
    nodes += [
        ("avgpool", GlobalAvgPool2d()),
        ("flatten", Flatten()),
        p.linear("fc", channels, classes),
        ("prob", Softmax()),
    ]
    return fold_batch_norms(Net(nodes)) if fold else Net(nodes)


def shortcut(p: Params, name: str, reads: str, channels: int, out: int, stride: int) -> tuple[str, list[NodeSpec]]:
    """Build what a block adds to its correction: its input, or a 1x1 convolution of it where sizes change."""
    if stride == 1 and channels == out:
        return reads, []
    return f"{name}.downsample.1", [
        p.conv(f"{name}.downsample.0", channels, out, 1, stride=stride, bias=False, reads=reads),
        p.norm(f"{name}.downsample.1", out),
    ]


def basic_block(p: Params, name: str, reads: str, channels: int, width: int, stride: int) -> list[NodeSpec]:
    """Build two 3x3 convolutions and the shortcut; the block's output is the node "layerS.B"."""
    source, nodes = shortcut(p, name, reads, channels, width, stride)
    return [
        *nodes,
        p.conv(f"{name}.conv1", channels, width, 3, stride=stride, padding=1, bias=False, reads=reads),
        p.norm(f"{name}.bn1", width),
        (f"{name}.relu1", ReLU()),
        p.conv(f"{name}.conv2", width, width, 3, padding=1, bias=False),
        p.norm(f"{name}.bn2", width),
        (f"{name}.add", Add(), (f"{name}.bn2", source)),
        (name, ReLU()),
    ]


def resnet18(state: State | None = None, classes: int = 1000, seed: int | None = 0, fold: bool = False) -> Net:
    """Build ResNet-18: x (N, 3, H, W), usually 224 pixels a side -> "fc" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "layer3.1" is the output of that block. He et al. 2015.
    fold: merge each batch normalization into the convolution before it, as attribution rules such as LRP need.
    """
    return resnet(basic_block, 1, (2, 2, 2, 2), Params(state, seed), classes, fold)


SPEC = ModelSpec(
    name="resnet18",
    build=resnet18,
    paper="He et al., Deep residual learning for image recognition, 2015",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=11_689_512,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.69758,
    first_conv="conv1",
    last_conv="layer4.1",
    url=TORCHVISION_URL + "resnet18-f37072fd.pth",
    digest="sha256:f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
)
