"""Unit models: the picture that excites a unit, a channel or a direction of any node most, made from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError, near
from minitorch_viz.optimize.presets import get_preset
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.chosen import Channels
from minitorch_viz.techniques.optimization._best import best_preset
from minitorch_viz.techniques.optimization._climb import Begin, climb_of, size_of
from minitorch_viz.techniques.optimization._natural import Natural
from minitorch_viz.techniques.optimization._pictures import MadePictures, making
from minitorch_viz.techniques.optimization._pictures_figure import draw
from minitorch_viz.techniques.optimization._targets import from_starts, takes_pictures
from minitorch_viz.techniques.optimization._units import Whole, direction_meant, goal_of
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import NOTHING, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class UnitModels(MadePictures):
    """Hold a picture of each unit that was asked for, made by climbing its answer."""

    node: str
    whole: Whole  # a "unit" at one place, or the mean of a "channel"
    is_part: bool  # whether the pictures are as large as what the unit sees, and not as the net's input
    chosen: str  # a note on how the units were chosen; "" if they were named

    @property
    def caption(self) -> str:
        size = "what the unit sees, with a margin" if self.is_part else "the net's input"
        goal = "a unit" if self.whole == "unit" else "the mean of a channel"
        natural = (
            f" Below each is what excites it most in {self.looked_at} pictures of {self.source}, what it sees in white."
            if self.looked_at
            else ""
        )
        return (
            f"What excites {goal} of {self.node} of {self.net} most: the picture, as large as {size}, is moved until "
            f"the answer is high. {self.how}. Above each picture the answer, with what it was at the start.{natural} "
            "Pixels are shown as they are, on the scale 0 to 255."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (*super().notes, *((self.chosen,) if self.chosen else ()))


@looping("step")
def unit_model(
    model: Model,
    *,
    node: str | None = None,
    channels: Channels = None,
    whole: Whole = "unit",
    position: Pair | int | None = None,
    direction: str | None = None,
    plus: int | None = None,
    minus: int | None = None,
    preset: str | None = None,
    start: Begin | None = None,
    starts: int = 1,
    size: int | None = None,
    steps: int | None = None,
    pictures: Pictures | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[UnitModels]:
    """Make the picture that excites a unit, a channel or a direction of channels most.

    The image is the parameter, as for class models. The picture of one unit is as large as what the unit sees; that of
    a channel, which is the mean of its units, as large as the net's input.

    Args:
        node: whose units; by default the ReLU in the middle of the net
        channels: these channels, 3,17,40-45; by default some of them
        whole: one unit of the channel, or the mean over the whole channel
        position: the unit's row and column; by default the middle of its map
        direction: a direction of channels with their weights, 3:1,17:-1, instead of single ones
        plus: a channel that is added to each
        minus: a channel that is taken away from each
        preset: a published way of making the picture, such as oygard or lucid; by default the one that suits the net
        start: zero, the mean colour, or noise; by default the preset's own
        starts: so many starts side by side for each unit; they differ in their noise
        size: pixels of the picture's longer side, of all that the net sees; by default what the unit sees
        steps: in all; the preset's stages in proportion
        pictures: a folder or data set, of which the patches that excite it most stand beside
        seed: of the noise and the transforms

    Returns UnitModels with pixels (N, h, w, C) uint8, one picture for each unit and start. state= goes on from a
    result's. Raises NetError for an unknown node, SettingError for an unknown channel or preset, or a setting that does
    not fit.

    Paper: Erhan et al. 2009; Yosinski et al. 2015; Olah, Mordvintsev, Schubert 2017.
    """
    if whole not in get_args(Whole):
        raise SettingError(f"There is no whole {whole!r}; {near(whole, get_args(Whole), 'whole')}.")
    Units.of(model.reader())  # SettingError for a net that takes no pictures
    goal = goal_of(model, node, channels, whole, position, direction_meant(direction), plus, minus)
    each, begin = from_starts(goal.objectives, starts, start, "units")
    is_part = goal.look is not None and size is None
    climb = climb_of(
        model, each,
        get_preset(preset) if preset is not None else best_preset(model),
        goal.size if size is None else size_of(model, size), steps=steps, start=begin,
        pictures=pictures, seed=seed, look=goal.look if is_part else None,
    )  # fmt: skip
    for fields in making(climb, Natural(model, goal.objectives, pictures), state):
        yield UnitModels(**fields, node=goal.node, whole=whole, is_part=is_part, chosen=goal.note)


def plot(result: UnitModels, figure: Figure) -> None:
    """Draw the pictures, below each the natural patches that excite it most, and how the answers rose."""
    draw(result, figure)


def example() -> UnitModels:
    """Show what excites two units of the bundled net for digits most."""
    from minitorch_viz.models import load_model

    return unit_model(load_model("digits"), node="relu2", channels=[3, 9], steps=40)


TECHNIQUE = Technique(
    name="unit-model",
    compute=unit_model,
    plot=plot,
    title="Unit models: what excites a unit most",
    paper="Erhan et al. 2009",
    example=example,
    applies=takes_pictures,
    subject=NOTHING,
    level=20,
    budget=20,
    in_comparison={"steps": 3},
)
