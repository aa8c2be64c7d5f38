"""What the letters of a map are coloured by: the class of the letter, and hypotheses about the text.

How much of a colour a map shows is one number: the share of each letter's ten nearest that have its label. Chance is
not the share of a shuffled text: letters that stand together have like states and like labels, whatever the net has
learned. So the labels are moved along the text, the end to its beginning, and the share taken again; chance is the mean
over such shifts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.neighbours import same_class

CLASSES = ("line end", "blank", "vowel", "other small letter", "capital letter", "digit", "other sign")
SHIFTS = 20  # of the labels along the text
THIRDS = 3  # parts of what is a number
FEW_VALUES = 4  # a number with so many values or fewer has a label for each


class Colouring(NamedTuple):
    """Hold the label of each of n letters on the map."""

    name: str  # "inside-quote"; of the first "letter"
    words: str  # what it means: "the class of the letter"
    labels: Array  # (n,) int: which of `names`; -1 where it does not apply
    names: tuple[str, ...]


class Alike(NamedTuple):
    """Hold of a letter's nearest ones the share that has its label."""

    on_map: float
    by_states: float
    by_chance: float  # on the map, the labels moved along the text


def classes_of_letters(text: str) -> Colouring:
    """Return the class of each letter of a text."""
    labels = [_class_of(letter) for letter in text]
    return Colouring("letter", "the class of the letter", np.array(labels, np.int64), CLASSES)


def _class_of(letter: str) -> int:
    if letter in "\n\r":
        return 0
    if letter.isspace():
        return 1
    if letter.isdigit():
        return 5
    if letter.isupper():
        return 4
    if letter.isalpha():
        return 2 if letter in "aeiouàáâäèéêëìíîïòóôöùúûüœæ" else 3
    return 6


def labelled(name: str, values: Array, words: str = "") -> Colouring | None:
    """Return a hypothesis's values (n,) as labels: yes or no, or thirds of a number; None where all are the same.

    Values that are NaN have none.
    """
    labels, names = _in_parts(values.astype(np.float64))
    if values.dtype.kind == "b":
        labels, names = values.astype(np.int64), ("no", "yes")
    return Colouring(name, words, labels, names) if len(set(labels[labels >= 0].tolist())) > 1 else None


def _in_parts(values: Array) -> tuple[Array, tuple[str, ...]]:
    """Return numbers (n,) as labels: each value where they are few, else in three parts of about the same size."""
    applies = np.isfinite(values)
    labels = np.full(len(values), -1, np.int64)
    distinct = np.unique(values[applies])
    if len(distinct) <= FEW_VALUES:
        labels[applies] = np.searchsorted(distinct, values[applies])
        return labels, tuple(f"{value:g}" for value in distinct)
    edges = np.unique(np.quantile(values[applies], [1 / THIRDS, 2 / THIRDS]))
    labels[applies] = np.searchsorted(edges, values[applies], side="left")
    present = np.unique(labels[applies])
    labels[applies] = np.searchsorted(present, labels[applies])
    names = []
    for label in range(len(present)):
        part = values[labels == label]
        low, high = float(part.min()), float(part.max())
        names.append(f"{low:g}" if low == high else f"{low:g} to {high:g}")
    return labels, tuple(names)


def alike(on_map: Array, by_states: Array, labels: Array) -> Alike:
    """Return how much of the labels (n,) the nearest on the map (n, k) share, the nearest by states, and by chance."""
    count = len(labels)
    moves = sorted({round((j + 1) * count / (SHIFTS + 1)) for j in range(SHIFTS)} - {0, count})
    shifted = [same_class(on_map, np.roll(labels, move))[0] for move in moves]
    finite = [share for share in shifted if np.isfinite(share)]
    return Alike(
        same_class(on_map, labels)[0],
        same_class(by_states, labels)[0],
        float(np.mean(finite)) if finite else float("nan"),
    )
