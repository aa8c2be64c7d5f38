"""What every preset is: a published way of making a picture, with its year, its family and its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from minitorch_viz._types import Pair
from minitorch_viz.objectives import Objective
from minitorch_viz.optimize.parametrizations import Parametrization, Pixels
from minitorch_viz.optimize.regularizers import Penalty
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.optimize.units import Units

if TYPE_CHECKING:
    from minitorch_viz.models import Model

# How a method keeps the picture from being noise: the columns of the lecture's table.
Family = Literal[
    "unregularized", "frequency penalization", "transformation robustness", "learned prior", "data-set examples"
]

Penalties: TypeAlias = tuple[tuple[float, Penalty], ...]  # (weight, penalty)


class Request(NamedTuple):
    """Hold what a picture is wanted of: a preset makes its parametrization, and its objective, from it."""

    model: Model
    objective: Objective
    size: Pair  # (H, W) of the picture that is made
    pictures: Any = None  # natural ones, for presets that learn from them: a folder, a data set; None
    seed: int = 0

    @property
    def units(self) -> Units:
        """Return the units of the net's pictures."""
        return Units.of(self.model.reader())


def pixels(request: Request) -> Parametrization:
    """Return pixels that start at the mean colour."""
    return Pixels(request.units, request.size)


def as_it_is(request: Request) -> Objective:
    """Return what is climbed, without additions."""
    return request.objective


def any_net(model: Model) -> str:  # noqa: ARG001  # what every preset is given
    """Return "": the preset is for every net that takes pictures."""
    return ""


def no_penalties(request: Request) -> Penalties:  # noqa: ARG001  # what every preset is given
    """Return that nothing is learned from natural pictures to be taken away."""
    return ()


@dataclass(frozen=True)
class Preset:
    """Describe one published way of making a picture by optimization.

    The folder is the registry: a file `presets/NAME.py` with a `PRESET` is the preset called NAME.
    """

    title: str  # in plain words
    year: int
    family: Family
    source: str  # paper, and where its numbers stand
    stages: tuple[Stage, ...]
    parametrization: Callable[[Request], Parametrization] = pixels
    objective: Callable[[Request], Objective] = as_it_is
    penalties: Callable[[Request], Penalties] = no_penalties  # those that are learned; of all stages, after their own
    differs: str = ""  # what is unlike the paper, or not stated there; "" if nothing is
    needs_pictures: bool = False  # whether it learns from natural pictures
    applies: Callable[[Model], str] = any_net  # why it cannot make pictures for a net, a whole sentence; "" if it can
    name: str = ""  # of its file; set by the registry

    def stages_for(self, request: Request) -> tuple[Stage, ...]:
        """Return its stages with the penalties that it learns for a request."""
        learned = self.penalties(request)
        return tuple(replace(stage, penalties=stage.penalties + learned) for stage in self.stages)

    @property
    def steps(self) -> int:
        """Return how many steps it takes in all."""
        return sum(stage.steps for stage in self.stages)
