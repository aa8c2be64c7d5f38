"""grade_photos: how well maps find objects on photos, where all that is known is a box around each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError
from minitorch_viz.grading.boxes import Labelled, read_boxes
from minitorch_viz.grading.cases import Case, Cases, input_mask
from minitorch_viz.grading.grades import Grades
from minitorch_viz.grading.harness import checked_models, run
from minitorch_viz.grading.localize import Box, largest_part
from minitorch_viz.grading.methods import find_methods
from minitorch_viz.grading.plan import Plan

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def grade_photos(
    models: Model | Sequence[Model],
    boxes: str | Path,
    folder: str | Path,
    *,
    methods: Sequence[str] | None = None,
    seed: int = 0,
    tolerance: float = 15,
    steps: int = 8,
    checked: int = 3,
    samples: int = 5,
    layers: int = 8,
    progress: bool = True,
) -> Grades:
    """Grade every method on photos with boxes: the pointing game, and the box that the map gives (weak localization).

    boxes: a JSON or CSV file with file, class, x0, y0, x1, y1 (see `read_boxes`). folder: where the photos are.
    Each class on each photo is one question; several boxes of one class are one answer with several parts. Photos with
    several classes are also graded on whether each class's map falls on its own boxes.
    tolerance: pixels of the net's input by which a maximum may miss the boxes; 15 is the papers' on photos.
    The other arguments, Ctrl-C and methods that fail: as in `grade`.

    Photos are cut and resized as the net takes them; boxes of which nothing is left are left out, and `notes` say so.
    Raises DataFileError for a bad file of boxes, ImageFileError for a bad photo, SettingError for an unknown class.
    """
    nets = checked_models(models)
    plan = Plan.checked_plan(
        tolerance=tolerance, steps=steps, checked=checked, samples=samples, layers=layers, seed=seed
    )
    labelled = read_boxes(boxes)
    methods_of_nets = [find_methods(model, methods) for model in nets]
    notes: list[str] = []
    cases = [photo_cases(model, labelled, Path(folder), notes) for model in nets]
    settings = {"boxes": Path(boxes).name, "methods": None if methods is None else list(methods)}
    return run(nets, methods_of_nets, cases, plan, settings, notes=notes, progress=progress)


def photo_cases(model: Model, labelled: Sequence[Labelled], folder: Path, notes: list[str]) -> Cases:
    """Make a case for each class on each photo, and one for each photo of several classes; losses go to `notes`."""
    from minitorch_viz.io.images import load_image

    if not folder.is_dir():
        raise DataFileError(f"There is no folder {folder}; give the one that holds the photos.")
    files: dict[str, dict[int, list[Box]]] = {}
    for entry in labelled:
        files.setdefault(entry.file, {}).setdefault(model.class_index(entry.label), []).append(entry.box)
    single, joint, parts = [], [], []
    for file, targets in files.items():
        image = load_image(folder / file)
        masks: dict[int, Array] = {}
        for target, boxes in targets.items():
            visible = [mask for box in boxes if (mask := _box_mask(model, image, box, file)).any()]
            if len(visible) < len(boxes):
                remark = f"{len(boxes) - len(visible)} of {len(boxes)} boxes of {model.class_names[target]!r}"
                notes.append(f"{file}: {remark} are left out, since {model.name} sees nothing of them.")
            if visible:
                masks[target] = np.logical_or.reduce(visible)
                single.append(Case(image, (target,), masks[target][None]))
                parts.append(tuple(largest_part(mask) for mask in visible))
        own_parts = np.array([mask & (sum(masks.values()) == 1) for mask in masks.values()])
        if len(masks) > 1 and own_parts.any(axis=(1, 2)).all():
            joint.append(Case(image, tuple(masks), own_parts))
    if not single:
        raise DataFileError(f"{model.name} sees none of the {len(labelled)} boxes: they lie outside what it is shown.")
    return Cases(tuple(single), tuple(joint), (len(single), len(joint)), tuple(parts))


def _box_mask(model: Model, image: Array, box: Box, file: str) -> Array:
    """Return (h, w) bool: the box at the net's input."""
    height, width = image.shape[:2]
    if box.x1 > width or box.y1 > height:
        raise DataFileError(f"{file} has {width} x {height} pixels, but its box reaches to ({box.x1}, {box.y1}).")
    mask = np.zeros((height, width), bool)
    mask[box.y0 : box.y1, box.x0 : box.x1] = True
    return input_mask(model, mask)
