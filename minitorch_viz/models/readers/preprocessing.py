"""From a photo to the numbers a net takes, and back to a picture."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, ShapeError, near
from minitorch_viz.layers.fields import as_pair
from minitorch_viz.models.readers.arrays import prepared_maps
from minitorch_viz.models.readers.base import Reader

if TYPE_CHECKING:
    from PIL.Image import Image

Resize = Literal["stretch", "crop", "keep"]
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601), for nets that take grey images


@dataclass(frozen=True)
class Preprocessing(Reader):
    """Do what a net wants done to an image: bring it to a size, and take (pixel - mean) / std for each channel.

    size: (H, W) of the net's input.
    channels: 3 for RGB, 1 for grey.
    mean, std: one number a channel, on the 0..255 scale of pixels (a single number stands for every channel).
    resize: "stretch" the whole photo straight to the size, so that maps of the net cover the whole photo;
        "crop" the centre after bringing the short side to 256/224 of the size, as in the papers' evaluations;
        "keep" the photo's own size (nets without fixed input size; `size` is then only a size to start from).

    Raises SettingError if a value does not fit.
    """

    size: Pair
    channels: int = 3
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (255.0,)
    resize: Resize = "stretch"

    name: ClassVar[str] = "pictures"
    noun: ClassVar[str] = "a picture"

    def __post_init__(self) -> None:
        self._check_channels()
        if self.resize not in get_args(Resize):
            raise SettingError(
                f"There is no way to resize called {self.resize!r}; {near(self.resize, get_args(Resize), 'way')}."
            )
        object.__setattr__(self, "size", as_pair(self.size, "The input size", 1))
        object.__setattr__(self, "mean", _numbers(self.mean, self.channels, "mean"))
        object.__setattr__(self, "std", _numbers(self.std, self.channels, "std"))
        if min(self.std) <= 0:
            raise SettingError(f"Preprocessing divides by std, so each must be above 0, but got {self.std}.")

    def _check_channels(self) -> None:
        """Raise SettingError for a number of channels that this reader does not read."""
        if self.channels not in (1, 3):
            raise SettingError(
                f"An image has 3 channels (RGB) or 1 (grey), but channels is {self.channels!r}; Bands reads others."
            )

    def load(self, image: Any, notes: list[str] | None = None) -> Array:
        """Return a picture's own pixels, (H, W, 3) uint8. Raises ImageFileError if it cannot be read."""
        from minitorch_viz.io.images import load_image

        if isinstance(image, (str, os.PathLike)) and str(image).lower().endswith(".npy"):
            from minitorch_viz.io.npy import read_npy

            image = read_npy(str(image))
        return load_image(image, notes=notes)

    def prepared(self, value: Any) -> Array | None:
        """Return (1, C, H, W) of a tensor that is the net's input already: used as it is, without mean and std."""
        return prepared_maps(value, self.channels, self.size, self.resize == "keep")

    def level(self, level: float | Array, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return what the net gets for a pixel of this grey level, 0 (black) to 255 (white): (C, 1, 1)."""
        mean, std = (np.asarray(value, dtype).reshape(-1, 1, 1) for value in (self.mean, self.std))
        grey: Array = (level - mean) / std
        return grey

    def preprocess(self, image: str | Array | Image | Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Turn an image into the net's input (1, C, H, W), float32 unless `dtype` says otherwise.

        image: a path, an array (H, W, 3) or (H, W), or a Pillow image; or a tensor that is the net's input already,
        which is used as it is (`prepared`). Raises ImageFileError if it cannot be read.
        """
        from minitorch_viz.io.images import resize_image

        tensor = self.prepared(image)
        if tensor is not None:
            return tensor.astype(dtype)
        pixels = self.load(image)
        if self.resize != "keep":
            pixels = resize_image(pixels, self.size, self.resize)
        x = pixels.astype(dtype)
        if self.channels == 1:
            x = (x @ np.array(LUMA, dtype))[..., None]
        x = (x - np.array(self.mean, dtype)) / np.array(self.std, dtype)
        return np.ascontiguousarray(x.transpose(2, 0, 1))[None]

    def read(self, value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Do what `preprocess` does, by the name that every reader has."""
        return self.preprocess(value, dtype)

    def area_seen(self, photo: Array, most: int = 1024) -> Array:
        """Return the area of a photo (h, w, 3) uint8 that the net sees, in the photo's own pixels, to draw maps over.

        Grey for nets that take grey images. most: a longer side is scaled down to so many pixels.
        """
        from minitorch_viz.io.images import area_used

        seen = area_used(photo, self.size, self.resize, most)
        if self.channels == 1:
            grey = np.round(seen @ np.array(LUMA, np.float32)).astype(np.uint8)
            seen = np.repeat(grey[..., None], 3, axis=2)
        return seen

    def cut(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Return (top, left, height, width) of what the net sees of a photo, in the photo's own pixels."""
        from minitorch_viz.io.images import cut_out

        return cut_out((height, width), self.size) if self.resize == "crop" else (0.0, 0.0, height, width)

    def restore(self, x: Array) -> Array:
        """Turn the net's input (1, C, H, W) or (C, H, W) into the picture (H, W, 3) uint8 that a person sees.

        Values outside 0..255 are cut off; a grey image gets three equal channels.
        """
        shape = tuple(getattr(x, "shape", ()))
        if len(shape) not in (3, 4) or shape[-3] != self.channels or (len(shape) == 4 and shape[0] != 1):
            raise ShapeError(
                f"restore takes one image (1, {self.channels}, H, W) or ({self.channels}, H, W), "
                f"but got {f'shape {shape}' if shape else type(x).__name__}."
            )
        x = x.reshape(shape[-3:])
        mean, std = (np.array(value, x.dtype).reshape(-1, 1, 1) for value in (self.mean, self.std))
        pixels = np.clip(np.round(kernels.to_cpu(x) * std + mean), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(pixels, (3, *shape[-2:])).transpose(1, 2, 0))

    def blank(self, dtype: npt.DTypeLike = np.float32) -> Array:
        return np.zeros((1, self.channels, *self.size), dtype)

    @property
    def words(self) -> str:
        return " x ".join(map(str, (self.channels, *self.size)))

    @property
    def brief(self) -> str:
        """Return the size without the channels."""
        return " x ".join(map(str, self.size))

    def description(self) -> dict[str, Any]:
        numbers = {"size": [*self.size], "channels": self.channels, "mean": [*self.mean], "std": [*self.std]}
        return {**numbers, "resize": self.resize}

    @classmethod
    def example(cls) -> Self:
        return cls((1, 1))

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        size, mean, std = (tuple(description[key]) for key in ("size", "mean", "std"))
        return cls(size, description["channels"], mean, std, description["resize"])

    @classmethod
    def from_json(cls, description: Mapping[str, Any], default: Preprocessing | None = None) -> Self:
        """Read the description that lies beside a weights file: {"size": [3, 227, 227], "mean_rgb": [...], ...}.

        description: that dict, or the whole file with the dict under "input". Keys: "size" [C, H, W] ("any" for H and
        W keeps the photo's size), "mean_rgb" or "mean", "std_rgb" or "std" on the 0..255 scale, "resize".
        default: what stands in for keys that are missing. Other words under "resize" are remarks for people.

        Raises SettingError if something is missing or does not fit.
        """
        text = description.get("input", description)
        if not isinstance(text, Mapping):
            raise SettingError(f'"input" must be a dict with "size", "mean_rgb" and "std_rgb", but got {text!r}.')
        size = text.get("size", [default.channels, *default.size] if default else None)
        if not isinstance(size, Sequence) or isinstance(size, str) or len(size) != 3:
            raise SettingError(f'"size" must be [channels, height, width], but got {size!r}.')
        channels, *sides = size
        resize = text.get("resize")
        if resize not in get_args(Resize):
            resize = default.resize if default else "stretch"
        if sides == ["any", "any"]:
            sides, resize = list(default.size) if default else [224, 224], "keep"
        mean, std = (
            text.get(f"{key}_rgb", text.get(key, getattr(default, key, None) if default else None))
            for key in ("mean", "std")
        )
        return cls(tuple(sides), channels, 0.0 if mean is None else mean, 255.0 if std is None else std, resize)  # type: ignore[arg-type]  # checked in __post_init__


def _numbers(value: object, channels: int, name: str) -> tuple[float, ...]:
    """Return one float a channel, from a number or a sequence."""
    numbers: list[Any] = (
        list(value) if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) else [value]
    )
    fine = all(isinstance(n, (int, float, np.number)) and not isinstance(n, bool) and np.isfinite(n) for n in numbers)
    if not fine or len(numbers) not in (1, channels):
        raise SettingError(f"{name} must be one finite number, or one for each of {channels} channels: got {value!r}.")
    return tuple(float(n) for n in numbers) * (channels // len(numbers))
