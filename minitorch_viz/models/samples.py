"""Pictures to begin with: those a net comes with, so that every command works without a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError

if TYPE_CHECKING:
    from minitorch_viz.models import Model

DIGITS = (3, 5, 8)  # one picture of each


def sample_images(model: Model) -> list[tuple[str, Array]]:
    """(name, image (H, W, 3) uint8) pairs that suit the model.

    Grey nets get digits of scikit-learn's test split, others the cat of scikit-image's wheel. Raises SettingError
    where that library has no picture without a download.
    """
    if model.preprocessing.channels == 1:
        return [(f"a handwritten {digit}", sample_digit(digit)) for digit in DIGITS]
    try:
        from skimage import data

        return [("chelsea the cat (scikit-image)", data.chelsea())]
    except (ImportError, OSError) as error:
        raise SettingError(f"There is no sample photo here ({error}); give one of your own.") from error


def sample_digit(digit: int = 3) -> Array:
    """The first image of a digit in the test split, (8, 8, 3) uint8: white ink on black."""
    from minitorch_viz.data import load_digits

    _, test = load_digits()
    image = test.images[int((test.labels == digit).argmax())]
    picture: Array = image[..., None].repeat(3, axis=2)
    return picture
