"""Whether a fooled net stays fooled when its picture is saved, or resized: an attack finds floats, files hold bytes."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks import Aim

QUALITY = 90  # of the JPEG


class Trial(NamedTuple):
    """Hold what the net says of a picture that was not handed to it as it is."""

    way: str  # what was done to it: "rounded"
    answer: str
    probability: float
    fooled: bool


def trials(aim: Aim, pixels: Array) -> tuple[Trial, ...]:
    """Return what the net says of one picture (1, C, H, W) after each change; none for numbers that are no pixels.

    Only pictures of one or three channels are saved as JPEG and resized.
    """
    if not aim.box.pictures or pixels.ndim != 4:
        return ()
    whole = np.rint(pixels).clip(0, 255).astype(np.uint8)
    ways = {"rounded to whole grey levels": whole}
    if pixels.shape[1] in (1, 3):
        ways[f"as a JPEG of quality {QUALITY}"] = _as_jpeg(whole)
        ways["enlarged twice and back"] = _there_and_back(whole)
    tried = []
    for way, picture in ways.items():
        logits = aim.logits(picture.astype(np.float64))
        answer = int(logits[0].argmax())
        share = float(aim.shares(logits)[0, answer])
        tried.append(Trial(way, aim.classes[answer], share, bool(aim.fooled(logits)[0])))
    return tuple(tried)


def _as_jpeg(whole: Array) -> Array:
    """Return pictures (1, C, H, W) uint8 after saving and reading them."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(_last_axis(whole)).save(file, "JPEG", quality=QUALITY)
    return _first_axis(np.asarray(Image.open(file)))


def _there_and_back(whole: Array) -> Array:
    """Return pictures (1, C, H, W) uint8 at twice their size, and at their own again, bicubic both times."""
    from PIL import Image

    image = Image.fromarray(_last_axis(whole))
    large = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BICUBIC)
    return _first_axis(np.asarray(large.resize(image.size, Image.Resampling.BICUBIC)))


def _last_axis(whole: Array) -> Array:
    """Return (h, w, 3), or (h, w) of grey."""
    picture = whole[0].transpose(1, 2, 0)
    return np.ascontiguousarray(picture if picture.shape[2] == 3 else picture[..., 0])


def _first_axis(picture: Array) -> Array:
    return (picture[..., None] if picture.ndim == 2 else picture).transpose(2, 0, 1)[None]
