"""How large a change is, the largest change that is allowed, and which step of a given size raises a loss most.

A change is pixels minus clean pixels, (N, ...), in steps of 0..255 (of rows and series in the units of their `Box`).
One norm is not another: 8 in L-infinity lets each of 150,528 values move by 8, which is 3,104 in L2; 8 in L2 is 0.02 a
value.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, near

Norm: TypeAlias = Literal["linf", "l2", "l0"]
NORMS: tuple[Norm, ...] = ("linf", "l2", "l0")
WORDS: dict[Norm, str] = {"linf": "L-infinity", "l2": "L2", "l0": "L0"}
FAINT = 0.1  # steps of 0..255 a value (root mean square): an L2 eps below this looks like one of L-infinity


class Sizes(NamedTuple):
    """Hold how large the change of each picture is, (N,) each."""

    l2: Array  # the square root of the sum of squares
    linf: Array  # the largest magnitude
    rms: Array  # the square root of the mean of squares: L2 / sqrt(values)
    l0: Array  # ints: pixels of which any channel differs; of rows and series values


def sizes(change: Array) -> Sizes:
    """Return how large each change (N, ...) is; of (N, C, H, W) the channels of a pixel count as one in L0."""
    flat = _flat(change)
    l2 = np.sqrt((flat**2).sum(axis=1))
    moved = change != 0
    places = _flat(moved.any(axis=1) if change.ndim == 4 else moved)
    return Sizes(l2, np.abs(flat).max(axis=1), l2 / np.sqrt(flat.shape[1]), places.sum(axis=1))


def size_in(change: Array, norm: Norm) -> Array:
    """Return the size (N,) of changes (N, ...) in one norm."""
    size: Array = getattr(sizes(change), norm)
    return size


def project(change: Array, norm: Norm, eps: float) -> Array:
    """Return the change (N, ...) inside the ball of radius eps that is nearest to each: clipped, or made shorter."""
    if norm == "linf":
        return np.clip(change, -eps, eps)
    _only_a_ball(norm)
    lengths = _lengths(change)
    return change * np.minimum(1.0, eps / np.maximum(lengths, np.finfo(np.float64).tiny))


def steepest(gradient: Array, norm: Norm) -> Array:
    """Return the change of size 1 along which a loss with this gradient (N, ...) rises most; 0 where it is 0.

    L-infinity: the sign. L2: the gradient over its length.
    """
    if norm == "linf":
        return np.sign(gradient)
    _only_a_ball(norm)
    largest = np.abs(_flat(gradient)).max(axis=1).reshape(-1, *[1] * (gradient.ndim - 1))
    # Over the largest entry, so that no square underflows.
    scaled = np.divide(gradient, largest, out=np.zeros_like(gradient), where=largest > 0)
    lengths = _lengths(scaled)
    direction: Array = np.divide(scaled, lengths, out=np.zeros_like(gradient), where=lengths > 0)
    return direction


def random_in_ball(rng: Generator, shape: tuple[int, ...], norm: Norm, eps: float) -> Array:
    """Return random changes (N, ...), evenly spread over the ball of radius eps."""
    if norm == "linf":
        return rng.uniform(-eps, eps, shape)
    _only_a_ball(norm)
    directions = steepest(rng.standard_normal(shape), norm)
    values = int(np.prod(shape[1:]))
    radii: Array = eps * rng.random((shape[0], *[1] * (len(shape) - 1))) ** (1 / values)
    return directions * radii


def need_norm(norm: object, norms: tuple[Norm, ...], attack: str) -> None:
    """Raise SettingError, a sentence, for a norm that there is not, or that an attack does not limit."""
    if norm not in NORMS:
        raise SettingError(f"There is no norm {norm!r}; {near(norm, NORMS, 'norm')}.")
    if norm not in norms:
        listed = " and ".join(norms)
        raise SettingError(
            f"{attack} measures a change in {listed}, but norm is {norm!r}: another attack has that norm."
        )


def need_eps(eps: object) -> float:
    """Return eps as a float; SettingError, a sentence, for what is no number of at least 0."""
    if isinstance(eps, bool) or not isinstance(eps, (int, float, np.integer, np.floating)) or not np.isfinite(eps):
        raise SettingError(f"eps must be a number of at least 0, in steps of 0 to 255, but got {eps!r}.")
    if eps < 0:
        raise SettingError(f"eps is how large a change may be, at least 0, but got {eps!r}.")
    return float(eps)


def need_fitting_eps(eps: float, norm: Norm, values: int, span: float) -> None:
    """Raise SettingError for an eps that would allow any picture of so many values: it is one of another norm.

    span: the largest less the smallest value that there may be, 255 of pictures.
    """
    if norm == "linf" and eps > span:
        raise SettingError(
            f"An L-infinity eps is how far each value may move, at most {span:g}, but got {eps:g}. If it is meant for "
            f"the whole change, say norm l2: over {values} values it is {eps / np.sqrt(values):.3g} a value."
        )
    if norm == "l2" and eps > span * np.sqrt(values):
        raise SettingError(
            f"An L2 eps of {values} values is at most {span * np.sqrt(values):.4g} ({span:g} each), but got {eps:g}."
        )


def remark_on(eps: float, norm: Norm, values: int) -> str:
    """Return a sentence about an eps of pixels that looks like a share of 255, or one of another norm; "" of others."""
    if norm == "linf" and 0 < eps < 1:
        return (
            f"eps is {eps:g} in steps of 0 to 255, less than one grey level; a share of {eps:g} of the full range "
            f"would be {255 * eps:.4g}."
        )
    rms = eps / np.sqrt(values)
    if norm == "l2" and 0 < rms < FAINT:
        return (
            f"An L2 eps of {eps:g} over {values} values is {rms:.2g} grey levels a value (root mean square). As an "
            f"L-infinity eps, {eps:g} would allow an L2 of {eps * np.sqrt(values):.4g}."
        )
    return ""


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _lengths(values: Array) -> Array:
    """Return the L2 norm of each, (N, 1, ...)."""
    lengths: Array = np.sqrt((_flat(values) ** 2).sum(axis=1)).reshape(-1, *[1] * (values.ndim - 1))
    return lengths


def _only_a_ball(norm: Norm) -> None:
    if norm != "l2":
        raise SettingError(f"There are balls in linf and l2, but norm is {norm!r}.")
