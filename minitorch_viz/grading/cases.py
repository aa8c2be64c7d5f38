"""Cases: pictures of which one knows where each class is to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.grading.localize import Box

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SEED = 7_700_000  # added to the scenes' seed, so that they are not those that examples and trainings begin with


@dataclass(frozen=True, eq=False)
class Case:
    """Hold one picture and its objects, of different classes; the first is what the net says the picture shows."""

    image: Array  # (H, W, 3) uint8
    classes: tuple[int, ...]  # the net's number of each object's class
    masks: Array  # (n, h, w) bool: where each object is seen, at the net's input resolution; they do not overlap

    def __post_init__(self) -> None:
        masks = self.masks
        if not isinstance(masks, np.ndarray) or masks.dtype != np.bool_ or masks.ndim != 3:
            raise ShapeError("masks must be a bool array (n, h, w), one mask an object.")
        if not self.classes or len(self.classes) != len(masks) or len(set(self.classes)) != len(masks):
            raise ShapeError(f"A case needs a class of its own for each of its {len(masks)} masks, not {self.classes}.")
        if not masks.any(axis=(1, 2)).all() or (masks.sum(axis=0) > 1).any():
            raise ShapeError("Each mask needs at least one pixel, and no two masks may share one.")

    def others(self, number: int) -> Array:
        """Return (h, w) bool: the pixels of all objects but one."""
        pixels: Array = self.masks.any(axis=0) & ~self.masks[number]
        return pixels


@dataclass(frozen=True, eq=False)
class Cases:
    """Hold what one net is graded on."""

    single: tuple[Case, ...]  # pictures of one object
    several: tuple[Case, ...]  # pictures of two or more
    drawn: Pair  # how many pictures of each sort were looked at; those that the net gets wrong are left out
    boxes: tuple[tuple[Box, ...], ...] = ()  # of each picture in `single`, where only boxes are known; else empty


def scene_cases(model: Model, count: int, seed: int = 0) -> Cases:
    """Draw `count` scenes with one object and `count` with two or three, less those whose main object the net misnames.

    A map of a wrong answer need not lie on the object. The scenes have the size of the net's input.

    Raises SettingError if the net's classes are not the kinds of objects in scenes, or if it gets nearly all wrong.
    """
    from minitorch_viz.data.scenes import KINDS, scenes

    number = _kinds_to_classes(model, KINDS[1:])
    cases: list[tuple[Case, ...]] = []
    for part, objects in enumerate(((1, 1), (2, 3))):
        drawn = scenes(count, SEED + 2 * seed + part, size=model.preprocessing.size, objects=objects)
        kept_cases = []
        for index, image in enumerate(drawn.images):
            kinds = drawn.kinds[index, : drawn.counts[index]]
            masks = drawn.object_map[index][None] == np.arange(1, len(kinds) + 1)[:, None, None]
            classes = tuple(number[int(kind)] for kind in kinds)
            is_right = model.classify(image, top=1)[0].index == classes[0]
            if is_right and (part == 0 or len(classes) > 1):
                kept_cases.append(Case(image, classes, np.stack([input_mask(model, mask) for mask in masks])))
        if len(kept_cases) < 2:
            raise SettingError(
                f"{model.name} names the main object of only {len(kept_cases)} of {count} scenes; grading needs at "
                "least 2: train the net, or draw more scenes."
            )
        cases.append(tuple(kept_cases))
    return Cases(cases[0], cases[1], (count, count))


def checked_cases(cases: Any) -> Cases:
    """Return your own cases, sorted by how many objects they show; SettingError if there are none."""
    if isinstance(cases, Cases):
        return cases
    listed = list(cases) if isinstance(cases, Sequence) and not isinstance(cases, str) else []
    if not listed or not all(isinstance(case, Case) for case in listed):
        raise SettingError(f"cases must be a list of at least one Case, but got {str(cases)[:60]!r}.")
    single = tuple(case for case in listed if len(case.classes) == 1)
    crowded = tuple(case for case in listed if len(case.classes) > 1)
    return Cases(single, crowded, (len(single), len(crowded)))


def input_mask(model: Model, mask: Array) -> Array:
    """Bring a mask of a photo (H, W) bool to the net's input (h, w), resized and cropped as the photo is."""
    from minitorch_viz.io.images import resize_image

    resize, size = model.preprocessing.resize, model.preprocessing.size
    if resize == "keep" or (resize == "stretch" and mask.shape == size):
        return mask
    grey = np.repeat(mask[:, :, None], 3, axis=2).astype(np.uint8) * 255
    resized: Array = resize_image(grey, size, resize)[:, :, 0] >= 128
    return resized


def _kinds_to_classes(model: Model, kinds: Sequence[str]) -> dict[int, int]:
    """Return the net's class of each kind's index (the background's is 0, so kinds begin with 1)."""
    missing = [kind for kind in kinds if kind not in model.class_names]
    if missing:
        raise SettingError(
            f"{model.name} cannot be graded on scenes, since it knows no {', '.join(missing[:3])}; "
            "take a net that was trained on scenes, or give photos with boxes."
        )
    return {index: model.class_names.index(kind) for index, kind in enumerate(kinds, 1)}
