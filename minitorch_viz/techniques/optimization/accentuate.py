"""Accentuation: from a photo, more of what a unit sees in it, and what was changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import panels, robust_max, show_image
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.objectives import Likeness
from minitorch_viz.optimize.units import Units, coloured
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import blank_note, why_blank
from minitorch_viz.techniques.explain.chosen import middle_node
from minitorch_viz.techniques.explain.patches import signed_picture
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, proportions_of, view
from minitorch_viz.techniques.optimization._accentuation import (
    ACCENTUATION,
    CARICATURE,
    code_of,
    kept_near,
    moved_by,
    plain,
    plain_step,
)
from minitorch_viz.techniques.optimization._climb import Climb, climb_of, state_of
from minitorch_viz.techniques.optimization._pictures import Method, as_seen_at, frame_of, pixels_of, scores_of
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Begin = Literal["photo", "noise"]


@dataclass(frozen=True, eq=False)
class Accentuated(PhotoResult):
    """Hold a photo with more of what a unit sees in it, and the difference."""

    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    made: Array  # (h, w, C) uint8: the accentuated picture, or the caricature
    difference: Array  # (C, h, w): how far each pixel has moved, in grey levels; from noise 0 everywhere
    label: str  # what is climbed
    before: float  # the score of the photo
    after: float  # the score of the picture as it is shown
    predicted: float  # how far one plain step of the gradient lifts the score by its slope; NaN from noise
    measured: float  # how far it does
    level: float  # root mean square of that step, in grey levels
    kept_node: str  # whose output is kept near the photo's; "" if none is
    kept_share: float  # how far that has moved, as a share of its length
    scores: Array  # (total,): what was climbed in each step; NaN for steps to come
    begin: Begin
    method: Method
    words: tuple[str, ...]
    done: int
    total: int
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from

    @property
    def frame(self) -> Array:
        """Return the picture as one frame of a film, (h, w, 3) uint8."""
        return frame_of(self.made[None])

    @property
    def scale(self) -> float:
        """Return the difference, in grey levels, that is drawn at full colour."""
        return robust_max(self.difference) or 1.0

    @property
    def caption(self) -> str:
        how = f"{self.method.title} ({self.method.source}), {self.done} of {self.total} steps"
        rose = f"from {self.before:.4g} of the photo to {self.after:.4g}"
        if self.begin == "noise":
            return (
                f"A caricature of the photo for {self.kept_node}: from noise, the picture whose output there has most "
                f"of the photo's (dot product times cosine), {rose}. {how}. Pixels are on the scale 0 to 255."
            )
        step = (
            f" One plain step along the gradient, of {self.level:g} grey level a pixel (root mean square), lifts the "
            f"score by {self.predicted:.4g} by its slope (rate times |g|^2), and by {self.measured:.4g} when measured; "
            "what it takes beyond black or white is not shown."
        )
        keep = (
            f" The output of {self.kept_node}, which is kept near the photo's, has moved by {self.kept_share:.0%} of "
            "its length."
            if self.kept_node
            else ""
        )
        return (
            f"Accentuated: more of {self.label} in the photo. The score rises {rose}. {how}.{step}{keep} Right: the "
            f"difference, {127 / self.scale:.3g} times amplified, full colour at {self.scale:.3g} grey levels (99.5th "
            "percentile); mid-grey (of one channel white) is no change. Pixels are on the scale 0 to 255."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        fell = self.done == self.total and not self.after > self.before and self.begin == "photo"
        unlike = self.method.unlike
        return (
            *how_far(self, "step"),
            *self.given_notes,
            *self.words,
            *(("The score did not rise: the picture shows no more of the unit than the photo does.",) if fell else ()),
            *unlike,
        )


@looping("step")
@spelled_out
def accentuate(
    model: Model,
    image: Any,
    *,
    start: Begin = "photo",
    steps: int | None = None,
    keep: float = 1.0,
    kept: str | None = None,
    power: int = 1,
    seed: int = 0,
    state: State | None = None,
    **choice: Unpack[Which],
) -> Iterator[Accentuated]:
    """Show more of what a unit sees in a photo, from the photo itself.

    The photo is moved uphill on the unit's answer, in Fourier coefficients and through random crops, while the output
    of a node in the middle of the net is kept near the photo's. What was changed is where and what the unit sees. One
    step (steps=1) is the gradient itself, added to the photo: the slope predicts how far the answer rises.

    Args:
        start: photo, or noise: then the picture is a caricature, made from nothing until a node (kept=) says of it what
            it says of the photo, and more
        steps: how many; 1 adds the plain gradient
        keep: how strong the photo is kept, against the unit's own gradient at the start; 0: not at all
        kept: the node whose output is kept near the photo's, or exaggerated; by default the ReLU in the middle
        power: of the cosine, in a caricature
        seed: of the crops and the noise

    Returns Accentuated with made (h, w, C) uint8 and difference (C, h, w) in grey levels. state= goes on from a
    result's. Raises SettingError for an unknown class, channel or setting, NetError for an unknown node, ImageFileError
    for a bad image.

    Paper: Hamblin et al. 2024, "Feature Accentuation"; Olah et al. 2018 (caricatures).
    """
    need_picture(model, "accentuate")
    if start not in get_args(Begin):
        raise SettingError(f"There is no start {start!r}; {near(start, get_args(Begin), 'start')}.")
    if isinstance(keep, bool) or not isinstance(keep, (int, float)) or not 0 <= keep < 1e6:
        raise SettingError(f"keep must be a number of at least 0, but got {keep!r}.")
    need_whole("power", power, 0, 10)
    asked = None if steps is None else need_whole("steps", steps, 1, 100_000)
    node = kept or middle_node(model)
    if start == "noise":
        if any(value is not None for value in choice.values()):
            raise SettingError(
                "A caricature is of all that a node says of the photo; leave out target=, node=, channel=, position=, "
                "region= and mask=, and name the node with kept=."
            )
        yield from _caricature(model, image, node, power, asked, seed, state)
        return
    yield from _accentuated(model, image, node, float(keep), asked, seed, state, choice)


def _accentuated(
    model: Model, image: Any, node: str, keep: float, steps: int | None, seed: int, state: State | None, choice: Which
) -> Iterator[Accentuated]:
    """Yield the photo with more and more of the unit."""
    seen, tape, goal, _, _ = start_any(model, image, **choice)
    photo = Units.of(model.reader()).from_net(kernels.to_cpu(seen.x))
    first = plain_step(model, goal, photo)
    gradient = first.moved - photo
    alone = steps == 1
    node = "" if alone or not keep else node
    climbed = kept_near(model, goal, photo, node, keep, first) if node else goal
    way, size = plain(first.rate) if alone else ACCENTUATION, (photo.shape[2], photo.shape[3])
    climb = climb_of(model, [climbed], way, size, steps=steps, start=photo, seed=seed)
    climb = replace(climb, objectives=(goal,))
    why = blank_note(why_blank(model, tape, goal, gradient))
    for fields in _steps(model, climb, photo, node, state):
        x = fields.pop("x")
        yield Accentuated(
            seen.picture, seen.pixel_aspect, difference=x[0] - photo[0], label=goal.label, before=first.before,
            predicted=first.predicted, measured=first.measured, level=first.level, begin="photo",
            photo=seen.area, given=seen.given, **{**fields, "words": (*why, *fields["words"])},
        )  # fmt: skip


def _caricature(
    model: Model, image: Any, node: str, power: int, steps: int | None, seed: int, state: State | None
) -> Iterator[Accentuated]:
    """Yield the picture from noise that says more and more of what a node says of the photo."""
    seen = view(model, image)
    photo = Units.of(model.reader()).from_net(kernels.to_cpu(seen.x))
    goal = Likeness(node, code_of(model, node, photo), power)
    size = (photo.shape[2], photo.shape[3])
    climb = climb_of(model, [goal], CARICATURE, size, steps=steps, start="noise", seed=seed)
    before = float(scores_of(climb, photo)[0])
    for fields in _steps(model, climb, photo, node, state):
        x = fields.pop("x")
        yield Accentuated(
            seen.picture, seen.pixel_aspect, difference=np.zeros_like(x[0]), label=goal.label, before=before,
            predicted=float("nan"), measured=float("nan"), level=0.0, begin="noise", photo=seen.area,
            given=seen.given, **fields,
        )  # fmt: skip


def _steps(model: Model, climb: Climb, photo: Array, node: str, state: State | None) -> Iterator[dict[str, Any]]:
    """Yield what is known of the picture as the ascent goes on: as often as is worth it, and at its end."""
    pace = Pace()
    for ascent in climb.steps(state):
        if (ascent.done == 0 and not ascent.is_over) or not (ascent.is_over or pace.due()):
            continue
        x = as_seen_at(climb, ascent)
        yield {
            "x": x,
            "made": pixels_of(climb, x)[0],
            "after": float(scores_of(climb, x)[0]),
            "kept_node": node,
            "kept_share": moved_by(model, node, x, photo) if node else 0.0,
            "scores": ascent.scores[:, 0],
            "method": Method.of(climb.preset),
            "words": ascent.words,
            "done": ascent.done,
            "total": ascent.total,
            "state": state_of(ascent),
        }


def plot(result: Accentuated, figure: Figure) -> None:
    """Draw the photo, the picture that it became, and the difference."""
    rose = f"{result.before:.3g} to {result.after:.3g}"
    if result.begin == "noise":
        titles = ["the photo", f"a caricature for {result.kept_node}: {rose}"]
    else:
        titles = ["the photo", f"more of it: {rose}", f"the difference, {127 / result.scale:.3g} times"]
    sheet = panels(figure, [titles], proportions_of(result), heading=result.label)
    photo, middle, *rest = sheet.axes[0]
    draw_photo(photo, result)
    show_image(middle, coloured(result.made), pixel_aspect=result.pixel_aspect)
    for axes in rest:
        show_image(axes, signed_picture(result.difference, result.scale), pixel_aspect=result.pixel_aspect)


def example() -> Accentuated:
    """Show more of an eight in a handwritten three."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return accentuate(load_model("digits"), sample_digit(3), target=8, steps=20)


TECHNIQUE = Technique(
    name="accentuate",
    compute=accentuate,
    plot=plot,
    title="Accentuate: more of what a unit sees in a photo",
    paper="Hamblin et al. 2024",
    example=example,
    level=30,
    budget=20,
    in_comparison={"steps": 2},
)
