"""ResNet-152: the deepest of the paper, with 8 blocks in its second stage and 36 in its third."""

from __future__ import annotations

from minitorch_viz.models.params import Params, State
from minitorch_viz.models.resnet18 import resnet
from minitorch_viz.models.resnet50 import EXPANSION, bottleneck
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net


def resnet152(state: State | None = None, classes: int = 1000, seed: int | None = 0, fold: bool = False) -> Net:
    """Build ResNet-152: x (N, 3, H, W), usually 224 pixels a side -> "fc" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "layer4.2" is the output of that block. He et al. 2015.
    fold: merge each batch normalization into the convolution before it, as attribution rules such as LRP need.
    """
    return resnet(bottleneck, EXPANSION, (3, 8, 36, 3), Params(state, seed), classes, fold)


SPEC = ModelSpec(
    name="resnet152",
    build=resnet152,
    paper="He et al., Deep residual learning for image recognition, 2015",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=60_192_808,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.78312,
    first_conv="conv1",
    last_conv="layer4.2",
    url=TORCHVISION_URL + "resnet152-394f9c45.pth",
    digest="sha256:394f9c45",
    files=("resnet152-f82ba261.pth",),  # torchvision's second training, same names
)
