"""Sensitivity: how much the map changes when the picture changes by less than can be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError, need_whole
from minitorch_viz.grading.checks import need_map


def max_sensitivity(
    explain: Callable[[Array], Array],
    image: Array,
    *,
    heat: Array | None = None,
    levels: int = 5,
    samples: int = 5,
    seed: int = 0,
) -> float:
    """Return the largest change of the map under small noise, relative to the map's size; lower is steadier.

    max over k of |explain(image + noise_k) - explain(image)| / |explain(image)|, Euclidean norms of whole maps. 0: the
    map does not move. 1: the change is as large as the map. It does not say that the map is right: a map that ignores
    the picture gets 0.

    explain: picture (H, W, 3) uint8 -> map (h, w). image (H, W, 3) uint8. heat: explain(image), if it is known already.
    levels: each channel of each pixel moves by a whole number from -levels to levels (of 255), uniformly.
    samples: how many noisy pictures; the maximum grows with them. A map of zeros gets 0 if it stays, else infinity.

    Raises ShapeError for another picture or map, SettingError for a number that does not fit.

    Paper: Yeh et al. 2019 (On the (in)fidelity and sensitivity of explanations).
    """
    picture = _picture(image)
    levels, samples = need_whole("levels of noise", levels, 1, 255), need_whole("number of samples", samples, 1)
    rng = np.random.default_rng(need_whole("seed", seed, 0))
    base = need_map(explain(picture) if heat is None else heat)
    size = float(np.linalg.norm(base))
    largest = 0.0
    for _ in range(samples):
        noise = rng.integers(-levels, levels + 1, picture.shape, np.int16)
        noisy_map = need_map(explain((picture + noise).clip(0, 255).astype(np.uint8)), "the map of the noisy picture")
        if noisy_map.shape != base.shape:
            raise ShapeError(
                f"The map of the noisy picture has shape {noisy_map.shape}, that of the picture {base.shape}."
            )
        largest = max(largest, float(np.linalg.norm(noisy_map - base)))
    if size == 0:
        return 0.0 if largest == 0 else float("inf")
    return largest / size


def _picture(image: Any) -> Array:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        given = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ShapeError(f"image must be a picture (H, W, 3) of uint8, but got {given}; load_image makes one.")
    return image
