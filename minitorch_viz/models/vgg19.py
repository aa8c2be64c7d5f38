"""VGG-19: VGG-16 with one more convolution in each of the last three stages."""

from __future__ import annotations

from minitorch_viz.models.params import State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.models.vgg16 import vgg
from minitorch_viz.net import Net


def vgg19(state: State | None = None, classes: int = 1000, seed: int | None = 0, hidden: int = 4096) -> Net:
    """Build VGG-19: x (N, 3, H, W), usually 224 a side -> "classifier.6" (N, classes) -> "prob" (N, classes).

    Names are torchvision's. Simonyan and Zisserman 2014. hidden: the width of the two hidden linear layers.
    """
    return vgg((2, 2, 4, 4, 4), state, classes, seed, hidden)


SPEC = ModelSpec(
    name="vgg19",
    build=vgg19,
    paper="Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=143_667_240,
    logits="classifier.6",
    head="classifier.6",
    classes=1000,
    imagenet=True,
    top1=0.72376,
    first_conv="features.0",
    last_conv="features.35",
    url=TORCHVISION_URL + "vgg19-dcbb9e9d.pth",
    digest="sha256:dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
)
