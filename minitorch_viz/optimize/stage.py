"""A stage of an ascent: how many steps, of what size, and what is done to gradient and picture in each.

A preset (`presets/`) is one stage or several, one after another: its published settings can be read line by line.

    Stage(190, rate=(11, 6), transform=jitter(16), gradient=(BlurredGradient(2.5, 0.78), Normalized()), ...)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.optimize.parametrizations import Parameters, Parametrization
from minitorch_viz.optimize.ramp import ramp
from minitorch_viz.optimize.regularizers import Penalty
from minitorch_viz.optimize.transforms import Transform
from minitorch_viz.optimize.units import Units
from minitorch_viz.training.optimizers import SGD, Optimizer


class Moment(NamedTuple):
    """Hold where in its stage an ascent is."""

    step: int  # counts from 0
    steps: int  # of the stage
    size: Pair  # (H, W) of the picture
    units: Units
    net: Pair = (224, 224)  # (H, W) of the pictures that the net was made for

    def between(self, start: float, end: float) -> float:
        """Return the number on the straight line from `start`, at the first step, to `end`, at the last."""
        return ramp(start, end, self.step, self.steps)

    def of_side(self, amount: float, side: float) -> float:
        """Return an amount in pixels that is stated for pictures of `side` pixels, for this one: at most as much.

        So that a blur or a jitter of a small net's picture is as large a part of it as of the paper's.
        """
        return amount * min(1.0, min(self.size) / side)

    @property
    def is_last(self) -> bool:
        """Return whether this is the last step of its stage."""
        return self.step == self.steps - 1


# What is drawn anew in each step; what is done to the gradient (N, C, H, W); what is done to the picture x, where
# `gradient` is the one that it was just moved along; what is done to parameters that are no pixels, and to the gradient
# by them.
Drawing: TypeAlias = Callable[[Moment], Transform]
GradientStep: TypeAlias = Callable[[Array, Moment], Array]
PictureStep: TypeAlias = Callable[[Array, Array, Moment], Array]
UphillStep: TypeAlias = Callable[[dict[str, Array], Parameters, Parametrization, Generator, Moment], dict[str, Array]]
ParameterStep: TypeAlias = Callable[[dict[str, Array], Generator, Moment], dict[str, Array]]


@dataclass(frozen=True)
class Stage:
    """Take so many steps uphill, each in this order.

    1. `before`: the picture is prepared (clipped, say).
    2. `transform` is drawn, `views` times; the net looks at each view; the gradients come back by its adjoint, and
       their mean is taken. What is then not of a size that the net takes is brought to its own.
    3. Of the objective each penalty is taken away, `weight` times.
    4. `gradient`: the gradient by the picture is blurred, normalized, and so on; `uphill`: or that by the parameters.
    5. The optimizer moves the parameters along it, by `rate`, from the first to the last step on a straight line.
    6. `after`: the picture is decayed, blurred, clipped, and so on; `parameters`: or what stands for it.

    side: of the picture, as a share of the final one: stages that grow are octaves. redirected: in so many first steps
    ReLUs pass what would switch a unit on (`rules/redirected.py`).
    """

    steps: WholeField = WholeField(least=1)
    rate: tuple[float, float] = (1.0, 1.0)
    side: NumberField = NumberField(1.0, least=1e-3)
    transform: Drawing | None = None
    views: WholeField = WholeField(1, least=1)
    optimizer: Optimizer = SGD(1.0)
    before: tuple[PictureStep, ...] = ()
    penalties: tuple[tuple[float, Penalty], ...] = ()  # (weight, penalty)
    gradient: tuple[GradientStep, ...] = ()
    uphill: tuple[UphillStep, ...] = ()
    after: tuple[PictureStep, ...] = ()
    parameters: tuple[ParameterStep, ...] = ()
    redirected: WholeField = WholeField(0, least=0)

    def __post_init__(self) -> None:
        if min(self.rate) < 0:
            raise SettingError(f"A stage's rate goes from one number of at least 0 to another, but got {self.rate}.")

    def size(self, final: Pair) -> Pair:
        """Return the picture's size (H, W) in this stage."""
        return max(1, round(self.side * final[0])), max(1, round(self.side * final[1]))
