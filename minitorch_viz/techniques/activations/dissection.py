"""Network Dissection: which concept each unit of a layer detects, over pictures whose pixels are labelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.techniques.activations._dissection_chance import against_untrained
from minitorch_viz.techniques.activations._dissection_figure import draw
from minitorch_viz.techniques.activations._dissection_formulas import taken
from minitorch_viz.techniques.activations._dissection_page import render_page
from minitorch_viz.techniques.activations._dissection_run import (
    COUNTED,
    LOOKED_AT,
    Run,
    Step,
    grid_for,
    node_and_shape,
    pictures_with_labels,
)
from minitorch_viz.techniques.activations._dissection_shown import Shown
from minitorch_viz.techniques.activations._dissection_trial import Trial
from minitorch_viz.techniques.activations._dissection_words import caption_of, notes_of
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.anchored import need_one_size, varying
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PicturesSubject
from minitorch_viz.techniques.tally import Skipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

EXAMPLES = 4  # pictures of a unit that are shown
LONGEST = 5  # formula


class LabelledPictures(PicturesSubject):
    """Look at pictures whose pixels are labelled: generated scenes, or a folder of pictures with masks."""

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:  # noqa: ARG002 (as there)
        """Return the name itself; the sample is of scenes, since the other bundled pictures have no labelled pixels."""
        return names[0] if names else "scenes:128"


@dataclass(frozen=True, eq=False)
class Dissection(Result):
    """Hold what each of C units detects, of K concepts; NaN is what is not counted yet."""

    node: str
    names: tuple[str, ...]  # (K,): the concepts
    categories: tuple[str, ...]  # (K,)
    thresholds: Array  # (C,): the unit answers where it is above
    ious: Array  # (C, K): of the pixels that a unit answers to with those that show a concept
    concept: Array  # (C,) int: the best one; -1 where none has an IoU above 0
    iou: Array  # (C,): its IoU
    formulas: tuple[tuple[str, ...], ...]  # (C,): for each length, from 1 on, the best formula in words
    formula_ious: Array  # (C, length)
    meanings: tuple[str, ...]  # (C,): the formula that is worth its length; "" for a unit that answers to nothing
    auc: (
        Array  # (C, K): how well its mean answer tells the pictures that show a concept; 0.5 not at all, 0 falls silent
    )
    p: Array  # (C, K): of that AUC, corrected by Holm for all C x K tests
    chance: Array  # (C,): how likely such an IoU is of an untrained unit, corrected by Benjamini and Hochberg
    untrained: Array  # (M,): the best IoUs of the units of untrained copies of the net
    rotated: Array  # (C,): the best IoU of each axis of a random basis of the same channels
    rotated_concept: Array  # (C,) int
    trials: tuple[Trial, ...]  # of the detectors, those of a concept one after the other
    bar: float  # the IoU from which a unit is a detector
    quantile: float
    size: tuple[int, int]  # at which pixels are counted
    source: str  # what the pictures are called
    count: int  # pictures that were counted and are labelled
    remarks: tuple[str, ...]  # on masks, thresholds and pictures
    classes: tuple[str, ...]
    shown: Shown | None  # the pictures that each unit answers to most
    done: int
    total: int
    skipped: tuple[Skipped, ...]
    state: State | None = None  # what another run goes on from

    @property
    def detectors(self) -> Array:
        """Return the units whose IoU reaches the bar, (D,) int, the best first."""
        order = np.argsort(-np.nan_to_num(self.iou), kind="stable")
        best: Array = order[np.nan_to_num(self.iou)[order] >= self.bar]
        return best

    def unique(self, concepts: Array, ious: Array) -> dict[str, int]:
        """Return for each category how many concepts have a detector, those with any; the most first."""
        unique = np.unique(concepts[np.nan_to_num(ious) >= self.bar])
        categories = [self.categories[concept] for concept in unique]
        return {
            name: categories.count(name) for name in sorted(set(categories), key=lambda c: (-categories.count(c), c))
        }

    @property
    def significant(self) -> Array:
        """Return (C,) bool: which units' IoUs are higher than chance gives untrained ones; False if not asked for."""
        return np.nan_to_num(self.chance, nan=1.0) < 0.05

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.node, f"{len(self.iou)} units", f"{len(self.detectors)} detectors", self.source)

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return (*how_far(self, "picture"), *notes_of(self))

    def html(self) -> str:
        """Return the page of all units, one file."""
        return render_page(self)


@looping("picture")
def dissection(
    model: Model,
    pictures: Any,
    *,
    node: str | None = None,
    quantile: float = 0.005,
    iou: float = 0.04,
    length: int = 3,
    beam: int = 5,
    resolution: int = 64,
    rotate: bool = True,
    untrained: int = 1,
    trial: bool = False,
    batch: int = 16,
    workers: int = 1,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Dissection]:
    """Find the concept that each unit of a layer detects, in pictures whose pixels are labelled.

    A unit answers where its map, enlarged to the picture, is above a threshold that its answers exceed at few places
    only. Where these pixels are those that show a concept, as their intersection over union (IoU) says, the unit is a
    detector of it. Beside it: formulas of several concepts; the same for axes of a random basis, which no training has
    singled out, and for the units of an untrained net; and, on trial, what is lost without the unit.

    Pictures of your own: a folder with the pictures in photos, masks of the same names as PNG in masks, and a list
    concepts.csv, number,name,category a line. A mask's grey values, or the indices of its palette, are the numbers: 0
    is none of the concepts, 255 not labelled. Where concepts overlap, masks has a folder of black and white masks for
    each instead. A picture without any mask counts for nothing.

    Args:
        node: the layer whose units are dissected; default: the last feature layer
        quantile: the share of all places that lie above a unit's threshold
        iou: from which on a unit is called a detector
        length: how many concepts a formula may join by AND, OR and NOT, 1 to 5
        beam: formulas of each length that are gone on with
        resolution: pixels of the longer side at which masks are compared, at most the net's input
        rotate: whether a random change of basis is dissected, too
        untrained: how many copies of the net with random weights say what chance gives; 0 for none
        trial: whether the detectors are put on trial: silenced, and their concept erased from generated scenes
        batch: pictures a forward pass
        workers: processes that share the pictures
        seed: of the random basis and the random weights

    Returns a Dissection with ious (C, K), meanings (C,) and more. state= goes on from a result's.
    Raises SettingError if nothing says what the pixels show, for a node without maps, or if a setting does not fit,
    DataFileError if a mask does not fit its picture, NetError for an unknown node.

    Paper: Bau, Zhou, Khosla, Oliva, Torralba 2017; formulas: Mu, Andreas 2020.
    """
    if not 0 < quantile < 1:
        raise SettingError(f"quantile is a share of places, above 0 and below 1, but got {quantile}.")
    if not 0 < iou <= 1:
        raise SettingError(f"iou is a share of pixels, above 0 and up to 1, but got {iou}.")
    need_whole("length of formulas", length, 1, LONGEST)
    need_whole("beam", beam, 1, 100)
    need_whole("resolution", resolution, 8, 512)
    need_whole("untrained", untrained, 0, 20)
    need_whole("seed", seed, 0)
    need_one_size(model, "dissection")
    shown_pictures, concepts = pictures_with_labels(pictures)
    name, shape = node_and_shape(model, node)
    run = Run(
        model,
        shown_pictures,
        concepts,
        name,
        grid_for(model, name, shape, resolution),
        quantile,
        iou,
        length,
        beam,
        rotate,
        untrained if model.net.params else 0,
        EXAMPLES,
        trial,
        batch,
        workers,
        seed,
    )
    for step in run.steps(state):
        yield _result(run, step)


def _result(run: Run, step: Step) -> Dissection:
    """Return what is known after a step."""
    kept = step.kept
    units, count = len(kept["strongest"]), len(run.concepts)
    table = np.full((units * (2 if run.rotate else 1), count), np.nan)
    if "pixels" in kept:
        table = run.table(kept)
    own, turned = table[:units], table[units:]
    auc, p = np.full((units, count), np.nan), np.full((units, count), np.nan)
    formulas: list[tuple[str, ...]] = [()] * units
    formula_ious, meanings = np.full((units, run.length), np.nan), [""] * units
    if COUNTED in kept:
        auc, p = run.presence(kept)
        each = run.labels(kept, units)
        formulas = [tuple(label.words(run.concepts.names) for label in of_unit) for of_unit in each]
        formula_ious = np.array([[label.iou for label in of_unit] for of_unit in each])
        meanings = [taken(of_unit).words(run.concepts.names) for of_unit in each]
    untrained = kept.get("untrained", np.zeros(0))
    best = own.max(axis=1)
    is_counted = "pixels" in kept
    return Dissection(
        node=run.node,
        names=run.concepts.names,
        categories=run.concepts.categories,
        thresholds=kept["thresholds"][:units],
        ious=own,
        concept=np.where(best > 0, own.argmax(axis=1), -1),
        iou=best,
        formulas=tuple(formulas),
        formula_ious=formula_ious,
        meanings=tuple(meanings),
        auc=auc,
        p=p,
        chance=against_untrained(best, untrained) if len(untrained) and is_counted else np.full(units, np.nan),
        untrained=untrained,
        rotated=turned.max(axis=1) if len(turned) else np.zeros(0),
        rotated_concept=turned.argmax(axis=1) if len(turned) and is_counted else np.full(len(turned), -1),
        trials=tuple(_trial(row) for row in kept.get("trials", ())),
        bar=run.bar,
        quantile=run.quantile,
        size=run.size,
        source=run.pictures.name,
        count=len(kept["numbers"]) - len(kept["unlabelled"]) if is_counted else 0,
        remarks=run.remarks(kept),
        classes=tuple(run.model.class_names),
        shown=run.shown(kept) if LOOKED_AT in kept else None,
        done=step.done,
        total=run.total,
        skipped=step.skipped,
        state=step.state,
    )


def _trial(row: Array) -> Trial:
    """Return a trial from its numbers."""
    whole = ("unit", "concept", "loser", "scenes")
    values = dict(zip(Trial._fields, row.tolist(), strict=True))
    return Trial(**{name: int(value) if name in whole else value for name, value in values.items()})


def plot(result: Dissection, figure: Figure) -> None:
    """Draw the best detectors with their pictures, and how many units detect each concept."""
    draw(result, figure)


def example() -> Dissection:
    """Dissect the last feature layer of the bundled net for scenes."""
    from minitorch_viz.models import load_model

    return dissection(load_model("scenes"), "scenes:64", length=2)


def applies(model: Model) -> str | None:
    """Return why units cannot be dissected: they stand at no places, or at others of each photo; None if they can."""
    if not model.first_conv:
        return "it has no convolutions, so that no unit stands at a place of the picture"
    return varying(model)


TECHNIQUE = Technique(
    name="dissection",
    compute=dissection,
    plot=plot,
    title="Network dissection: which concept each unit detects",
    paper="Bau et al. 2017",
    example=example,
    chapter="look",
    level=60,
    pages=(".html",),
    applies=applies,
    subject=LabelledPictures(),
    budget=60,
    shown_by="scenes",
)
