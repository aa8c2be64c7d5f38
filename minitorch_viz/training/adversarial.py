"""Adversarial training: each picture is moved, within eps, to where the net of this moment is more wrong.

Goodfellow, Shlens and Szegedy 2015 move by one gradient step, Madry et al. 2018 by many (PGD), Wong, Rice and Kolter
2020 by one from a random start: nearly as good a defence as PGD at a fraction of its price. A single step can fail in
silence: the net learns to look safe to one step and falls to many ("catastrophic overfitting"). So held-out pictures
are measured under many steps, and the epoch that is best under those can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeGuard

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.net import Net
from minitorch_viz.training.losses import Loss
from minitorch_viz.training.sources import Source, batches_of
from minitorch_viz.training.state import Epoch

WHITE = 255.0
FELL = 0.6  # of the best share that was right under attack


@dataclass(frozen=True)
class Adversarial:
    """Say how far pictures are moved while a net is trained on them, and by which attack it is tried.

    eps: the most that a value changes, in steps of 0..255. preprocessing: how the net's pictures are read; it says what
        eps is in the net's own units, and where black and white are.
    alpha: how far each step goes, in the same steps (default: 1.25 eps if there is one, 2.5 eps / steps if several).
    steps: gradient steps of the training. random_start: begin anywhere within eps, as Wong et al. do; without it, one
        step of eps is the FGSM of Goodfellow et al.
    trial_steps, restarts: of the attack that tells how good the net is: PGD, each restart from another place;
    trial_alpha: how far its steps go (default: 2.5 eps / trial_steps). tried: how many test pictures it is tried on at
        most, spread evenly over them.

    Raises SettingError for a value that cannot be used.
    """

    eps: float
    preprocessing: Preprocessing
    alpha: float | None = None
    steps: int = 1
    random_start: bool = True
    trial_steps: int = 20
    restarts: int = 1
    trial_alpha: float | None = None
    tried: int = 1000

    def __post_init__(self) -> None:
        for name in ("steps", "trial_steps", "restarts", "tried"):
            need_whole(name, getattr(self, name), 1)
        _check_distance("eps", self.eps)
        if not isinstance(self.preprocessing, Preprocessing):
            raise SettingError(f"Adversarial training moves pictures: preprocessing is {self.preprocessing!r:.60}.")
        for name, default in (
            ("alpha", self.eps * (1.25 if self.steps == 1 else 2.5 / self.steps)),
            ("trial_alpha", 2.5 * self.eps / self.trial_steps),
        ):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
            elif not _is_number(getattr(self, name)) or getattr(self, name) <= 0:
                raise SettingError(
                    f"{name} must be a number above 0, in steps of 0..255, but is {getattr(self, name)!r}."
                )

    @property
    def trial(self) -> str:
        """Say which attack tells how good the net is: "PGD of 50 steps with 10 restarts at eps 76.5 of 255"."""
        restarts = f" with {self.restarts} restarts" if self.restarts > 1 else ""
        return f"PGD of {self.trial_steps} steps{restarts} at eps {self.eps:g} of 255"

    def remark(self, history: Sequence[Epoch]) -> str:
        """Say that training by few steps failed on the way: the last epoch is far below the best; "" if it is not."""
        shares = [line.held_out_score for line in history if line.held_out_score is not None]
        best = max(shares, default=0.0)
        if not shares or shares[-1] > FELL * best:
            return ""
        return (
            f"Under attack {best:.0%} of the held-out pictures were right after epoch {shares.index(best) + 1}, and "
            f"{shares[-1]:.0%} are now: the net has learned to stand {self.steps} step{'s' * (self.steps > 1)} and no "
            "more. Fewer epochs, a smaller eps or more steps help."
        )

    def moved(self, net: Net, x: Any, target: Array, *, loss: Loss, output: str, rng: Generator | None) -> Array:
        """Return training pictures for x (N, C, H, W), all as the net takes them: each within eps of its own.

        rng: gives the start, and what is random in the net while it is trained (dropout, batch statistics); None gives
        the middle of the ball, and the net as it is in use.
        """
        ball = _Ball.around(x, self.eps, self.preprocessing)
        start = ball.anywhere(rng) if self.random_start and rng is not None else x
        return _climbed(net, ball, start, target, self.alpha or 0.0, self.steps, loss, output, rng)

    def attacked(self, net: Net, source: Source, loss: Loss, output: str) -> Source:
        """Return held-out batches moved by one start of the trial's attack on `net`, with the same starts each time."""

        def batches(_: Generator | None) -> Iterator[tuple[Array, Array]]:
            rng = np.random.default_rng(0)
            for x, target in batches_of(source, None):
                ball = _Ball.around(x, self.eps, self.preprocessing)
                steps, alpha = self.trial_steps, self.trial_alpha or 0.0
                yield (
                    _climbed(net, ball, ball.inside(ball.anywhere(rng)), target, alpha, steps, loss, output, None),
                    target,
                )

        return batches

    def right_under_attack(
        self,
        net: Net,
        x: Array,
        target: Array,
        right: Callable[[Array, Array], Array],
        *,
        loss: Loss,
        output: str,
        rng: Generator,
    ) -> Array:
        """Return which pictures of x (N, C, H, W) keep a right answer through every step of every restart: (N,) bool.

        right: from scores (n, K) and the numbers (n,) of their pictures to which of them are right (n,). A picture is
        out at its first wrong answer: what is counted is the worst that was met.
        """
        left = np.arange(len(x))
        left = left[right(net.predict(x, upto=output), left)]
        for _ in range(self.restarts):
            if not len(left):
                break
            ball = _Ball.around(x[left], self.eps, self.preprocessing)
            pictures = ball.inside(ball.anywhere(rng))
            for _ in range(self.trial_steps):
                if not len(left):
                    break
                gradient, scores = _gradient(net, pictures, target[left], loss, output, None)
                pictures = ball.stepped(pictures, gradient, self.trial_alpha or 0.0)
                standing = right(scores, left)
                if not standing.all():
                    left, pictures, ball = left[standing], pictures[standing], ball.of(standing)
            left = left[right(net.predict(pictures, upto=output), left)] if len(left) else left
        return np.isin(np.arange(len(x)), left)


class _Ball(NamedTuple):
    """Hold what a picture may become: all within eps of it that has no value below black or above white."""

    x: Array  # (N, C, H, W), as the net takes pictures
    low: Array  # (N, C, H, W)
    high: Array  # (N, C, H, W)
    unit: Array  # (C, 1, 1): one step of 0..255
    eps: float  # in such steps

    @classmethod
    def around(cls, x: Any, eps: float, preprocessing: Preprocessing) -> Self:
        """Return the ball around x (N, C, H, W); ShapeError if these are no pictures of that many channels."""
        if not isinstance(x, np.ndarray) or x.ndim != 4 or x.shape[1] != preprocessing.channels:
            came = f"shape {x.shape}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
            raise ShapeError(
                f"Adversarial training moves pictures (N, {preprocessing.channels}, H, W), one array a batch, but got "
                f"{came}."
            )
        unit = 1 / np.asarray(preprocessing.std, x.dtype).reshape(-1, 1, 1)
        black, white = preprocessing.level(0.0, x.dtype), preprocessing.level(WHITE, x.dtype)
        return cls(x, np.maximum(x - eps * unit, black), np.minimum(x + eps * unit, white), unit, eps)

    def of(self, chosen: Array) -> Self:
        """Return the ball of some of the pictures."""
        return self._replace(x=self.x[chosen], low=self.low[chosen], high=self.high[chosen])

    def anywhere(self, rng: Generator) -> Array:
        """Return x and noise between -eps and eps: within eps, but maybe darker than black or lighter than white.

        The steps cut that, and not before them, as Wong et al. do it: a start cut at black and moved by more than eps
        ends in a corner of the ball wherever it was, and a net would be trained on corners alone.
        """
        noise = 2 * rng.random(self.x.shape, np.float32) - 1
        return self.x + np.asarray(self.eps, self.x.dtype) * self.unit * noise

    def inside(self, pictures: Array) -> Array:
        """Return the nearest pictures in the ball."""
        return np.clip(pictures, self.low, self.high)

    def stepped(self, pictures: Array, gradient: Array, alpha: float) -> Array:
        """Return pictures with each value moved by `alpha`, up or down as its gradient says, and kept in the ball."""
        return self.inside(pictures + np.asarray(alpha, pictures.dtype) * self.unit * np.sign(gradient))


def _climbed(
    net: Net,
    ball: _Ball,
    pictures: Array,
    target: Array,
    alpha: float,
    steps: int,
    loss: Loss,
    output: str,
    rng: Generator | None,
) -> Array:
    """Return pictures after so many steps up the loss."""
    for _ in range(steps):
        pictures = ball.stepped(pictures, _gradient(net, pictures, target, loss, output, rng)[0], alpha)
    return pictures


def _gradient(
    net: Net, pictures: Array, target: Array, loss: Loss, output: str, rng: Generator | None
) -> tuple[Array, Array]:
    """Return the gradient of the loss by the pictures (N, C, H, W), and the scores (N, K)."""
    tape = net.forward(pictures, upto=output, rng=rng, fuse=True)
    _, dy = loss(tape[output], target)
    return next(iter(net.backward(tape, {output: dy}).values())), tape[output]


def _check_distance(name: str, value: object) -> None:
    """Raise SettingError unless this is a distance in steps of 0..255."""
    if not _is_number(value) or not 0 < value <= WHITE:
        raise SettingError(f"{name} must be above 0 and at most 255, in steps of 0..255, but is {value!r}.")
    if value < 1:
        raise SettingError(
            f"{name} is in steps of 0..255 and {value:g} is less than one; {value:g} of the scale 0..1 is "
            f"{WHITE * value:g}."
        )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
