"""Multifaceted feature visualization: the different things that excite one unit, a picture of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import channel_axis
from minitorch_viz.objectives import AnyOf, ChannelMean, Each, Objective
from minitorch_viz.optimize.parametrizations import Pixels
from minitorch_viz.optimize.score import own_size
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.unit import Targets
from minitorch_viz.techniques.optimization._climb import Climb, part_of, size_of
from minitorch_viz.techniques.optimization._multifaceted_facets import Facets
from minitorch_viz.techniques.optimization._multifaceted_figure import draw
from minitorch_viz.techniques.optimization._multifaceted_preset import PRESET_FROM_MEANS, stages_of
from minitorch_viz.techniques.optimization._multifaceted_search import Beside, Search
from minitorch_viz.techniques.optimization._pictures import MadePictures, as_seen_at, made, scores_of
from minitorch_viz.techniques.optimization._targets import class_targets
from minitorch_viz.techniques.run import Pace, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_FACETS = 10
LARGER = 1.44  # than the net's own pictures, in the paper's octaves
SMALL_SIDE = 64


@dataclass(frozen=True, eq=False)
class FacetPictures(MadePictures):
    """Hold a picture of each facet of one unit, the natural pictures of the facet, and their mean."""

    no_numbers: ClassVar[tuple[str, ...]] = ("natural", "examples")  # pixels of the user's own pictures

    label: str  # what is climbed
    means: Array  # (k, h, w, C) uint8: the mean of the pictures nearest to each facet's centre: the start
    examples: Array  # (k, 6, s, s, 3) uint8: natural pictures of each facet; white where there are fewer
    facets: Facets
    seen: int  # pictures of the data set that were looked at
    count: int  # of its pictures
    chosen: str  # a note on how the class was chosen; "" if it was named
    codes_of: str  # the node whose codes were grouped

    @property
    def caption(self) -> str:
        nearest = self.facets.nearest.shape[1]
        return (
            f"The facets of {self.label} of {self.net}: the {len(self.facets.numbers)} of {self.seen} pictures of "
            f"{self.source} that excite it most, grouped by their codes at {self.codes_of} (50 principal components, "
            f"t-SNE, k-means). In each row the natural pictures nearest to a facet's centre, the mean of up to "
            f"{nearest} of them, and the picture that was made from that mean: moved until the score is high. "
            f"{self.how}. Pixels are shown as they are, on the scale 0 to 255."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        searching = (
            (f"So far {self.seen} of {self.count} pictures have been looked at; no picture has been made yet.",)
            if self.seen < self.count and not len(self.facets.numbers)
            else ()
        )
        alone = [str(i + 1) for i, number in enumerate(self.facets.counts) if number < 3 and len(self.facets.numbers)]
        few = (f"Facet {', '.join(alone)} has fewer than 3 pictures: its mean is hardly one.",) if alone else ()
        return (*super().notes, *searching, *few, *((self.chosen,) if self.chosen else ()))


@looping("step")
def multifaceted(
    model: Model,
    pictures: Any,
    *,
    target: Targets = None,
    node: str | None = None,
    channel: int | None = None,
    facets: int = 4,
    nearest: int = 15,
    most: int | None = None,
    codes: str | None = None,
    size: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[FacetPictures]:
    """Show the different things that excite one class or unit, a picture of each.

    One picture hides that a unit means several things: a bell pepper is red or green, a cinema is a front by night and
    rows of seats. So the natural pictures that excite the unit most are grouped by their codes, and from the mean of
    each group a picture of its own is made.

    Args:
        target: the class, by number or name; several with commas between are a group, of which one is enough
        node: explain a channel of this node instead of a class
        channel: the node's channel
        facets: groups of pictures
        nearest: pictures about each group's centre whose mean a picture starts from
        most: pictures that are grouped, those with the highest scores; by default 10 for each facet
        codes: the node whose codes are grouped; by default what the last layer with weights reads
        size: pixels of the picture's longer side; by default 1.44 times the net's own, seen through a window
        steps: in all; by default the paper's 370, of pictures below 64 pixels 100; fewer are larger ones
        seed: of map and groups, and of the windows

    Of labelled pictures that have the class's name, and at least 5 for each facet, only these are grouped.

    Returns FacetPictures with pixels (k, h, w, C) uint8. state= goes on from a result's. Raises SettingError for an
    unknown class or channel or too few pictures, NetError for an unknown node, DataFileError if there are no pictures.

    Paper: Nguyen, Yosinski, Clune 2016.
    """
    shown = as_pictures(pictures)
    need_whole("number of facets", facets, 1, MOST_FACETS)
    need_whole("nearest", nearest, 1)
    objective, chosen = _meant(model, target, node, channel)
    search = Search(model, shown, objective, facets, nearest, most, codes, seed)
    extent = size_of(model, round(LARGER * max(own_size(model))) if size is None else size)
    stages = stages_of(_steps(extent) if steps is None else need_whole("steps", steps, 1))
    total = search.shards + sum(stage.steps for stage in stages)
    groups: Facets | None = None
    if state is not None and "ascent" in state.numbers:
        groups = Facets.of(part_of(state, "natural/"))
        seen = int(state.numbers["natural"]["seen"])
    else:
        for step in search.each(None if state is None else State(part_of(state, "search/"), state.numbers["search"])):
            seen = step.done - len(step.skipped)
            if step.done < step.total:
                yield search.so_far(step, extent, total - search.shards, total, chosen)
        groups = search.groups()
    x = np.stack([search.mean_of(groups.members(facet), extent) for facet in range(facets)]).astype(model.dtype)
    each = (objective,) * facets
    parametrization = Pixels(Units.of(model.reader()), extent)
    climb = Climb(model, each, Each(each), PRESET_FROM_MEANS, stages, parametrization, seed, x)
    beside = Beside(shown.name, seen, State(groups._asdict(), {"seen": seen}), facets)
    examples, pace = search.examples(groups), Pace()
    before = None if state is None or "before" not in state.arrays else state.arrays["before"]
    means = parametrization.units.shown(x)
    for ascent in climb.steps(None if state is None or "ascent" not in state.numbers else state):
        if before is None:
            before = scores_of(climb, as_seen_at(climb, ascent))
        if ascent.done and (ascent.done == ascent.total or pace.due()):
            fields = made(climb, ascent, beside, before)  # type: ignore[arg-type]  # it asks for what `Beside` has
            fields |= {"done": search.shards + ascent.done, "total": total}
            yield FacetPictures(
                **fields,
                label=objective.label, means=means, examples=examples, facets=groups, seen=seen, count=len(shown),
                chosen=chosen, codes_of=search.codes.node,
            )  # fmt: skip


def _steps(size: Pair) -> int:
    """Return how many steps there are by default: the paper's 370, of small pictures 100."""
    return PRESET_FROM_MEANS.steps if max(size) >= SMALL_SIDE else 100


def _meant(model: Model, target: Targets, node: str | None, channel: int | None) -> tuple[Objective, str]:
    """Return what is climbed, and a note where the class was not named."""
    if node is None:
        if channel is not None:
            raise SettingError("A channel belongs to a node; name it with --node (node=).")
        if not model.logits:
            raise SettingError(f"{model.name} has no classes; name a unit with --node and --channel.")
        objectives, note = class_targets(model, target)
        if target is None:
            return objectives[0], note or f"No class was named: this is {objectives[0].label}."
        return objectives[0] if len(objectives) == 1 else AnyOf(objectives), note
    if target is not None:
        raise SettingError(f"Give either a class (target={target!r}) or a node (node={node!r}), not both.")
    if channel is None:
        raise SettingError(f"Which channel of {node!r} is climbed? Name it with --channel (channel=).")
    model.net[node]  # NetError with near names
    goal = ChannelMean(node, channel, channel_axis(model.net.nodes, node))
    goal.value(blank_tape(model, node))  # SettingError where there is no such channel
    return goal, ""


def plot(result: FacetPictures, figure: Figure) -> None:
    """Draw a row for each facet: natural pictures, their mean, the picture that was made; below, the map."""
    draw(result, figure)


def example() -> FacetPictures:
    """Show the facets of a digit as the bundled net sees it."""
    from minitorch_viz.data import load_digits
    from minitorch_viz.models import load_model

    return multifaceted(load_model("digits"), load_digits()[1][:120], target=1, facets=2, steps=60)


TECHNIQUE = Technique(
    name="multifaceted",
    compute=multifaceted,
    plot=plot,
    title="Facets: the different things that excite one unit",
    paper="Nguyen, Yosinski, Clune 2016",
    example=example,
    subject=PICTURES,
    shown_by="scenes",
    level=30,
    budget=60,
    in_comparison={"facets": 2, "steps": 4},
)
