"""The loop of DeepDream: octaves from small to large, in each some steps along the gradient, detail carried on.

Read `_step` first: it is a whole step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.objectives import BestMatch, ChannelSum, Energy, Objective, PlaceEnergy
from minitorch_viz.optimize.octaves import octave_pictures, zoomed
from minitorch_viz.optimize.ramp import ramp
from minitorch_viz.optimize.regularizers import blur, laplacian_normalized, normalized
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.tiles import tiled_score_and_gradient
from minitorch_viz.optimize.transforms import Jitter
from minitorch_viz.optimize.units import Units, coloured
from minitorch_viz.rules.redirected import redirected_relus
from minitorch_viz.techniques.state import State, generator_at

if TYPE_CHECKING:
    from minitorch_viz.models import Model

ZOOM = 0.05  # of each side is left out from one dream of a zoom to the next
JITTER_SIDE = 224  # pixels: in smaller pictures jitter is smaller in proportion
BLUR_FALLS_TO = 1 / 3  # within each octave


class Sought(NamedTuple):
    """Say what is to become more."""

    node: str
    channel: int | None = None
    place: tuple[float, float] | None = None  # (down, right) as shares of the picture's sides
    columns: Array | None = None  # (C, P): what a guide gives at its places

    def objective(self, place: tuple[float, float] | None = None, *, squared: bool = True) -> Objective:
        """Return what is climbed; place: where the place is in the picture that the net is shown.

        squared: False: of a place the plain sum, which rises where nothing fires yet, too.
        """
        if self.place is not None:
            return PlaceEnergy(self.node, place or self.place, self.channel, squared)
        if self.columns is not None:
            return BestMatch(self.node, self.columns)
        return Energy(self.node) if self.channel is None else ChannelSum(self.node, self.channel)


@dataclass(frozen=True)
class Recipe:
    """Hold the settings of the steps."""

    sizes: tuple[Pair, ...]  # (H, W) of the octaves, the smallest first
    iterations: int  # in each octave
    step: float  # the mean change of a pixel in an iteration, in steps of 0..255
    jitter: int
    blur: float  # of the gradient, in pixels, at the start of each octave
    laplacian: int  # levels of the gradient that are made equally strong; 0: it stays as it is
    zoom: int  # further dreams, each of the one before, enlarged
    tile: int  # pixels a side that the net looks at in one pass, about
    stride: Pair  # pixels between the node's units

    @property
    def a_dream(self) -> int:
        """Return the number of steps of one dream."""
        return len(self.sizes) * self.iterations

    @property
    def total(self) -> int:
        """Return the number of steps in all."""
        return (1 + self.zoom) * self.a_dream


@dataclass(frozen=True, eq=False)
class Dream:
    """Hold where a dream stands, and all that its next step depends on. Nothing in it is written to again."""

    recipe: Recipe
    units: Units
    x: Array  # (1, C, h, w): the picture of the present octave, pixel - mean
    ground: Array  # (1, C, H, W): what the present dream began with
    octaves: Array  # (K, H, W, 3) uint8: how the present dream looked after each of its finished octaves
    zooms: Array  # (H, W, 3) uint8: the last finished dream; before that the picture that was given
    scores: Array  # (total,): the objective before each step, a pixel; NaN for steps to come
    done: int
    words: tuple[str, ...]  # what happened that is worth a sentence
    generator: Mapping[str, Any]  # the state of the random generator
    stopped: bool = False

    @property
    def picture(self) -> Array:
        """Return the dream so far, (H, W, 3) uint8: sharp, whatever the present octave's size."""
        sizes = self.recipe.sizes
        octave = sizes.index((self.x.shape[-2], self.x.shape[-1]))
        if octave == len(sizes) - 1:
            return pixels_of(self.units, self.x)
        detail = self.x - octave_pictures(self.ground, list(sizes))[octave]
        return pixels_of(self.units, self.ground + resized(detail, sizes[-1]))

    @property
    def state(self) -> State:
        """Return what another run goes on from, to the same bits."""
        names = ("x", "ground", "octaves", "zooms", "scores")
        numbers = {"done": self.done, "words": list(self.words), "generator": self.generator, "stopped": self.stopped}
        return State({name: getattr(self, name) for name in names}, numbers)


def dreaming(
    model: Model, sought: Sought, recipe: Recipe, ground: Array, seed: int, state: State | None
) -> Iterator[Dream]:
    """Yield where the dream stands after each step; of a state that is gone on from, first where it stood.

    ground: (1, C, H, W), pixel - mean, what is dreamt on. Raises SettingError where the first gradient is not finite.
    """
    units = Units.of(model.reader())
    if state is None:
        given = pixels_of(units, ground)
        generator = generator_at({}, seed).bit_generator.state
        scores = np.full(recipe.total, np.nan)
        dream = Dream(recipe, units, ground, ground, _none_of(given), given, scores, 0, (), generator)
    else:
        arrays, numbers = state.arrays, state.numbers
        dream = Dream(
            recipe, units, arrays["x"], arrays["ground"], arrays["octaves"], arrays["zooms"], arrays["scores"],
            int(numbers["done"]), tuple(numbers["words"]), numbers["generator"], bool(numbers["stopped"]),
        )  # fmt: skip
        yield dream
    while dream.done < recipe.total and not dream.stopped:
        dream = _step(model, sought, dream)
        if dream.stopped and not dream.done:
            raise SettingError(f"{dream.words[-1]} Give another picture or another node.")
        yield dream


def _step(model: Model, sought: Sought, dream: Dream) -> Dream:
    """Take one step uphill: roll, look, roll the gradient back, normalize it, add it, clip."""
    recipe, units = dream.recipe, dream.units
    octave, iteration = divmod(dream.done % recipe.a_dream, recipe.iterations)
    if iteration == 0:
        dream = _next_octave(dream, octave)
    rng = generator_at({"generator": dream.generator}, 0)
    x = dream.x
    score, gradient = _looked_at(model, sought, recipe, x, rng)
    words = dream.words
    if not gradient.any():
        silence = f"In step {dream.done + 1} the gradient was exactly 0: {sought.node} does not fire on this picture."
        words = words if any("exactly 0" in old for old in words) else (*words, silence)
    if recipe.blur:
        gradient = blur(gradient, ramp(recipe.blur, BLUR_FALLS_TO * recipe.blur, iteration, recipe.iterations))
    if recipe.laplacian:
        gradient = laplacian_normalized(gradient, recipe.laplacian)
    x = units.clip(x + np.asarray(recipe.step, x.dtype) * normalized(gradient))
    if not np.isfinite(x).all():
        words = (*words, f"The dream stopped before step {dream.done + 1}: its gradient is not finite.")
        return replace(dream, words=words, stopped=True)
    scores = dream.scores.copy()
    scores[dream.done] = score
    dream = replace(dream, x=x, scores=scores, done=dream.done + 1, words=words, generator=rng.bit_generator.state)
    if iteration < recipe.iterations - 1:
        return dream
    finished = dream.picture
    is_last = octave == len(recipe.sizes) - 1
    octaves = np.concatenate([dream.octaves, finished[None]])
    return replace(dream, octaves=octaves, zooms=finished if is_last else dream.zooms)


def _next_octave(dream: Dream, octave: int) -> Dream:
    """Return the dream at the start of an octave, its detail carried over; of a zoom at the start of the next dream."""
    sizes = list(dream.recipe.sizes)
    if octave == 0:
        ground = zoomed(dream.x, ZOOM) if dream.done else dream.ground
        return replace(dream, ground=ground, x=octave_pictures(ground, sizes)[0], octaves=_none_of(dream.zooms))
    bases = octave_pictures(dream.ground, sizes)
    detail = dream.x - bases[octave - 1]
    return replace(dream, x=bases[octave] + resized(detail, sizes[octave]))


def _looked_at(model: Model, sought: Sought, recipe: Recipe, x: Array, rng: Generator) -> tuple[float, Array]:
    """Return the objective of a picture, a pixel, and its gradient, both seen after a roll by some pixels."""
    size = (x.shape[-2], x.shape[-1])
    most = round(recipe.jitter * min(1.0, min(size) / JITTER_SIDE))
    if max(size) > recipe.tile:  # so that seams wander over all of it
        most = max(most, recipe.tile // 2)
    rolled = Jitter(most).draw(rng, size)
    view, place, part = rolled.forward(x), None, (slice(0, size[0]), slice(0, size[1]))
    if sought.place is not None:
        moved = [(share + step / side) % 1 for share, step, side in zip(sought.place, rolled.steps, size, strict=True)]
        part, place = _around(moved, size, recipe.tile)
    gradient = np.zeros_like(x)
    at = (..., *part)
    look = partial(tiled_score_and_gradient, model, x=view[at], tile=recipe.tile, stride=recipe.stride)
    score, gradient[at] = look(sought.objective(place))
    if not gradient.any():  # what would switch something on
        _, gradient[at] = look(sought.objective(place, squared=False), rules=redirected_relus())
    pixels = 1 if sought.place is not None else size[0] * size[1]
    return float(score[0]) / pixels, rolled.adjoint(gradient)


def _around(place: Sequence[float], size: Pair, tile: int) -> tuple[tuple[slice, slice], tuple[float, float]]:
    """Return the part of a picture of at most a tile about a place, and the place as shares of that part's sides."""
    parts, shares = [], []
    for share, side in zip(place, size, strict=True):
        long = min(side, tile)
        begin = int(np.clip(round(share * side - long / 2), 0, side - long))
        parts.append(slice(begin, begin + long))
        shares.append(float(np.clip((share * side - begin) / long, 0, np.nextafter(1, 0))))
    return (parts[0], parts[1]), (shares[0], shares[1])


def _none_of(picture: Array) -> Array:
    """Return no pictures of the size of one, (0, H, W, 3)."""
    return np.empty((0, *picture.shape), np.uint8)


def pixels_of(units: Units, x: Array) -> Array:
    """Return a picture (1, C, H, W) as a person sees it, (H, W, 3) uint8; grey in three equal channels."""
    return np.ascontiguousarray(coloured(units.shown(x)[0]))
