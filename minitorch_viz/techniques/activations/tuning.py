"""Tuning curves: one thing in the picture changes, and each unit's answer is followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import ancestors
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.techniques.activations._tuning_figure import draw
from minitorch_viz.techniques.activations._tuning_numbers import invariance, most_selective
from minitorch_viz.techniques.activations._tuning_sweeps import Sweep, largest_answers, sweeps_of
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.chosen import Channels, channels_meant
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.subject import NOTHING, Photos

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_UNITS = 8
CHOSEN = 4  # units, where none are named


class Curves(NamedTuple):
    """Hold the answers while one thing goes through its steps."""

    dimension: str  # "colour"
    steps: tuple[str, ...]  # (D,)
    axis: str  # what the steps are, with their measure
    answers: Array  # (S, D, U): of S objects or photos, the largest value in each unit's map
    pictures: Array  # (D, h, w, 3) uint8: the first of them in all steps


@dataclass(frozen=True, eq=False)
class Tuning(Result):
    """Hold the answers of U units of a node to pictures in which one thing changes, for K things."""

    curves: tuple[Curves, ...]  # (K,)
    invariances: Array  # (U, K), 0..1; NaN where none can be said
    medians: Array  # (K,): of all channels of the node
    channels: Array  # (U,) ints
    units: tuple[str, ...]  # (U,): their names
    total_channels: int
    node: str
    objects: str  # what was varied: "scene" or "photo"
    are_classes: bool  # whether they are the classes, which share one scale
    are_chosen: bool  # whether the units are those that the things move most, and not named by the user
    done: int
    total: int

    @property
    def tops(self) -> Array:
        """Return (U,): the largest magnitude of each unit's answers in any picture, of classes that of all; never 0."""
        tops: Array = np.max([np.abs(each.answers).max(axis=(0, 1)) for each in self.curves], axis=0)
        if self.are_classes:
            tops = np.full_like(tops, tops.max())
        return np.where(tops > 0, tops, 1)

    @property
    def facts(self) -> tuple[str, ...]:
        things = ", ".join(each.dimension for each in self.curves)
        return (f"{len(self.channels)} channels of {self.node}", things, self.counted)

    @property
    def counted(self) -> str:
        """Say how many objects there were: "16 scenes"."""
        count = len(self.curves[0].answers)
        return f"{count} {self.objects}{'s' if count > 1 else ''}"

    @property
    def is_single(self) -> bool:
        """Return whether there is one object, or none twice yet, so that nothing can be said of the spread."""
        return len(self.curves[0].answers) < 2

    @property
    def caption(self) -> str:
        choice = "those that one of these things moves most" if self.are_chosen else "those asked for"
        if self.are_chosen and self.objects == "photo":
            choice = "of those that answer the photos as they are, the ones that one of these things moves most"
        spread = (
            "; the band holds the middle half of them"
            if not self.is_single
            else "; of one alone there is no spread and no invariance"
        )
        scale = (
            f"each has a scale of its own, from 0 to its largest answer, {', '.join(f'{top:.3g}' for top in self.tops)}"
        )
        if self.are_classes:
            scale = f"all have one scale, from 0 to the largest answer of all, {self.tops[0]:.3g}"
        return (
            f"How {len(self.channels)} channels of {self.node} ({choice}) answer while one thing in the picture "
            f"changes and all else stays. A line is the mean over {self.counted}{spread}. An answer is the largest "
            f"value in the channel's map; {scale}. "
            "Invariance is the share of the variance of the answers that lies between the objects and not along the "
            "steps: 1 means that the change does not matter, 0 that nothing else does."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        still = [label for label, row in zip(self.units, self.invariances, strict=True) if np.isnan(row).all()]
        return (
            *how_far(self, "sweep"),
            *((f"Of {', '.join(still)} no invariance can be said: the answers do not differ.",) if still and
              not self.is_single else ()),
            *(("Give several photos for their spread and the invariances.",) if self.is_single and
              self.objects == "photo" else ()),
        )  # fmt: skip


@looping("sweep")
def tuning(
    model: Model,
    *,
    node: str | None = None,
    channels: Channels = None,
    vary: str | None = None,
    photos: Photos | None = None,
    instances: int = 16,
    seed: int = 0,
) -> Iterator[Tuning]:
    """Show how units answer while one thing in the picture changes: its kind, colour, rotation, size, place.

    A net for scenes is shown generated ones of one object, in which only that thing changes. Other nets are shown
    photos, turned, enlarged, moved, brighter and of other hues; what comes in from beyond the border is the net's mean
    colour. A steep curve says that the unit cares, a flat one that it does not; the invariance says the same in one
    number.

    Args:
        node: whose units; by default the last one with maps of features, or of a net without any that of the scores
        channels: these units, 3,17,40-45; by default for each thing the one that it moves most, four in all (of photos
            one of those that answer them)
        vary: what changes, or several with commas between; of scenes kind, colour, rotation, size, texture, place; of
            photos rotation, size, place, brightness, colour; by default all of them
        photos: vary these photos; by default generated scenes for a net that knows their kinds, else the sample photos
        instances: how many scenes of each step
        seed: of the scenes

    Returns a Tuning with a curve (S, D, U) for each thing and the invariances (U, K).
    Raises SettingError for a thing that does not change or a bad setting, NetError for an unknown node, ImageFileError
    for a bad photo.

    Paper: Zeiler, Fergus 2013 (their figure 5); Goodfellow et al. 2009, who measure invariance by other numbers.
    """
    if why := applies(model):
        raise SettingError(f"tuning does not apply to {model.name}: {why}.")
    need_whole("number of instances", instances, 1, 1000)
    need_whole("seed", seed, 0)
    node = node or model.last_conv or model.logits or model.maps or model.net.output
    model.net[node]  # NetError with near names
    shown = sweeps_of(model, photos, vary, instances, seed)
    total = shown.instances * len(shown.things)
    answers: dict[str, list[Array]] = {}
    first: dict[str, tuple[Sweep, Array]] = {}  # what the first object is, and its pictures
    wanted: Array | None = None
    pace = Pace()
    for done, (thing, sweep) in enumerate(shown.sweeps, 1):
        values = largest_answers(model, node, sweep.inputs)
        if done == 1:
            wanted = channels_meant(node, channels, values.shape[1])
            if wanted is not None and len(wanted) > MOST_UNITS:
                raise SettingError(f"At most {MOST_UNITS} units fit on one page, but channels names {len(wanted)}.")
        if thing not in first:
            first[thing] = sweep, np.stack([model.restore(x[None]) for x in sweep.inputs])
        answers.setdefault(thing, []).append(values)
        if pace.due() or done == total:
            stacked = {thing: np.stack(parts) for thing, parts in answers.items()}
            yield _result(model, node, stacked, first, wanted, shown.objects, done, total)


def _result(
    model: Model,
    node: str,
    answers: Mapping[str, Array],
    first: Mapping[str, tuple[Sweep, Array]],
    wanted: Array | None,
    objects: str,
    done: int,
    total: int,
) -> Tuning:
    """Return the result so far. answers: {what changes: (S, D, C)}."""
    shown = wanted
    if shown is None:
        thing, (sweep, _) = next(iter(first.items()))
        unchanged = None if sweep.unchanged is None else answers[thing][:, sweep.unchanged]
        shown = most_selective(answers, CHOSEN, unchanged)
    curves = tuple(
        Curves(thing, first[thing][0].steps, first[thing][0].axis, values[:, :, shown], first[thing][1])
        for thing, values in answers.items()
    )
    everything = np.stack([invariance(values) for values in answers.values()], axis=1)  # (C, K)
    medians = np.array([_median(column) for column in everything.T])
    are_classes = model.logits in ancestors(model.net.nodes, node) and len(everything) == len(model.class_names)
    units = tuple(
        f"{model.scores.noun} {model.class_names[c]}" if are_classes else f"channel {c}" for c in shown.tolist()
    )
    return Tuning(
        curves,
        everything[shown],
        medians,
        shown,
        units,
        len(everything),
        node,
        objects,
        are_classes,
        wanted is None,
        done,
        total,
    )


def _median(values: Array) -> float:
    """Return the median of the numbers that are none NaN; NaN of none."""
    numbers = values[~np.isnan(values)]
    return float(np.median(numbers)) if len(numbers) else float("nan")


def applies(model: Model) -> str | None:
    """Return why a net has no tuning curves here; None if it looks at a picture of one or three channels."""
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if not isinstance(reader, Preprocessing) or reader.channels not in (1, 3):
        return "it looks at no picture of grey or three colours whose object could be turned or moved"
    return None


def plot(result: Tuning, figure: Figure) -> None:
    """Draw a chart for each thing that changes, its pictures below, and the invariances."""
    draw(result, figure)


def example() -> Tuning:
    """Turn and colour four objects in front of the bundled net for scenes."""
    from minitorch_viz.models import load_model

    return tuning(load_model("scenes"), vary="rotation,colour", instances=4)


TECHNIQUE = Technique(
    name="tuning",
    compute=tuning,
    plot=plot,
    title="Tuning: what a unit cares about, and what not",
    paper="Zeiler, Fergus 2013; Goodfellow et al. 2009",
    example=example,
    applies=applies,
    chapter="look",
    level=80,
    subject=NOTHING,
    shown_by="scenes",
)
