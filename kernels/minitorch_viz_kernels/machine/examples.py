"""How an operation gives examples of its kernels: calls for the tests and timings, and shares of the warm-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Example:
    """Hold one call of one kernel; `make` draws its arguments."""

    kernel: str
    name: str
    make: Callable[[np.random.Generator], tuple[Any, ...]]

    def arguments(self, dtype: Any) -> tuple[Any, ...]:
        """Return the same numbers each time, as read-only arrays of a dtype (switches stay int32)."""
        return tuple(_read_only(value, dtype) for value in self.make(np.random.default_rng(7)))

    def __str__(self) -> str:
        return f"{self.kernel}-{self.name}"


def _read_only(value: Any, dtype: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_read_only(item, dtype) for item in value)
    if not isinstance(value, np.ndarray):
        return value
    value = value.astype(value.dtype if value.dtype in (np.int32, np.bool_) else dtype)
    value.flags.writeable = False
    return value


class Share(NamedTuple):
    """Make calls for which one process compiles what no other share compiles: see `warm_up`.

    Operations whose kernels call each other's compiled files give shares of one name, which go to one process.
    """

    name: str
    seconds: int  # about how long the compiler takes
    call: Callable[[Any, Any], None]  # (the package with the kernels, dtype)
