"""Regularizers: one unit by every preset on one page, and how far each picture is to be believed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, need_whole
from minitorch_viz.graph import channel_axis
from minitorch_viz.models.scenes_liar import LIAR, NODE, Plant, plant_of
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.presets import Preset, get_preset
from minitorch_viz.optimize.presets import presets as all_presets
from minitorch_viz.optimize.slope import spectrum_slope
from minitorch_viz.optimize.trust import Trust
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.patches import Patch
from minitorch_viz.techniques.explain.unit import resolve
from minitorch_viz.techniques.optimization._climb import climb_of, size_of
from minitorch_viz.techniques.optimization._pictures import Method, as_seen_at, pixels_of, probabilities, scores_of
from minitorch_viz.techniques.optimization._regularizers_measures import betrayed, spread_of_seeds
from minitorch_viz.techniques.optimization._regularizers_natural import Nature, nature_of, windowed
from minitorch_viz.techniques.optimization._regularizers_words import beyond_trust, verdicts
from minitorch_viz.techniques.optimization._targets import SHOWN_CLASS, takes_pictures
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import NOTHING, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

STEPS = 100  # of each preset at most, where no other number is asked for; of small pictures fewer
ARRAYS = "pixels", "scores", "probabilities", "slopes", "spreads", "likeness", "truths"  # kept for going on


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
        from minitorch_viz.techniques.optimization._pictures import frame_of

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
    ways = _chosen(presets)
    need_whole("number of seeds", seeds, 1, 20)
    steps = need_whole("steps", _steps_of(model) if steps is None else steps, 1, 100_000)
    need_whole("seed", seed, 0)
    unit = unit_of(model, target, node, channel)
    nature = nature_of(model, unit, pictures)
    frame = _frame(model, unit, ways, nature, seeds, steps)
    if state is not None:
        frame = _going_on(frame, state)
    if frame.done == frame.total:
        yield frame
    for place in range(frame.done, len(ways)):
        frame = _with_preset(frame, model, unit, ways[place], nature, place, seed)
        yield frame


def unit_of(model: Model, target: str | int | None, node: str | None, channel: int | None) -> Unit:
    """Return the class or the unit that is meant; of maps the unit in the middle."""
    if target is None and node is None and model.name == "scenes_liar":
        node, channel = NODE, LIAR
    if node is None:
        if not model.logits:
            raise SettingError(f"{model.name} has no classes; name a unit with --node and --channel.")
        first = SHOWN_CLASS if len(model.class_names) == 1000 else 0
        return resolve(model, blank_tape(model, model.logits), target=first if target is None else target)
    if target is not None:
        raise SettingError(f"Give either a class (target={target!r}) or a node (node={node!r}), not both.")
    tape = blank_tape(model, node)
    shape, axis = tape[node].shape[1:], channel_axis(model.net.nodes, node)
    if len(shape) not in (1, 3) or axis != 1:
        raise SettingError(
            f"Node {node!r} gives an array of shape {shape}; name one of maps, or of one number a channel."
        )
    if channel is None or not 0 <= channel < shape[0]:
        raise SettingError(
            f"{node!r} has the channels 0 to {shape[0] - 1}, but got {channel}; give one with --channel."
        )
    position = (shape[1] // 2, shape[2] // 2) if len(shape) == 3 else ()
    if node == model.logits:
        return resolve(model, tape, target=channel)
    place = f" in the middle, row {position[0]}, column {position[1]}" if position else ""
    return Unit(node, (channel, *position), f"{node} channel {channel}{place}")


def _steps_of(model: Model) -> int:
    """Return how many steps are taken at most: fewer for small pictures, which are soon done."""
    return max(8, min(STEPS, 2 * min(size_of(model, None)) - 8))


def _chosen(names: str | None) -> list[Preset]:
    """Return the presets that are named, in the order of their years; without names all."""
    registry = all_presets()
    if names is None:
        return list(registry.values())
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        get_preset(name)  # SettingError with near names
    if not asked:
        raise SettingError("presets names none; give their names with commas between, or leave it out.")
    return [preset for name, preset in registry.items() if name in asked]


def _frame(model: Model, unit: Unit, ways: list[Preset], nature: Nature, seeds: int, steps: int) -> Regularizers:
    """Return the result before the first preset."""
    count, judge = len(ways), nature.judge
    channels = Units.of(model.reader()).channels
    nodes = () if judge is None else judge.nodes

    def unknown(*shape: int) -> Array:
        return np.full((count, *shape), np.nan)

    return Regularizers(
        label=unit.label,
        methods=tuple(Method.of(way) for way in ways),
        steps=tuple(min(way.steps, steps) for way in ways),
        pixels=np.zeros((count, seeds, *size_of(model, None), channels), np.uint8),
        scores=unknown(seeds),
        probabilities=unknown(seeds),
        slopes=unknown(),
        spreads=unknown(),
        nodes=nodes,
        likeness=unknown(seeds, len(nodes)),
        same=np.zeros(0) if judge is None else judge.same,
        other=np.zeros(0) if judge is None else judge.other,
        truths=unknown(seeds, 2),
        plant=plant_of(model, unit.node, unit.index[0]),
        reasons=("",) * count,
        natural=nature.patches,
        natural_slope=nature.slope,
        looked_at=nature.looked_at,
        source=nature.source,
        class_words=nature.words,
        beside=nature.note,
        net=model.name,
        done=0,
        total=count,
        clock=unknown(),
    )


def _with_preset(
    frame: Regularizers, model: Model, unit: Unit, way: Preset, nature: Nature, place: int, seed: int
) -> Regularizers:
    """Return the result with one preset more: its pictures, one a seed, and what is measured of them."""
    arrays: dict[str, Any] = {name: getattr(frame, name).copy() for name in ARRAYS}
    reasons, clock = list(frame.reasons), frame.seconds.copy()
    count = frame.pixels.shape[1]
    begin, size = time.monotonic(), size_of(model, None)
    try:
        parts = []
        for number in range(count):
            climb = climb_of(
                model, [unit], way, size, steps=frame.steps[place], pictures=nature.pictures, seed=seed + number
            )  # fmt: skip
            *_, ascent = climb.steps()
            parts.append(as_seen_at(climb, ascent))
    except MinitorchVizError as error:
        reasons[place] = str(error)
    else:
        clock[place] = (time.monotonic() - begin) / count
        x = np.concatenate(parts)
        _measure(arrays, place, model, unit, nature, frame.plant, climb, x)
    for array in arrays.values():
        array.flags.writeable = False
    numbers = {"done": place + 1, "reasons": reasons}
    state = State(arrays, numbers)
    return replace(frame, **arrays, reasons=tuple(reasons), done=place + 1, clock=clock, state=state)


def _measure(
    arrays: Mapping[str, Array],
    place: int,
    model: Model,
    unit: Unit,
    nature: Nature,
    plant: Plant | None,
    climb: Any,
    x: Array,
) -> None:
    """Write what is measured of a preset's pictures x (S, C, h, w), pixel - mean, into the arrays of all."""
    each = replace(climb, objectives=(unit,) * len(x))
    pixels = pixels_of(climb, x)
    arrays["pixels"][place] = pixels
    arrays["scores"][place] = scores_of(each, x)
    arrays["probabilities"][place] = probabilities(each, x)
    arrays["slopes"][place] = np.mean([spectrum_slope(picture) for picture in pixels])
    arrays["spreads"][place] = spread_of_seeds(pixels)
    arrays["truths"][place] = betrayed(model, plant, unit, x, nature.tops)
    if nature.judge is not None:
        images = windowed(kernels.to_cpu(climb.parametrization.units.net(x)), nature.window)
        arrays["likeness"][place] = nature.judge.trust(images).made.T


def _going_on(frame: Regularizers, state: State) -> Regularizers:
    """Return the result of a state; how long its pictures took is not kept."""
    arrays: dict[str, Any] = {name: np.asarray(state.arrays[name]) for name in ARRAYS}
    reasons = tuple(str(why) for why in state.numbers["reasons"])
    clock = np.full(len(frame.methods), np.nan)
    return replace(frame, **arrays, reasons=reasons, done=int(state.numbers["done"]), clock=clock, state=state)


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
