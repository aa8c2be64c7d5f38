"""Inside a run of capitals."""

from __future__ import annotations

import re

import numpy as np

from minitorch_viz._types import Array

INSERTIONS = ("CHAPTER",)
C_INSERTIONS = ("MAX_SIZE",)


def upper_case_run(text: str) -> Array:
    """Return whether the last two letters, at least, are capitals; _ and digits among capitals count as such."""
    values = np.zeros(len(text), bool)
    for match in re.finditer(r"[A-Z][A-Z0-9_]+", text):
        values[match.start() + 1 : match.end()] = True
    return values


def measure(text: str) -> float:
    """Return the share of letters that are capitals."""
    return sum(letter.isupper() for letter in text) / len(text) if text else float("nan")
