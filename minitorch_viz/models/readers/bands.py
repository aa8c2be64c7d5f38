"""Pictures of any number of channels: RGBA, grey and depth, the bands of a satellite, the slices of a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ImageFileError, SettingError, ShapeError
from minitorch_viz.io.files import is_whole
from minitorch_viz.models.readers.preprocessing import Preprocessing, Resize

MOST_CHANNELS = 4096
DARKEST, BRIGHTEST = 1, 99  # percentiles of a band that are drawn as black and as white


@dataclass(frozen=True)
class Bands(Preprocessing):
    """Read arrays (H, W, C) of C channels, as (number - mean) / std for each channel.

    size, channels, resize: as of `Preprocessing`. mean, std: in the units of the numbers; one for each channel, or one.
    to_one: bring 8-bit pixels from 0..255 to 0..1 first; all other numbers stay as they are.
    shown: the three channels that are drawn as red, green and blue, or one that is drawn in grey; by default the first
        three, or the first of two.
    names: what the channels are called; by default "channel 0", "channel 1", ...

    Raises SettingError if a value does not fit.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    resize: Resize = "stretch"
    to_one: bool = True
    shown: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    name: ClassVar[str] = "bands"
    noun: ClassVar[str] = "a picture of several channels"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.to_one, bool):
            raise SettingError(f"to_one must be True or False, but got {self.to_one!r:.60}.")
        shown: Any = self.shown
        shown = (shown,) if is_whole(shown) else tuple(shown) if isinstance(shown, (tuple, list)) else ("",)
        shown = shown or ((0, 1, 2) if self.channels >= 3 else (0,))
        if len(shown) not in (1, 3) or not all(is_whole(i) and 0 <= i < self.channels for i in shown):
            raise SettingError(
                f"shown must be three of the channels 0 to {self.channels - 1}, for red, green and blue, or one for "
                f"grey, but got {self.shown!r:.60}."
            )
        object.__setattr__(self, "shown", tuple(int(i) for i in shown))
        names: Any = self.names
        if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(n, str) for n in names):
            raise SettingError(f"names must be a list of texts, one for each channel, but got {names!r:.60}.")
        if names and len(names) != self.channels:
            raise SettingError(f"names must be one for each of {self.channels} channels, but there are {len(names)}.")
        object.__setattr__(self, "names", tuple(names))

    def _check_channels(self) -> None:
        if not is_whole(self.channels) or not 1 <= self.channels <= MOST_CHANNELS:
            raise SettingError(
                f"channels must be a whole number from 1 to {MOST_CHANNELS}, but got {self.channels!r:.60}."
            )

    @property
    def brief(self) -> str:
        """Return the size and the channels, which are not those of a photo."""
        return f"{super().brief} x {self.channels} channels"

    @property
    def labels(self) -> tuple[str, ...]:
        """Return what each channel is called."""
        return self.names or tuple(f"channel {i}" for i in range(self.channels))

    @property
    def shown_words(self) -> str:
        """Say which channels the picture shows: "channel 3, channel 2 and channel 1 as red, green and blue"."""
        first, *others = (self.labels[i] for i in self.shown)
        return f"{first}, {others[0]} and {others[1]} as red, green and blue" if others else f"{first} in grey"

    def load(self, image: Any, notes: list[str] | None = None) -> Array:  # noqa: ARG002 (nothing is left out)
        """Return a picture's numbers (H, W, C), uint8 or floats.

        image: an array (H, W, C); the path of a .npy, .npz or TIFF file; a picture with transparency for a net of 2
        or 4 channels. Raises ImageFileError with the number of channels where it has others.
        """
        from minitorch_viz.io.bands import load_bands

        return load_bands(image, self.channels)

    def preprocess(self, image: Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Turn a picture of C channels into the net's input (1, C, H, W).

        image: as for `load`, or a tensor that is the net's input already. Raises ImageFileError if it cannot be read.
        """
        tensor = self.prepared(image)
        if tensor is not None:
            return tensor.astype(dtype)
        pixels = self.load(image)
        if self.resize != "keep":
            pixels = _resized(pixels, self.size, self.resize)
        x = pixels / 255 if self.to_one and pixels.dtype == np.uint8 else pixels.astype(np.float64)
        x = ((x - np.array(self.mean)) / np.array(self.std)).astype(dtype)
        return np.ascontiguousarray(x.transpose(2, 0, 1))[None]

    def level(self, level: float | Array, dtype: npt.DTypeLike = np.float32) -> Array:
        return super().level(level / 255 if self.to_one else level, dtype)

    def area_seen(self, photo: Array, most: int = 1024) -> Array:
        """Return the area of a picture (h, w, C) that the net sees, with three channels drawn: (h', w', 3) uint8."""
        seen = _cut(photo, self.size) if self.resize == "crop" else photo
        step = -(-max(seen.shape[:2]) // most)
        return self._drawn(seen[::step, ::step], seen.dtype == np.uint8)

    def restore(self, x: Array) -> Array:
        """Turn the net's input (1, C, H, W) or (C, H, W) into a picture (H, W, 3) uint8 of the channels `shown`.

        Pixels from 0 to 1 are drawn as they are; else each channel from its 1st to its 99th percentile.
        """
        shape = tuple(getattr(x, "shape", ()))
        if len(shape) not in (3, 4) or shape[-3] != self.channels or (len(shape) == 4 and shape[0] != 1):
            raise ShapeError(
                f"restore takes one picture (1, {self.channels}, H, W) or ({self.channels}, H, W), "
                f"but got {f'shape {shape}' if shape else type(x).__name__}."
            )
        numbers = kernels.to_cpu(x).reshape(shape[-3:]).transpose(1, 2, 0)
        numbers = numbers * np.array(self.std) + np.array(self.mean)
        are_pixels = self.to_one and bool(numbers.min() >= 0 and numbers.max() <= 1)
        return self._drawn(numbers * 255 if are_pixels else numbers, are_pixels)

    def _drawn(self, numbers: Array, are_pixels: bool) -> Array:
        """Return numbers (H, W, C) as a picture (H, W, 3) uint8; are_pixels: they are from 0 to 255 already."""
        bands = numbers[..., list(self.shown)].astype(np.float64)
        if not are_pixels:
            low, high = np.nanpercentile(np.where(np.isfinite(bands), bands, np.nan), (DARKEST, BRIGHTEST), axis=(0, 1))
            bands = 255 * (bands - low) / np.where(high > low, high - low, 1)
        pixels = np.clip(np.round(np.nan_to_num(bands)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))

    def with_shown(self, shown: Sequence[int]) -> Self:
        """Return the same reader with other channels for the picture."""
        return replace(self, shown=tuple(shown))

    def description(self) -> dict[str, Any]:
        return {**super().description(), "to_one": self.to_one, "shown": [*self.shown], "names": [*self.names]}

    @classmethod
    def example(cls) -> Self:
        return cls((1, 1), 2)

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        size, mean, std, shown, names = (tuple(description[key]) for key in ("size", "mean", "std", "shown", "names"))
        return cls(size, description["channels"], mean, std, description["resize"], description["to_one"], shown, names)


def _cut(pixels: Array, size: Sequence[int]) -> Array:
    """Return the centre of (h, w, C) that `resize_image` takes for "crop": 224 of 256 parts of the shorter side."""
    scale = 256 / 224 * max(size[0] / pixels.shape[0], size[1] / pixels.shape[1])
    high, wide = (max(1, min(full, round(side / scale))) for side, full in zip(size, pixels.shape[:2], strict=True))
    top, left = (pixels.shape[0] - high) // 2, (pixels.shape[1] - wide) // 2
    return pixels[top : top + high, left : left + wide]


def _resized(pixels: Array, size: Sequence[int], how: str) -> Array:
    """Return (h, w, C) at another size, bilinear, blurred before where it becomes smaller."""
    from scipy import ndimage

    pixels = _cut(pixels, size) if how == "crop" else pixels
    if pixels.shape[:2] == tuple(size):
        return pixels
    if not np.isfinite(pixels).all():
        raise ImageFileError("Some of the picture's numbers are not finite (NaN or infinity); fill them in first.")
    factors = np.divide(pixels.shape[:2], size)
    blurred = ndimage.gaussian_filter(pixels.astype(np.float64), (*np.maximum(0, (factors - 1) / 2), 0), mode="nearest")
    zoomed: Array = ndimage.zoom(blurred, (*(1 / factors), 1), order=1, mode="nearest", grid_mode=True)
    return np.rint(zoomed).astype(np.uint8) if pixels.dtype == np.uint8 else zoomed
