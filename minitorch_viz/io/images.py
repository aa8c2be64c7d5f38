"""Photos as arrays: reading image files, resizing and cropping, writing PNG."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ImageFileError, SettingError, ShapeError
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.io.files import as_path, as_size, open_file, shown

if TYPE_CHECKING:
    from PIL import Image

ImageLike: TypeAlias = "str | Path | BinaryIO | Array | Image.Image"
WHITE = (255, 255, 255)
_MAKE_A_PICTURE = {  # by the kind of number
    "b": " Of true and false: image * np.uint8(255).",
    "i": " For 0..255 use image.astype(np.uint8).",
    "u": " Divided by its largest number it is one: image / 65535 for 16 bits.",
}
LEVEL = 4  # of PNG's 9: half the time of the usual 6, and 3 % more bytes


def load_image(
    image: ImageLike,
    background: tuple[int, int, int] = WHITE,
    *,
    max_pixels: int | None = None,
    notes: list[str] | None = None,
) -> Array:
    """Return a photo as an array (H, W, 3) of uint8, red, green and blue from 0 to 255, the way up it was taken.

    image: the path of a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file, or of an AVIF file where the Pillow installed
        decodes it (told by its contents, not its name), such a file opened in binary mode, a Pillow image, or an array
        (or what gives one by `__array__`): uint8 0..255 or floats 0..1, of shape (H, W), (H, W, 1), (H, W, 3), or
        (H, W, 4) with alpha last.
    background: transparent pixels are laid over this color (R, G, B); white if not given.
    max_pixels: the largest picture, in pixels; default: $MINITORCH_VIZ_MAX_MEGAPIXELS million, else 40 million.
    notes: a list that gets a sentence where something was left out.

    Grey becomes three equal channels; palettes, CMYK, Lab and 1-bit pictures become RGB; of 16 bits the upper 8 stay;
    EXIF orientation is applied; of an animation the first frame is taken. Larger pictures are refused before they are
    decoded. Raises ImageFileError, with a sentence, for whatever cannot be read.
    """
    from minitorch_viz.io import decode

    color = _color(background)
    source: Any = image
    if isinstance(source, np.ndarray):
        return _from_array(source, color)
    if _is_pillow(source):
        return decode.from_pillow(source, "The image", color, max_pixels, notes)
    if hasattr(source, "__array__") and not isinstance(source, np.generic):
        return _from_array(_array_of(source), color)
    if hasattr(source, "read") and hasattr(source, "seek"):
        return decode.from_file(source, "The image file", color, max_pixels, notes)
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise ImageFileError("load_image got bytes: if they are a file's contents, give io.BytesIO(them), else a path.")
    if not isinstance(source, (str, os.PathLike)):
        raise ImageFileError(
            "load_image takes the path of an image file, an array (H, W, 3) or a Pillow image, but got "
            f"{shown(source)}."
        )
    with open_file(source, "image file", ImageFileError) as (file, _, place):
        return decode.from_file(file, str(place), color, max_pixels, notes)


def save_png(
    image: ImageLike,
    path: str | Path,
    texts: Mapping[str, str] | None = None,
    *,
    level: int = LEVEL,
    alpha: Array | None = None,
) -> None:
    """Write a picture (whatever `load_image` takes) as an RGB PNG file, completely or not at all.

    texts: what the file says of itself, by keyword ("Description" is one of PNG's own).
    level: of compression, 0 to 9: of a photo 2 takes a third of the time of the usual 6, and 12 % more bytes.
    alpha: (h, w) uint8, 0 clear and 255 opaque, which makes it an RGBA file.

    Raises ImageFileError if the picture cannot be read, the path does not end in .png, or it cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    place = as_path(path, "image file to write", ImageFileError)
    if place.suffix.lower() != ".png":
        raise ImageFileError(f"save_png writes PNG files, so the path must end in .png, but got {place.name!r}.")
    buffer = io.BytesIO()
    facts = PngInfo()
    for keyword, text in (texts or {}).items():
        facts.add_itxt(keyword, text)
    picture = Image.fromarray(load_image(image))
    if alpha is not None:
        picture.putalpha(Image.fromarray(alpha))
    picture.save(buffer, "PNG", pnginfo=facts, compress_level=level)
    write_bytes_atomically(place, buffer.getvalue(), ImageFileError)  # a view would outlive an error in its frame


def resize_image(image: Array, size: int | tuple[int, int], how: str = "stretch") -> Array:
    """Return a picture (h, w, 3) of uint8 at another size, (H, W, 3), with bicubic interpolation.

    size: pixels, an int for a square or (H, W).
    how: "stretch" brings it straight to the size, whatever its proportions; "crop" keeps them, as ImageNet's
        evaluation does: it scales until the picture covers 256/224 of the size and cuts out the centre.

    Raises ShapeError if the picture is no (h, w, 3) array of uint8, SettingError for an impossible size or `how`.
    """
    from PIL import Image

    from minitorch_viz.io.decode import MOST_PIXELS

    _expect_rgb(image, "resize_image")
    height, width = as_size(size, "resize_image's size")
    if how not in ("stretch", "crop"):
        raise SettingError(f'resize_image\'s how must be "stretch" or "crop", but got {shown(how)}.')
    h, w = (height, width)
    if how == "crop":
        h, w = _before_the_cut(image.shape, height, width)
    if h * w > MOST_PIXELS:
        hint = ', or how="stretch"' if how == "crop" else ""
        raise SettingError(
            f"resize_image to {size} would make {h} x {w} pixels of a {image.shape[0]} x {image.shape[1]} picture; at "
            f"most {MOST_PIXELS // 10**6} megapixels are made. Use a smaller size{hint}."
        )
    resized = np.array(Image.fromarray(image).resize((w, h), Image.Resampling.BICUBIC))
    return center_crop(resized, (height, width))


def _before_the_cut(shape: Sequence[int], height: int, width: int) -> tuple[int, int]:
    """Return the size that a picture gets before its centre (height, width) is cut out."""
    scale = 256 / 224 * max(height / shape[0], width / shape[1])
    return max(height, round(scale * shape[0])), max(width, round(scale * shape[1]))


def cut_out(shape: Sequence[int], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return (top, left, height, width), in a picture's own pixels, of the centre that `resize_image` cuts out of it.

    shape: the picture's height and width. Its borders may lie inside a pixel.
    """
    height, width = size
    full = _before_the_cut(shape, height, width)
    # The cut's corner, as in `center_crop`, and its sides, in the picture's pixels.
    top, left = (full[0] - height) // 2 * shape[0] / full[0], (full[1] - width) // 2 * shape[1] / full[1]
    return top, left, height * shape[0] / full[0], width * shape[1] / full[1]


def area_used(image: Array, size: int | tuple[int, int], how: str, most: int) -> Array:
    """Return the area of a picture (h, w, 3) that `resize_image` uses, in the picture's own pixels.

    how: "stretch" uses all of it, "crop" the centre, whose borders may lie inside a pixel.
    most: a longer side is scaled down to so many pixels; nothing is scaled up.
    """
    from PIL import Image

    h, w = image.shape[:2]
    top = left = 0.0
    if how == "crop":
        top, left, h, w = cut_out(image.shape[:2], as_size(size, "the size"))
    scale = min(1.0, most / max(h, w))
    pixels = max(1, round(scale * w)), max(1, round(scale * h))
    if (*pixels[::-1], 0.0, 0.0) == (*image.shape[:2], top, left):
        return image.copy()
    box = (left, top, min(left + w, image.shape[1]), min(top + h, image.shape[0]))
    return np.asarray(Image.fromarray(image).resize(pixels, Image.Resampling.BICUBIC, box, reducing_gap=1.5))


def center_crop(image: Array, size: int | tuple[int, int]) -> Array:
    """Return the middle (H, W, 3) of a picture (h, w, 3); an odd remainder is left at the right and bottom.

    Raises ShapeError if it is no picture, SettingError if the size is larger than the picture.
    """
    _expect_rgb(image, "center_crop")
    height, width = as_size(size, "center_crop's size")
    h, w = image.shape[:2]
    if height > h or width > w:
        raise SettingError(f"center_crop cannot cut {height} x {width} pixels out of a picture of {h} x {w}.")
    top, left = (h - height) // 2, (w - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _from_array(image: Array, background: Array) -> Array:
    from minitorch_viz.io.decode import over_background

    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)) or 0 in image.shape:
        hint = (
            " Channels go last: np.moveaxis(image, 0, -1)." if image.ndim == 3 and image.shape[0] in (1, 3, 4) else ""
        )
        hint = " A batch of one holds it: image[0]." if image.ndim == 4 and image.shape[0] == 1 else hint
        raise ImageFileError(f"A picture is an array (H, W), (H, W, 3) or (H, W, 4), but got {shown(image)}.{hint}")
    if image.dtype.kind == "f":
        if not (image.min() >= 0 and image.max() <= 1):  # NaN fails both
            raise ImageFileError(
                f"A picture of {image.dtype} has values from 0 to 1, but this one reaches from {image.min():.6g} to "
                f"{image.max():.6g}. For 0..255 use image.astype(np.uint8)."
            )
        image = np.rint(image * 255).astype(np.uint8)
    if image.dtype != np.uint8:
        hint = _MAKE_A_PICTURE.get(image.dtype.kind, "")
        raise ImageFileError(f"A picture is an array of uint8 (0..255) or floats (0..1), but got {shown(image)}.{hint}")
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] == 4:
        return over_background(image, background)
    return np.array(np.broadcast_to(image, (*image.shape[:2], 3)), order="C")  # always a copy of its own


def _array_of(source: Any) -> Array:
    """Return what `__array__` gives; a tensor on a device, or one that takes gradients, refuses to give an array."""
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ImageFileError(
            f"load_image gets no array out of {shown(source)} ({error}); give a NumPy array."
        ) from error


def _expect_rgb(image: object, function: str) -> None:
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ShapeError(f"{function} takes a picture (H, W, 3), but got {shown(image)}; load_image makes one.")
    if image.dtype != np.uint8:
        raise ShapeError(f"{function} takes a picture of uint8, but got {shown(image)}; load_image makes one.")


def _is_pillow(image: object) -> bool:
    """Return whether this is a Pillow image, without importing Pillow for a path."""
    return any(parent.__module__ == "PIL.Image" for parent in type(image).__mro__)


def _color(background: Any) -> Array:
    valid = isinstance(background, (tuple, list)) and len(background) == 3
    if not valid or not all(isinstance(value, (int, np.integer)) and 0 <= value <= 255 for value in background):
        raise SettingError(f"background must be a color (R, G, B) of ints from 0 to 255, but got {background!r:.80}.")
    return np.array(background, np.uint16)
