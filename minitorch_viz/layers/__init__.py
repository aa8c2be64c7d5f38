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
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from minitorch_viz.layers.avg_pool import AvgPool2d, GlobalAvgPool2d
from minitorch_viz.layers.base import Layer, Nothing
from minitorch_viz.layers.batch_norm import BatchNorm2d, fold_batch_norm, folded
from minitorch_viz.layers.conv import Conv2d
from minitorch_viz.layers.conv_transpose import ConvTranspose2d
from minitorch_viz.layers.dropout import Dropout
from minitorch_viz.layers.embedding import Embedding
from minitorch_viz.layers.join import Add, Concat, Flatten
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.leaky_relu import LeakyReLU
from minitorch_viz.layers.linear import Linear
from minitorch_viz.layers.lstm import LSTM, lstm_stack
from minitorch_viz.layers.max_pool import MaxPool2d, MaxUnpool2d
from minitorch_viz.layers.norm import LocalResponseNorm
from minitorch_viz.layers.relu import ReLU
from minitorch_viz.layers.sigmoid import Sigmoid
from minitorch_viz.layers.softmax import LogSoftmax, Softmax, softmax_cross_entropy
from minitorch_viz.layers.tanh import Tanh
from minitorch_viz.layers.upsample import UpsampleNearest

__all__ = [
    "LSTM",
    "Add",
    "AvgPool2d",
    "BatchNorm2d",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2d",
    "Kind",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool2d",
    "MaxUnpool2d",
    "Nothing",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "UpsampleNearest",
    "all_layers",
    "fold_batch_norm",
    "folded",
    "lstm_stack",
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
