"""Linear explanation: why a net is so easily fooled, from ten numbers to a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.errors import near as near_names
from minitorch_viz.optimize.attacks.norms import sizes
from minitorch_viz.optimize.units import WHITE
from minitorch_viz.techniques.base import Technique, classifies
from minitorch_viz.techniques.explain.view import PhotoResult, view
from minitorch_viz.techniques.optimization._linear_explanation_figure import plot
from minitorch_viz.techniques.optimization._linear_explanation_growth import Growth, growth_of
from minitorch_viz.techniques.optimization._linear_explanation_lengths import (
    LONGEST_MIX,
    checked_eps,
    chosen_eps,
    lengths_about,
    mix_lengths,
    shown_mixes,
)
from minitorch_viz.techniques.optimization._linear_explanation_nearest import exact, is_affine, nearest, tasks_of
from minitorch_viz.techniques.optimization._linear_explanation_task import Walk
from minitorch_viz.techniques.optimization._linear_explanation_ten import Ten, ten_numbers
from minitorch_viz.techniques.optimization._linear_explanation_units import units_of
from minitorch_viz.techniques.optimization._linear_explanation_words import caption_of, notes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

DRAWS = {5_000: 8, 20_000: 3}  # of random signs, for so many numbers at most; one of more
Part = Literal["all", "ten", "dimension", "picture", "mix"]


@dataclass(frozen=True, eq=False)
class LinearExplanation(PhotoResult):
    """Hold the ten numbers, and the same of one input: its weights, its change, and what a net makes of it."""

    ten: Ten
    weights: Array  # d value / d number, in the input's own shape and units: (C, h, w), (D,), (T, D)
    x: Array  # the same shape: the numbers, from their mean (the net's) on
    mean: tuple[float, ...]  # what `x` counts from, a number a channel or column, or one for all
    change: Array  # the same shape: eps times the sign of the weights, but for what the bounds cut off
    along: Walk  # along the signs of the weights, in steps of a number
    random: tuple[Walk, ...]  # along random signs, for each draw of them
    mix: Walk  # along the weights themselves, in lengths of the input's own
    growth: Growth  # over the number of numbers, at the same eps
    at: int  # of eps among the lengths of `along` and `random`
    eps: float  # how far each number is moved
    value: float  # what is raised, before the step
    border: float  # the value above which the answer is another; NaN of plain numbers
    turn: float  # the least eps at which it is, to 1 %; NaN if there is none
    mix_turn: float  # the same of a mix
    random_cosine: float  # of random signs with the weights: the root of the mean square over the draws
    end_cosine: float  # of the gradient after the step with the one before
    survives: bool  # whether the answer is another when the change is rounded to whole grey levels, too
    noise: Array  # int8, the input's own shape: the first draw of random signs
    picture: Array  # (h, w, 3) uint8: what the net saw; of a row or a series its numbers
    changed: Array  # the same after the change
    mixes: tuple[Array, ...]  # the same, of the mixes that are drawn
    mixed: Array  # (k,) int: which lengths of `mix` these are
    pixel_aspect: float
    model: str
    label: str  # "frog to ship"
    goal: str  # what the net is to say: "ship"
    quantity: str  # "score of ship less that of frog"
    is_linear: bool  # whether the net's scores are weighted sums of its input
    is_grey: bool  # whether the numbers are grey levels of 0 to 255
    part: Part

    @property
    def norm(self) -> float:
        """Return the L1 norm of the weights: what a step of one in each number adds to the value."""
        return float(np.abs(self.weights).sum())

    @property
    def products(self) -> Array:
        """Return weight times number, in the input's own shape; with `rest` they add up to the value."""
        return self.weights * self.x

    @property
    def rest(self) -> float:
        """Return what the products lack of the value: of a linear net its bias."""
        return self.value - float(self.products.sum())

    @property
    def effect(self) -> Array:
        """Return weight times change, in the input's own shape: nowhere negative."""
        return self.weights * self.change

    @property
    def norms(self) -> tuple[float, float, float]:
        """Return the size of the change: the largest magnitude, the root of the mean square, the L2 norm."""
        l2, largest, root, _ = (float(size[0]) for size in sizes(self.change[None]))
        return largest, root, l2

    @property
    def cosine(self) -> float:
        """Return the cosine of the change with the weights; 0 where either is 0."""
        return cosine(self.change, self.weights)

    @property
    def heat(self) -> Array:
        """Return how much the change of each place adds to the value, nonnegative, (h, w) or the input's own shape."""
        return self.effect.sum(axis=0) if self.of_numbers is None else self.effect

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)

    def html(self) -> str:
        """Return the page: one file with a slider on the ten numbers and one on the photo."""
        from minitorch_viz.techniques.optimization._linear_explanation_page import page_of

        return page_of(self)

    def draw(self, figure: Figure) -> None:
        plot(self, figure)


def linear_explanation(
    model: Model,
    image: Any,
    *,
    target: str | int | None = None,
    eps: float | None = None,
    part: Part = "all",
    seed: int = 0,
) -> LinearExplanation:
    """Show why a net is so easily fooled: many small steps, each along the sign of its weight, add up.

    First on ten numbers. Then eps times the sum of the weights' magnitudes against the number of inputs: it grows in
    proportion, while random signs cancel and reach the square root. Then on the photo: the products of weights and
    pixels before and after, and what the net truly gives along the step. Of a linear net that is the straight line; of
    a deep one the line of its gradient, which is right near the photo alone. Last, a class becomes another by mixing in
    a little of the weights themselves.

    Args:
        target: what the net is to say, by number or name ("not NAME" where it has labels); by default the
            class that the least eps leads to, of the four that the straight line finds nearest
        eps: how far each number is moved, in grey levels of 0 to 255 (of rows and series in their own units); by
            default the least whole grey level at which the answer turns, or 8 where it turns at none
        part: what is drawn: all, or the ten numbers, the dimension, the picture or the mix alone
        seed: of the random signs, and of the order in which weights are drawn

    Returns a LinearExplanation with weights, change and effect in the input's own shape and units.
    Raises SettingError for an unknown target, the answer itself, an eps that is not above 0, and nets that are no
    classifiers, ImageFileError for a bad image.

    Paper: Goodfellow, Shlens, Szegedy 2015; the ten numbers: Karpathy 2015 (CS231n).
    """
    if reason := classifies(model):
        raise SettingError(f"linear-explanation does not apply to {model.name}: {reason}.")
    if part not in get_args(Part):
        raise SettingError(f"There is no part {part!r}; {near_names(part, get_args(Part), 'part')}.")
    rng = np.random.default_rng(need_whole("seed", seed, 0))
    is_linear = is_affine(model)
    model = exact(model)
    seen = view(model, image)
    units = units_of(model, seen)
    eps = None if eps is None else checked_eps(eps, units)
    task, turn = nearest(tasks_of(model, units, seen.x, target), WHITE if units.is_grey else np.inf)
    signs = np.sign(task.gradient)
    noise = rng.integers(0, 2, (_draws(signs.size), *signs.shape), np.int8) * 2 - 1
    x = units.numbers - units.mean
    eps = chosen_eps(task, turn) if eps is None else eps
    lengths = lengths_about(task, eps, turn)
    along = task.walk(signs, lengths, gates=True)
    toward = _as_long_as(x, task.gradient)
    mix_turn = task.turn(toward, LONGEST_MIX)
    mix = task.walk(toward, mix_lengths(mix_turn, task.guess(toward)))
    moved = task.point(signs, eps)
    return LinearExplanation(
        ten=ten_numbers(),
        weights=task.gradient,
        x=x,
        mean=tuple(units.mean.ravel().tolist()),
        change=moved - units.numbers,
        along=along,
        random=tuple(task.walk(draw, lengths) for draw in noise),
        mix=mix,
        growth=growth_of(task.gradient, eps, rng),
        at=int(np.flatnonzero(lengths == eps)[0]),
        eps=eps,
        value=task.value,
        border=task.question.border,
        turn=turn,
        mix_turn=mix_turn,
        random_cosine=float(np.sqrt(np.mean([cosine(draw, task.gradient) ** 2 for draw in noise]))),
        end_cosine=cosine(task.gradient_at(moved), task.gradient),
        survives=bool(task.question.turned(task.scores([np.round(moved)]))[0]),
        noise=noise[0],
        picture=seen.picture,
        changed=task.picture(moved),
        mixes=tuple(task.picture(task.point(toward, length)) for length in mix.lengths[shown_mixes()]),
        mixed=shown_mixes(),
        pixel_aspect=seen.pixel_aspect,
        model=model.name,
        label=task.question.label,
        goal=task.question.goal,
        quantity=task.question.quantity,
        is_linear=is_linear,
        is_grey=units.is_grey,
        part=part,
        photo=seen.area,
        given=seen.given,
    )


def cosine(first: Array, second: Array) -> float:
    """Return the cosine of the angle between two arrays of one shape; 0 where either is 0."""
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float((first * second).sum()) / lengths if lengths else 0.0


def _as_long_as(x: Array, direction: Array) -> Array:
    """Return a direction made as long a vector as x."""
    scaled: Array = direction * ((float(np.linalg.norm(x)) or 1.0) / (float(np.linalg.norm(direction)) or 1.0))
    return scaled


def _draws(size: int) -> int:
    """Return how many times random signs are drawn for so many numbers: the fewer these are, the more it varies."""
    return next((draws for most, draws in DRAWS.items() if size <= most), 1)


def example() -> LinearExplanation:
    """Explain how a digit of scikit-learn's becomes another for the bundled linear net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return linear_explanation(load_model("digits_linear"), sample_digit())


TECHNIQUE = Technique(
    name="linear-explanation",
    compute=linear_explanation,
    plot=plot,
    title="Linear explanation: why a net is so easily fooled",
    paper="Goodfellow, Shlens, Szegedy 2015; Karpathy 2015 (CS231n)",
    example=example,
    applies=classifies,
    takes_numbers=True,
    level=70,
    shown_by="cifar10_linear",
    pages=(".html",),
)
