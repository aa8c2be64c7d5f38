"""An adversarial patch: a round sticker that a net sees before all else, wherever it lies in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed, generator_entry
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.losses import get_loss
from minitorch_viz.optimize.attacks.norms import Norm
from minitorch_viz.optimize.attacks.shared import BEST, Shared, better_for_all, change_of
from minitorch_viz.optimize.maps import LinearMap
from minitorch_viz.optimize.transforms import Composed, Placed, Rotate, Scale

LEAST = 3  # pixels of a patch's side


@dataclass(frozen=True)
class Patch(Shared, Attack):
    """Cover a part of the picture by a patch p, laid at a random place, scale and angle t, and climb the mean loss.

        x' = (1 - t(mask)) x + t(mask p)        p <- within 0..255 of  p + step sign(mean of the gradient by p)

    The expectation over transformations: each picture of each step gets a place, a scale and an angle of its own. The
    mask is round, so that turning cuts nothing off, and what lies under the patch is gone.

    size: the patch's diameter at its largest, as a share of the picture's shorter side. smallest: the least scale, 1
    is `size`. angle: it is turned by at most so many degrees. steps: of the ascent. step: in steps of 0..255. batch:
    pictures a step. loss: ce, margin or dlr.
    """

    kind: ClassVar[Kind] = "fixed area"
    norms: ClassVar[tuple[Norm, ...]] = ("l0",)
    title: ClassVar[str] = "a patch that works at any place, by steps over random places, scales and angles"
    paper: ClassVar[str] = "Brown et al. 2017; Athalye et al. 2018"
    year: ClassVar[int] = 2017
    trait: ClassVar[str] = (
        "The patch was made on other pictures and at other places. Its steps take the sign of the gradient, which its "
        "authors do not."
    )

    norm: Norm = "l0"
    size: float = 0.35
    smallest: float = 0.7
    angle: float = 22.5
    steps: int = 100
    step: float = 8.0
    batch: int = 16
    loss: str = "ce"

    def __post_init__(self) -> None:
        super().__post_init__()
        need_whole("number of steps", self.steps, 1, 100_000)
        need_whole("batch", self.batch, 1, 100_000)
        for name, most in (("size", 1.0), ("smallest", 1.0), ("step", 255.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
                raise SettingError(f"A patch's {name} must be above 0 and at most {most:g}, but got {value!r}.")
        if isinstance(self.angle, bool) or not isinstance(self.angle, (int, float)) or not 0 <= self.angle <= 180:
            raise SettingError(f"A patch is turned by 0 to 180 degrees, but angle is {self.angle!r}.")
        get_loss(self.loss)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:
        _need_pictures(aim, pixels)
        loss, count, side = get_loss(self.loss), len(pixels), self.side_of(pixels)
        if state is None:
            middle = np.full((pixels.shape[1], side, side), (aim.box.low + aim.box.high) / 2)
            attempt = Attempt.begin(aim, pixels, self.steps, change=middle)
        else:
            attempt = Attempt.unpacked(state, self.steps)
        rng = attempt.generator(seed)
        while attempt.done < self.steps:
            rows, order = self._rows(attempt, count, rng)
            patch = self._stepped(aim.of(rows), pixels[rows], attempt.inner["change"], rng)
            best, is_round = attempt.inner.get(BEST, patch), self._is_round(attempt, count)
            if is_round:
                x = self._laid(aim, pixels, patch, np.random.default_rng([seed, 1]))  # all patches at the same places
                logits = aim.logits(x)
                values, _ = aim.loss(logits, loss)
                attempt, best = better_for_all(attempt, x, logits, aim.fooled(logits), values, patch)
            kept = {"change": patch, **({BEST: best} if is_round or BEST in attempt.inner else {})}
            attempt = attempt.after(2 + is_round, **kept, **order, **generator_entry(rng))
            yield attempt

    def put_on(self, aim: Aim, attempt: Attempt, pixels: Array, rng: Generator) -> Array:
        return self._laid(aim, pixels, change_of(attempt), rng)

    def side_of(self, pixels: Array) -> int:
        """Return the side of the square in which the patch lies, in pixels of pictures (N, C, H, W)."""
        shorter = int(min(pixels.shape[2:]))
        return min(max(round(self.size * shorter), LEAST), shorter)

    def places(self, rng: Generator, pixels: Array) -> list[LinearMap]:
        """Draw a place for the patch in each of the pictures (n, C, H, W)."""
        side = self.side_of(pixels)
        return [self._place(rng, (pixels.shape[2], pixels.shape[3]), side) for _ in pixels]

    def _place(self, rng: Generator, size: Pair, side: int) -> LinearMap:
        """Draw how the patch is turned, scaled, and where it lies in a picture of this size, all of it inside."""
        top, left = (int(rng.integers(0, whole - side + 1)) for whole in size)
        box = (top, left, top + side, left + side)
        steps = (Rotate(-self.angle, self.angle), Scale(self.smallest, 1.0), Placed(size, box))
        return Composed(steps).draw(rng, (side, side))

    def _laid(self, aim: Aim, pixels: Array, patch: Array, rng: Generator) -> Array:
        """Return pictures with the patch, each at a place of its own."""
        return laid(aim, pixels, patch, self.places(rng, pixels))

    def _stepped(self, aim: Aim, pixels: Array, patch: Array, rng: Generator) -> Array:
        """Return the patch after one step on some pictures (n, C, H, W)."""
        _, slope = self.slope(aim, pixels, patch, self.places(rng, pixels))
        return aim.box.clip(patch + self.step * np.sign(slope))

    def slope(self, aim: Aim, pixels: Array, patch: Array, places: Sequence[LinearMap]) -> tuple[float, Array]:
        """Return the mean loss of pictures (n, C, H, W) with the patch (C, s, s), and its gradient by the patch."""
        values, gradient, _ = aim.loss_and_gradient(laid(aim, pixels, patch, places), get_loss(self.loss))
        mask = disc(patch.shape[-1])
        slopes = [mask * place.adjoint(each[None])[0] for place, each in zip(places, gradient, strict=True)]
        return float(values.mean()), np.mean(slopes, axis=0)


def laid(aim: Aim, pixels: Array, patch: Array, places: Sequence[LinearMap]) -> Array:
    """Return pictures (n, C, H, W) with a patch (C, s, s) laid over each; an edge pixel may show some of both."""
    mask, pictures = disc(patch.shape[-1]), []
    for picture, place in zip(pixels, places, strict=True):
        share = place.forward(mask[None, None])[0]
        pictures.append((1 - share) * picture + place.forward((mask * patch)[None])[0])
    return aim.box.clip(np.stack(pictures))


def disc(side: int) -> Array:
    """Return a mask (side, side): 1 where the middle of a pixel lies in the circle that fits, else 0."""
    middle = np.arange(side) - (side - 1) / 2
    inside: Array = (middle[:, None] ** 2 + middle**2 <= side**2 / 4).astype(np.float64)
    return inside


def _need_pictures(aim: Aim, pixels: Array) -> None:
    if not aim.box.pictures or pixels.ndim != 4 or min(pixels.shape[2:]) < LEAST:
        raise SettingError(
            f"A patch lies on a picture with pixels from 0 to 255, at least {LEAST} on each side, but "
            f"{aim.model.name} is given others; take the attack universal or pgd."
        )
