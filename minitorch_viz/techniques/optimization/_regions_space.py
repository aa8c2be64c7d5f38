"""Where the regions lie: all pictures (or rows) that a net could be shown, as points, and what it answers there."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models.scores import Labels, YesNo
from minitorch_viz.optimize.attacks.aim import Aim, aim_at
from minitorch_viz.optimize.attacks.attempt import last
from minitorch_viz.optimize.attacks.box import Box
from minitorch_viz.optimize.attacks.deepfool import DeepFool
from minitorch_viz.optimize.attacks.losses import margin

if TYPE_CHECKING:
    from minitorch_viz.models import Model

FEW, MANY = 16, 256  # pictures that go through the net together
AT_ONCE = 2**18  # values of them
LENGTHS = 16  # of a row's own length: as far as anything is followed from it
FAR = 255.0  # grey levels (root mean square): as far as anything is followed from the photo


class Answers(NamedTuple):
    """Hold what a net answers at some points."""

    classes: Array  # (n,) int
    confidences: Array  # (n,): the probability of that class
    margins: Array  # (n,): the score of the middle's own answer less the best other one; above 0 where it is the answer


@dataclass(frozen=True, eq=False)
class Space:
    """Be the space of a net's inputs, as far as it is seen from one of them, the middle.

    A point is the middle plus a move; both are rows of D values in pixel units (of numbers in the net's own). A move
    has the size 1 when the root mean square of its values is 1 grey level; of numbers, when its length (L2) is 1.
    """

    aim: Aim
    middle: Array  # (D,) float64
    shape: tuple[int, ...]  # of one input
    clip: bool  # whether what leaves 0..255 is cut off before the net sees it

    @property
    def pictures(self) -> bool:
        """Return whether the values are pixels 0..255."""
        return self.aim.box.pictures

    @property
    def own(self) -> int:
        """Return the answer in the middle."""
        return int(self.aim.labels[0])

    @property
    def far(self) -> float:
        """Return how far anything is followed: of numbers so many lengths of the middle, as nothing bounds them."""
        return FAR if self.pictures else LENGTHS * max(float(np.linalg.norm(self.middle)), 1.0)

    @property
    def unit(self) -> str:
        """Say what sizes are measured in."""
        if self.pictures:
            return "root mean square over the pixels, in steps of 0 to 255"
        return "L2, in the units that the net takes"

    def size(self, moves: Array) -> Array:
        """Return the size of moves (..., D)."""
        squares = (moves**2).mean(axis=-1) if self.pictures else (moves**2).sum(axis=-1)
        size: Array = np.sqrt(squares)
        return size

    def unit_of(self, move: Array) -> Array:
        """Return the move of size 1 in the same direction; a move of 0 stays."""
        largest = float(np.abs(move).max())
        scaled = move / largest if largest else move  # so that no square underflows
        size = float(self.size(scaled))
        return scaled / size if size else scaled

    def points(self, moves: Array) -> Array:
        """Return the points (n, D) at moves (n, D) from the middle, as the net is shown them."""
        points: Array = self.middle + moves
        return self.aim.box.clip(points) if self.clip else points

    def outside(self, moves: Array) -> Array:
        """Return the share (n,) of the values that lie beyond the bounds before anything is cut off."""
        points, box = self.middle + moves, self.aim.box
        slack = 1e-9 * box.span
        beyond = (points < box.low - slack) | (points > box.high + slack)
        share: Array = beyond.mean(axis=1)
        return share

    def scores(self, points: Array) -> Array:
        """Return the scores (n, K) of points (n, D), of which the largest is the answer."""
        return self.aim.logits(points.reshape(-1, *self.shape))

    def answers(self, points: Array) -> Answers:
        """Return what the net answers at points (n, D)."""
        scores = self.scores(points)
        classes = scores.argmax(axis=1)
        rows, others = np.arange(len(scores)), scores.copy()
        others[:, self.own] = -np.inf
        margins = scores[:, self.own] - others.max(axis=1)
        return Answers(classes, self.probabilities(scores)[rows, classes], margins)

    def probabilities(self, scores: Array) -> Array:
        """Return the probabilities (n, K) of scores: a softmax, of labels beside one another their sigmoids."""
        from scipy.special import expit, softmax

        if self.beside:
            return expit(scores)  # type: ignore[no-any-return]  # SciPy says no types
        return softmax(scores, axis=1)  # type: ignore[no-any-return]

    @property
    def beside(self) -> bool:
        """Return whether several answers may be right together."""
        kind = self.aim.model.scores
        return isinstance(kind, Labels) and not isinstance(kind, YesNo)

    def slope(self) -> Array:
        """Return the gradient (D,) in the middle of the margin: how far the wanted answer lies over the present one.

        Of an attack without a target the wanted answer is the best other one.
        """
        at = self.middle.reshape(1, *self.shape)
        return self.aim.loss_and_gradient(at, margin)[1].reshape(-1)

    @functools.cached_property
    def closest(self) -> Array:
        """Return the smallest move (D,) to another answer that DeepFool finds; 0 where it finds none."""
        attempt = last(DeepFool().attempts(self.aim, self.middle.reshape(1, *self.shape)))
        return attempt.pixels.reshape(-1) - self.middle if attempt.fooled[0] else np.zeros_like(self.middle)


def space_of(model: Model, x: Array, target: int | None, clip: bool) -> Space:
    """Return the space around a net's input x (1, ...), as its reader gives it.

    target: the class to which the slope leads; None: any other than the answer.
    Raises SettingError for a net without classes, a target that is the answer, or an answer that is none (NaN).
    """
    values = int(np.prod(x.shape[1:]))
    if values < 2:
        raise SettingError(f"{model.name} takes one number, and a plane needs two.")
    batch = int(np.clip(AT_ONCE // values, FEW, MANY))
    x = kernels.to_cpu(x)
    box = Box.of(model, x)
    if not box.pictures:
        bound = float(np.abs(x).max()) + LENGTHS * max(float(np.linalg.norm(x)), 1.0)  # beyond all that is looked at
        box = Box.of(model, x, -bound, bound)
    aim, middle = aim_at(model, x, targets=target, box=box, batch=batch)
    if not np.isfinite(aim.logits(middle)).all():
        raise SettingError(f"{model.name}'s scores are not finite (NaN or infinity), so it answers nothing.")
    return Space(aim, middle.reshape(-1), tuple(x.shape[1:]), clip and box.pictures)
