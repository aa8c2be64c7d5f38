"""From image files to RGB pixels, with Pillow's traps in one place.

Pillow only warns about a 17 kB file that unfolds to 1.6 GB; clips 16-bit grey to white instead of scaling it; compares
the transparent color of 1-, 2-, 4- and 16-bit pictures in the wrong units; and raises a dozen kinds of exceptions on
damaged files. CMYK JPEGs need no care: it inverts them as Adobe's programs (and browsers) do.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ImageFileError, SettingError
from minitorch_viz.io.files import shown
from minitorch_viz.io.formats import MOST_PIXELS, READ, START, kind_of, most_pixels, other_kind, too_large, webp_size

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MOST_PIXELS", "from_file", "from_pillow", "over_background"]

STRIP_PIXELS = 2**20  # that are converted at once
ANIMATED = ("GIF", "PNG", "WEBP", "TIFF")  # a phone's JPEG may hold a depth map beside the photo: no second frame
WHITE_IS_ZERO = 262  # the number of TIFF's tag, 0 for negatives
_OPENING = threading.Lock()


@contextlib.contextmanager
def _sentences(label: str) -> Iterator[None]:
    """Turn whatever Pillow raises, and its warnings, into ImageFileError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Sloppy EXIF data is common in sound photos; only the orientation is wanted of it.
        warnings.filterwarnings("ignore", module=r"PIL\.(TiffImagePlugin|MpoImagePlugin)")
        try:
            yield
        except (ImageFileError, SettingError):
            raise
        except MemoryError as problem:
            raise ImageFileError(f"{label} cannot be decoded: there is not enough memory for it.") from problem
        except (
            Exception
        ) as problem:  # on damaged files Pillow raises OSError, SyntaxError, ValueError, struct.error ...
            text = str(problem).split("\n", 1)[0][:200] or type(problem).__name__
            raise ImageFileError(
                f"{label} cannot be decoded: {text.rstrip('.')}. Is it damaged or cut off?"
            ) from problem


def from_file(
    file: Any, label: str, background: Array, max_pixels: int | None = None, notes: list[str] | None = None
) -> Array:
    """Return the pixels (H, W, 3) of an open image file; notes: gets a sentence on what was left out."""
    from PIL import UnidentifiedImageError

    limit = most_pixels(max_pixels)
    with _sentences(label):
        file.seek(0)
        start = file.read(START)
        if not isinstance(start, bytes):
            raise ImageFileError(f"{label} must be opened in binary mode, but reading gives {shown(start)}.")
        if not start:
            raise ImageFileError(f"{label} is empty (0 bytes); a {READ} file is needed.")
        kind = kind_of(start)
        if not kind:
            other = other_kind(start)
            remark = f": it looks like {other}" if other else ""
            raise ImageFileError(f"{label} is no picture of a kind that is read{remark}; a {READ} file is needed.")
        size = webp_size(start) if kind == "WEBP" else None
        if size is not None and size[0] * size[1] > limit:
            raise ImageFileError(too_large(label, *size, limit))
        try:
            opened = open_picture(file, kind)
        except UnidentifiedImageError as problem:
            if kind == "TIFF":
                text = "is a TIFF of a kind that is not read (16 bits a color, say), or damaged; save it as PNG"
            else:
                text = f"{'is an AVIF picture that ' * (kind == 'AVIF')}is damaged or cut off"
            raise ImageFileError(f"{label} {text}; a sound {READ} file is needed.") from problem
        with opened:
            return from_pillow(opened, label, background, limit, notes)


def open_picture(file: Any, kind: str) -> Image.Image:
    """Open the picture without decoding it, with Pillow's own limit set aside: this package has one of its own."""
    from PIL import Image

    if kind == "TIFF":  # else Pillow loads all of its forty formats; the others are among its first five
        import PIL.TiffImagePlugin
    elif kind == "WEBP":
        import PIL.WebPImagePlugin
    elif kind == "AVIF":
        import PIL.AvifImagePlugin  # noqa: F401 (each makes itself known)
    file.seek(0)
    with _OPENING:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=[kind])
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def from_pillow(
    image: Image.Image, label: str, background: Array, max_pixels: int | None = None, notes: list[str] | None = None
) -> Array:
    """Return the pixels (H, W, 3) of a Pillow image, decoded only now and only if it is not too large."""
    limit = most_pixels(max_pixels)
    with _sentences(label):
        width, height = image.size
        if width * height > limit:
            raise ImageFileError(too_large(label, width, height, limit))
        if width * height == 0:
            raise ImageFileError(f"{label} has no pixels: its size is {width} x {height}.")
        if notes is not None and image.format in ANIMATED and getattr(image, "is_animated", False):
            notes.append(f"{label} holds several pictures; the first is taken.")
        key = _transparent_color(image)  # before load, which forgets how the pixels were stored
        is_negative = image.mode.startswith("I;16") and _tag(image, WHITE_IS_ZERO) == 0
        image.load()
        _check_depth(image, label)
        width, height = image.size  # of a TIFF that was turned
        orientation = _orientation(image)
        upright = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
        stored = _as_stored(upright, orientation)
        rows = max(1, STRIP_PIXELS // width)
        for top in range(0, height, rows):
            strip = image.crop((0, top, width, min(top + rows, height)))
            stored[top : top + rows] = _rgb(strip, key, label, background)
    return 255 - upright if is_negative else upright


def _rgb(strip: Image.Image, key: Any, label: str, background: Array) -> Array:
    """Return a few rows as (rows, W, 3)."""
    if strip.mode.startswith("I"):  # 16 bits; convert() would clip them
        deep = np.asarray(strip).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise ImageFileError(f"{label} has values from {deep.min()} to {deep.max()}; grey is 0 to 65535 at most.")
        rgb = np.repeat((deep >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
        if isinstance(key, int):
            rgb[deep == key] = background
        return rgb
    if strip.mode == "F":
        raise ImageFileError(
            f"{label} holds floats, whose black and white are not known; give its array, scaled to 0..1, instead."
        )
    if strip.mode in ("RGBa", "La"):  # multiplied with alpha already
        strip = strip.convert("RGBA" if strip.mode == "RGBa" else "LA")
    if key is not None:
        strip.info["transparency"] = key
    if key is not None or strip.has_transparency_data:
        return over_background(np.asarray(strip.convert("RGBA")), background)
    return np.asarray(strip.convert("RGB"))


def _check_depth(image: Image.Image, label: str) -> None:
    """Refuse whole numbers of 32 bits that do not show whether white is 255 or 65535."""
    if image.mode == "I" and image.format != "PPM":  # which brings its white, whatever it is, to 65535
        extremes: Any = image.getextrema()
        smallest, largest = extremes
        if smallest >= 0 and 0 < largest <= 255:
            raise ImageFileError(
                f"{label} holds whole numbers of 32 bits up to {largest}, so white may be 255 or 65535; "
                "give an array of uint8, or a picture of 8 or 16 bits."
            )


def over_background(rgba: Array, background: Array) -> Array:
    """Lay (H, W, 4) of uint8 over a color: (H, W, 3). Alpha 0 gives the color, 255 the pixel, both exactly."""
    out = np.empty((*rgba.shape[:2], 3), np.uint8)
    rows = max(1, STRIP_PIXELS // rgba.shape[1])
    for top in range(0, len(rgba), rows):
        part = rgba[top : top + rows].astype(np.uint16)
        alpha = part[:, :, 3:]
        out[top : top + rows] = (part[:, :, :3] * alpha + background * (255 - alpha) + 127) // 255
    return out


def _transparent_color(image: Image.Image) -> Any:
    """Return the one color that means transparent, in the units of the decoded pixels; None if there is none.

    The file gives it in the units of its own bits, and Pillow leaves it so, but widens 1, 2 and 4 bits to 8 and
    narrows 16 bits of color to 8.
    """
    key = image.info.get("transparency")
    tile = getattr(image, "tile", None)
    args = tile[0][3] if tile else None
    stored = args[0] if isinstance(args, tuple) and args else args
    if isinstance(key, int) and image.mode in ("1", "L"):
        factor = {"1": 255, "L;2": 85, "L;4": 17}.get(str(stored), 1)
        return min(key * factor, 255)
    if isinstance(key, tuple) and stored == "RGB;16B":
        return tuple(value >> 8 for value in key)
    return key


def _tag(image: Image.Image, number: int) -> Any:
    """Return a tag of a TIFF; None if it has none, or the picture is no TIFF."""
    return getattr(image, "tag_v2", {}).get(number)


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 (upright) where there is none or the EXIF data are damaged."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF data raise nearly anything, and the pixels are sound
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _as_stored(upright: Array, orientation: int) -> Array:
    """Return a view of the upright picture that runs as the file does: writing into it turns pixels without a copy."""
    if orientation in (3, 4, 7, 8):
        upright = upright[::-1]
    if orientation in (2, 3, 6, 7):
        upright = upright[:, ::-1]
    return upright.swapaxes(0, 1) if orientation >= 5 else upright
