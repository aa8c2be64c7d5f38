"""What an attack raises: how fooled a net is, from its scores, with the gradient by the scores.

Each takes scores z (N, K), the answers that are to go away (N,), and the answers that are wanted (N,) or None, and
gives (values (N,), gradient (N, K)), in float64. Higher is more fooled, with and without a target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near

Loss: TypeAlias = Callable[[Array, Array, Array | None], tuple[Array, Array]]

TIE = 1e-12  # added to a difference of scores that is divided by, as its authors do


def cross_entropy(z: Array, labels: Array, targets: Array | None) -> tuple[Array, Array]:
    """Return -log p of the label, or log p of the target, where p is the softmax of z."""
    z = z.astype(np.float64)
    meant, sign = (labels, -1.0) if targets is None else (targets, 1.0)
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    p = e / total
    values = np.take_along_axis(shifted, meant[:, None], 1)[:, 0] - np.log(total[:, 0])
    gradient = -p
    others = np.where(_at(z, meant), 0.0, p).sum(axis=1)  # 1 - p without its rounding, where p is nearly 1
    gradient[np.arange(len(z)), meant] = others
    return sign * values, sign * gradient


def margin(z: Array, labels: Array, targets: Array | None) -> tuple[Array, Array]:
    """Return how far the best other score is above the label's, or the target's above the best other one.

    It is above 0 exactly where the net is fooled. Of a tie the first is the best.

    Paper: Carlini, Wagner 2017 (f6).
    """
    z = z.astype(np.float64)
    meant, sign = (labels, 1.0) if targets is None else (targets, -1.0)
    rows, others = np.arange(len(z)), _best_but(z, meant)
    gradient = np.zeros_like(z)
    gradient[rows, others] += sign
    gradient[rows, meant] -= sign
    return sign * (z[rows, others] - z[rows, meant]), gradient


def difference_of_logits_ratio(z: Array, labels: Array, targets: Array | None) -> tuple[Array, Array]:
    """Return the margin over the distance of the best score from the third: the same when all scores are scaled.

    -(z_y - max_{i != y} z_i) / (z_1 - z_3), where z_1 >= z_2 >= ... are the scores in order; with a target
    -(z_y - z_t) / (z_1 - (z_3 + z_4) / 2). Raises SettingError for fewer than three scores, or four with a target.

    Paper: Croce, Hein 2020.
    """
    z = z.astype(np.float64)
    least = 3 if targets is None else 4
    if z.shape[1] < least:
        raise SettingError(
            f"The loss dlr needs {least} classes{' with a target' if least == 4 else ''}, but the net has "
            f"{z.shape[1]}; take ce or margin."
        )
    rows, order = np.arange(len(z)), np.argsort(-z, axis=1, kind="stable")
    wanted = _best_but(z, labels) if targets is None else targets
    below = [(order[:, 2], 1.0)] if targets is None else [(order[:, 2], 0.5), (order[:, 3], 0.5)]
    over = z[rows, wanted] - z[rows, labels]
    under = z[rows, order[:, 0]] - sum(share * z[rows, third] for third, share in below) + TIE
    gradient = np.zeros_like(z)
    gradient[rows, wanted] += 1 / under
    gradient[rows, labels] -= 1 / under
    gradient[rows, order[:, 0]] -= over / under**2
    for third, share in below:
        gradient[rows, third] += share * over / under**2
    return over / under, gradient


LOSSES: dict[str, Loss] = {"ce": cross_entropy, "margin": margin, "dlr": difference_of_logits_ratio}


def get_loss(name: str) -> Loss:
    """Return the loss called `name`; SettingError with near names if there is none."""
    if name not in LOSSES:
        raise SettingError(f"There is no loss {name!r} of an attack; {near(name, LOSSES, 'loss')}.")
    return LOSSES[name]


def _at(z: Array, meant: Array) -> Array:
    """Return (N, K) bool: True at the class that is meant."""
    mask: Array = np.arange(z.shape[1]) == meant[:, None]
    return mask


def _best_but(z: Array, meant: Array) -> Array:
    """Return the best class other than the one that is meant, (N,)."""
    best: Array = np.where(_at(z, meant), -np.inf, z).argmax(axis=1)
    return best
