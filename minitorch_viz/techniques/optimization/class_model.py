"""Class models: the picture that a net finds most like a class, made from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.presets import get_preset
from minitorch_viz.techniques.base import Technique, classifies
from minitorch_viz.techniques.explain.unit import Targets
from minitorch_viz.techniques.optimization._best import best_preset
from minitorch_viz.techniques.optimization._climb import Begin, climb_of, size_of
from minitorch_viz.techniques.optimization._judge import Opinion, judge_meant, opinions
from minitorch_viz.techniques.optimization._natural import Natural
from minitorch_viz.techniques.optimization._pictures import MadePictures, frame_of, making, name_of
from minitorch_viz.techniques.optimization._pictures_figure import draw
from minitorch_viz.techniques.optimization._targets import class_targets, from_starts, has_classes_of_pictures
from minitorch_viz.techniques.optimization._transparency import OPAQUE, Over, laid_over, need_over, opacity
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import NOTHING, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class ClassModels(MadePictures):
    """Hold a picture of each class that was asked for, made by climbing its score."""

    climbs: str  # what is climbed, in words
    chosen: str  # a note on how the classes were chosen; "" if they were named
    opinions: tuple[Opinion, ...]  # (N,): what another net says of each; empty if none was asked
    over: Over  # what shows through where a picture is clear; "nothing": it is not

    @property
    def caption(self) -> str:
        natural = (
            f" Below each are those of {self.looked_at} pictures of {self.source} with the highest scores."
            if self.looked_at
            else ""
        )
        return (
            f"What {self.net} finds most like {'a class' if len(self.labels) > 1 else self.labels[0]}: the picture is "
            f"moved until {self.climbs} is high. {self.how}. Above each picture its score, with what it was at the "
            f"start.{natural} {self._scale}"
        )

    @property
    def _scale(self) -> str:
        if self.over == "nothing":
            return "Pixels are shown as they are, on the scale 0 to 255."
        return (
            f"Pixels, on the scale 0 to 255, are clear where they mattered little, {self.over} showing through: "
            f"opaque is what the {OPAQUE}th percentile of a picture's pixels has of the gradient's size, added up over "
            "all steps."
        )

    @property
    def shown(self) -> Array:
        return laid_over(self.pixels, self.transparency, self.over)

    @property
    def cutout(self) -> Array | None:
        """Return the frame with its transparency, (h, w, 4) uint8; None where pictures are not clear."""
        if self.over == "nothing":
            return None
        alpha = frame_of(opacity(self.transparency)[..., None])[..., :1]
        return np.concatenate([frame_of(self.pixels), alpha], axis=2)

    @property
    def notes(self) -> tuple[str, ...]:
        return (*super().notes, *((self.chosen,) if self.chosen else ()), *self._second)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return a line beneath each picture's scores: what another net says."""
        return tuple(opinion.words for opinion in self.opinions)

    @property
    def _second(self) -> tuple[str, ...]:
        """Say in how many pictures another net has the class among its first five."""
        if not self.opinions:
            return ()
        count, net = sum(0 < opinion.rank <= 5 for opinion in self.opinions), self.opinions[0].net
        return (
            f"{net}, which had no part in it, has the class among its first five for {count} of "
            f"{len(self.opinions)} pictures.",
        )


@looping("step")
def class_model(
    model: Model,
    *,
    target: Targets = None,
    minus: str | None = None,
    after_softmax: bool = False,
    preset: str | None = None,
    start: Begin | None = None,
    starts: int = 1,
    size: int | None = None,
    steps: int | None = None,
    pictures: Pictures | None = None,
    judge: str | None = None,
    over: Over = "nothing",
    seed: int = 0,
    state: State | None = None,
) -> Iterator[ClassModels]:
    """Make the picture that the net finds most like a class.

    The image is the parameter: from a grey picture, or from noise, its pixels are moved uphill on the score of the
    class. How the picture is kept from being noise is the preset's.

    Args:
        target: the class, by number or name; several with commas between; by default all of up to 12, else one
        minus: a class whose score is taken away
        after_softmax: climb the logarithm of the probability, which also falls as other classes rise
        preset: a published way of making the picture, such as oygard or lucid; by default the one that suits the net
        start: zero, the mean colour, or noise; by default the preset's own
        starts: so many starts side by side for each class; they differ in their noise
        size: pixels of the picture's longer side; by default the net's own
        steps: in all; the preset's stages in proportion
        pictures: a folder or data set, of which those with the highest scores stand beside
        judge: another net, by its name or as NAME=WEIGHTS, that says what it takes each picture for
        over: what shows through where pixels mattered little: checks or grey; --frame then writes a clear picture
        seed: of the noise and the transforms

    Returns ClassModels with pixels (N, h, w, C) uint8, one picture for each class and start. state= goes on from a
    result's. Raises SettingError for an unknown class or preset, or a setting that does not fit.

    Paper: Simonyan, Vedaldi, Zisserman 2013; Mordvintsev, Olah, Tyka 2015; Olah, Mordvintsev, Schubert 2017.
    """
    if why := classifies(model):
        raise SettingError(f"class-model does not apply to {model.name}: {why}; take unit-model.")
    objectives, chosen = class_targets(model, target, minus=minus, after_softmax=after_softmax)
    each, begin = from_starts(objectives, starts, start, "classes")
    other = judge_meant(judge, model)
    need_over(over)
    way = get_preset(preset) if preset is not None else best_preset(model)
    climb = climb_of(
        model, each, way, size_of(model, size), steps=steps, start=begin, pictures=pictures, seed=seed
    )  # fmt: skip
    climbs = "the logarithm of the probability" if after_softmax else f"the score of the {model.scores.noun}"
    climbs += f", less that of {minus}," if minus is not None else ""
    names = [name_of(model, objective) for objective in each]
    for fields in making(climb, Natural(model, objectives, pictures), state):
        second = () if other is None else opinions(other, fields["pixels"], names)
        yield ClassModels(**fields, climbs=climbs, chosen=chosen, opinions=second, over=over)


def plot(result: ClassModels, figure: Figure) -> None:
    """Draw the pictures, below each the natural pictures with the highest scores, and how the scores rose."""
    draw(result, figure)


def example() -> ClassModels:
    """Show what the bundled net for digits finds most like a three and an eight."""
    from minitorch_viz.models import load_model

    return class_model(load_model("digits"), target=[3, 8], steps=60)


TECHNIQUE = Technique(
    name="class-model",
    compute=class_model,
    plot=plot,
    title="Class models: what a net finds most like a class",
    paper="Simonyan, Vedaldi, Zisserman 2013",
    example=example,
    applies=has_classes_of_pictures,
    subject=NOTHING,
    level=10,
    budget=20,
    in_comparison={"steps": 3},
)
