"""A mix of two templates: what lies between them, and what the net says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError

if TYPE_CHECKING:
    from minitorch_viz.models import Model

STEPS = 7


class Mix(NamedTuple):
    """Hold templates between two: a times the first plus 1 - a times the second."""

    numbers: tuple[int, int]  # whose templates are mixed
    names: tuple[str, str]
    shares: Array  # (m,): a, from 1 down to 0
    templates: Array  # (m, C, h, w)
    answers: Array  # (m,): the mix of the two values that the photo has
    own: Array  # (m, 2): the two values where the net is given the mix itself, as long a vector as the photo


def chosen_pair(model: Model, mix: str | None, values: Array, of_units: bool) -> tuple[int, int]:
    """Return the two templates that are mixed; values (O,): by default the two largest.

    Raises SettingError unless two different ones are named.
    """
    if len(values) < 2:
        return 0, 0
    if mix is None:
        first, second = np.argsort(-values, kind="stable")[:2]
        return int(first), int(second)
    names = [name.strip() for name in str(mix).split(",")]
    if len(names) != 2:
        nouns = "the numbers of two hidden units" if of_units else "two classes"
        raise SettingError(f"mix names {nouns} with a comma between, but got {mix!r}.")
    first, second = (_unit(name, len(values)) if of_units else model.class_index(name) for name in names)
    if first == second:
        raise SettingError(f"mix={mix!r} names the same template twice; name two.")
    return first, second


def mixed(model: Model, node: str, weights: Array, x: Array, pair: tuple[int, int], names: tuple[str, ...]) -> Mix:
    """Return the templates between two of weights (O, C, h, w), and what the net gives for a photo and for each mix.

    node: the linear layer whose weights they are. x (C, h, w): the photo as the net gets it.
    """
    first, second = pair
    shares = np.linspace(1, 0, STEPS)
    between = np.stack([a * weights[first] + (1 - a) * weights[second] for a in shares])  # float64 by the shares
    lengths = np.sqrt((between**2).sum(axis=(1, 2, 3), keepdims=True))
    length = float(np.sqrt((x.astype(np.float64) ** 2).sum())) or 1.0
    pictures = between * (length / np.where(lengths > 0, lengths, 1))
    # The photo runs along, so that all values come from one pass.
    batch = np.concatenate([x[None], pictures.astype(model.dtype)])
    values = kernels.to_cpu(model.net.predict(kernels.to_device(batch, model.net.device), upto=node))
    own = values[1:, [first, second]]
    answers = shares * values[0, first] + (1 - shares) * values[0, second]
    return Mix(pair, (names[first], names[second]), shares, between.astype(weights.dtype), answers, own)


def _unit(name: str, count: int) -> int:
    """Return the number of a hidden unit; SettingError if there is none."""
    number = int(name) if name.isdecimal() else -1
    if not 0 <= number < count:
        raise SettingError(f"There is no hidden unit {name!r}; they are numbered from 0 to {count - 1}.")
    return number
