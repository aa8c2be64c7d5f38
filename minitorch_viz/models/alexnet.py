"""AlexNet as in torchvision: the net that started it, in its one-tower form."""

from __future__ import annotations

from minitorch_viz.layers import AdaptiveAvgPool2d, Dropout, Flatten, MaxPool2d, ReLU, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net


def alexnet(state: State | None = None, classes: int = 1000, seed: int | None = 0) -> Net:
    """Build AlexNet: x (N, 3, H, W), usually 224 a side -> "classifier.6" (N, classes) -> "prob" (N, classes).

    Names are torchvision's. Krizhevsky 2014, "One weird trick": no groups and no local response normalization, unlike
    the net of 2012. Maps of other sizes than 6 x 6 are brought to it before the first Linear, by means.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = [
        p.conv("features.0", 3, 64, 11, stride=4, padding=2),
        ("features.1", ReLU()),
        ("features.2", MaxPool2d(3, 2)),
        p.conv("features.3", 64, 192, 5, padding=2),
        ("features.4", ReLU()),
        ("features.5", MaxPool2d(3, 2)),
        p.conv("features.6", 192, 384, 3, padding=1),
        ("features.7", ReLU()),
        p.conv("features.8", 384, 256, 3, padding=1),
        ("features.9", ReLU()),
        p.conv("features.10", 256, 256, 3, padding=1),
        ("features.11", ReLU()),
        ("features.12", MaxPool2d(3, 2)),
        ("avgpool", AdaptiveAvgPool2d(6)),  # changes nothing for pictures of 224 pixels a side
        ("flatten", Flatten()),
        ("classifier.0", Dropout(0.5)),
        p.linear("classifier.1", 256 * 6 * 6, 4096),
        ("classifier.2", ReLU()),
        ("classifier.3", Dropout(0.5)),
        p.linear("classifier.4", 4096, 4096),
        ("classifier.5", ReLU()),
        p.linear("classifier.6", 4096, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


SPEC = ModelSpec(
    name="alexnet",
    build=alexnet,
    paper="Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=61_100_840,
    logits="classifier.6",
    head="classifier.6",
    classes=1000,
    imagenet=True,
    top1=0.56522,
    first_conv="features.0",
    last_conv="features.11",
    url=TORCHVISION_URL + "alexnet-owt-7be5be79.pth",
    digest="sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
)
