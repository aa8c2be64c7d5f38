"""Which places of a map are summed up: a rectangle of the picture, what a mask marks, where a channel wins, or all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Region
from minitorch_viz.errors import SettingError, ShapeError, near
from minitorch_viz.objectives import rectangle

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Mask: TypeAlias = str | Path | Array

ALL, WINS = "all", "wins"
HOW = f"a picture file, an array (h, w), {ALL!r} or {WINS!r}"


class Places(NamedTuple):
    """Hold how much each place counts, and what they are called."""

    where: Array | None  # the places' shape, (h, w) of maps; None: all
    words: str  # after the channel's name: "in rows 3 to 8, columns 2 to 6"


def chosen_places(
    model: Model,
    size: Sequence[int],
    seen: Sequence[int],
    region: Region | None,
    mask: Mask | None,
    won: Callable[[], Array],
) -> Places:
    """Return the places that the settings mean, of a map (h, w) or a sequence (T,).

    size: the map's. seen: (h, w) of the net's input, in whose pixels `region` counts. won: gives where the channel
    wins, of the map's shape. A place counts by the share of its patch of pixels that is marked.

    Raises SettingError if both are given, or what is marked is none of the picture, ImageFileError for a bad file.
    """
    if region is not None and mask is not None:
        raise SettingError("Give either region= or mask=: a rectangle is a mask, too.")
    if region is not None:
        if len(size) != 2:
            raise SettingError(
                "A region is a part of a picture, but this node gives steps; mask= takes an array of them."
            )
        top, left, bottom, right = box = _box(region)
        return Places(
            shrunk(rectangle(seen, box), size), f"in rows {top} to {bottom - 1}, columns {left} to {right - 1}"
        )
    if isinstance(mask, str) and mask == ALL:
        return Places(None, "over all places")
    if isinstance(mask, str) and mask == WINS:
        where = won()
        return Places(where, f"where it wins ({_share(where)})") if where.any() else Places(None, NOWHERE)
    marks, words = _marks(mask)
    where = _fitted(model, marks, size, seen, words)
    if not where.any():
        raise SettingError(f"{_opening(words)} marks nothing of what the net sees.")
    return Places(where, f"in {words} ({_share(where)})")


NOWHERE = "over all places, for it wins at none"


def shrunk(values: Array, size: Sequence[int]) -> Array:
    """Return the mean of (h, w) over each of the patches that the places of a map (h', w') stand for.

    >>> shrunk(np.eye(4), (2, 2))
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    rows, columns = (_shares(count, places) for count, places in zip(values.shape, size, strict=True))
    means: Array = rows @ values.astype(np.float64) @ columns.T
    return means


def _shares(count: int, places: int) -> Array:
    """Return (places, count): how much of each place's stretch lies in each pixel; each row adds up to 1."""
    ends = np.arange(places + 1) * (count / places)
    pixels = np.arange(count)
    overlap = np.minimum(ends[1:, None], pixels + 1) - np.maximum(ends[:-1, None], pixels)
    shares: Array = np.maximum(overlap, 0) * (places / count)
    return shares


def _box(region: Region) -> Region:
    """Return four whole numbers; SettingError for anything else."""
    numbers = tuple(region) if isinstance(region, (tuple, list, np.ndarray)) else (region,)
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in numbers)
    if len(numbers) != 4 or not whole:
        raise SettingError(f"region= is four whole numbers, top, left, bottom, right, but got {region!r}.")
    top, left, bottom, right = map(int, numbers)
    return top, left, bottom, right


def _marks(mask: Mask | None) -> tuple[Array, str]:
    """Return what a file or an array marks, nonnegative, and what it is called."""
    if isinstance(mask, (str, Path)):
        from minitorch_viz.io.images import load_image

        if isinstance(mask, str) and not Path(mask).suffix and not Path(mask).exists():
            raise SettingError(f"mask= is {HOW}, but got {mask!r}; {near(mask, (ALL, WINS), 'mask')}.")
        brightness = load_image(mask).max(axis=2)
        # Marked is what is brighter than half of the brightest: 255 of 0 and 255, 1 of 0 and 1, whatever a JPEG did.
        return brightness > brightness.max() / 2, Path(mask).name
    marks = np.asarray(mask)
    if marks.dtype.kind not in "biuf" or marks.ndim not in (1, 2):
        raise SettingError(f"mask= is {HOW}, but got {_kind_of(mask)}.")
    if not np.isfinite(marks).all() or (marks < 0).any():
        raise SettingError("The numbers of mask= say how much each place counts: they must be finite and 0 or more.")
    return (marks if marks.dtype.kind == "f" else marks != 0), "the mask"


def _kind_of(mask: object) -> str:
    if isinstance(mask, np.ndarray):
        return f"an array of shape {mask.shape} and {mask.dtype}"
    return f"{type(mask).__name__} {mask!r:.60}"


def _opening(words: str) -> str:
    """Return the words with which a sentence begins; a file keeps its name."""
    return "The mask" if words == "the mask" else words


def _fitted(model: Model, marks: Array, size: Sequence[int], seen: Sequence[int], words: str) -> Array:
    """Return the marks at the places of a map.

    Marks of the map's size or of the input's are taken as they lie; all others are prepared as the photo is.
    """
    if marks.shape == tuple(size):
        return marks
    if marks.ndim != 2 or len(size) != 2:
        raise ShapeError(f"{_opening(words)} has the shape {marks.shape}, but the places are {tuple(size)}.")
    if marks.shape != tuple(seen) and model.preprocessing.resize == "crop":
        top = float(marks.max()) or 1.0
        levels = np.repeat(np.round(255 / top * marks.astype(np.float64)).astype(np.uint8)[..., None], 3, axis=2)
        marks = model.preprocessing.area_seen(levels)[..., 0] * (top / 255)
    return shrunk(marks, size)


def _share(where: Array) -> str:
    """Return how much of the map is marked, in words: "31%"."""
    share = 100 * float((where > 0).mean())
    return f"{share:.0f}%" if share >= 10 else f"{share:.2g}%"
