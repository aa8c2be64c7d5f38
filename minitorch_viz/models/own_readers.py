"""How the inputs of a net of one's own are read: found out from its first layers, or from the shape of an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import only_reader
from minitorch_viz.layers import GRU, LSTM, RNN, Conv1d, Conv2d, Embedding, Flatten, Linear
from minitorch_viz.layers.base import Layer
from minitorch_viz.models.readers import Bands, Numbers, Preprocessing, Reader
from minitorch_viz.models.readers.preprocessing import Resize
from minitorch_viz.net import Net

PIXELS = (0.0, 255.0)  # mean and std where none are given: pixels from 0 to 255 become numbers from 0 to 1
PICTURES = (1, 3)  # channels of what `Preprocessing` reads


def reader_of_shape(shape: Sequence[int | None], whole: bool, mean: Any, std: Any, resize: Resize) -> Reader:
    """Return how an input of this shape is read, without the images: (D,), (T, D), (C, H, W), or anything else.

    whole: whether it takes whole numbers. mean, std: as `Model.from_net` is given them.
    """
    if whole or len(shape) != 3 or None in shape:
        return Numbers(tuple(shape), whole) if whole else Numbers(tuple(shape), False, *_given(mean, std))
    channels, *sides = (int(side) for side in shape if side is not None)
    return maps_reader((sides[0], sides[1]), channels, mean, std, resize)


def maps_reader(size: Pair, channels: int, mean: Any, std: Any, resize: Resize) -> Preprocessing:
    """Return how pictures of so many channels are read."""
    if channels in PICTURES:
        return Preprocessing(size, channels, mean, std, resize)
    if _left_out(mean, std):
        return Bands(size, channels, resize=resize)
    return Bands(size, channels, mean, std, resize, to_one=False)


def numbers_reader(net: Net, size: Any, mean: Any, std: Any) -> Numbers | None:
    """Return how rows or series are read, if the net's first layer takes such; None for a net of pictures.

    size: None, a number of steps, or the shape that the user says. A net that begins with a Linear takes rows, or
    series (T, D) where `size` says so; LSTM, GRU and RNN take series (T, D), Conv1d (D, T), Embedding whole numbers.
    Raises SettingError if the size does not fit the layer.
    """
    layer = _first_weights(net)
    sides = () if size is None else tuple(size) if isinstance(size, (tuple, list)) else (size,)
    shape: tuple[int | None, ...]
    if isinstance(layer, Embedding):
        return Numbers(sides or (None,), whole=True)
    if isinstance(layer, Conv1d):
        features = int(layer.weight.shape[1] * layer.groups)
        steps = _steps(sides, features, last=False)
        shape = (features, steps)
    elif isinstance(layer, (LSTM, GRU, RNN)):
        features = int(layer.params["weight_ih_l0"].shape[1])
        shape = (_steps(sides, features, last=True), features)
    elif isinstance(layer, Linear):
        features = int(layer.weight.shape[1])
        lengths = [side for side in sides if side != 1] or [features]
        if len(lengths) > 2 or (lengths[-1] != features and sides):
            raise SettingError(
                f"The net begins with a Linear of {features} columns, so that it takes rows of {features} numbers, but "
                f"size is {size!r:.60}; leave it out."
            )
        shape = (features,) if len(lengths) == 1 else (int(lengths[0]), features)
    else:
        return None
    return Numbers(shape, False, *_given(mean, std))


def numbers_note(reader: Reader, steps_first: bool) -> list[str]:
    """Return a sentence on what a net takes that takes no photo."""
    if isinstance(reader, Bands):
        scale = "8-bit pixels become numbers from 0 to 1, all others stay as they are" if reader.to_one else ""
        scale = scale or "mean and std are in the units of the numbers"
        return [
            f"The net takes pictures of {reader.channels} channels, arrays (H, W, {reader.channels}): {scale}. Drawn "
            f"are {reader.shown_words}."
        ]
    if not isinstance(reader, Numbers) or reader.whole or len(reader.shape) > 2:
        return []
    if len(reader.shape) == 1:
        return [f"The net takes rows of {reader.shape[0]} numbers; readers=Numbers(..., names=[...]) names them."]
    axes = ("steps", "numbers a step") if steps_first else ("numbers a step", "steps")
    sizes = [
        f"{'any number of' if side is None else side} {axis}" for side, axis in zip(reader.shape, axes, strict=True)
    ]
    return [f"The net takes series of {' x '.join(sizes)}."]


def _first_weights(net: Net) -> Layer | None:
    """Return the first layer that mixes the numbers of the net's one input, if those before it do not."""
    if len(net.inputs) != 1:
        return None
    name = net.inputs[0]
    while True:
        node = only_reader(net.nodes, name)
        if node is None or isinstance(node.layer, (Conv2d, Flatten)):
            return None
        if isinstance(node.layer, (Conv1d, LSTM, GRU, RNN, Linear, Embedding)):
            return node.layer
        if not node.layer.pixelwise and type(node.layer).__name__ not in ("BatchNorm1d", "LayerNorm"):
            return None
        name = node.name


def _steps(sides: tuple[Any, ...], features: int, *, last: bool) -> int | None:
    """Return the number of steps that a size says, of a series with `features` numbers a step; None: any number."""
    sides = sides[1:] if len(sides) == 3 and sides[0] == 1 else sides
    if len(sides) < 2:
        return int(sides[0]) if sides else None
    steps, numbers = sides if last else sides[::-1]
    if len(sides) != 2 or numbers != features:
        wanted = f"(T, {features})" if last else f"({features}, T)"
        raise SettingError(f"The net takes series {wanted}, but size is {sides}; give T alone, or leave it out.")
    return None if steps is None else int(steps)


def _given(mean: Any, std: Any) -> tuple[Any, Any]:
    """Return mean and std of numbers: those that are given, else 0 and 1."""
    return (0.0, 1.0) if _left_out(mean, std) else (mean, std)


def _left_out(mean: Any, std: Any) -> bool:
    """Return whether mean and std are those that stand for none."""
    return all(np.ndim(value) == 0 and value == usual for value, usual in zip((mean, std), PIXELS, strict=True))
