"""What the attacks share that look for the smallest change: where they begin, and which of two pictures is better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt
from minitorch_viz.optimize.attacks.losses import margin
from minitorch_viz.optimize.attacks.norms import Norm, size_in

VALUES = 100_000  # that go through the net together: large pictures one by one, so that each has a backward pass alone


def together(rows: Array, aim: Aim, pixels: Array) -> Iterator[Array]:
    """Yield the numbers of pictures (n,) in groups that go through the net together."""
    size = max(1, min(aim.batch, VALUES // pixels[0].size))
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def begin(aim: Aim, pixels: Array, total: int, **inner: Any) -> Attempt:
    """Return where an attack begins; what is fooled without a change has the smallest change there is, 0."""
    attempt = Attempt.begin(aim, pixels, total, **inner)
    values, _ = aim.loss(attempt.logits, margin)
    return replace(attempt, values=np.where(attempt.fooled, 0.0, values))


def closer(attempt: Attempt, aim: Aim, clean: Array, rows: Array, pixels: Array, logits: Array, norm: Norm) -> Attempt:
    """Return the attempt with what was found for some pictures, where it is closer to the clean picture.

    Of two that fool the smaller change is better; of two that do not, the one whose scores are nearer to it.
    clean: all pictures (N, ...). rows (n,): the numbers of `pixels` (n, ...) and of their `logits` (n, K).
    """
    if not len(rows):
        return attempt
    part = aim.of(rows)
    margins, _ = part.loss(logits, margin)
    values = np.where(part.fooled(logits), -size_in(pixels - clean[rows], norm), margins)
    return attempt.seen(aim, rows, pixels, logits, values)


def shortened(
    attempt: Attempt, aim: Aim, clean: Array, norm: Norm, halvings: int, confidence: float = 0.0
) -> tuple[Attempt, int]:
    """Return the attempt with shorter changes along the straight lines to the clean pictures, and the passes taken.

    Of each change that fools, half is left out if the rest of it fools, too, else a quarter, and so on. confidence: the
    margin that must be left.
    """
    rows = np.flatnonzero(attempt.fooled & (attempt.values < 0))
    if not len(rows):
        return attempt, 0
    part, change = aim.of(rows), attempt.pixels[rows] - clean[rows]
    share, less = np.ones(len(rows)), 0.5
    for _ in range(halvings):
        x = clean[rows] + as_column(share - less, change) * change
        logits = part.logits(x)
        fools = part.fooled(logits) & (part.loss(logits, margin)[0] >= confidence)
        attempt = closer(attempt, aim, clean, rows[fools], x[fools], logits[fools], norm)
        share, less = np.where(fools, share - less, share), less / 2
    return attempt, halvings


def need_number(label: str, value: object, least: float = 0.0, above: bool = False) -> None:
    """Raise SettingError unless `value` is a finite number of at least `least`, or above it."""
    limit = f"above {least:g}" if above else f"of at least {least:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise SettingError(f"The {label} must be a number {limit}, but got {value!r}.")
    if not np.isfinite(value) or value < least or (above and value == least):
        raise SettingError(f"The {label} must be a finite number {limit}, but got {value!r}.")


def as_column(numbers: Array, pictures: Array) -> Array:
    """Return numbers (N,) with the axes of pictures (N, ...)."""
    return numbers.reshape(-1, *[1] * (pictures.ndim - 1))
