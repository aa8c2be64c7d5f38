"""ResNet-34: the blocks of ResNet-18, twice as many."""

from __future__ import annotations

from minitorch_viz.models.params import Params, State
from minitorch_viz.models.resnet18 import basic_block, resnet
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net


def resnet34(state: State | None = None, classes: int = 1000, seed: int | None = 0, fold: bool = False) -> Net:
    """Build ResNet-34: x (N, 3, H, W), usually 224 pixels a side -> "fc" (N, classes) -> "prob" (N, classes).

    Names are torchvision's; "layer4.2" is the output of that block. He et al. 2015.
    fold: merge each batch normalization into the convolution before it, as attribution rules such as LRP need.
    """
    return resnet(basic_block, 1, (3, 4, 6, 3), Params(state, seed), classes, fold)


SPEC = ModelSpec(
    name="resnet34",
    build=resnet34,
    paper="He et al., Deep residual learning for image recognition, 2015",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=21_797_672,
    logits="fc",
    head="fc",
    classes=1000,
    imagenet=True,
    top1=0.73314,
    first_conv="conv1",
    last_conv="layer4.2",
    url=TORCHVISION_URL + "resnet34-b627a593.pth",
    digest="sha256:b627a593",
)
