"""Regions: what a net answers on a plane through a photo, and how far the borders of its answer are."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.optimize.attacks.aim import cannot_be_fooled
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.optimization._others import others_of
from minitorch_viz.techniques.optimization._regions_axes import Axis, directions_of
from minitorch_viz.techniques.optimization._regions_figure import draw
from minitorch_viz.techniques.optimization._regions_frame import Frame
from minitorch_viz.techniques.optimization._regions_grid import finished, levels_of
from minitorch_viz.techniques.optimization._regions_map import Colours, painted
from minitorch_viz.techniques.optimization._regions_run import reach_of, working
from minitorch_viz.techniques.optimization._regions_space import space_of
from minitorch_viz.techniques.optimization._regions_words import caption_of, notes_of
from minitorch_viz.techniques.run import Pace, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

SIDE, LESS = 65, 33  # points a side, and of nets for large pictures
LARGE = 3 * 128**2  # values of an input that is large
MOST_SIDE, MOST_WAYS = 513, 500
FRAME = 256  # pixels a side of a film's frame, at least


@dataclass(frozen=True, eq=False)
class Regions(Result):
    """Hold the answers on a plane of n x n points, and the distance of the border in R directions.

    Sizes are in steps of 0 to 255, root mean square over the pixels; of numbers L2 in the units that the net takes.
    """

    classes: Array  # (n, n) int: the answer, the top row first; -1 where it has not been asked
    confidences: Array  # (n, n): its probability; NaN where it has not been asked
    margins: Array  # (n, n): the score of the photo's answer less the best other one: 0 at its border
    outside: Array  # (n, n): share of the values that lay beyond 0..255 before they were cut off
    reach: float  # the map goes from -reach to reach along both axes
    axes: tuple[str, str]  # what they are, across and up
    kinds: Array  # (R,) int: 0 the attack's direction, 1 random ones, 2 those to real pictures
    distances: Array  # (R,): size of the move at which the answer first changes; NaN where it does not, or not yet
    behind: Array  # (R,) int: the answer behind the border; -1 where there is none
    changes: Array  # (R,): size of the change itself, without what was cut off
    searched: Array  # (R,) bool
    far: Array  # (R,): how far the border was looked for; to a real picture its own distance
    places: Array  # (M, 2): where the real pictures are projected onto the plane, along both axes
    asides: Array  # (M,): their distances from the plane
    meant: Array  # (M,) int: what the net answers to them
    others: tuple[str, ...]  # (M,): their names
    largest: tuple[float, float]  # of a move of size 1 along both axes: its largest value (L-infinity)
    attack: str  # the attack's direction in words
    own: int  # the photo's own answer
    confidence: float  # its probability
    names: tuple[str, ...]  # of all answers
    shown: Array  # (P, h, w, 3) uint8: the photo, and pictures just behind the border
    titles: tuple[str, ...]  # (P,)
    pixel_aspect: float
    unit: str  # of the sizes, in words
    middle: tuple[float, float] | None  # of a net of two numbers these, in the user's units: the map's middle
    scale: tuple[float, float] | None  # and how many of the user's units one of the net's is
    noun: str  # what was looked at: photo, row, series
    pictures: bool  # whether the values are pixels 0..255
    clip: bool
    precision: float
    net: str
    remarks: tuple[str, ...]
    done: int  # points and directions
    total: int
    state: State | None = None  # what another run goes on from

    @functools.cached_property
    def stride(self) -> int:
        """Return how many points apart those are that are drawn: 1 at the end."""
        return finished(self.points, levels_of(len(self.classes)))

    @property
    def points(self) -> int:
        """Return how many points have been asked."""
        return int((self.classes >= 0).sum())

    @functools.cached_property
    def colours(self) -> Colours:
        """Return which answer has which colour."""
        return Colours.of(self)

    @property
    def answer(self) -> str:
        """Return the photo's own answer in words."""
        return f"{self.names[self.own]}, {self.confidence:.1%}"

    @property
    def facts(self) -> tuple[str, ...]:
        side, count = len(self.classes), len(self.kinds)
        return (self.answer, f"{side} x {side} points", f"{count} directions")

    @property
    def frame(self) -> Array:
        """Return the map as one frame of a film, (h, w, 3) uint8."""
        picture = painted(self)
        times = -(-FRAME // len(picture))
        return picture.repeat(times, axis=0).repeat(times, axis=1)

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)


@looping("point")
def regions(
    model: Model,
    image: Any,
    *,
    target: str | int | None = None,
    along: Axis = "sign",
    across: Axis = "random",
    reach: float | None = None,
    points: int | None = None,
    ways: int = 16,
    pictures: Pictures | None = None,
    clip: bool = True,
    precision: float = 1e-3,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Regions]:
    """Show what a net answers on a plane through a photo, and how far the border of its answer is in many directions.

    A photo is one point among all that the net could be shown. Along one axis it is moved as an attack moves it, along
    the other one in a random direction of the same size, and each point is coloured by the answer there. Along the
    attack the border is near, in a random direction far, however sure the net is: it was taught at the few places
    where there were pictures, and everything between and beyond has been given to some class all the same.

    Other real pictures are projected onto the plane; in so many dimensions they lie far beside it, and how far is said.
    Of a net that takes two numbers the plane is all there is.

    Args:
        target: the class to which the attack's direction leads; by default any other than the answer
        along: the horizontal axis: sign (of the gradient of the difference of the two best scores), gradient, closest
            (the way to the closest border, by DeepFool), random, or picture, towards a real one
        across: the vertical axis, made orthogonal to it; random for both shows a plane without an attack
        reach: how far the map goes along both axes, in steps of 0 to 255 (root mean square); by default three times
            the border's distance along the attack
        points: of the map a side, odd; by default 65, of nets for large pictures 33
        ways: how many random directions the border is looked for in, and how many real pictures at most
        pictures: the real ones; of a net of numbers a table of rows; by default of the net's own data, as far as such
            are at hand, or those that come with it
        clip: cut off what leaves 0 to 255, so that the net is shown pictures alone
        precision: the border's distance is found to this share of it
        seed: of the random directions

    Returns Regions with classes and confidences (n, n) and distances (R,). state= goes on from a result's.
    Raises SettingError for an unknown class, a target that is the answer already, or a bad setting, ImageFileError for
    a bad image.

    Paper: Warde-Farley, Goodfellow 2016 (church window plots); Moosavi-Dezfooli et al. 2016 (closest); Liu et al. 2017.
    """
    if why := applies(model):
        raise SettingError(f"regions does not apply to {model.name}: {why}.")
    _check(along, across, reach, precision)
    need_whole("number of ways", ways, 1, MOST_WAYS)
    need_whole("seed", seed, 0)
    seen = view(model, image)
    side = _side(points, int(np.prod(seen.x.shape[1:])))
    space = space_of(model, seen.x, None if target is None else _class_of(model, target), clip)
    others = others_of(model, kernels.to_cpu(seen.x), pictures, ways)
    moves = space.aim.box.values(others.inputs).reshape(-1, space.middle.size) - space.middle
    columns = seen.given.names if seen.given is not None else ()
    directions = directions_of(space, along, across, moves, ways, seed, columns)
    frame, pace = Frame(model, seen, space, directions, others, moves), Pace()
    total = side**2 + len(directions.every)
    for survey in working(space, directions, side, reach, precision, state):
        if pace.due() or survey.done == total:
            far = reach or reach_of(space, survey)
            yield Regions(**frame.fields(survey), reach=far, precision=precision, total=total, state=survey.state)


def _check(along: Any, across: Any, reach: Any, precision: Any) -> None:
    for axis in (along, across):
        if axis not in get_args(Axis):
            raise SettingError(f"There is no direction {axis!r}; {near(axis, get_args(Axis), 'direction')}.")
    if along == across and along not in ("random", "picture"):
        raise SettingError(f"The plane needs two directions, but both axes are {along}; take random for one of them.")
    if reach is not None and not (_is_number(reach) and 0 < reach <= 1e6):
        raise SettingError(f"reach is how far the map goes, a number above 0, but got {reach!r}.")
    if not (_is_number(precision) and 1e-12 <= precision <= 0.1):
        raise SettingError(f"precision is a share of the distance, from 1e-12 to 0.1, but got {precision!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _side(points: Any, values: int) -> int:
    """Return how many points a side has: odd, so that one of them is the photo."""
    if points is None:
        return LESS if values > LARGE else SIDE
    side = need_whole("number of points a side", points, 3, MOST_SIDE)
    if side % 2 == 0:
        raise SettingError(f"points must be odd, so that the photo is one of them, but got {points}; take {side + 1}.")
    return side


def _class_of(model: Model, target: str | int) -> int:
    """Return the number of a class among the aim's answers: of a net that says yes or no these are two."""
    from minitorch_viz.models.scores import YesNo

    if not isinstance(model.scores, YesNo):
        return model.class_index(target)
    opposite = isinstance(target, str) and target.strip().lower().startswith("not ")
    model.class_index(target.strip()[4:] if opposite else target)  # type: ignore[union-attr]  # it is a text
    return 0 if opposite else 1


def applies(model: Model) -> str | None:
    """Return why a net has no regions; None if it has answers that differ."""
    return cannot_be_fooled(model)


def plot(result: Regions, figure: Figure) -> None:
    """Draw the map with its legend, pictures from behind the border, and the distances."""
    draw(result, figure)


def example() -> Regions:
    """Look around a digit of scikit-learn's with the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return regions(load_model("digits"), sample_digit(), points=33)


TECHNIQUE = Technique(
    name="regions",
    compute=regions,
    plot=plot,
    title="Regions: the answers on a plane through a photo",
    paper="Warde-Farley, Goodfellow 2016",
    example=example,
    applies=applies,
    takes_numbers=True,
    shown_by="cifar10",
    level=80,
    budget=20,
    in_comparison={"points": 9, "ways": 2},
)
