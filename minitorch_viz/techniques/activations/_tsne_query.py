"""New pictures on an old map, and the pictures nearest to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import SettingError, near
from minitorch_viz.io.images import load_image
from minitorch_viz.techniques.activations._tsne_map import Placed, placed
from minitorch_viz.techniques.explain.codes import Codes, Metric, as_compared
from minitorch_viz.techniques.explain.neighbours import Neighbours, nearest_to
from minitorch_viz.techniques.explain.thumbnails import Thumbnails, in_cells, none_yet, thumbnails
from minitorch_viz.techniques.explain.view import several

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SIDE = 240  # pixels of a shown picture
MOST_PLACED = 12
NOTHING = Neighbours(np.zeros((1, 0), np.int64), np.zeros((1, 0)))


@dataclass(frozen=True, eq=False)
class NewPictures:
    """Hold the codes of pictures that are put on a map."""

    titles: tuple[str, ...]
    codes: Array  # (q, d)
    small: Thumbnails

    def placed(self, codes: Array, maps: Array, metric: Metric) -> Placed:
        """Return where they lie on the maps (p, n, 2) of codes (n, d)."""
        return placed(as_compared(codes, metric), maps, as_compared(self.codes, metric))


def new_pictures(model: Model, tally: Codes, place: Any) -> NewPictures:
    """Return new pictures with their codes; ImageFileError for a bad one, SettingError for too many."""
    photos = several(place, most=MOST_PLACED)
    codes = [_code(model, tally, photo) for photo in photos]
    titles = [
        Path(photo).name if isinstance(photo, (str, Path)) else f"new photo {n}" for n, photo in enumerate(photos, 1)
    ]
    return NewPictures(tuple(titles), np.concatenate(codes), in_cells([load_image(photo) for photo in photos], SIDE))


def _code(model: Model, tally: Codes, photo: Any) -> Array:
    """Return the code (1, d) of one picture."""
    return tally.codes_of(model.net.forward(model.preprocess(photo), upto=tally.upto))


@dataclass(frozen=True, eq=False)
class Query:
    """Hold a picture and its nearest ones."""

    title: str
    number: int | None  # in the data set; None: it is not in it
    code: Array  # (1, d); (0, 0) where it is that of a picture in the data set
    pixels: Array  # (1, e)
    picture: Thumbnails
    by_codes: Neighbours = NOTHING  # (1, k): rows of the codes
    by_pixels: Neighbours = NOTHING
    small: Thumbnails = none_yet()  # of those by codes, and then of those by pixels

    def answered(self, numbers: Array, codes: Array, pixels: Array, metric: Metric, count: int) -> Query:
        """Return it with its nearest among the codes (n, d) and pixels (n, e) of the pictures `numbers` (n,)."""
        own = None
        if self.number is not None:
            rows = np.flatnonzero(numbers == self.number)
            if not len(rows):
                raise SettingError(f"{self.title} could not be read, so that nothing can be near to it.")
            own = int(rows[0])
        codes = as_compared(codes, metric)
        by_codes = _others(as_compared(self.code, metric) if own is None else codes[[own]], codes, count, own)
        by_pixels = NOTHING
        if pixels.shape[1]:
            by_pixels = _others(self.pixels if own is None else pixels[[own]], pixels, count, own)
        return replace(self, by_codes=by_codes, by_pixels=by_pixels)

    def with_pictures(self, pictures: Pictures, numbers: Array) -> Query:
        """Return it with the nearest pictures themselves."""
        rows = [*self.by_codes.numbers[0], *self.by_pixels.numbers[0]]
        return replace(self, small=thumbnails(pictures, numbers[rows].tolist(), SIDE))


def _others(query: Array, points: Array, count: int, own: int | None) -> Neighbours:
    """Return the points nearest to a query (1, d), the point `own` left out."""
    numbers, distances = nearest_to(query, points, count + (own is not None))
    is_other = numbers[0] != own
    return Neighbours(numbers[:, is_other][:, :count], distances[:, is_other][:, :count])


def query_of(model: Model, pictures: Pictures, tally: Codes, pixels: Codes, asked: object) -> Query:
    """Return what `nearest` means: a number in the data set, a title in it, or a photo.

    Raises SettingError if there is none of these, ImageFileError for a bad photo.
    """
    word = str(asked).strip()
    if word.lstrip("-").isdigit():
        number = int(word)
        if not 0 <= number < len(pictures):
            raise SettingError(f"The pictures have the numbers 0 to {len(pictures) - 1}, but nearest is {number}.")
        return _of_number(pictures, number)
    titles = [pictures.title(number) for number in range(len(pictures))]
    if word in titles:
        return _of_number(pictures, titles.index(word))
    if not Path(word).is_file():
        raise SettingError(
            f"nearest is a picture's number, its name or a photo, but there is no {word!r}; "
            f"{near(word, titles, 'picture')}."
        )
    small = in_cells([load_image(word)], SIDE)
    return Query(Path(word).name, None, _code(model, tally, word), _code(model, pixels, word), small)


def _of_number(pictures: Pictures, number: int) -> Query:
    nothing = np.zeros((0, 0), np.float32)
    return Query(pictures.title(number), number, nothing, nothing, thumbnails(pictures, [number], SIDE))
