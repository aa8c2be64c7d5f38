"""Dataset: pictures, their labels and the names of the classes; what every loader returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.models.readers.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Hold labelled pictures as they are stored: pixels of uint8, unnormalized, so that they can be shown.

    `len(data)` counts the pictures and `data[:100]`, `data[mask]` or `data[indices]` is a smaller data set.
    Raises ShapeError or SettingError if the arrays do not fit together.
    """

    images: Array  # (N, H, W, 3) RGB or (N, H, W) grey, uint8 0..255
    labels: Array  # (N,) int64, the class of each image, 0..len(class_names) - 1
    class_names: tuple[str, ...]
    name: str
    notes: tuple[str, ...] = ()  # what was left out or taken otherwise when it was read

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        for field, array in (("images", images), ("labels", labels)):
            if not isinstance(array, np.ndarray):
                raise ShapeError(f"{field} must be an array, but got a {type(array).__name__}.")
        grey, rgb = images.ndim == 3, images.ndim == 4 and images.shape[-1] == 3
        if not (grey or rgb) or images.dtype != np.uint8 or 0 in images.shape:
            raise ShapeError(
                "images must be at least one picture of uint8, (N, H, W, 3) or grey (N, H, W), but are "
                f"{images.dtype} of shape {images.shape}."
            )
        if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
            raise ShapeError(
                f"labels must be {len(images)} whole numbers, one an image, but are {labels.dtype} of shape "
                f"{labels.shape}."
            )
        names = self.class_names
        if not isinstance(names, tuple) or not names or not all(isinstance(name, str) and name for name in names):
            raise SettingError(f"class_names must be a tuple of names, one a class, but got {names!r:.100}.")
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise SettingError(f"Each class needs a name of its own, but {twice[0]!r} is there twice.")
        if labels.min() < 0 or labels.max() >= len(names):
            raise SettingError(
                f"labels must be from 0 to {len(names) - 1}, but reach from {labels.min()} to {labels.max()}."
            )
        object.__setattr__(self, "labels", labels.astype(np.int64, copy=False))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Self:
        """Return the data set of these pictures: a slice, an array of indices or a mask."""
        if isinstance(index, (int, np.integer)):
            raise SettingError(f"data[{index}] is no data set; data.images[{index}] is the picture.")
        return replace(self, images=self.images[index], labels=self.labels[index])

    def __repr__(self) -> str:
        """Show `Dataset(MNIST test: 10000 pictures of 28 x 28, grey, 10 classes)`, and how many notes."""
        height, width = self.images.shape[1:3]
        kind = "grey" if self.channels == 1 else "RGB"
        noted = f", {len(self.notes)} note{'s' * (len(self.notes) > 1)}" if self.notes else ""
        size = f"{len(self)} pictures of {height} x {width}, {kind}, {len(self.class_names)} classes"
        return f"Dataset({self.name}: {size}{noted})"

    @property
    def channels(self) -> int:
        """Return 3 for RGB, 1 for grey."""
        return 1 if self.images.ndim == 3 else 3

    def split(self, test: float = 0.2, seed: int = 0) -> tuple[Self, Self]:
        """Return (training, test): of each class the share `test`, rounded, at least one picture, in order.

        A class of one picture goes to training. Same seed, same split. Raises SettingError unless 0 < test < 1.
        """
        if not isinstance(test, (int, float)) or not 0 < test < 1:
            raise SettingError(f"The share of test pictures must be between 0 and 1, but is {test!r}.")
        rng = np.random.default_rng(seed)
        in_test = np.zeros(len(self), bool)
        for label in range(len(self.class_names)):
            members = np.flatnonzero(self.labels == label)
            count = min(max(1, round(test * len(members))), len(members) - 1)
            in_test[rng.permutation(members)[: max(count, 0)]] = True
        if not in_test.any():
            raise SettingError(f"{self.name} cannot be split: no class has more than one picture.")
        training, tested = self[~in_test], self[in_test]
        return replace(training, name=f"{self.name} train"), replace(tested, name=f"{self.name} test")


def normalized(images: Array, preprocessing: Preprocessing) -> Array:
    """Turn pixels (N, H, W, 3) or (N, H, W) of uint8 into what a net takes, (N, C, H, W) float32: (x - mean) / std.

    Bit for bit what `preprocessing.preprocess` gives for one image, without its resizing. Raises ShapeError if the
    number of channels differs.
    """
    x = images[..., None] if images.ndim == 3 else images
    if x.ndim != 4 or x.shape[-1] != preprocessing.channels:
        raise ShapeError(
            f"The net takes images of {preprocessing.channels} channel(s), but these have shape {images.shape}; it "
            "takes (N, H, W, 3) for 3 channels and (N, H, W) for 1."
        )
    mean, std = np.array(preprocessing.mean, np.float32), np.array(preprocessing.std, np.float32)
    return np.ascontiguousarray(((x.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2))
