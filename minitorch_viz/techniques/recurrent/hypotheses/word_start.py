"""The first letter of a word."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

INSERTIONS = ("a", (" a", "word end"))


def word_start(text: str) -> Array:
    """Return whether a word has just begun: a letter after what is none."""
    is_letter = np.array([letter.isalpha() for letter in text], bool)
    values: Array = is_letter & ~np.concatenate([[False], is_letter[:-1]])
    return values


def measure(text: str) -> float:
    """Return how many letters a word has on average."""
    words = "".join(letter if letter.isalpha() else " " for letter in text).split()
    return sum(map(len, words)) / len(words) if words else float("nan")
