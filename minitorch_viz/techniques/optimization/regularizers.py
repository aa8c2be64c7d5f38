"""Regularizers: one unit by every preset on one page, and how far each picture is to be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.models.scenes_liar import Plant
from minitorch_viz.optimize.presets import presets as all_presets
from minitorch_viz.optimize.trust import Trust
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.patches import Patch
from minitorch_viz.techniques.optimization._pictures import Method, frame_of
from minitorch_viz.techniques.optimization._regularizers_making import going_on, nothing_yet, with_preset
from minitorch_viz.techniques.optimization._regularizers_natural import nature_of
from minitorch_viz.techniques.optimization._regularizers_unit import chosen, steps_of, unit_of
from minitorch_viz.techniques.optimization._regularizers_words import beyond_trust, verdicts
from minitorch_viz.techniques.optimization._targets import takes_pictures
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import NOTHING, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Regularizers(Result):
    """Hold pictures of one unit by P presets, S seeds of each, and what is measured of them at L layers.

    What a preset did not make, or not yet, is NaN, and 0 in the pictures.
    """

    no_numbers: ClassVar[tuple[str, ...]] = ("natural",)  # pixels of the user's own pictures

    label: str  # what is climbed
    methods: tuple[Method, ...]  # (P,), in the order of their years
    steps: tuple[int, ...]  # (P,) that each takes
    pixels: Array  # (P, S, h, w, C) uint8
    scores: Array  # (P, S): of what is climbed, for the pictures as they are shown
    probabilities: Array  # (P, S): of the class, 0..1; NaN of a unit that is none
    slopes: Array  # (P,): of the power spectrum, logarithm by logarithm; a mean over seeds
    spreads: Array  # (P,): the root of the variance over seeds, in grey levels
    nodes: tuple[str, ...]  # (L,) that the trust score compares
    likeness: Array  # (P, S, L): mean Spearman correlation with natural pictures of the class
    same: Array  # (L,): that of these with each other
    other: Array  # (L,): that of these with natural pictures of other classes
    truths: Array  # (P, S, 2): what is known of a planted unit (`betrayed`); NaN of others
    plant: Plant | None  # what is planted in the unit; None: nothing
    reasons: tuple[str, ...]  # (P,): why a preset made nothing; "" if it did, or is still to come
    natural: tuple[Patch, ...]  # the natural patches with the highest answers, the highest first
    natural_slope: float  # of whole natural pictures, a mean
    looked_at: int  # natural pictures
    source: str  # what these are called; "" if there are none
    class_words: str  # which natural pictures stand for the class
    beside: str  # why there are no natural pictures, or no trust score; "" if there are
    net: str
    done: int  # presets
    total: int
    clock: InitVar[Array]  # (P,) seconds a picture; no two runs have the same, so it is no field
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from

    def __post_init__(self, clock: Array) -> None:
        object.__setattr__(self, "_clock", clock)

    @property
    def seconds(self) -> Array:
        """Return the seconds that a picture of each preset took, (P,); NaN of those that a run went on from."""
        clock: Array = self.__dict__["_clock"]
        return clock

    @property
    def trust(self) -> Trust | None:
        """Return the trust scores of all pictures, M = P * S; None where there are no natural pictures to compare."""
        if not self.nodes:
            return None
        return Trust(self.nodes, self.likeness.reshape(-1, len(self.nodes)).T, self.same, self.other)

    @property
    def trust_by_layer(self) -> Array:
        """Return the trust score of each preset at each layer, a mean over seeds, (P, L)."""
        trust = self.trust
        if trust is None:
            return np.full((len(self.methods), 0), np.nan)
        by_layer: Array = trust.scores.T.reshape(*self.likeness.shape).mean(axis=1)
        return by_layer

    @property
    def trusts(self) -> Array:
        """Return the trust score of each preset over all layers, a mean over seeds, (P,)."""
        trust = self.trust
        if trust is None:
            return np.full(len(self.methods), np.nan)
        means: Array = trust.mean.reshape(self.likeness.shape[:2]).mean(axis=1)
        return means

    @property
    def shown(self) -> tuple[int, ...]:
        """Return which presets have a picture."""
        return tuple(np.flatnonzero(np.isfinite(self.scores).all(axis=1)).tolist())

    @property
    def frame(self) -> Array:
        """Return the newest picture as a frame of a film, (h, w, 3) uint8."""
        newest = self.shown[-1] if self.shown else 0
        return frame_of(self.pixels[newest][:1])

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.label, f"{len(self.shown)} presets", f"{self.pixels.shape[2]} x {self.pixels.shape[3]} pixels")

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Say what is known of the pictures of a planted unit, in sentences; none of another."""
        return verdicts(self.plant, self.methods, self.shown, self.truths, self.scores, self.trusts)

    @property
    def caption(self) -> str:
        seeds = self.pixels.shape[1]
        words = (
            f"{self.label[0].upper()}{self.label[1:]} of {self.net}, made by every preset, {seeds} "
            f"seed{'s' * (seeds > 1)} each: the picture of the first, pixels as they are, 0 to 255; the score; the "
            "slope of the power spectrum, logarithm by logarithm (natural photos have about -2); the root of the "
            "variance over seeds in grey levels. "
        )
        if self.trust is not None:
            words += (
                "Trust, on a scale where 1 is as like natural pictures of the class as these are to each other and 0 "
                "as like them as pictures of other classes are: Spearman's correlation of activations at each layer, "
                f"first layer left; {self.class_words}. "
            )
        words += "The natural patches with the highest answers stand beside all. " if self.natural else ""
        return words.strip()

    @property
    def notes(self) -> tuple[str, ...]:
        notes = [*how_far(self, "preset"), *((self.beside,) if self.beside else ()), *beyond_trust(self.trust)]
        refused = [f"{way.name}: {why}" for way, why in zip(self.methods, self.reasons, strict=True) if why]
        if refused:
            notes.append(f"Presets without a picture: {' '.join(refused)}")
        shorter = [
            way.name for way, taken, own in zip(self.methods, self.steps, self._own_steps, strict=True) if taken < own
        ]
        if shorter:
            notes.append(
                f"{len(shorter)} of {len(self.methods)} presets were given fewer steps than their papers' (at most "
                f"{max(self.steps)}; --steps sets it), their stages in proportion."
            )
        if self.trust is not None:
            notes.append(
                "The normalization of the trust score, 0 for other classes and 1 for the same, is as it is remembered "
                "of Geirhos et al. 2024; that the mean over layers weighs each by how well it tells the class is ours."
            )
        return (*notes, *self.verdicts)

    @property
    def _own_steps(self) -> tuple[int, ...]:
        registry = all_presets()
        return tuple(registry[way.name].steps if way.name in registry else 0 for way in self.methods)

    def html(self) -> str:
        """Return the page: one file with all pictures and numbers."""
        from minitorch_viz.techniques.optimization._regularizers_page import page_of

        return page_of(self)


@looping("preset")
def regularizers(
    model: Model,
    *,
    target: str | int | None = None,
    node: str | None = None,
    channel: int | None = None,
    presets: str | None = None,
    seeds: int = 2,
    steps: int | None = None,
    pictures: Pictures | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Regularizers]:
    """Make the picture of one unit by every published preset, and measure how far each is to be believed.

    The table holds each preset with its year and family, its picture, the score, the slope of the spectrum, how far
    seeds differ, seconds, and the trust score: at each layer, how like natural pictures of the class the net finds it.
    The natural patches that excite the unit most stand beside. The net scenes_liar has planted units of which the
    truth is known: --model scenes_liar shows which presets a unit can fool.

    Args:
        target: the class, by number or name; by default the first, of scenes_liar the unit that lies
        node: a unit of this node instead of a class
        channel: the unit's channel
        presets: their names, with commas between; by default all
        seeds: pictures of each preset; they differ in noise and transforms
        steps: of each preset at most; its stages in proportion; by default 100, of small pictures fewer
        pictures: a folder or data set of natural pictures; of ImageNet classes are pooled where photos are few
        seed: the first one

    Returns Regularizers with pixels (P, S, h, w, C) and what was measured. state= goes on from a result's, preset by
    preset. Raises SettingError for an unknown class, channel or preset.

    Paper: Geirhos et al. 2024; Borowski et al. 2020; Olah, Mordvintsev, Schubert 2017.
    """
    ways = chosen(presets)
    need_whole("number of seeds", seeds, 1, 20)
    steps = need_whole("steps", steps_of(model) if steps is None else steps, 1, 100_000)
    need_whole("seed", seed, 0)
    unit = unit_of(model, target, node, channel)
    nature = nature_of(model, unit, pictures)
    frame = nothing_yet(model, unit, ways, nature, seeds, steps)
    if state is not None:
        frame = going_on(frame, state)
    if frame.done == frame.total:
        yield frame
    for place in range(frame.done, len(ways)):
        frame = with_preset(frame, model, unit, ways[place], nature, place, seed)
        yield frame


def plot(result: Regularizers, figure: Figure) -> None:
    """Draw the table: a picture a preset with its numbers and its trust by layer, natural patches at the top."""
    from minitorch_viz.techniques.optimization._regularizers_figure import draw

    draw(result, figure)


def example() -> Regularizers:
    """Compare three presets on a class of the bundled net for digits."""
    from minitorch_viz.models import load_model

    return regularizers(load_model("digits"), presets="simonyan,oygard,lucid", steps=16)


TECHNIQUE = Technique(
    name="regularizers",
    compute=regularizers,
    plot=plot,
    title="Regularizers: one unit by every preset, and how far to believe it",
    paper="Geirhos et al. 2024",
    example=example,
    pages=(".html",),
    applies=takes_pictures,
    subject=NOTHING,
    level=80,
    budget=120.0,
    in_comparison={"presets": "none", "seeds": 1, "steps": 2},
)
