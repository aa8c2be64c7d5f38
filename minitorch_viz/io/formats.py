"""Which kind of picture a file is, told by its first bytes: a name proves nothing, downloads are often misnamed."""

from __future__ import annotations

import functools
import math
import os
import warnings

from minitorch_viz.errors import SettingError
from minitorch_viz.io.files import is_whole, shown

START = 64  # bytes that are enough to tell a kind
READ = "PNG, JPEG, WebP, GIF, BMP, TIFF or PPM"
VARIABLE = "MINITORCH_VIZ_MAX_MEGAPIXELS"
MOST_PIXELS = 40 * 10**6
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes; what the known versions of the format have
OTHERS = {  # what else files begin with, to say what came
    b"%PDF": "a PDF",
    b"<": "a web page or SVG",
    b"PK\x03\x04": "a zip archive",
    b"RIFF": "a video or a sound",
    b"\0\0\0\x0cjP": "a JPEG 2000",
    b"\xff\x4f\xff\x51": "a JPEG 2000",
    b"8BPS": "a Photoshop file",
    b"\0\0\x01\0": "an icon",
    b"version https://git-lfs": "a git-lfs pointer, not the picture itself; run `git lfs pull`",
}
AVIF_BRANDS = (b"avif", b"avis")
HEIC = "a HEIC photo, as telephones write; export it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible)"
BRANDS = {  # of files that begin with a box "ftyp"
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), HEIC),
    **dict.fromkeys(AVIF_BRANDS, "an AVIF picture, which the Pillow installed here cannot decode; save it as JPEG"),
}


def kind_of(start: bytes) -> str:
    """Return Pillow's name of the format of a file with these first bytes; "" if it is none of those that are read."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"\xff\xd8"):
        return "JPEG"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace():
        return "PPM"
    if start[4:8] == b"ftyp" and start[8:12] in AVIF_BRANDS and reads_avif():
        return "AVIF"
    return ""


@functools.cache
def reads_avif() -> bool:
    """Return whether the Pillow that is installed can decode AVIF: its wheels can on most systems, since 11.3."""
    from PIL import features

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an older Pillow warns of a feature that it does not know
        return bool(features.check("avif"))


def other_kind(start: bytes) -> str:
    """Return words for what else a file may be, for a message; "" if that is not known."""
    if start[4:8] == b"ftyp":
        return BRANDS.get(start[8:12], "a video")
    return next((name for magic, name in OTHERS.items() if start.startswith(magic)), "")


def webp_size(start: bytes) -> tuple[int, int] | None:
    """Return (width, height) that a WebP file declares; None if it has no head. Pillow takes the memory on opening."""
    chunk = start[12:16]
    if chunk == b"VP8X" and len(start) >= 30:
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    if chunk == b"VP8L" and len(start) >= 25 and start[20] == 0x2F:
        bits = int.from_bytes(start[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and start[23:26] == b"\x9d\x01\x2a" and len(start) >= 30:
        width, height = int.from_bytes(start[26:28], "little"), int.from_bytes(start[28:30], "little")
        return width & 0x3FFF, height & 0x3FFF
    return None


def most_pixels(given: object = None) -> int:
    """Return the most pixels that are read: what is given, else $MINITORCH_VIZ_MAX_MEGAPIXELS, else 40 million.

    Raises SettingError if that is no such number.
    """
    if given is not None:
        if not is_whole(given) or given < 1:
            raise SettingError(f"max_pixels must be a whole number of at least 1, but got {shown(given)}.")
        return int(given)
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return MOST_PIXELS
    try:
        millions = float(text)
    except ValueError:
        millions = math.nan
    if not 0 < millions <= 10**6:
        raise SettingError(f"{VARIABLE} must be a number of megapixels such as 100, but is {text!a:.40}.")
    return max(1, math.floor(millions * 10**6))


def too_large(label: str, width: int, height: int, limit: int) -> str:
    """Return the sentence that refuses a picture, and says what to do about it."""
    return (
        f"{label} has {width} x {height} pixels ({width * height / 10**6:.1f} megapixels); at most {limit / 10**6:g} "
        "megapixels are read. Save it smaller (nets see a few hundred pixels a side), or raise the limit with "
        f"load_image(..., max_pixels={width * height}) or the environment variable "
        f"{VARIABLE}={math.ceil(width * height / 10**6)}."
    )
