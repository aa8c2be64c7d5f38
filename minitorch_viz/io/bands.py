"""Pictures of any number of channels as arrays: .npy, .npz, TIFF with many bands, pictures with transparency."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ImageFileError
from minitorch_viz.io.files import as_path, open_file, shown

READ = ".npy, .npz or .tif"
MOST_NUMBERS = 2**28  # of a TIFF, before it is decoded: 256 MB of 8 bits
MODES = {2: "LA", 4: "RGBA"}  # of Pillow: pictures with transparency


def load_bands(image: Any, channels: int) -> Array:
    """Return a picture's numbers (H, W, C): uint8 as they are, all others in float64.

    image: an array or tensor (H, W, C) or (C, H, W), of one channel also (H, W); the path of a .npy file, of a .npz
        file with one such array or C arrays (H, W), of a TIFF of C bands or pages, or, for 2 or 4 channels, of a
        picture with transparency; a Pillow image.

    Raises ImageFileError if it cannot be read, holds other channels, or numbers that are not finite.
    """
    label = "The picture"
    if isinstance(image, (str, os.PathLike)):
        place = as_path(image, "picture file", ImageFileError)
        label = str(place)
        array = _of_file(place, channels)
    elif hasattr(image, "getbands"):
        array = _of_pillow(image, channels, label)
    else:
        array = _of_array(image)
    if array.dtype.kind not in "buif" or array.ndim not in (2, 3) or 0 in array.shape:
        raise ImageFileError(f"{label} must be an array of numbers (H, W, {channels}), but is {shown(array)}.")
    array = array[..., None] if array.ndim == 2 else array
    if array.shape[2] != channels and array.shape[0] == channels:
        array = np.moveaxis(array, 0, -1)
    if array.shape[2] != channels:
        raise ImageFileError(
            f"{label} has the shape {array.shape}, {array.shape[2]} channels, but the net takes {channels}: an array "
            f"(H, W, {channels}) is needed."
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.isfinite(array).all():
        raise ImageFileError(f"{label} holds numbers that are not finite (NaN or infinity); fill them in first.")
    return np.ascontiguousarray(array, np.float64)


def _of_array(image: Any) -> Array:
    if callable(getattr(image, "detach", None)):
        image = image.detach().cpu().numpy()
    if not hasattr(image, "__array__") and not isinstance(image, (list, tuple)):
        raise ImageFileError(f"A picture is an array (H, W, C) or the path of a {READ} file, but got {shown(image)}.")
    try:
        return np.asarray(image)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise ImageFileError(f"No array can be made of {shown(image)}: {problem}.") from problem


def _of_file(place: Path, channels: int) -> Array:
    from minitorch_viz.errors import MinitorchVizError
    from minitorch_viz.io.npy import read_npy
    from minitorch_viz.io.npz import read_npz

    suffix = place.suffix.lower()
    try:
        if suffix == ".npy":
            return read_npy(place)
        if suffix == ".npz":
            return _one_of(read_npz(place), place, channels)
    except ImageFileError:
        raise
    except MinitorchVizError as problem:
        raise ImageFileError(str(problem)) from problem
    with open_file(place, "picture file", ImageFileError) as (file, _, name):
        if suffix in (".tif", ".tiff"):
            return _of_tiff(file, name)
        from PIL import Image, UnidentifiedImageError

        from minitorch_viz.io.decode import open_picture
        from minitorch_viz.io.formats import kind_of

        kind = kind_of(file.read(32))
        if not kind:
            raise ImageFileError(f"{name} is no picture; a net of {channels} channels takes {READ} files.")
        try:
            with open_picture(file, kind) as picture:
                return _of_pillow(picture, channels, str(name))
        except ImageFileError:
            raise
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
            raise ImageFileError(f"{name} cannot be decoded: {problem!s:.120}. Is it damaged or cut off?") from problem


def _one_of(arrays: dict[str, Array], place: Path, channels: int) -> Array:
    """Return the one array of a .npz file, or its C arrays (H, W) in their order."""
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    shapes = {array.shape for array in arrays.values()}
    if len(arrays) == channels and len(shapes) == 1 and len(next(iter(shapes))) == 2:
        return np.stack(list(arrays.values()), axis=-1)
    listed = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8])
    raise ImageFileError(
        f"{place} must hold one array (H, W, {channels}), or {channels} arrays (H, W), but holds {listed or 'none'}."
    )


def _of_tiff(file: Any, place: Path) -> Array:
    """Return all bands of a TIFF, (H, W, C) or (C, H, W), its size checked before it is decoded."""
    import tifffile  # scikit-image brings it

    try:
        with tifffile.TiffFile(file) as opened:
            series = opened.series[0]
            if math.prod(series.shape) > MOST_NUMBERS:
                raise ImageFileError(f"{place} declares {series.shape} numbers; at most {MOST_NUMBERS:,} are read.")
            array: Array = series.asarray()
    except ImageFileError:
        raise
    except Exception as problem:  # tifffile raises whatever a damaged file brings about
        raise ImageFileError(f"{place} cannot be read: {problem!s:.150}; save it as .npy.") from problem
    return array


def _of_pillow(picture: Any, channels: int, label: str) -> Array:
    """Return (H, W, 2) or (H, W, 4) of a picture with transparency; other channels are refused."""
    from minitorch_viz.io.formats import most_pixels, too_large

    if channels not in MODES:
        raise ImageFileError(
            f"{label} is a picture of {len(picture.getbands())} channels, but the net takes {channels}: give an array "
            f"(H, W, {channels}), as a {READ} file."
        )
    if picture.width * picture.height > most_pixels(None):
        raise ImageFileError(too_large(label, picture.width, picture.height, most_pixels(None)))
    return np.asarray(picture.convert(MODES[channels]))
