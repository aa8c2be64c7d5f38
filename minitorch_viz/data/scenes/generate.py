"""Drawing scenes from a seed: choose, place, look up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.data.scenes.colours import COLOURS, TONE_TABLE
from minitorch_viz.data.scenes.kinds import ALL, KINDS, PARTS, Kind
from minitorch_viz.data.scenes.place import Canvas
from minitorch_viz.data.scenes.scene import MAPS, TABLES, Scene, Scenes, empty_scenes
from minitorch_viz.data.scenes.textures import BACKGROUNDS, PATTERNS, background_tiles, texture_tiles
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.progress import progress_bar

MOST_OBJECTS = 5  # so that the main colours and accents of a scene all differ
MAIN_AREA = 0.12, 0.24  # of the picture
OTHER_AREA = 0.3, 0.55  # of the main object's
LARGEST_OTHER = 0.62  # of the main object's area, less than what always stays visible of that
ROOM = 8  # codes an object: one a part
PLAIN = 1 + [*PATTERNS].index("plain")
PART_INDEX = {name: index for index, name in enumerate(PARTS)}
COLOUR_INDEX = {name: index for index, name in enumerate(COLOURS)}


@dataclass(frozen=True)
class Settings:
    """What a scene is made of; checked."""

    height: int
    width: int
    objects: Pair  # the fewest and the most
    kinds: tuple[int, ...]  # indices into KINDS
    noise: int

    @property
    def side(self) -> int:
        """The picture's shorter side in pixels, the measure of all sizes."""
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
    """`count` scenes whose truth is known at every pixel.

    seed: scene i of a seed is always the same, to the bit, whatever `count` and `start` are.
    start: the index of the first, so that further scenes of a seed can be made.
    size: pixels, an int or (H, W), each 32 to 1024.
    objects: how many in each scene, a number or (fewest, most), 1 to 5; the first is the main one, the others are
        distractors of other kinds (rarely fewer than asked for, where no room is left).
    kinds: the kinds to choose from, names in KINDS[1:]; default: all.
    noise: each channel of each pixel is off by up to so much, 0..30.

    Raises SettingError for a value that does not fit.
    """
    settings = checked(size, objects, kinds, noise)
    need_whole("number of scenes", count, 1, 10**6)
    need_whole("seed", seed, 0)
    need_whole("start", start, 0)
    made = empty_scenes(count, settings.height, settings.width, settings.objects[1])
    indices: Sequence[int] = range(count)
    if progress:
        indices = progress_bar(indices, desc="scenes", unit="scene", delay=2)
    for index in indices:
        one = draw(np.random.default_rng([seed, start + index]), settings)
        made.images[index], made.backgrounds[index], made.counts[index] = one.image, one.background, len(one.kinds)
        for name in MAPS:
            getattr(made, name)[index] = getattr(one, name)
        for name in TABLES:
            getattr(made, name)[index, : len(one.kinds)] = getattr(one, name)
    return made


def scene(
    index: int = 0,
    seed: int = 0,
    *,
    size: int | Pair = 64,
    objects: int | Pair = (1, 3),
    kinds: Sequence[str] | None = None,
    noise: int = 5,
) -> Scene:
    """Scene number `index` of a seed, the same as in `scenes`, with the whole objects' masks."""
    need_whole("index", index, 0)
    need_whole("seed", seed, 0)
    return draw(np.random.default_rng([seed, index]), checked(size, objects, kinds, noise))


def checked(size: int | Pair, objects: int | Pair, kinds: Sequence[str] | None, noise: int) -> Settings:
    """The settings, or SettingError with a sentence."""
    height, width = _pair(size, "size of a scene", 32, 1024)
    fewest, most = _pair(objects, "number of objects", 1, MOST_OBJECTS)
    if fewest > most:
        raise SettingError(f"objects are (fewest, most), but {fewest} is more than {most}.")
    names = list(KINDS[1:]) if kinds is None else [kinds] if isinstance(kinds, str) else list(kinds)
    for name in names:
        if name not in ALL:
            raise SettingError(f"There is no kind of object {name!r}; {near(name, ALL, 'kind')}.")
    if len(set(names)) != len(names) or len(names) < most:
        raise SettingError(f"A scene of {most} objects needs {most} different kinds, but these were given: {names}.")
    need_whole("noise", noise, 0, 30)
    return Settings(height, width, (fewest, most), tuple(KINDS.index(name) for name in names), noise)


def _pair(value: int | Pair, what: str, least: int, most: int) -> Pair:
    first, second = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    return need_whole(what, first, least, most), need_whole(what, second, least, most)


# ------------------------------------------------------------------ one scene


def draw(rng: Generator, settings: Settings) -> Scene:
    """One scene; every choice comes from `rng`."""
    shape = settings.height, settings.width
    count = int(rng.integers(settings.objects[0], settings.objects[1] + 1))
    chosen = rng.permutation(settings.kinds)[:count].tolist()
    colours = (1 + rng.permutation(len(COLOURS) - 1)).tolist()
    textures = (1 + rng.integers(len(PATTERNS), size=count)).tolist()
    canvas = Canvas(np.zeros(shape, np.uint8))
    codes, dark = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    lookup = np.zeros((5, 1 + MOST_OBJECTS * ROOM), np.uint8)  # what each code is, one row a map
    rows: list[tuple[int, int, int, int]] = []
    wholes: list[Array] = []
    for number, kind in enumerate(chosen):
        parts, shown = _place(ALL[KINDS[kind]], canvas, settings, rng)
        if shown is None:
            continue
        index = len(rows)
        row = (kind, textures[number], colours[number], colours[-1 - number])  # as in TABLES
        codes_here = _enter(lookup, index, row)
        top, left = canvas.corners[-1]
        window = slice(top, top + parts.shape[0]), slice(left, left + parts.shape[1])
        np.copyto(codes[window], parts + np.uint8(codes_here), where=shown)
        tile = _tile(textures[number], parts.shape, settings, rng)
        np.copyto(dark[window], tile, where=shown)
        rows.append(row)
        wholes.append(parts > 0)
    maps = lookup[:, codes]
    dark &= maps[3] != PLAIN
    background, ground = _background(rng, settings)
    pixels = TONE_TABLE[maps[4], dark].astype(np.int16)
    np.copyto(pixels, ground, where=(codes == 0)[:, :, None])
    if settings.noise:
        pixels += rng.integers(-settings.noise, settings.noise + 1, pixels.shape, np.int8)
        np.clip(pixels, 0, 255, out=pixels)
    masks = np.zeros((len(rows), *shape), bool)
    for mask, whole, (top, left) in zip(masks, wholes, canvas.corners, strict=True):
        mask[top : top + whole.shape[0], left : left + whole.shape[1]] = whole
    tables = dict(zip(TABLES[:4], np.array(rows, np.uint8).T, strict=True))
    return Scene(
        image=pixels.astype(np.uint8),
        **dict(zip(MAPS, maps, strict=True)),
        **tables,
        boxes=_boxes(canvas, wholes),
        visible=(np.array(canvas.seen) / np.array(canvas.areas)).astype(np.float32),
        depth=np.argsort(canvas.order).astype(np.uint8),
        masks=masks,
        background=background,
    )


def _place(kind: Kind, canvas: Canvas, settings: Settings, rng: Generator) -> tuple[Array, Array | None]:
    """Draw an object and find a place for it, smaller and smaller; (its parts, which pixels are seen or None)."""
    size, tilt, mirrored = rng.random(3).tolist()
    low, high = OTHER_AREA if canvas.areas else MAIN_AREA
    area = (low + size * (high - low)) * (canvas.areas[0] if canvas.areas else settings.side**2)
    angle = math.radians((2 * tilt - 1) * kind.tilt)
    radius = min(math.sqrt(area / (4 * kind.filled)), 0.49 * settings.side)
    for _ in range(8):
        parts = kind.render(radius, angle, mirrored < 0.5)
        mask = parts > 0
        small = not canvas.areas or np.count_nonzero(mask) <= LARGEST_OTHER * canvas.areas[0]
        shown = canvas.add(mask, rng) if small else None
        if shown is not None:
            break
        radius *= 0.9
    return parts, shown


def _enter(lookup: Array, index: int, row: tuple[int, int, int, int]) -> int:
    """Fill in what the codes of object `index` mean; the code of its part i + 1 is the returned number + i + 1."""
    kind, texture, colour, accent = row
    base = index * ROOM
    one = ALL[KINDS[kind]]
    for code, (part, paint) in enumerate(zip(one.parts, one.paints, strict=True), base + 1):
        if paint == "main":
            look = texture, colour
        elif paint == "accent":
            look = PLAIN, accent
        else:
            look = PLAIN, next(found for name in paint if (found := COLOUR_INDEX[name]) != colour)
        lookup[:, code] = index + 1, kind, PART_INDEX[part], *look
    return base


def _tile(texture: int, shape: tuple[int, ...], settings: Settings, rng: Generator) -> Array:
    """A cut of a texture, (h, w) bool, coarse or fine, from a random place."""
    tiles, room = texture_tiles(max(settings.height, settings.width), max(4, round(0.1 * settings.side)))
    coarse, down, right = rng.random(3).tolist()
    top, left = int(down * room), int(right * room)
    cut: Array = tiles[texture - 1, int(coarse < 0.5), top : top + shape[0], left : left + shape[1]]
    return cut


def _background(rng: Generator, settings: Settings) -> tuple[int, Array]:
    """(which, (H, W, 3) uint8): between two greyish colours that none of the objects has."""
    side = max(settings.height, settings.width)
    grey, apart, down, right, which = rng.random(5).tolist()
    tint = rng.integers(-12, 13, (2, 3))
    first = 95 + 85 * grey
    second = first + (24 + 22 * apart) * (1 if grey < 0.5 else -1)
    pair = np.array([[first], [second]]) + tint
    ramp = pair[0] + (pair[1] - pair[0]) * np.linspace(0, 1, 256)[:, None]
    index = int(which * len(BACKGROUNDS))
    top, left = int(down * side), int(right * side)
    tile = background_tiles(side)[index, top : top + settings.height, left : left + settings.width]
    ground: Array = ramp.astype(np.uint8)[tile]
    return index, ground


def _boxes(canvas: Canvas, wholes: list[Array]) -> Array:
    """(n, 4) int32: top, left, bottom, right around the visible pixels."""
    boxes = np.empty((len(wholes), 4), np.int32)
    for index, (whole, (top, left)) in enumerate(zip(wholes, canvas.corners, strict=True)):
        seen = canvas.owner[top : top + whole.shape[0], left : left + whole.shape[1]] == index + 1
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        boxes[index] = top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1
    return boxes
