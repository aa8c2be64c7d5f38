"""What every transform is: settings, and a linear map drawn from them."""

from __future__ import annotations

from typing import Self

from minitorch_viz._types import Generator, Pair
from minitorch_viz.optimize.maps import LinearMap


class Transform:
    """Be the base of transforms: frozen settings, `draw`, `examples`."""

    def draw(self, rng: Generator, size: Pair) -> LinearMap:
        """Return one map for pictures (N, C, *size), the same for all N; `map.size` is the size that comes out.

        The same generator's state gives the same map. Raises SettingError where a picture is too small.
        """
        raise NotImplementedError

    @classmethod
    def examples(cls) -> list[Self]:
        """Return settings worth testing."""
        raise NotImplementedError
