"""A mixture of Gaussians over the patches of natural pictures, fitted in one pass."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError
from minitorch_viz.optimize.regularizers import PatchMixture

LEAST = 4.0  # variance, in steps of 0..255 squared, of each direction: two grey levels


def patches_from(pictures: Iterable[Array], side: int, each: int, seed: int) -> Array:
    """Return patches (n, C side side) of pictures x (C, H, W), `each` of every one, at places that `seed` draws."""
    rng, rows = np.random.default_rng(seed), []
    for x in pictures:
        tops, lefts = (rng.integers(0, extent - side + 1, each) for extent in x.shape[1:])
        rows += [x[:, i : i + side, j : j + side].ravel() for i, j in zip(tops, lefts, strict=True)]
    if not rows:
        raise DataFileError("A mixture is fitted to the patches of pictures, but there is none.")
    return np.array(rows)


def fitted(patches: Array, side: int, components: int = 10, seed: int = 0, noise: float = 5.0) -> PatchMixture:
    """Return a mixture of so many Gaussians fitted to patches (n, D), by some steps of expectation maximization."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(
        min(components, len(patches)), reg_covar=LEAST, max_iter=20, init_params="k-means++", random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a rough mixture is good enough for a prior
        model.fit(patches.astype(float))
    return PatchMixture(model.weights_, model.means_, model.covariances_, side, noise)
