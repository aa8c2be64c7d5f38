"""What the net is shown: scenes of one object, or photos, in which one thing goes through its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.scenes import DIMENSIONS, KINDS, varied
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import channel_axis
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.models.samples import sample_images
from minitorch_viz.techniques.activations._tuning_photos import dimensions_of, varied_photo
from minitorch_viz.techniques.explain.view import several, view

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST_PHOTOS = 32


class Sweep(NamedTuple):
    """Hold what is shown to the net of one object or photo for one dimension."""

    steps: tuple[str, ...]
    axis: str
    inputs: Array  # (D, C, h, w)
    unchanged: int | None = None  # the step of a photo that leaves it as it is


class Sweeps(NamedTuple):
    """Hold what is to be shown."""

    sweeps: Iterator[tuple[str, Sweep]]  # object by object, of each all things
    things: Sequence[str]  # what changes
    instances: int  # how many objects
    objects: str  # "scene" or "photo"


def sweeps_of(model: Model, photos: Any, vary: str | None, instances: int, seed: int) -> Sweeps:
    """Return what a net is shown: photos; without any, scenes if it knows their kinds, else its sample photos."""
    if photos is None and knows_scenes(model):
        things = _things(vary, DIMENSIONS, "scenes")
        scenes = ((thing, _of_scene(model, thing, number, seed)) for number in range(instances) for thing in things)
        return Sweeps(scenes, things, instances, "scene")
    reader = model.preprocessing
    images = several([image for _, image in sample_images(model)] if photos is None else photos, MOST_PHOTOS)
    things = _things(vary, dimensions_of(reader), "photos")
    inputs = [view(model, image).x for image in images]
    return Sweeps(
        ((thing, _of_photo(reader, x, thing)) for x in inputs for thing in things), things, len(images), "photo"
    )


def knows_scenes(model: Model) -> bool:
    """Return whether a net's classes are kinds of objects in the generated scenes."""
    return bool(model.class_names) and set(model.class_names) <= set(KINDS[1:])


def _things(vary: str | None, choices: Sequence[str] | Mapping[str, object], where: str) -> list[str]:
    """Return what changes, each once."""
    if vary is None:
        return list(choices)
    things = [part.strip() for part in str(vary).split(",")]
    for thing in things:
        if thing not in choices:
            raise SettingError(f"Of {where} there is no {thing!r} to vary; {near(thing, choices, 'thing')}.")
    return list(dict.fromkeys(things))


def _of_scene(model: Model, thing: str, number: int, seed: int) -> Sweep:
    high, wide = (max(side, 32) for side in model.preprocessing.size)
    drawn = varied(thing, 1, seed, start=number, size=(high, wide))
    return Sweep(drawn.steps, drawn.axis, np.concatenate([model.preprocess(image) for image in drawn.images[0]]))


def _of_photo(reader: Preprocessing, x: Array, thing: str) -> Sweep:
    dimension = dimensions_of(reader)[thing]
    unchanged = list(dimension.values).index(dimension.unchanged)
    return Sweep(dimension.steps, dimension.axis, varied_photo(reader, x, dimension), unchanged)


def largest_answers(model: Model, node: str, inputs: Array) -> Array:
    """Return the largest value in each channel's map, (N, C); what is not finite counts as 0."""
    x = kernels.to_device(inputs.astype(model.dtype), model.net.device)
    outputs = kernels.to_cpu(model.net.predict(x, upto=node))
    if outputs.ndim < 2:
        raise SettingError(f"Node {node!r} gives one number a picture and has no channels.")
    maps = np.moveaxis(outputs, channel_axis(model.net.nodes, node), 1)
    largest: Array = np.nan_to_num(maps.reshape(*maps.shape[:2], -1).max(axis=2), posinf=0, neginf=0)
    return largest
