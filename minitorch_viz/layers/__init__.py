"""The layers: read these first.

One idea a file, each a frozen dataclass with `Saved`, `forward`, `backward`, `param_grads`, `examples` in that order.
A reading order, from one line of arithmetic to backpropagation through time:

    base, kind      what every layer is              batch_norm      BatchNorm2d, fold_batch_norm
    relu            the gate                         norm            LocalResponseNorm
    leaky_relu, sigmoid, tanh                        conv            Conv2d (padding: mirrored borders)
    linear          a matrix                         conv_transpose  a convolution with its passes swapped
    softmax         Softmax, the loss of classifiers max_pool        MaxPool2d's switches, MaxUnpool2d
    dropout         training as an argument          avg_pool        AvgPool2d, GlobalAvgPool2d
    join            Flatten, Concat, Add             upsample        UpsampleNearest
    embedding       words                            lstm            LSTM, through time

What later nets are built of:

    gelu, silu      smooth gates                     layer_norm, group_norm, instance_norm, batch_norm_1d
    relu6, hardsigmoid, hardswish                    adaptive_pool   windows that follow from the output's size
    elu, celu, selu, softplus, prelu, mish           upsample_bilinear
    hardtanh, softsign, log_sigmoid
    mul, affine     scales                           conv1d, pool1d  sequences as maps one row high
    pad             zeros, mirrors, copies           attention       MultiheadAttention
    permute, reshape, slice_, shuffle                rnn, gru, recurrent (stacked, in both directions)
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from minitorch_viz.layers.adaptive_pool import AdaptiveAvgPool2d, AdaptiveMaxPool2d
from minitorch_viz.layers.affine import Affine
from minitorch_viz.layers.attention import MultiheadAttention
from minitorch_viz.layers.avg_pool import AvgPool2d, GlobalAvgPool2d
from minitorch_viz.layers.base import Layer, Nothing
from minitorch_viz.layers.batch_norm import BatchNorm2d, fold_batch_norm, folded
from minitorch_viz.layers.batch_norm_1d import BatchNorm1d
from minitorch_viz.layers.celu import CELU
from minitorch_viz.layers.conv import Conv2d
from minitorch_viz.layers.conv1d import Conv1d
from minitorch_viz.layers.conv_transpose import ConvTranspose2d
from minitorch_viz.layers.dropout import Dropout
from minitorch_viz.layers.elu import ELU
from minitorch_viz.layers.embedding import Embedding
from minitorch_viz.layers.gelu import GELU
from minitorch_viz.layers.group_norm import GroupNorm
from minitorch_viz.layers.gru import GRU
from minitorch_viz.layers.hardsigmoid import Hardsigmoid
from minitorch_viz.layers.hardswish import Hardswish
from minitorch_viz.layers.hardtanh import Hardtanh
from minitorch_viz.layers.instance_norm import InstanceNorm
from minitorch_viz.layers.join import Add, Concat, Flatten
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.layer_norm import LayerNorm
from minitorch_viz.layers.leaky_relu import LeakyReLU
from minitorch_viz.layers.linear import Linear
from minitorch_viz.layers.log_sigmoid import LogSigmoid
from minitorch_viz.layers.lstm import LSTM, lstm_stack
from minitorch_viz.layers.max_pool import MaxPool2d, MaxUnpool2d
from minitorch_viz.layers.mish import Mish
from minitorch_viz.layers.mul import Mul
from minitorch_viz.layers.norm import LocalResponseNorm
from minitorch_viz.layers.pad import Pad
from minitorch_viz.layers.permute import Permute
from minitorch_viz.layers.pool1d import AdaptiveAvgPool1d, AdaptiveMaxPool1d, AvgPool1d, MaxPool1d
from minitorch_viz.layers.prelu import PReLU
from minitorch_viz.layers.recurrent import recurrent_nodes
from minitorch_viz.layers.relu import ReLU
from minitorch_viz.layers.relu6 import ReLU6
from minitorch_viz.layers.reshape import Reshape
from minitorch_viz.layers.rnn import RNN
from minitorch_viz.layers.selu import SELU
from minitorch_viz.layers.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
from minitorch_viz.layers.sigmoid import Sigmoid
from minitorch_viz.layers.silu import SiLU
from minitorch_viz.layers.slice_ import Flip, Slice
from minitorch_viz.layers.softmax import LogSoftmax, Softmax, softmax_cross_entropy
from minitorch_viz.layers.softplus import Softplus
from minitorch_viz.layers.softsign import Softsign
from minitorch_viz.layers.tanh import Tanh
from minitorch_viz.layers.upsample import UpsampleNearest
from minitorch_viz.layers.upsample_bilinear import UpsampleBilinear

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "Add",
    "Affine",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChannelShuffle",
    "Concat",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "Flip",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "InstanceNorm",
    "Kind",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "MaxUnpool2d",
    "Mish",
    "Mul",
    "MultiheadAttention",
    "Nothing",
    "PReLU",
    "Pad",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "ReLU",
    "ReLU6",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "UpsampleBilinear",
    "UpsampleNearest",
    "all_layers",
    "fold_batch_norm",
    "folded",
    "lstm_stack",
    "recurrent_nodes",
    "softmax_cross_entropy",
]


def all_layers() -> list[type[Layer]]:
    """Return every layer in this folder, by name: a new file brings its own tests and its line in every list."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return sorted(
        (
            value
            for module in modules
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, Layer) and value is not Layer
            if value.__module__ == module.__name__
        ),
        key=lambda layer: layer.__name__,
    )


# The lines above tell type checkers. A layer that has none is found in its file all the same.
_without_line = {layer.__name__: layer for layer in all_layers() if layer.__name__ not in __all__}
globals().update(_without_line)
__all__ += list(_without_line)
