"""Several labels a picture: from one folder a class to yes or no for each name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.errors import DataFileError

NONE = "none"  # the folder of pictures that have none of the labels


def as_labels(training: Dataset, test: Dataset) -> tuple[Dataset, Dataset, tuple[str, ...], Array]:
    """Return (training, test, names, table): the same pictures, labelled with rows of a table of labels.

    A picture that lies in several classes, pixel for pixel, has the labels of all of them and is kept once, in the part
    where its first copy is. The class called "none" is no label: its pictures have no label at all.

    names: the labels. table (kinds, names) float32: 1 where a kind of picture has the label, else 0. The labels of the
    two data sets are rows of it, and their class names say them: "cat", "cat + dog", "none". Raises DataFileError if
    there is no label besides "none".
    """
    names = tuple(name for name in training.class_names if name != NONE)
    if not names:
        raise DataFileError(f"All pictures lie in {NONE!r}, so there is no label to learn.")
    columns = {label: names.index(name) for label, name in enumerate(training.class_names) if name != NONE}
    parts = {"training": training, "test": test}
    labels_of: dict[bytes, set[int]] = {}
    first_place: dict[bytes, tuple[int, str, int]] = {}
    for part, dataset in parts.items():
        for number, (image, label) in enumerate(zip(dataset.images, dataset.labels.tolist(), strict=True)):
            key = image.tobytes()
            labels_of.setdefault(key, set()).update({columns[label]} if label in columns else ())
            first_place[key] = min(first_place.get(key, (label, part, number)), (label, part, number))
    kinds = sorted({tuple(sorted(labels)) for labels in labels_of.values()}, key=lambda kind: (len(kind), kind))
    table = np.zeros((len(kinds), len(names)), np.float32)
    for row, kind in zip(table, kinds, strict=True):
        row[list(kind)] = 1
    shown = tuple(_in_words(kind, names) for kind in kinds)
    places = {
        part: sorted((number, key) for key, (_, its_part, number) in first_place.items() if its_part == part)
        for part in parts
    }
    relabelled = []
    for part, dataset in parts.items():
        if not places[part]:
            raise DataFileError(
                f"Every picture of {dataset.name} lies in several classes and is already in the other part."
            )
        kept = dataset[np.array([number for number, _ in places[part]])]
        rows = np.array([kinds.index(tuple(sorted(labels_of[key]))) for _, key in places[part]])
        relabelled.append(replace(kept, labels=rows, class_names=shown))
    return relabelled[0], relabelled[1], names, table


def _in_words(kind: Iterable[int], names: tuple[str, ...]) -> str:
    return " + ".join(names[column] for column in kind) or NONE
