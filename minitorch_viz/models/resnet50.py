"""ResNet-50: residual blocks with a bottleneck, narrow where the 3x3 convolution works."""

from __future__ import annotations

from minitorch_viz.layers import Add, ReLU
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.resnet18 import resnet, shortcut
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

EXPANSION = 4  # a block's output has so many times the maps of its bottleneck


def bottleneck(
    p: Params, name: str, reads: str, channels: int, width: int, stride: int, groups: int = 1, group_width: int = 64
) -> list[NodeSpec]:
    """Build 1x1 to few maps, 3x3 on those, 1x1 back to many, and the shortcut; the output is the node "layerS.B".

    The 3x3 convolution has the stride, as in torchvision ("v1.5"); in the paper the first 1x1 has it. groups: those of
    the 3x3 convolution, each of group_width maps in the first stage, and of twice as many in each that follows.
    """
    out, width = width * EXPANSION, width * group_width // 64 * groups
    source, nodes = shortcut(p, name, reads, channels, out, stride)
    return [
        *nodes,
        p.conv(f"{name}.conv1", channels, width, 1, bias=False, reads=reads),
        p.norm(f"{name}.bn1", width),
        (f"{name}.relu1", ReLU()),
        p.conv(f"{name}.conv2", width, width, 3, stride=stride, padding=1, groups=groups, bias=False),
        p.norm(f"{name}.bn2", width),
        (f"{name}.relu2", ReLU()),
        p.conv(f"{name}.conv3", width, out, 1, bias=False),
        p.norm(f"{name}.bn3", out),
        (f"{name}.add", Add(), (f"{name}.bn3", source)),
        (name, ReLU()),
    ]


def resnet50(state: State | None = None, classes: int = 1000, seed: int | None = 0, fold: bool = False) -> Net:
    """Build ResNet-50: x (N, 3, H, W), usually 224 pixels a side -> "fc" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "layer4.2" is the output of that block. He et al. 2015.
    fold: merge each batch normalization into the convolution before it, as attribution rules such as LRP need.
    """
    return resnet(bottleneck, EXPANSION, (3, 4, 6, 3), Params(state, seed), classes, fold)


SPEC = ModelSpec(
    name="resnet50",
    build=resnet50,
    paper="He et al., Deep residual learning for image recognition, 2015",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=25_557_032,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.7613,
    first_conv="conv1",
    last_conv="layer4.2",
    url=TORCHVISION_URL + "resnet50-0676ba61.pth",  # the paper's accuracy, 76.1 %
    digest="sha256:0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
    files=("resnet50-11ad3fa6.pth",),  # torchvision's second training, 80.9 %, same names
)
