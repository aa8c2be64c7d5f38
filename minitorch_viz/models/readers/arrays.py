"""Arrays as users have them: of NumPy, of PyTorch, of pandas, in lists; and those that are a net's input already."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.io.files import shown


def numbers_in(value: Any) -> Array:
    """Return an array, a tensor, a table of pandas or nested lists as an array; SettingError for anything else.

    A tensor may be on a device, and may take gradients.
    """
    try:
        if callable(getattr(value, "detach", None)):
            value = value.detach().cpu()
            if "bfloat16" in str(value.dtype):  # NumPy has no such numbers; float32 holds each of them
                value = value.float()
            value = value.numpy()
        elif callable(getattr(value, "to_numpy", None)):
            value = value.to_numpy()
        return np.asarray(kernels.to_cpu(value) if hasattr(value, "shape") else value)
    except (ValueError, TypeError, RuntimeError) as problem:  # rows of different lengths
        raise SettingError(f"An array of numbers is needed, but got {shown(value)}: {problem}.") from problem


def is_array(value: Any) -> bool:
    """Return whether a value is an array or a tensor, and neither a view of a photo nor a picture of Pillow's."""
    return isinstance(value, np.ndarray) or (hasattr(value, "ndim") and hasattr(value, "dtype") and bool(value.ndim))


def prepared_maps(value: Any, channels: int, size: Sequence[int], any_size: bool) -> Array | None:
    """Return what is a net's input (1, C, H, W) already, of numbers with a point; None for a picture.

    value: an array, a tensor or a .npy file of one, (1, C, H, W) or (C, H, W); of the latter one whose last axis could
    be the channels of a picture counts as a picture. any_size: whether H and W may differ from `size`.

    Raises ShapeError for a batch of several or another size, SettingError for numbers that are not finite.
    """
    if isinstance(value, (str, os.PathLike)) and str(value).lower().endswith(".npy") and os.path.isfile(value):
        from minitorch_viz.io.npy import read_npy

        value = read_npy(str(value))
    if not is_array(value) or value.ndim not in (3, 4) or "float" not in str(value.dtype):
        return None
    shape = tuple(value.shape)
    if value.ndim == 4 and shape[0] != 1 and math.prod(shape):
        raise ShapeError(f"One picture is looked at, but got a batch of {shape[0]}, {shape}; give one: x[:1].")
    if shape[-3] != channels or (value.ndim == 3 and shape[2] in {1, 3, 4, channels}):
        if value.ndim == 4:
            hint = " Channels go first: np.moveaxis(x, -1, 1)." if shape[3] == channels else ""
            raise ShapeError(
                f"The net takes {channels} channels, (1, {channels}, H, W), but got {shape}, {shape[1]} channels.{hint}"
            )
        return None
    if shape[-2:] != tuple(size) and not any_size:
        if value.ndim == 3:
            return None
        raise ShapeError(
            f"A prepared tensor is used as it is: (1, {channels}, {size[0]}, {size[1]}) is needed, but got {shape}."
        )
    array = numbers_in(value)
    if not np.isfinite(array).all():
        raise SettingError("Some of the tensor's numbers are not finite (NaN or infinity); fill them in first.")
    return array.reshape(1, *shape[-3:])
