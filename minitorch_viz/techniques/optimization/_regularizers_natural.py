"""The natural pictures that optimized ones are judged by: of the class, of other classes, and the top patches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures, ScenePictures, as_pictures
from minitorch_viz.errors import ImageFileError
from minitorch_viz.models.scenes_liar import HONEST, plant_of
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.slope import spectrum_slope
from minitorch_viz.optimize.trust import LEAST_NATURAL, Judge, trust_layers
from minitorch_viz.techniques.explain.patches import Answer, Patch, patches_of
from minitorch_viz.techniques.explain.receptive import Field, geometry
from minitorch_viz.techniques.explain.strongest import Strongest, Top
from minitorch_viz.techniques.optimization._natural import pictures_beside
from minitorch_viz.techniques.tally import tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SAME, OTHER = 9, 24  # natural pictures of the class, and of others, that are compared
SCENES = 400  # generated scenes that are searched where nothing else is asked for
FEW = 32  # pictures, for the slope of natural spectra
WHOLE = 0.9  # of the picture's side: a unit that sees more is judged by whole pictures

# ImageNet has one photo or none of most classes: these are pooled. Numbers of classes.
GROUPS: dict[str, frozenset[int]] = {
    "dogs": frozenset(range(151, 269)),
    "birds": frozenset({*range(7, 25), *range(80, 101), *range(127, 147)}),
    "snakes": frozenset(range(52, 69)),
    "vehicles": frozenset({
        403, 404, 407, 436, 444, 466, 468, 511, 547, 555, 565, 569, 573, 575, 609, 627, 654, 656, 661, 665, 670, 671,
        675, 705, 717, 751, 757, 779, 802, 803, 817, 820, 829, 847, 864, 866, 867, 870, 874, 895,
    }),
}  # fmt: skip


class Nature(NamedTuple):
    """Hold what natural pictures say of one unit or class."""

    judge: Judge | None  # None: there are too few
    window: Field | None  # what is compared of each picture, around the unit's middle; None: all of it
    patches: tuple[Patch, ...]  # with the highest answers, the highest first
    tops: Array  # (C,): the highest answer of each channel of the node, or class; NaN where there are no pictures
    slope: float  # of the power spectrum of whole pictures, a mean; NaN where there are none
    pictures: Pictures | None  # all of them
    looked_at: int
    source: str  # what the pictures are called; "" if there are none
    words: str  # which of them stand for the class, in words
    note: str  # why there is no score, or no picture; "" if there is


def nature_of(model: Model, unit: Unit, pictures: Any) -> Nature:
    """Look at natural pictures once: which answer most, and which are of the class that the unit stands for."""
    source, note = pictures_beside(model, pictures)
    nothing = Nature(None, None, (), np.full(1, np.nan), float("nan"), None, 0, "", "", note)
    if source is None:
        return nothing
    if pictures is None and isinstance(source, ScenePictures):
        source = as_pictures(f"scenes:{SCENES}")
    node = HONEST if plant_of(model, unit.node, unit.index[0]) else unit.node  # of the same maps, with a small field
    *_, step = tallied(model, source, [Strongest(unit.node, SAME)])
    (tally,) = step.tallies
    if not isinstance(tally, Strongest) or not tally.arrays:
        return nothing._replace(note="No natural picture could be read, so there is no trust score.")
    top = tally.result()
    nature = nothing._replace(
        window=window_of(model, node, unit),
        patches=_patches(model, source, node, unit.index[0], top),
        tops=top.values[:, 0],
        slope=_slope(model, source),
        pictures=source,
        looked_at=step.done - len(step.skipped),
        source=source.name,
        note="",
    )
    if unit.node == model.logits:
        same, other, words = _of_class(model, source, unit.index[0], top)
    else:
        same, other, words = _of_unit(unit.index[0], top)
    if len(same) < LEAST_NATURAL or not other:
        few = f"only {len(same)} natural pictures excite it" if unit.node != model.logits else f"there are {len(same)}"
        return nature._replace(
            note=f"There is no trust score: it needs at least {LEAST_NATURAL} natural pictures of the class, and {few}."
        )
    window = nature.window
    of_it, of_others = (
        np.concatenate([_seen(model, source, node, window, place) for place in part]) for part in (same, other)
    )
    nodes = (*trust_layers(model, node)[:-1], unit.node)
    return nature._replace(judge=Judge(model, of_it, of_others, nodes), words=words)


def _slope(model: Model, source: Pictures) -> float:
    """Return the mean slope of the spectrum of the first pictures, as the net sees them; NaN where none can be read."""
    slopes = []
    for number in range(min(len(source), FEW)):
        try:
            slopes.append(spectrum_slope(model.restore(model.preprocess(source[number]))))
        except ImageFileError:
            continue
    return float(np.nanmean(slopes)) if np.isfinite(slopes).any() else float("nan")


def window_of(model: Model, node: str, unit: Unit) -> Field | None:
    """Return what a unit in the middle of its map sees, for comparison; None where it is most of the picture."""
    fields = geometry(model, node) if len(unit.index) == 3 else None
    if fields is None:
        return None
    window = fields.box((unit.index[1], unit.index[2]))
    high, wide = model.preprocessing.size
    is_small = window.bottom - window.top < WHOLE * high and window.right - window.left < WHOLE * wide
    return window if is_small else None


def windowed(images: Array, window: Field | None) -> Array:
    """Return a window of images (N, C, h, w); what lies beyond the border is the mean colour, 0."""
    if window is None:
        return images
    high, wide = images.shape[2:]
    top, left = max(window.top, 0), max(window.left, 0)
    inside = images[:, :, top : min(window.bottom, high), left : min(window.right, wide)]
    result = np.zeros((*images.shape[:2], window.bottom - window.top, window.right - window.left), images.dtype)
    down, across = top - window.top, left - window.left
    result[:, :, down : down + inside.shape[2], across : across + inside.shape[3]] = inside
    return result


Place = tuple[int, Pair | int | None]  # the number of a picture, and where in the map the unit answers


def _seen(model: Model, source: Pictures, node: str, window: Field | None, place: Place) -> Array:
    """Return what a unit sees of a picture where it answers, (1, C, h, w), as the net takes it."""
    number, position = place
    image = kernels.to_cpu(model.preprocess(source[number]))
    fields = geometry(model, node) if window is not None else None
    return windowed(image, fields.box(position) if fields is not None and isinstance(position, tuple) else None)


def _of_unit(channel: int, top: Top) -> tuple[list[Place], list[Place], str]:
    """Return where natural pictures excite a unit most, and where they excite other units of the node most."""
    same = [(int(top.numbers[channel, rank]), top.position(channel, rank)) for rank in range(_answering(top, channel))]
    others = [other for other in range(len(top.values)) if other != channel and _answering(top, other)]
    all_others: list[Place] = [(int(top.numbers[each, 0]), top.position(each, 0)) for each in others]
    other = _evenly(all_others, OTHER)
    words = (
        f"the class of a unit is its own {len(same)} top natural patches, and other classes are the top patches of "
        f"{len(other)} other units of the node"
    )
    return same, other, words


def _answering(top: Top, channel: int) -> int:
    """Return how many of the strongest answers of a channel are above 0."""
    with np.errstate(invalid="ignore"):
        return int((top.values[channel] > 0).sum())


def _of_class(model: Model, source: Pictures, number: int, top: Top) -> tuple[list[Place], list[Place], str]:
    """Return natural pictures of a class by their labels, a pool of classes, or else by the net's own scores."""
    name = model.class_names[number]
    labels = labels_of(model, source)
    group, of_it = name, {number}
    if len(model.class_names) == 1000:
        pool = next((pool for pool, members in GROUPS.items() if number in members), None)
        of_it = set(GROUPS[pool]) if pool else of_it
        group = pool or name
    same: list[Place] = [(place, None) for place, label in enumerate(labels) if label in of_it]
    other: list[Place] = [
        (place, None) for place, label in enumerate(labels) if label is not None and label not in of_it
    ]
    if len(same) >= LEAST_NATURAL and other:
        same, other = _evenly(same, 2 * SAME), _evenly(other, OTHER)
        words = f"the class is {len(same)} pictures of {group}, other classes are {len(other)} pictures of others"
        if group != name:
            words += f" (there are too few photos of {name} alone, so the classes of {group} are pooled)"
        return same, other, words
    same, other, _ = _of_unit(number, top)
    strongest = {place for place, _ in same}
    other = [place for place in other if place[0] not in strongest]
    words = (
        f"no {LEAST_NATURAL} pictures are known to be of the class, so the {len(same)} with the highest scores stand "
        f"for it, and those with the highest scores of {len(other)} other classes for others"
    )
    return same, other, words


def _evenly(places: list[Place], most: int) -> list[Place]:
    """Return so many of a list at most, evenly along it."""
    if len(places) <= most:
        return places
    chosen = np.unique(np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(int))
    return [places[place] for place in chosen]


def labels_of(model: Model, source: Pictures) -> list[int | None]:
    """Return each picture's class by the net's numbers, None where it is not known.

    It is that of the data set where its classes have the net's names; else the number that a file's name begins with.
    """
    number_of = {name: number for number, name in enumerate(model.class_names)}
    if any(name in number_of for name in source.class_names):
        labels = [source.label(place) for place in range(len(source))]
        return [None if label is None else number_of.get(source.class_names[label]) for label in labels]
    named = [re.match(r"(\d+)_(.*)\.\w+$", source.title(place)) for place in range(len(source))]
    return [_named(model, int(match[1]), match[2]) if match else None for match in named]


def _named(model: Model, number: int, words: str) -> int | None:
    """Return the number that a file's name begins with, if what follows is the name of that class."""
    if number >= len(model.class_names):
        return None
    full = (model.class_synonyms or model.class_names)[number]
    plain = [re.sub(r"\W+", "_", name.strip().lower()) for name in (full, *full.split(","))]
    return number if re.sub(r"\W+", "_", words.lower()) in plain else None


def _patches(model: Model, source: Pictures, node: str, channel: int, top: Top) -> tuple[Patch, ...]:
    """Return the patches of the highest answers, the highest first."""
    patches = []
    for rank in range(top.count(channel)):
        answer = Answer(channel, top.position(channel, rank), float(top.values[channel, rank]))
        try:
            patches += patches_of(model, source, node, int(top.numbers[channel, rank]), [answer])
        except ImageFileError:
            continue
    return tuple(patches)
