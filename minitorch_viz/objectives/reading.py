"""How objectives read a node: its channels on whichever axis they are, and the sentence where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.graph import Tape


def output_of(tape: Tape, node: str) -> Any:
    """Return a node's output; ShapeError without a batch axis, which every tape has."""
    output = tape[node]
    if output.ndim < 1:
        raise ShapeError(f"{node!r} gives a single number without a batch axis, which no objective reads.")
    return output


def by_channel(output: Array, axis: int) -> Array:
    """Return a view of a node's output with the channels second, (N, C, ...); an array without them as it is."""
    return np.moveaxis(output, axis, 1) if output.ndim > max(axis, 1) else output


def channel_of(tape: Tape, node: str, channel: int, axis: int) -> Array:
    """Return one channel of a node's output, (N, ...); SettingError if there is none of that number.

    axis: of the channels; -1 of a sequence (N, T, C).
    """
    output = output_of(tape, node)
    channels = by_channel(output, axis)
    if output.ndim < 2 or not -channels.shape[1] <= channel < channels.shape[1]:
        raise SettingError(
            f"{node!r} gives an array of shape {output.shape[1:]} an image, without a channel {channel}."
        )
    values: Array = channels[:, channel]
    return values
