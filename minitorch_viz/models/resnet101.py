"""ResNet-101: ResNet-50 with a third stage of 23 blocks."""

from __future__ import annotations

from minitorch_viz.models.params import Params, State
from minitorch_viz.models.resnet18 import resnet
from minitorch_viz.models.resnet50 import EXPANSION, bottleneck
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net


def resnet101(state: State | None = None, classes: int = 1000, seed: int | None = 0, fold: bool = False) -> Net:
    """Build ResNet-101: x (N, 3, H, W), usually 224 pixels a side -> "fc" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "layer4.2" is the output of that block. He et al. 2015.
    fold: merge each batch normalization into the convolution before it, as attribution rules such as LRP need.
    """
    return resnet(bottleneck, EXPANSION, (3, 4, 23, 3), Params(state, seed), classes, fold)


SPEC = ModelSpec(
    name="resnet101",
    build=resnet101,
    paper="He et al., Deep residual learning for image recognition, 2015",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=44_549_160,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.77374,
    first_conv="conv1",
    last_conv="layer4.2",
    url=TORCHVISION_URL + "resnet101-63fe2227.pth",
    digest="sha256:63fe2227",
    files=("resnet101-cd907fc2.pth",),  # torchvision's second training, same names
)
