"""The pictures of one run: photos that are shown, and those that are counted, as each net sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.digits import load_digits
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.errors import DataFileError, ImageFileError, SettingError
from minitorch_viz.optimize.attacks import Aim, aim_at
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.techniques.optimization._adversarial_views import AimOfViews
from minitorch_viz.techniques.optimization._natural import pictures_beside

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST_PHOTOS = 8
ALSO = 2  # counted pictures that are shown, too
DIGITS = tuple("0123456789")
FRAME, INK = 28, 20  # pixels a side: of MNIST's pictures, and of the digits in their middle


@dataclass(frozen=True, eq=False)
class Shown:
    """Hold M pictures: first the photos, then those of a data set; what is counted are the latter, if there are any."""

    images: tuple[Any, ...]  # (M,): each as a net's reader takes it
    answers: tuple[str, ...]  # (M,): what is right, by name; "" if that is not known
    photos: int  # how many of them are photos
    source: str  # what the data set is called; "" if there is none
    remarks: tuple[str, ...]  # sentences: which could not be read, what the data set is not

    @property
    def drawn(self) -> int:
        """Return how many pictures are drawn, the first ones: the photos, and some of those that are counted."""
        return min(len(self.images), self.photos + ALSO)

    @property
    def counted(self) -> Array:
        """Return which pictures are counted, (M,) bool."""
        numbers = np.arange(len(self.images))
        return numbers >= self.photos if len(numbers) > self.photos else numbers >= 0


@dataclass(frozen=True, eq=False)
class Seen:
    """Hold the pictures as one net sees them, and what is right for it."""

    model: Model
    aim: Aim
    pixels: Array  # (M, C, H, W) float64, 0..255
    is_truth: bool  # whether the answers that are to stay are what is known to be right, or else the net's own

    def of_views(self, shift: int) -> Aim:
        """Return the same aim at the mean over shifted views."""
        aim = self.aim
        return AimOfViews(aim.model, aim.labels, aim.targets, aim.box, aim.batch, shift)


def shown_of(model: Model, image: Any, pictures: Any, count: int) -> Shown:
    """Return the photos, and up to `count` pictures of a data set, spread evenly over it.

    pictures: None: those of the kind that the net was trained on, as far as such are at hand.
    """
    photos = list(image) if isinstance(image, (list, tuple)) else [image]
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise SettingError(
            f"1 to {MOST_PHOTOS} photos are shown, but there are {len(photos)}; to count over many give a folder of "
            "them, --pictures FOLDER."
        )
    source, remark = (as_pictures(pictures), "") if pictures is not None else _at_hand(model)
    if source is None:
        return Shown(tuple(photos), ("",) * len(photos), len(photos), "", ())
    numbers = np.unique(np.linspace(0, len(source) - 1, min(count, len(source))).round().astype(int)).tolist()
    images, answers, remarks = [], [], [remark] if remark else []
    for number in numbers:
        try:
            picture = source[number]
        except ImageFileError as error:
            remarks.append(str(error))
            continue
        label = source.label(number)
        images.append(picture)
        answers.append("" if label is None else source.class_names[label])
    if not images:
        raise DataFileError(f"None of the {len(numbers)} pictures of {source.name} can be read. {remarks[-1]}")
    return Shown((*photos, *images), (*[""] * len(photos), *answers), len(photos), source.name, tuple(remarks))


def _at_hand(model: Model) -> tuple[Pictures | None, str]:
    """Return pictures of the kind that a net was trained on, as far as such are at hand, and what is to be known."""
    source, _ = pictures_beside(model, None)
    is_mnist = model.class_names == DIGITS and model.preprocessing.size == (FRAME, FRAME)
    if source is None or not is_mnist or source.name.startswith("MNIST"):
        return source, ""
    return as_pictures(framed_digits()), (
        "MNIST is not at hand (`minitorch-viz download mnist` fetches it): these are scikit-learn's digits, enlarged "
        "and in MNIST's frame, of which the nets have seen none; they stand less there."
    )


def framed_digits() -> Dataset:
    """Return scikit-learn's test digits as MNIST's pictures are: white ink of 20 x 20 pixels in a black frame of 28."""
    data = load_digits()[1]
    enlarged = resized(data.images[:, None].astype(np.float64), (INK, INK))[:, 0]
    edge = (FRAME - INK) // 2
    inked = np.clip(2 * enlarged - 100, 0, 255)  # interpolation has made the strokes' edges soft
    images = np.pad(inked.round().astype(np.uint8), ((0, 0), (edge, edge), (edge, edge)))
    return replace(data, images=images, name="scikit-learn's digits")


def seen_by(model: Model, shown: Shown) -> Seen:
    """Return the pictures as a net sees them, and aim at its right answers to them; of photos at its own answers.

    Where a data set's names are not the net's, its own answers to those pictures count as right, too.
    Raises SettingError where the net keeps the photos' own sizes and these differ.
    """
    parts = [kernels.to_cpu(model.read(image)) for image in shown.images]
    if len({part.shape for part in parts}) > 1:
        raise SettingError(
            f"{model.name} takes photos in their own sizes, and these have several; with --resize stretch all have one."
        )
    aim, pixels = aim_at(model, np.concatenate(parts))
    names = [name for name in shown.answers if name]
    is_truth = bool(names) and all(name in aim.classes for name in names)
    if is_truth:
        labels = aim.labels.copy()
        for place, name in enumerate(shown.answers):
            labels[place] = aim.classes.index(name) if name else labels[place]
        aim = replace(aim, labels=labels)
    return Seen(model, aim, pixels, is_truth)
