"""Confidence intervals: what the mean might have been, had other scenes been drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError, need_whole


class Interval(NamedTuple):
    """Hold a mean and its confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def confidence_interval(scores: Array, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """Return the mean of scores (S,), one a scene, with the percentile bootstrap's interval.

    Scenes are drawn with replacement, S of them, `resamples` times; the interval holds the middle `level` of the means.
    Scores of several objects in one scene are averaged before: they are not independent. One score alone has an
    interval of no width, which says that nothing is known of it.

    The draws depend on S and seed alone, so methods graded on the same scenes are resampled alike.

    Raises ShapeError unless scores are a row of finite numbers, SettingError for a level outside 0..1.

    Paper: Efron 1979.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 1 or scores.size == 0 or not np.isfinite(scores).all():
        raise ShapeError(f"scores must be a row of finite numbers, one a scene, but got {str(scores)[:60]}.")
    if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1:
        raise SettingError(f"level must lie between 0 and 1, such as 0.95, but got {level!r}.")
    resamples, seed = need_whole("number of resamples", resamples, 1), need_whole("seed", seed, 0)
    drawn = np.random.default_rng(seed).integers(len(scores), size=(resamples, len(scores)))
    low, high = np.quantile(scores[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(scores.mean()), float(low), float(high))
