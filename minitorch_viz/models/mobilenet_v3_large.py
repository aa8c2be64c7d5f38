"""MobileNetV3, large: the small one's blocks, more of them."""

from __future__ import annotations

from minitorch_viz.layers import Hardswish, ReLU
from minitorch_viz.models.mobilenet_v3_small import Sizes, mobilenet_v3
from minitorch_viz.models.params import Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

BLOCKS = (
    Sizes(3, 16, 16, False, ReLU, 1),
    Sizes(3, 64, 24, False, ReLU, 2),
    Sizes(3, 72, 24, False, ReLU, 1),
    Sizes(5, 72, 40, True, ReLU, 2),
    Sizes(5, 120, 40, True, ReLU, 1),
    Sizes(5, 120, 40, True, ReLU, 1),
    Sizes(3, 240, 80, False, Hardswish, 2),
    Sizes(3, 200, 80, False, Hardswish, 1),
    Sizes(3, 184, 80, False, Hardswish, 1),
    Sizes(3, 184, 80, False, Hardswish, 1),
    Sizes(3, 480, 112, True, Hardswish, 1),
    Sizes(3, 672, 112, True, Hardswish, 1),
    Sizes(5, 672, 160, True, Hardswish, 2),
    Sizes(5, 960, 160, True, Hardswish, 1),
    Sizes(5, 960, 160, True, Hardswish, 1),
)


def mobilenet_v3_large(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build the large net: x (N, 3, H, W), usually 224 a side -> "classifier.3" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "features.3" is the output of a block that adds its input. Howard et al. 2019.
    """
    return mobilenet_v3(BLOCKS, 1280, Params(state, seed), classes)


SPEC = ModelSpec(
    name="mobilenet_v3_large",
    build=mobilenet_v3_large,
    paper="Howard et al., Searching for MobileNetV3, 2019",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=5_483_032,
    logits="classifier.3",
    head="classifier.3",
    classes=1000,
    imagenet=True,
    top1=0.74042,
    first_conv="features.0.0",
    last_conv="features.16.2",
    url=TORCHVISION_URL + "mobilenet_v3_large-8738ca79.pth",
    digest="sha256:8738ca79",
    files=("mobilenet_v3_large-5c1a4163.pth",),  # torchvision's second training, same names
)
