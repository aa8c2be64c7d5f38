"""Multifaceted feature visualization: the different things that excite one unit, a picture of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import channel_axis
from minitorch_viz.objectives import AnyOf, ChannelMean, Each, Objective, Unit
from minitorch_viz.optimize.natural import as_x
from minitorch_viz.optimize.parametrizations import Pixels
from minitorch_viz.optimize.score import own_size
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.codes import codes_tally
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.unit import Targets
from minitorch_viz.techniques.optimization._climb import Climb, part_of, size_of
from minitorch_viz.techniques.optimization._multifaceted_facets import Facets, Values, chosen_pictures, grouped
from minitorch_viz.techniques.optimization._multifaceted_figure import draw
from minitorch_viz.techniques.optimization._multifaceted_preset import PRESET_FROM_MEANS, stages_of
from minitorch_viz.techniques.optimization._pictures import MadePictures, Method, as_seen_at, made, scores_of
from minitorch_viz.techniques.optimization._targets import class_targets
from minitorch_viz.techniques.run import Pace, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES
from minitorch_viz.techniques.tally import Tallied, tallied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

SHOWN = 6  # natural pictures of each facet
SMALL = 96  # pixels of one's side
MOST_FACETS = 10
LARGER = 1.44  # than the net's own pictures, in the paper's octaves
SHARD = 64  # pictures: each counts as a step
SMALL_SIDE = 64
PER_FACET = 10  # pictures that are grouped, where there are more


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


class Beside:
    """Hold what `made` asks of natural pictures: those of the facets, and the state of their search."""

    def __init__(self, name: str, looked_at: int, state: State, facets: int) -> None:
        self.name, self.looked_at, self.state, self.note = name, looked_at, state, ""
        self.facets = facets

    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """Return no patches: whole pictures are shown."""
        return tuple(() for _ in range(self.facets))


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
    search = _Search(model, shown, objective, facets, nearest, most, codes, seed)
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


class _Search:
    """Look for the pictures that excite a unit, and group them."""

    def __init__(
        self, model: Model, pictures: Pictures, objective: Objective, facets: int, nearest: int, most: int | None,
        codes: str | None, seed: int,
    ) -> None:  # fmt: skip
        self.model, self.pictures, self.objective = model, pictures, objective
        self.facets, self.nearest, self.seed = facets, nearest, seed
        self.most = PER_FACET * facets if most is None else need_whole("most", most, facets)
        self.codes = codes_tally(model, codes, None, len(pictures))
        self.shards = -(-len(pictures) // SHARD)
        self.newest: Tallied | None = None

    def each(self, state: State | None) -> Iterator[Tallied]:
        """Yield the newest tallies as the pictures go by."""
        for step in tallied(self.model, self.pictures, [Values(self.objective), self.codes], state=state):
            self.newest = step
            yield step

    def groups(self) -> Facets:
        """Return the facets of the pictures that excite the unit most."""
        assert self.newest is not None
        values, codes = self.newest.tallies
        numbers = values.arrays["numbers"]
        labels, wanted = self._labels(numbers)
        kept = chosen_pictures(values.arrays["values"], labels, wanted, 5 * self.facets, self.most)
        rows = codes.arrays["codes"][kept]
        return grouped(numbers[kept], values.arrays["values"][kept], rows, self.facets, self.nearest, self.seed)

    def _labels(self, numbers: Array) -> tuple[Array | None, int | None]:
        """Return the labels of the pictures, and that of the class that is climbed; None where there are none."""
        names, unit = self.pictures.class_names, self.objective
        if not names or not isinstance(unit, Unit) or unit.node != self.model.logits:
            return None, None
        name = self.model.class_names[unit.index[0]]
        labels = [self.pictures.label(number) for number in numbers.tolist()]
        return np.array([-1 if label is None else label for label in labels]), names.index(
            name
        ) if name in names else None

    def mean_of(self, numbers: list[int], size: tuple[int, int]) -> Array:
        """Return the mean x (C, H, W) of pictures, read again."""
        units = Units.of(self.model.reader())
        total, count = np.zeros((units.channels, *size)), 0
        for number in numbers:
            total += as_x(self.pictures[number], units, size)
            count += 1
        return total / count

    def examples(self, groups: Facets) -> Array:
        """Return some pictures of each facet, (k, 6, s, s, 3) uint8, those nearest to its centre."""
        units = Units((0.0,) * 3, (1.0,) * 3)
        sheet = np.full((self.facets, SHOWN, SMALL, SMALL, 3), 255, np.uint8)
        for facet in range(self.facets):
            for place, number in enumerate(groups.members(facet)[:SHOWN]):
                x = as_x(self.pictures[number], units, (SMALL, SMALL))
                sheet[facet, place] = x.transpose(1, 2, 0).astype(np.uint8)
        return sheet

    def so_far(self, step: Tallied, size: tuple[int, int], steps: int, total: int, chosen: str) -> FacetPictures:
        """Return the result while pictures are looked at: grey pictures, nothing measured."""
        units, k = Units.of(self.model.reader()), self.facets
        grey = units.shown(np.zeros((k, units.channels, *size)))
        none = np.full(k, np.nan)
        empty = np.zeros(0, np.int64)
        return FacetPictures(
            pixels=grey, labels=(self.objective.label,) * k, before=none, after=none, probabilities=none,
            scores=np.full((steps, k), np.nan), transparency=np.zeros((k, *size)), method=Method.of(PRESET_FROM_MEANS),
            words=(), natural=tuple(() for _ in range(k)), looked_at=step.done - len(step.skipped),
            source=self.pictures.name, beside="", net=self.model.name, done=-(-step.done // SHARD), total=total,
            state=_search_state(step),
            label=self.objective.label, means=grey, examples=np.full((k, SHOWN, SMALL, SMALL, 3), 255, np.uint8),
            facets=Facets(empty, np.zeros(0), np.zeros((0, 2)), empty, np.full((k, self.nearest), -1, np.int64)),
            seen=step.done - len(step.skipped), count=len(self.pictures), chosen=chosen, codes_of=self.codes.node,
        )  # fmt: skip


def _search_state(step: Tallied) -> State:
    """Return what another run goes on from while pictures are looked at."""
    arrays, numbers = step.state
    return State({f"search/{name}": value for name, value in arrays.items()}, {"search": dict(numbers)})


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
