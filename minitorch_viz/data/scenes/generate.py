"""Drawing scenes from a seed: choose, place, look up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.data.scenes.change import Change
from minitorch_viz.data.scenes.colours import COLOURS, TONE_TABLE
from minitorch_viz.data.scenes.kinds import ALL, KINDS, Kind
from minitorch_viz.data.scenes.paint import MOST_OBJECTS, PLAIN, Placed, boxes_of, painted
from minitorch_viz.data.scenes.place import Canvas
from minitorch_viz.data.scenes.scene import MAPS, TABLES, Scene, Scenes, empty_scenes
from minitorch_viz.data.scenes.textures import BACKGROUNDS, PATTERNS, background_tiles, texture_tiles
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.progress import progress_bar

MAIN_AREA = 0.12, 0.24  # of the picture
OTHER_AREA = 0.3, 0.55  # of the main object's
LARGEST_OTHER = 0.62  # of the main object's area, less than what always stays visible of that


@dataclass(frozen=True)
class Settings:
    """Hold what a scene is made of; checked."""

    height: int
    width: int
    objects: Pair  # the fewest and the most
    kinds: tuple[int, ...]  # indices into KINDS
    noise: int

    @property
    def side(self) -> int:
        """Return the picture's shorter side in pixels, the measure of all sizes."""
        return min(self.height, self.width)


def scenes(
    count: int,
    seed: int = 0,
    *,
    start: int = 0,
    size: int | Pair = 64,
    objects: int | Pair = (1, 3),
    kinds: Sequence[str] | None = None,
    noise: int = 5,
    progress: bool = False,
) -> Scenes:
    """Make `count` scenes whose truth is known at every pixel.

    seed: scene i of a seed is always the same, to the bit, whatever `count` and `start` are.
    start: the index of the first, so that further scenes of a seed can be made.
    size: pixels, an int or (H, W), each 32 to 1024.
    objects: how many in each scene, a number or (fewest, most), 1 to 5; the first is the main one, the others are
        distractors of other kinds (rarely fewer than asked for, where no room is left).
    kinds: the kinds to choose from, names in KINDS[1:]; default: all.
    noise: each channel of each pixel is off by up to this much, 0..30.

    Raises SettingError for a value that does not fit.
    """
    settings = checked(size, objects, kinds, noise)
    need_whole("number of scenes", count, 1, 10**6)
    need_whole("seed", seed, 0)
    need_whole("start", start, 0)
    batch = empty_scenes(count, settings.height, settings.width, settings.objects[1])
    indices: Sequence[int] = range(count)
    if progress:
        indices = progress_bar(indices, desc="scenes", unit="scene", delay=2)
    for index in indices:
        drawn = draw(np.random.default_rng([seed, start + index]), settings)
        batch.images[index], batch.backgrounds[index], batch.counts[index] = (
            drawn.image,
            drawn.background,
            len(drawn.kinds),
        )
        for name in MAPS:
            getattr(batch, name)[index] = getattr(drawn, name)
        for name in TABLES:
            getattr(batch, name)[index, : len(drawn.kinds)] = getattr(drawn, name)
    return batch


def scene(
    index: int = 0,
    seed: int = 0,
    *,
    size: int | Pair = 64,
    objects: int | Pair = (1, 3),
    kinds: Sequence[str] | None = None,
    noise: int = 5,
    changes: Sequence[Change] = (),
) -> Scene:
    """Make scene number `index` of a seed, the same as in `scenes`, with the whole objects' masks.

    changes: objects that are drawn otherwise, or left out; every pixel that does not show them stays.
    """
    need_whole("index", index, 0)
    need_whole("seed", seed, 0)
    return draw(np.random.default_rng([seed, index]), checked(size, objects, kinds, noise), changes)


def checked(size: int | Pair, objects: int | Pair, kinds: Sequence[str] | None, noise: int) -> Settings:
    """Return the settings, or raise SettingError with a sentence."""
    height, width = _pair(size, "size of a scene", 32, 1024)
    fewest, largest = _pair(objects, "number of objects", 1, MOST_OBJECTS)
    if fewest > largest:
        raise SettingError(f"objects are (fewest, most), but {fewest} is more than {largest}.")
    names = list(KINDS[1:]) if kinds is None else [kinds] if isinstance(kinds, str) else list(kinds)
    for name in names:
        if name not in ALL:
            raise SettingError(f"There is no kind of object {name!r}; {near(name, ALL, 'kind')}.")
    if len(set(names)) != len(names) or len(names) < largest:
        raise SettingError(
            f"A scene of {largest} objects needs {largest} different kinds, but these were given: {names}."
        )
    need_whole("noise", noise, 0, 30)
    return Settings(height, width, (fewest, largest), tuple(KINDS.index(name) for name in names), noise)


def _pair(value: int | Pair, label: str, least: int, most: int) -> Pair:
    first, second = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    return need_whole(label, first, least, most), need_whole(label, second, least, most)


# ------------------------------------------------------------------ one scene


def draw(rng: Generator, settings: Settings, changes: Sequence[Change] = ()) -> Scene:
    """Draw one scene; every choice comes from `rng`, and changes of objects take nothing from it."""
    shape = settings.height, settings.width
    count = int(rng.integers(settings.objects[0], settings.objects[1] + 1))
    chosen = rng.permutation(settings.kinds)[:count].tolist()
    colours = (1 + rng.permutation(len(COLOURS) - 1)).tolist()
    textures = (1 + rng.integers(len(PATTERNS), size=count)).tolist()
    canvas = Canvas(np.zeros(shape, np.uint8))
    objects: list[Placed] = []
    for number, kind in enumerate(chosen):
        parts, visible = _place(ALL[KINDS[kind]], canvas, settings, rng)
        if visible is None:
            continue
        row = (kind, textures[number], colours[number], colours[-1 - number])  # as in TABLES
        own = tuple(change for change in changes if change.index == len(objects))
        for change in own:
            row = change.applied(row)
        placed = Placed(row, parts, parts > 0, canvas.corners[-1], own)
        objects.append(placed._replace(dark=textured(placed.shown[1], parts.shape, settings, rng)))
    background, ground = ground_of(rng, settings)
    order = canvas.order
    for change in sorted(changes, key=lambda change: -change.index):
        index = need_whole("index of a scene's object", change.index, 0, len(objects) - 1)
        if change.left_out:
            del objects[index]
            order = [other - (other > index) for other in order if other != index]
    maps, dark = painted(objects, order, shape)
    image = coloured(maps, dark, ground, settings.noise, rng)
    masks = np.zeros((len(objects), *shape), bool)
    for mask, placed in zip(masks, objects, strict=True):
        mask[placed.window] = placed.parts > 0
    rows = np.array([placed.shown for placed in objects], np.uint8).reshape(-1, 4)
    areas = np.array([np.count_nonzero(placed.parts) for placed in objects])
    seen = np.bincount(maps[0].ravel(), minlength=1 + len(objects))[1:]
    return Scene(
        image=image,
        **dict(zip(MAPS, maps, strict=True)),
        **dict(zip(TABLES[:4], rows.T, strict=True)),
        boxes=boxes_of(maps[0], objects),
        visible=(seen / areas).astype(np.float32),
        depth=np.argsort(order).astype(np.uint8),
        masks=masks,
        background=background,
    )


def coloured(maps: Array, dark: Array, ground: Array, noise: int, rng: Generator) -> Array:
    """Return the picture (H, W, 3) uint8 of painted maps over a ground, with noise on each pixel."""
    pixels = TONE_TABLE[maps[4], dark & (maps[3] != PLAIN)].astype(np.int16)
    np.copyto(pixels, ground, where=(maps[0] == 0)[:, :, None])
    if noise:
        pixels += rng.integers(-noise, noise + 1, pixels.shape, np.int8)
        np.clip(pixels, 0, 255, out=pixels)
    image: Array = pixels.astype(np.uint8)
    return image


def _place(kind: Kind, canvas: Canvas, settings: Settings, rng: Generator) -> tuple[Array, Array | None]:
    """Draw an object and find a place for it, smaller and smaller; (its parts, its visible pixels or None)."""
    size, tilt, mirrored = rng.random(3).tolist()
    low, high = OTHER_AREA if canvas.areas else MAIN_AREA
    area = (low + size * (high - low)) * (canvas.areas[0] if canvas.areas else settings.side**2)
    angle = math.radians((2 * tilt - 1) * kind.tilt)
    radius = min(math.sqrt(area / (4 * kind.filled)), 0.49 * settings.side)
    for _ in range(8):
        parts = kind.render(radius, angle, mirrored < 0.5)
        mask = parts > 0
        small = not canvas.areas or np.count_nonzero(mask) <= LARGEST_OTHER * canvas.areas[0]
        visible = canvas.add(mask, rng) if small else None
        if visible is not None:
            break
        radius *= 0.9
    return parts, visible


def textured(texture: int, shape: tuple[int, ...], settings: Settings, rng: Generator) -> Array:
    """Return a cut of a texture, (h, w) bool, coarse or fine, from a random place."""
    tiles, room = texture_tiles(max(settings.height, settings.width), max(4, round(0.1 * settings.side)))
    coarse, top_share, left_share = rng.random(3).tolist()
    top, left = int(top_share * room), int(left_share * room)
    cut: Array = tiles[texture - 1, int(coarse < 0.5), top : top + shape[0], left : left + shape[1]]
    return cut


def ground_of(rng: Generator, settings: Settings) -> tuple[int, Array]:
    """Return (its index, (H, W, 3) uint8): a background between two greyish colours that no object has."""
    side = max(settings.height, settings.width)
    grey, contrast, top_share, left_share, choice = rng.random(5).tolist()
    tint = rng.integers(-12, 13, (2, 3))
    first = 95 + 85 * grey
    second = first + (24 + 22 * contrast) * (1 if grey < 0.5 else -1)
    pair = np.array([[first], [second]]) + tint
    ramp = pair[0] + (pair[1] - pair[0]) * np.linspace(0, 1, 256)[:, None]
    index = int(choice * len(BACKGROUNDS))
    top, left = int(top_share * side), int(left_share * side)
    tile = background_tiles(side)[index, top : top + settings.height, left : left + settings.width]
    ground: Array = ramp.astype(np.uint8)[tile]
    return index, ground
