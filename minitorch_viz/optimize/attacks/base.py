"""What every attack is: frozen settings, and a loop of whole attempts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.norms import Norm, need_norm

# Whether the size of the change is given, and the attack fools as well as it can within it; or it looks for the
# smallest change that fools; or what it changes is limited to a part of the picture. Attacks compare with others of
# their kind only.
Kind: TypeAlias = Literal["fixed eps", "smallest change", "fixed area"]


@dataclass(frozen=True)
class Attack:
    """Be the base of all attacks: a subclass, one a file, has settings with defaults, `norm` among them.

    Those of a fixed eps have the field `eps`, in the units of the box: steps of 0..255 of pictures, for L2 their
    square root of the sum of squares. What changes along the way has the field `steps`.
    """

    kind: ClassVar[Kind]
    norms: ClassVar[tuple[Norm, ...]]  # in which the size of a change can be given, or is looked for
    title: ClassVar[str]  # what it is, for a caption: "projected gradient descent"
    paper: ClassVar[str]
    year: ClassVar[int]
    one_for_all: ClassVar[bool] = False  # whether it makes one change for all its pictures together (`shared.py`)
    trait: ClassVar[str] = ""  # what is unlike its paper, or to be known of its results: a sentence

    @property
    def norm(self) -> Norm:
        """Return the norm in which a change is measured; subclasses have a field of this name."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """Return what a command calls it, from the name of its file: "one-pixel"."""
        return name_of(type(self))

    def __post_init__(self) -> None:
        need_norm(self.norm, self.norms, name_of(type(self)))

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:
        """Yield where the attack of pictures (N, ...) stands after each step; the last is done.

        pixels: within `aim.box`, float64. state: an attempt's `packed()`, to go on from to the same bits.
        Raises SettingError where the settings do not fit the net.
        """
        raise NotImplementedError


def name_of(attack: type[Attack]) -> str:
    """Return what a command calls an attack, from the name of its file."""
    return attack.__module__.rsplit(".", 1)[-1].replace("_", "-")
