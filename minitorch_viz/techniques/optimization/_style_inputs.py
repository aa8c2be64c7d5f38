"""What style transfer looks at: photo, paintings and masks, at any size; and whether there is room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.io.images import resize_image
from minitorch_viz.models.readers import Bands, Preprocessing
from minitorch_viz.models.readers.preprocessing import LUMA
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.style.colours import recoloured
from minitorch_viz.optimize.style.scales import size_at
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.view import several

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LEAST = 8  # pixels of a picture's shorter side
MOST_STYLES = 8
PASSES = 3.0  # arrays as large as all maps together that one evaluation needs: maps, their gradients, what is between


@dataclass(frozen=True, eq=False)
class Inputs:
    """Hold the pictures in their own pixels, (H, W, 3) uint8 each, and masks as maps of 0..1."""

    photo: Array
    styles: tuple[Array, ...]
    masks: tuple[Array, ...]  # (H, W) float32, one a style; empty: none
    units: Units
    words: tuple[str, ...]  # in sentences, what is to be known of them

    def picture(self, pixels: Array, size: Pair, dtype: Any) -> Array:
        """Return pixels as a picture (1, C, H, W) of this size, pixel - mean."""
        values = resize_image(pixels, size).astype(dtype)
        if self.units.channels == 1:
            values = (values @ np.array(LUMA, dtype))[..., None]
        return self.units.picture(np.ascontiguousarray(values.transpose(2, 0, 1))[None])

    def guides(self, size: Pair) -> tuple[Array, ...]:
        """Return the masks at the size of a node's maps, (h * w,) each."""
        return tuple(resized(mask[None, None], size).reshape(-1) for mask in self.masks)


def refuses(model: Model) -> str | None:
    """Return why a net cannot be used, in words; None if it can."""
    from minitorch_viz.techniques.optimization._style_layers import places

    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if not isinstance(reader, Preprocessing) or isinstance(reader, Bands):
        return f"{model.name} takes no photo that could be painted"
    if not places(model):
        return f"{model.name} has no maps of features, so that there are no textures to compare"
    return None


def inputs_of(model: Model, image: Any, style: Any, masks: Any, recolour: bool = False) -> Inputs:
    """Read the photo, the paintings and the masks. Raises ImageFileError or SettingError where they do not do.

    recolour: whether the paintings are given the photo's colours.
    """
    reader: Any = model.reader()
    photo = checked(reader.load(_photo(image)), "The photo")
    words: tuple[str, ...] = ()
    if style is None:
        from minitorch_viz.techniques.optimization._style_sample import strokes

        paintings = [strokes()]
        words = ("No painting was given, so that the style is of generated brush strokes; name one: --style FILE.",)
    else:
        paintings = [checked(reader.load(each), "The style") for each in several(style, MOST_STYLES)]
    regions = [] if masks is None else [_mask(reader.load(each)) for each in several(masks, MOST_STYLES)]
    if regions and len(regions) != len(paintings):
        raise SettingError(
            f"masks says where each style goes, so there must be as many as styles; got {len(regions)} for "
            f"{len(paintings)}."
        )
    if recolour:
        paintings = [recoloured(painting, photo) for painting in paintings]
    return Inputs(photo, tuple(paintings), tuple(regions), Units.of(reader), words)


def checked(pixels: Array, noun: str) -> Array:
    """Return pixels (H, W, 3); SettingError where there are too few to have a texture."""
    high, wide = pixels.shape[:2]
    if min(high, wide) < LEAST:
        raise SettingError(
            f"{noun} has {high} x {wide} pixels, too few for shapes or textures: both sides need at least {LEAST}; "
            "give a larger picture."
        )
    return pixels


def side_of(model: Model, size: int | None) -> int:
    """Return the longer side of the picture: 256 pixels, or what suits a net for small ones."""
    if size is not None:
        return size
    reader: Any = model.reader()
    own = max(reader.size)
    return 256 if own >= 128 else min(4 * own, 256)


def need_room(model: Model, nodes: Sequence[str], size: Pair) -> None:
    """Raise SettingError where one evaluation at this size needs more memory than there is."""
    sample = size_at(64, size)
    if min(sample) < 16:
        sample = (64, 64)
    blank = np.zeros((1, Units.of(model.reader()).channels, *sample), model.dtype)
    tape = model.net.forward(kernels.to_device(blank, model.net.device), upto=tuple(nodes), fuse=True)
    a_pixel = sum(value.nbytes for value in tape.values.values()) / (sample[0] * sample[1])
    needed = PASSES * a_pixel * size[0] * size[1]
    free = free_memory()
    if free is not None and needed > free:
        side = int(max(size) * (free / needed) ** 0.5)
        raise SettingError(
            f"A picture of {size[0]} x {size[1]} pixels needs about {needed / 1e9:.1f} GB for a look of {model.name}, "
            f"and {free / 1e9:.1f} GB are free; take a smaller one, --size {max(16, side)} or below."
        )


def free_memory() -> float | None:
    """Return how many bytes are free on this machine, as far as it says so."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(free, float(int(limit) - used)) if limit.isdigit() else free
    except (OSError, ValueError):
        return free


def _photo(image: Any) -> Any:
    """Return what can be loaded: of a view the photo that it was made of."""
    return getattr(image, "photo", image)


def _mask(pixels: Array) -> Array:
    """Return how bright each pixel is, 0..1; SettingError for a mask that is black everywhere."""
    mask = (pixels @ np.array(LUMA, np.float32) / 255).astype(np.float32)
    if not mask.max() > 0:
        raise SettingError("A mask is white where its style goes, but this one is black everywhere.")
    return mask
