"""The passport of a unit: all that is known of one channel of a node, without the pixels, in plain numbers and words.

It can be written as JSON and read again, so that a file can keep it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

from minitorch_viz._types import Pair
from minitorch_viz.techniques.explain.in_context import Link
from minitorch_viz.techniques.explain.silence import Fall


class ClassLink(NamedTuple):
    """Say how much a class uses a unit."""

    name: str
    value: float
    pictures: int  # of how many pictures it is the mean; 0 where it is a weight


class Evidence(NamedTuple):
    """Say which concept a unit detects, and what speaks for it."""

    concept: str  # "" if none
    category: str
    iou: float  # intersection over union of where the unit is strong and where the concept is
    detects: bool  # whether it is large enough for a detector
    words: str  # what else speaks for it or against it


class FieldFacts(NamedTuple):
    """Say what a unit can see, and what it does see."""

    size: Pair | None  # pixels (vertical, horizontal); None: perhaps the whole picture
    stride: tuple[float, float] | None
    whole: Pair  # the picture's size
    share: float | None = None  # of the gradient's energy inside one sigma of its middle
    sigma: float | None = None  # pixels: how wide the energy lies around its middle
    covered: float | None = None  # pixels: the same of the changes of its answer under small squares (empirical field)
    middle: bool = False  # whether its patches show only the middle of its field


@dataclass(frozen=True)
class Passport:
    """Hold what is known of one unit; an empty tuple or None where there is nothing to say, `notes` tell why."""

    node: str
    channel: int
    of: int  # how many channels the node has
    layer: str = ""  # the layer in words
    strongest: float = 0.0  # its largest answer
    active: float = 0.0  # the share of places at which it is above zero
    pictures: int = 0  # how many it was measured on
    counts: tuple[float, ...] = ()  # the histogram of its answers
    edges: tuple[float, ...] = ()
    field: FieldFacts | None = None
    inputs: tuple[Link, ...] = ()  # the channels that it weighs most
    readers: tuple[Link, ...] = ()  # the units that weigh it most
    alike: tuple[Link, ...] = ()  # its nearest units by the correlation of answers
    same_weights: tuple[Link, ...] = ()  # its nearest units by the cosine of weights
    classes: tuple[ClassLink, ...] = ()  # those that use it most, then those against which it speaks most
    way: str = ""  # how `classes` was measured
    falls: tuple[Fall, ...] | None = None  # what silencing it does to mean class scores, the largest fall first
    changed: int = 0  # in how many pictures the best class is another then
    concept: Evidence | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what the unit is called."""
        return f"{self.node} channel {self.channel}"

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return what `as_dict` gave, read from JSON; KeyError or TypeError if it is something else."""
        names = {field.name for field in fields(cls)}
        entries = {name: value for name, value in values.items() if name in names}
        for name, kind in LISTS.items():
            if entries.get(name) is not None:
                entries[name] = tuple(kind(*row) for row in entries[name])
        for name in ("counts", "edges", "notes"):
            entries[name] = tuple(entries.get(name, ()))
        for name, record in RECORDS.items():
            if entries.get(name) is not None:
                parts: list[Any] = entries[name]
                entries[name] = record(*(tuple(part) if isinstance(part, list) else part for part in parts))
        return cls(**entries)


LISTS: dict[str, Any] = {
    "inputs": Link,
    "readers": Link,
    "alike": Link,
    "same_weights": Link,
    "classes": ClassLink,
    "falls": Fall,
}
RECORDS: dict[str, Any] = {"field": FieldFacts, "concept": Evidence}
