"""Top patches: what excites a unit, out of any number of pictures, and which of these pixels its answer came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.errors import DataFileError, SettingError, near, need_whole
from minitorch_viz.techniques.activations._top_patches_figure import MOST_UNITS, draw
from minitorch_viz.techniques.activations._top_patches_rows import LOWEST, STRONGEST, Cutter, Rows, Shown
from minitorch_viz.techniques.activations._top_patches_search import By, Search
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.chosen import (
    Channels,
    channel_count,
    channels_meant,
    is_rectified,
    middle_node,
    probe,
)
from minitorch_viz.techniques.explain.gates import gates_note
from minitorch_viz.techniques.explain.patches import Beside
from minitorch_viz.techniques.explain.strongest import Strongest, Top
from minitorch_viz.techniques.explain.tenths import sampling_error
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES
from minitorch_viz.techniques.tally import BATCH, Skipped, Tallied, left_out, tallied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

OF_A_UNIT, OF_REGIONS = 9, 16  # patches, where it is not said


@dataclass(frozen=True, eq=False)
class TopPatches(Result):
    """Hold the strongest answers of a node's units over many pictures, and what these units see there."""

    no_numbers: ClassVar[tuple[str, ...]] = ("patches",)  # pixels: the page and the figure have them

    node: str
    channels: Array  # (U,) int: the units that are shown
    kinds: tuple[str, ...]  # (K,): "strongest", "tenth 10" ... "tenth 1", "lowest": what each patch of a unit is
    values: Array  # (U, K) floats: the answers (by relevance: shares of the class score); NaN where there is none
    numbers: Array  # (U, K) int: of the pictures; -1 where there is none
    rows: Array  # (U, K) int: the unit's place in its map; -1 of a node without places
    columns: Array  # (U, K) int
    fields: Array  # (U, K, 4) int: top, left, bottom, right of what it sees, in pixels of the net's input
    files: tuple[str, ...]  # (U * K,): what the pictures are called, row by row; "" where there is none
    patches: Shown  # (U, K): None where there is none, or none yet
    top: Top  # (C, k): the strongest of every unit of the node (by regions: of the one)
    titles: tuple[str, ...]  # what the pictures of `top` are called, in the order of `title_numbers`
    title_numbers: Array  # (M,) int: their numbers
    source: str  # what the pictures are called
    looked_at: int  # pictures
    answer: str  # what was looked for: "answer", "relevance for class ..."
    beside: Beside
    seen: str  # how much a unit sees, in words
    sampled: int  # pictures that the tenths are of; 0: there are none
    not_finite: int
    silent: tuple[int, ...]  # units of a ReLU of which a patch shown among the strongest has the answer 0
    names: tuple[str, ...]  # (U,) what the units are called: classes; "" of units inside the net
    remark: str  # what came back where not all gates on the way are ReLUs
    rectified: bool  # whether every answer comes out of a ReLU, so that none is below 0
    skipped: tuple[Skipped, ...]
    done: int
    total: int
    state: State | None = None  # what another run goes on from

    @property
    def facts(self) -> tuple[str, ...]:
        units = f"{len(self.channels)} unit{'s' * (len(self.channels) > 1)} of {self.node}"
        return (units, f"{self.looked_at} pictures of {self.source}")

    @property
    def caption(self) -> str:
        kinds = "strongest" if "tenth 1" not in self.kinds else "strongest, samples from each tenth"
        kinds += " and the lowest" if "lowest" in self.kinds else ""
        beside = ""
        if self.beside != "none":
            how = {"guided": "guided backpropagation", "deconvnet": "the deconvnet"}[self.beside]
            beside = (
                f" Below each is what came back to its pixels from that unit alone, by {how}: mid-grey (of one channel "
                "white) is 0, each on its own scale, full colour at the 99.5th percentile inside the field. Where a "
                "whole picture is shown, 90 % of the energy of what came back lies in the orange frame."
            )
        of = f"{self.looked_at} pictures of {self.source}"
        return (
            f"Of {of}, those where the {self.answer} of a unit of {self.node} is {kinds}: {self.seen}, in white, with "
            f"the value on the {self.answer}'s own scale and the picture's class or name.{beside}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        shown = len(self.channels)
        silent = ", ".join(map(str, self.silent[:8])) + (" ..." if len(self.silent) > 8 else "")
        drawn = 0 < self.sampled < self.looked_at
        error = f"{100 * sampling_error(self.sampled):.1f} %" if drawn else ""
        tenths = f"The tenths are of {self.sampled} pictures drawn at random"
        remarks = {
            f"The answer was no finite number {self.not_finite} times, which count for nothing.": self.not_finite,
            f"In fewer pictures than are shown did unit {silent} fire: an answer of 0 is none.": silent,
            f"{tenths}: the rank of a border is off by at most {error} of all (95 % certain).": drawn,
            f"{self.node} comes out of a ReLU, so that no answer is below 0; those of a node before it say what a unit "
            "is against.": self.rectified and LOWEST in self.kinds,
            f"The figure shows {MOST_UNITS} of {shown} units; a page (.html) has all.": shown > MOST_UNITS,
        }
        remark = (self.remark,) if self.remark else ()
        return (
            *how_far(self, "step"),
            *left_out(self.skipped),
            *remark,
            *(text for text, applies in remarks.items() if applies),
        )

    def html(self) -> str:
        """Return the page of all units, one file."""
        from minitorch_viz.techniques.activations._top_patches_page import page_of

        return page_of(self)


@looping("step")
def top_patches(
    model: Model,
    pictures: Any,
    *,
    node: str | None = None,
    channels: Channels = None,
    units: int = 4,
    count: int | None = None,
    each: int = 1,
    beside: Beside = "guided",
    by: By = "activation",
    target: str | int | None = None,
    tenths: int = 0,
    negative: bool = False,
    regions: bool = False,
    batch: int = BATCH,
    workers: int = 1,
    state: State | None = None,
) -> Iterator[TopPatches]:
    """Show what excites a unit most: the pictures, and the part of each that the unit sees.

    Every picture goes through the net once. Of every unit of the node the strongest answers are kept, exactly, with
    their pictures and places; memory does not grow with the pictures. Then those of the units shown are cut out. The
    strongest alone can mislead: a unit may have several meanings, and samples from each tenth of its answers, or the
    lowest, show them.

    Args:
        node: whose units; by default the ReLU in the middle of the net
        channels: these units, 3,17,40-45, or all; by default those of the strongest answers
        units: how many, where channels are left out
        count: patches a unit; by default 9, with regions 16
        each: how many of them may be of one picture
        beside: what came back to the pixels of each patch from the unit alone (none: faster)
        by: what is largest, the unit's answer, or its relevance for a class (RelMax)
        target: the class that by relevance is for; by default each picture's most probable one
        tenths: show so many samples of each tenth of the answers, the pictures ranked by their strongest
        negative: show the lowest answers, too; of a node before its ReLU they say what it is against
        regions: one unit as a detector, in each picture without regions that overlap with stronger ones
        batch: pictures a forward pass
        workers: processes that share the pictures

    Returns TopPatches with the values, pictures, places and fields of the units shown, and `top` of all units.
    state= goes on from a result's. Raises SettingError if a setting does not fit, NetError for an unknown node,
    DataFileError if there is no such folder or no picture in it.

    Paper: Zeiler, Fergus 2013; Girshick et al. 2014 (regions); Achtibat et al. 2023 (by relevance).
    """
    shown, node = as_pictures(pictures), node or middle_node(model)
    for name, value, choices in (("beside", beside, get_args(Beside)), ("by", by, get_args(By))):
        if value not in choices:
            raise SettingError(f"There is no {name} {value!r}; {near(value, choices, name)}.")
    most = need_whole("count", (OF_REGIONS if regions else OF_A_UNIT) if count is None else count, 1)
    units, tenths = need_whole("units", units, 1), need_whole("tenths", tenths, 0)
    empty = probe(model, node)
    wanted = channels_meant(node, channels, channel_count(model, empty, node))
    search = Search(model, node, wanted, units, most, each, by, target, tenths, negative, regions)
    remark = "" if beside == "none" else gates_note(model.net, empty, (beside,))
    cutter, pace = Cutter(model, shown, node, beside, remark), Pace(3.0)
    answers = None
    for step in tallied(model, shown, search.tallies(), batch=batch, workers=workers, state=state):
        answers = search.answers(step)
        if answers is None:
            continue
        if pace.due():
            cutter.quickly(answers[1])
        opening = min(len(shown), answers[1].numbers.size)
        yield _result(search, shown, cutter, step, answers, step.done, len(shown) + opening)
    if answers is None:
        why = step.skipped[0].why
        raise DataFileError(f"There are no patches: none of the {len(shown)} pictures could be read. {why}")
    total = len(shown) + cutter.count(answers[1])
    for done in cutter.steps(answers[1]):
        yield _result(search, shown, cutter, step, answers, len(shown) + done, total)


def _result(
    search: Search,
    pictures: Pictures,
    cutter: Cutter,
    step: Tallied,
    answers: tuple[Top, Rows, int],
    done: int,
    total: int,
) -> TopPatches:
    top, rows, sampled = answers
    numbers = np.unique(top.numbers[top.numbers >= 0])
    strongest = np.array(rows.kinds) == STRONGEST
    rectified = search.by == "activation" and is_rectified(search.model.net, search.node)
    classes = search.model.class_names if search.node == search.model.logits else ()
    silent = ((rows.values <= 0) & (rows.numbers >= 0))[:, strongest].any(axis=1) & rectified
    return TopPatches(
        search.node,
        *rows,
        cutter.seen(rows),
        tuple("" if number < 0 else pictures.title(number) for number in rows.numbers.ravel().tolist()),
        cutter.shown(rows),
        top,
        tuple(pictures.title(number) for number in numbers.tolist()),
        numbers,
        pictures.name,
        step.done - len(step.skipped),
        search.goal,
        cutter.beside,
        cutter.view_in_words,
        sampled,
        sum(tally.not_finite for tally in step.tallies if isinstance(tally, Strongest)),
        tuple(rows.channels[silent].tolist()),
        tuple(classes[channel] if classes else "" for channel in rows.channels.tolist()),
        cutter.remark,
        rectified,
        step.skipped,
        done,
        total,
        step.state,
    )


def plot(result: TopPatches, figure: Figure) -> None:
    """Draw for each unit its patches, and below each what came back to its pixels."""
    draw(result, figure)


def example() -> TopPatches:
    """Show what excites units of the bundled net for scenes, in some of these."""
    from minitorch_viz.models import load_model

    return top_patches(load_model("scenes"), "scenes:24", units=2, count=4)


TECHNIQUE = Technique(
    name="top-patches",
    compute=top_patches,
    plot=plot,
    title="Top patches: what excites a unit most",
    paper="Zeiler, Fergus 2013",
    example=example,
    chapter="look",
    level=60,
    pages=(".html",),
    subject=PICTURES,
    shown_by="scenes",
)
