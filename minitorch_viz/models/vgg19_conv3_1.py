"""VGG-19 up to conv3_1, normalized: feature maps for style transfer and for seeing what a layer keeps."""

from __future__ import annotations

from minitorch_viz.layers import MaxPool2d, ReLU
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net


def vgg19_conv3_1(state: State | None = None, classes: int = 0, seed: int | None = 0) -> Net:  # noqa: ARG001 (no classes)
    """Build the start of VGG-19: x (N, 3, H, W) -> "relu3_1" (N, 256, ceil(ceil(H/2)/2), ceil(ceil(W/2)/2)).

    Names are the paper's: "conv1_1", "relu2_1". Borders are mirrored and poolings round up. In the official weights
    every filter is scaled so that its mean activation is about 1 (Gatys et al. 2016). `vgg19_decoder` goes back.
    """
    p = Params(state, seed)
    nodes: list[NodeSpec] = []
    channels = 3
    for stage, (depth, out) in enumerate([(2, 64), (2, 128), (1, 256)], start=1):
        for i in range(1, depth + 1):
            nodes.append(p.conv(f"conv{stage}_{i}", channels, out, 3, padding=1, padding_mode="reflect"))
            nodes.append((f"relu{stage}_{i}", ReLU()))
            channels = out
        if stage < 3:
            nodes.append((f"pool{stage}", MaxPool2d(2, ceil_mode=True)))
    return Net(nodes)


SPEC = ModelSpec(
    name="vgg19_conv3_1",
    build=vgg19_conv3_1,
    paper="Simonyan and Zisserman 2014; normalized as in Gatys et al., Image style transfer, 2016",
    licence="Apache-2.0 (pietrocarbo/deep-transfer)",
    reader=Preprocessing((256, 256), mean=(123.68, 116.779, 103.939), std=(1,), resize="keep"),
    parameters=555_328,
    first_conv="conv1_1",
    last_conv="relu3_1",
    files=("vgg19_normalised_conv3_1.safetensors",),
)
