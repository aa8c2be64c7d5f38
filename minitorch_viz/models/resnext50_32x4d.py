"""ResNeXt-50 (32x4d): ResNet-50 whose 3x3 convolutions see 32 groups of maps apart."""

from __future__ import annotations

from functools import partial

from minitorch_viz.models.params import Params, State
from minitorch_viz.models.resnet18 import resnet
from minitorch_viz.models.resnet50 import EXPANSION, bottleneck
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net


def resnext50_32x4d(state: State | None = None, classes: int = 1000, seed: int | None = 0, fold: bool = False) -> Net:
    """Build ResNeXt-50: x (N, 3, H, W), usually 224 pixels a side -> "fc" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "layer4.2" is the output of that block. Xie et al. 2017.
    fold: merge each batch normalization into the convolution before it, as attribution rules such as LRP need.
    """
    return resnet(
        partial(bottleneck, groups=32, group_width=4), EXPANSION, (3, 4, 6, 3), Params(state, seed), classes, fold
    )


SPEC = ModelSpec(
    name="resnext50_32x4d",
    build=resnext50_32x4d,
    paper="Xie et al., Aggregated residual transformations for deep neural networks, 2017",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=25_028_904,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.77618,
    first_conv="conv1",
    last_conv="layer4.2",
    url=TORCHVISION_URL + "resnext50_32x4d-7cdf4587.pth",
    digest="sha256:7cdf4587",
    files=("resnext50_32x4d-1a0047aa.pth",),  # torchvision's second training, same names
)
