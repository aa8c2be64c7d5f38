"""Nonnegative factors of activations, and what a net makes of each: the arithmetic of `factors`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array

if TYPE_CHECKING:
    from minitorch_viz.models import Model

ROUNDS = 1000  # of the factorization at most
ENOUGH = 1e-4  # it ends when a round improves it by less than this share of the first one's


class Parts(NamedTuple):
    """Hold activations X (P, C) as W H: P places of all photos, C channels, k factors."""

    strengths: Array  # W (P, k), nonnegative: how much of each factor is at each place
    directions: Array  # H (k, C), nonnegative, of unit length; of a factor that is nowhere 0
    shares: Array  # (k,): of what the factors hold together, the largest first
    error: float  # ||X - W H|| / ||X||, 0..1; 0 where X is
    least: float  # the same of the best k directions with signs, which no factorization can come below
    settled: bool  # whether the rounds ended by themselves


def lowest(activations: Sequence[Array]) -> Array:
    """Return for each channel of maps (C, ...) the smallest value where it is negative, else 0: (C,)."""
    smallest = np.min([maps.reshape(len(maps), -1).min(axis=1) for maps in activations], axis=0)
    lows: Array = np.minimum(smallest, 0)
    return lows


def parts_of(values: Array, count: int, seed: int) -> Parts:
    """Return nonnegative values (P, C) as `count` factors, the one with the largest share first.

    By scikit-learn's NMF (coordinate descent, from the singular vectors); the seed is of those and of what fills their
    zeros.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    norm = float(np.linalg.norm(values))
    if not norm:
        zeros = np.zeros((len(values), count)), np.zeros((count, values.shape[1]))
        return Parts(*zeros, np.zeros(count), 0.0, 0.0, True)
    scaled = values.astype(np.float64) / norm
    start = "nndsvda" if count <= min(values.shape) else "random"
    nmf = NMF(count, init=start, random_state=seed, max_iter=ROUNDS, tol=ENOUGH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told as `settled`
        strengths = nmf.fit_transform(scaled) * norm
    directions = nmf.components_
    lengths = np.linalg.norm(directions, axis=1)
    directions = directions / np.where(lengths > 0, lengths, 1)[:, None]
    strengths = strengths * lengths
    masses = strengths.sum(axis=0) * directions.sum(axis=1)
    order = np.argsort(-masses, kind="stable")
    error = float(np.linalg.norm(values - strengths @ directions)) / norm
    shares = masses[order] / (masses.sum() or 1)
    return Parts(
        strengths[:, order], directions[order], shares, error, least_error(scaled, count), nmf.n_iter_ < ROUNDS
    )


def least_error(values: Array, count: int) -> float:
    """Return what the best `count` directions leave out of values (P, C) of length 1 (Eckart, Young 1936)."""
    squares = values @ values.T if len(values) < values.shape[1] else values.T @ values
    rest = np.linalg.eigvalsh(squares)[:-count]  # squared singular values, the smallest first
    return float(np.sqrt(max(rest.sum(), 0)))


def rises(
    model: Model, layer: str, maps: Sequence[Array], directions: Array, lows: Array, inputs: Sequence[Array]
) -> Array:
    """Return (k, classes): how much each factor alone raises the scores, on average over the photos.

    The layer is given one factor's part of its activations, where it is in the photo, on top of the channels' smallest
    values; what the rest of the net answers to those values alone is taken off. Of a net that averages this layer's
    maps before one linear layer it is the weights times the direction, times the factor's mean strength.

    maps: for each photo (k, h', w'), the strengths; directions (k, C); lows (C,). inputs: what the net takes of each
    photo, (1, ...): a net whose answer the layer does not stand alone for sees it, too.
    """
    total = np.zeros((len(directions), len(model.class_names)))
    for strengths, x in zip(maps, inputs, strict=True):
        alone = directions[:, :, None, None] * strengths[:, None] + lows[:, None, None]
        nothing = np.broadcast_to(lows[:, None, None], alone.shape[1:])[None]
        given = kernels.to_device(np.concatenate([nothing, alone]).astype(model.dtype), model.net.device)
        photos = x.repeat(len(given), axis=0)
        scores = kernels.to_cpu(model.net.predict(photos, given={layer: given}, upto=model.logits)).astype(np.float64)
        total += scores[1:] - scores[:1]
    return total / len(maps)
