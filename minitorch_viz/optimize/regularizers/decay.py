"""Decay: a little back towards the mean colour."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError


def decay(x: Array, share: float) -> Array:
    """Return x (1 - share): the step that a penalty share / 2 |x|^2 takes at rate 1.

    share: 0..1; 0 leaves the picture as it is. Paper: Yosinski et al. 2015.
    """
    if not 0 <= share <= 1:
        raise SettingError(f"Decay takes a share from 0 to 1, but got {share!r}.")
    return x * (1 - share)
