"""Fields of a layer that check their value when the layer is built, so that a wrong setting fails there, not later.

    @dataclass(frozen=True, eq=False, repr=False)
    class MaxPool2d(Layer):
        kernel: PairField = PairField(least=1)                  # no default: must be given
        stride: PairField = PairField(like="kernel", least=1)   # None takes the kernel's

Each is a descriptor: reading `layer.kernel` gives the checked value, here a (vertical, horizontal) pair of ints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError

T = TypeVar("T")
REQUIRED: Any = object()  # the default of a field that must be given


class CheckedField(Generic[T]):
    """Be the base of the fields below: a name, a default, and a value in the layer's own __dict__."""

    def __init__(self, default: Any = REQUIRED) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...
    @overload
    def __get__(self, layer: object, owner: type) -> T: ...
    def __get__(self, layer: object | None, owner: type) -> Any:
        if layer is not None:
            return layer.__dict__[self.name]
        if self.default is REQUIRED:  # how a dataclass learns that the field has no default
            raise AttributeError(f"{owner.__name__}.{self.name} has no default.")
        return self.default

    def _label(self, layer: object) -> str:
        return f"{type(layer).__name__}'s {self.name}"


class PairField(CheckedField[Pair]):
    """Take an int or (vertical, horizontal), give the pair; `like` names the field that None stands for."""

    def __init__(self, default: int = REQUIRED, *, least: int = 0, like: str | None = None) -> None:
        super().__init__(None if like else default if default is REQUIRED else (default, default))
        self.least, self.like = least, like

    def __set__(self, layer: object, value: int | Sequence[int] | None) -> None:
        if value is None and self.like:
            layer.__dict__[self.name] = layer.__dict__[self.like]
        else:
            layer.__dict__[self.name] = as_pair(value, self._label(layer), self.least)


class BorderField(CheckedField[Any]):
    """Take what a convolution adds around a map: an int, (vertical, horizontal), (top, bottom, left, right), or a word.

    It is read as the pair, or as four numbers where opposite sides differ. "valid" is none; "same", which needs other
    numbers of the layer, is kept as it is until the layer replaces it.
    """

    def __set__(self, layer: object, value: int | Sequence[int] | str) -> None:
        if isinstance(value, str):
            if value not in ("same", "valid"):
                raise SettingError(f'{self._label(layer)} must be numbers, "same" or "valid", but got {value!r}.')
            layer.__dict__[self.name] = value if value == "same" else (0, 0)
        elif isinstance(value, (tuple, list)) and len(value) == 4:
            top, bottom = as_pair(value[:2], self._label(layer))
            left, right = as_pair(value[2:], self._label(layer))
            equal = top == bottom and left == right
            layer.__dict__[self.name] = (top, left) if equal else (top, bottom, left, right)
        else:
            layer.__dict__[self.name] = as_pair(value, self._label(layer))


class WholeField(CheckedField[int]):
    """Take a whole number of at least `least`."""

    def __init__(self, default: int = REQUIRED, *, least: int) -> None:
        super().__init__(default)
        self.least = least

    def __set__(self, layer: object, value: int) -> None:
        if not _is_whole(value) or value < self.least:
            raise SettingError(
                f"{self._label(layer)} must be a whole number of at least {self.least}, but got {value!r}."
            )
        layer.__dict__[self.name] = int(value)


class WholesField(CheckedField[tuple[int, ...]]):
    """Take whole numbers of at least `least`, one or more; one by itself is read as a tuple."""

    def __init__(self, default: tuple[int, ...] = REQUIRED, *, least: int) -> None:
        super().__init__(default)
        self.least = least

    def __set__(self, layer: object, value: int | Sequence[int]) -> None:
        numbers: Any = (value,) if _is_whole(value) else value
        is_sequence = isinstance(numbers, (tuple, list)) and len(numbers) > 0
        if not is_sequence or not all(_is_whole(number) and number >= self.least for number in numbers):
            raise SettingError(
                f"{self._label(layer)} must be whole numbers of at least {self.least}, such as (2, 3), "
                f"but got {value!r}."
            )
        layer.__dict__[self.name] = tuple(int(number) for number in numbers)


class NumberField(CheckedField[float]):
    """Take a finite number from `least` to `most`, kept as a Python float.

    A Python float, because a np.float64 setting would turn float32 arrays into float64 ones.
    """

    def __init__(self, default: float = REQUIRED, *, least: float = -np.inf, most: float = np.inf) -> None:
        super().__init__(default)
        self.least, self.most = least, most

    def __set__(self, layer: object, value: float) -> None:
        is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not is_number or not np.isfinite(value) or not self.least <= value <= self.most:
            least = f" of at least {self.least:g}" if np.isfinite(self.least) else ""
            most = f" and at most {self.most:g}" if np.isfinite(self.most) else ""
            raise SettingError(f"{self._label(layer)} must be a finite number{least}{most}, but got {value!r}.")
        layer.__dict__[self.name] = float(value)


def as_pair(value: int | Sequence[int] | None, label: str, least: int = 0) -> Pair:
    """Return an int or (vertical, horizontal) as a pair of ints, each at least `least`."""
    numbers: Any = (value, value) if _is_whole(value) else value
    if (
        not isinstance(numbers, (tuple, list))
        or len(numbers) != 2
        or not all(_is_whole(number) for number in numbers)
        or min(numbers) < least
    ):
        raise SettingError(
            f"{label} must be a whole number of at least {least}, or a (vertical, horizontal) pair, but got {value!r}."
        )
    return int(numbers[0]), int(numbers[1])


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
