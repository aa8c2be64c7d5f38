"""Decoders that turn VGG-19's feature maps back into a picture: what a layer kept is what comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from minitorch_viz.errors import SettingError, WeightsFileError, near
from minitorch_viz.layers import ReLU, UpsampleNearest
from minitorch_viz.models.load import fitting_arrays, look_for
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.net import Net

# channels of the maps before each convolution, and at the end; 0 stands for enlarging twofold
STEPS = {
    "relu1_1": (64, 3),
    "relu2_1": (128, 64, 0, 64, 3),
    "relu3_1": (256, 128, 0, 128, 64, 0, 64, 3),
}
FILE = "vgg19_decoders.safetensors"


def vgg19_decoder(layer: str, state: State | None = None, seed: int | None = 0) -> Net:
    """Build the decoder of "relu1_1", "relu2_1" or "relu3_1": that node's maps -> picture (N, 3, H, W), RGB 0..1.

    The picture may leave 0..1 a little; clip it. Names are the weights file's: "relu2_1.conv1".
    Its maps are those of `vgg19_conv3_1`. Li et al. 2017, "Universal style transfer".
    """
    if layer not in STEPS:
        raise SettingError(f"There is no decoder for {layer!r}; {near(layer, STEPS, 'layer')}.")
    p = Params(state, seed)
    channels, *steps = STEPS[layer]
    nodes: list[NodeSpec] = []
    number = 0
    for out in steps:
        if out == 0:
            nodes.append((f"{layer}.upsample{number}", UpsampleNearest(2)))
            continue
        number += 1
        nodes.append(p.conv(f"{layer}.conv{number}", channels, out, 3, padding=1, padding_mode="reflect"))
        if out != 3:
            nodes.append((f"{layer}.relu{number}", ReLU()))
        channels = out
    return Net(nodes)


def load_vgg19_decoder(layer: str, weights: str | Path | None = None, dtype: npt.DTypeLike = np.float32) -> Net:
    """Load the decoder of "relu1_1", "relu2_1" or "relu3_1" with its weights.

    weights: the file vgg19_decoders.safetensors, or a folder that holds it; None looks where `load_model` looks.
    Raises WeightsFileError if it is missing or does not fit.
    """
    from minitorch_viz.io.weights import read_weights

    shapes = vgg19_decoder(layer, seed=None)
    path = look_for((FILE,), weights)
    if path is None:
        raise WeightsFileError(f"The decoders need {FILE}: give its path, load_vgg19_decoder({layer!r}, weights=...).")
    arrays = fitting_arrays(read_weights(path).tensors, shapes, path, dtype)
    return vgg19_decoder(layer, arrays)
