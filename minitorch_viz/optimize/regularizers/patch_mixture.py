"""How unlikely the patches of a picture are, by a mixture of Gaussians that was fitted to natural ones."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.optimize.regularizers.base import Penalty


class Factors(NamedTuple):
    """Hold what a mixture's density is computed by."""

    whiten: Array  # (K, D, D): W with W W' = the inverse of a covariance
    peaks: Array  # (K,): the logarithm of weight times density at each mean
    most: float  # no patch is likelier: the logarithm of the sum of all peaks


@dataclass(frozen=True, eq=False)
class PatchMixture(Penalty):
    """Sum most - log p(patch) over the patches of a picture, by how many each pixel is in: 0 is as likely as can be.

    p = sum_k weight_k N(mean_k, covariance_k + noise^2). All colours of a patch are one row, its mean colour among
    them: what is penalized is noise, but also a colour that natural pictures do not have.

    weights (K,), means (K, D), covariances (K, D, D) with D = C side side, of x = pixel - mean in steps of 0..255.
    noise: in steps of 0..255: the mixture is that of patches with so much noise. x - noise^2 gradient is then the best
    guess of the patches without it, so that a step of up to noise^2 is a stable one.
    stride: pixels from a patch to the next; the last ones end at the border.
    Paper: Zoran and Weiss 2011 (EPLL); in ascents, Mordvintsev et al. 2015 name such a prior.
    """

    weights: Array
    means: Array
    covariances: Array
    side: int
    noise: float = 5.0
    stride: int = 3

    def __post_init__(self) -> None:
        count, length = self.means.shape
        if self.weights.shape != (count,) or self.covariances.shape != (count, length, length):
            raise ShapeError(
                f"A mixture of {count} Gaussians of {length} numbers needs weights ({count},) and covariances "
                f"({count}, {length}, {length}), but got {self.weights.shape} and {self.covariances.shape}."
            )
        if self.side < 1 or self.stride < 1 or length % self.side**2 or self.noise < 0:
            raise SettingError(
                f"Patches of {length} numbers cannot be {self.side} x {self.side} pixels, {self.stride} apart, with "
                f"noise {self.noise:g}."
            )

    def value(self, x: Array) -> Array:
        factors, overlap = self._factors, (self.side / self.stride) ** 2
        values = [(factors.most - self._densities(rows)[0]).sum() / overlap for rows in self._patches(x)]
        return np.asarray(values, x.dtype)

    def gradient(self, x: Array) -> Array:
        dx = np.zeros_like(x)
        height, width = self._starts(x)
        for picture, rows in zip(dx, self._patches(x), strict=True):
            _, slope = self._densities(rows)
            blocks = slope.reshape(len(height), len(width), len(picture), self.side, self.side)
            for i in range(self.side):
                for j in range(self.side):  # within one i and j no pixel occurs twice
                    picture[:, (height + i)[:, None], width + j] += blocks[..., i, j].transpose(2, 0, 1)
        mean: Array = dx / np.asarray((self.side / self.stride) ** 2, x.dtype)
        return mean

    @classmethod
    def examples(cls) -> list[Self]:
        roots = np.random.default_rng(0).standard_normal((2, 12, 12))
        wide, middle, shares = 100 * roots @ roots.transpose(0, 2, 1), np.zeros((2, 12)), np.array([0.3, 0.7])
        return [
            cls(shares, middle, wide, 2, 5.0, 2),
            cls(shares, middle, wide, 2, 20.0, 1),
            cls(np.ones(1), np.zeros((1, 3)), 400 * np.eye(3)[None], 1, 0.0, 1),
        ]

    @functools.cached_property
    def _factors(self) -> Factors:
        length = self.means.shape[1]
        wide = self.covariances + self.noise**2 * np.eye(length)
        lower = np.linalg.cholesky(wide)
        whiten = np.linalg.inv(lower).transpose(0, 2, 1)
        volume = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        peaks = np.log(np.maximum(self.weights, np.finfo(float).tiny)) - volume - length / 2 * np.log(2 * np.pi)
        return Factors(whiten, peaks, float(np.logaddexp.reduce(peaks)))

    def _starts(self, x: Array) -> tuple[Array, Array]:
        """Return the first rows and the first columns of the patches."""
        if min(x.shape[-2:]) < self.side or x.shape[1] * self.side**2 != self.means.shape[1]:
            raise ShapeError(
                f"Patches of {self.side} x {self.side} pixels with {self.means.shape[1]} numbers do not fit pictures "
                f"{x.shape[1:]}."
            )
        ends = [side - self.side for side in x.shape[-2:]]
        height, width = (np.unique([*range(0, end, self.stride), end]) for end in ends)
        return height, width

    def _patches(self, x: Array) -> list[Array]:
        """Return the patches of each picture, (P, D) each, row by row."""
        height, width = self._starts(x)
        windows = np.lib.stride_tricks.sliding_window_view(x, (self.side, self.side), axis=(2, 3))
        chosen = windows[:, :, height[:, None], width].transpose(0, 2, 3, 1, 4, 5)
        return list(chosen.reshape(len(x), len(height) * len(width), -1))

    def _densities(self, rows: Array) -> tuple[Array, Array]:
        """Return log p (P,) of patches (P, D), and the gradient of -log p by each (P, D)."""
        whiten, peaks, means = (part.astype(rows.dtype) for part in (*self._factors[:2], self.means))
        whitened = [(rows - mean) @ factor for mean, factor in zip(means, whiten, strict=True)]
        logs = np.stack([peak - 0.5 * np.sum(z**2, axis=1) for peak, z in zip(peaks, whitened, strict=True)])
        total = np.logaddexp.reduce(logs, axis=0)
        shares = np.exp(logs - total)
        slope = np.zeros_like(rows)
        for share, z, factor in zip(shares, whitened, whiten, strict=True):
            slope += share[:, None] * (z @ factor.T)
        return total, slope
