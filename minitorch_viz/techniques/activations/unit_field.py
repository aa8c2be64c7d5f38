"""The field of a unit in use: small occluders over the pictures that excite it most, and what it answers to there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, SettingError, need_whole
from minitorch_viz.rules.relu import relus
from minitorch_viz.techniques.activations._occlusion_fills import fill_sentence, fill_words
from minitorch_viz.techniques.activations._unit_field_measure import Measured, Squares, recentred
from minitorch_viz.techniques.activations._unit_field_search import (
    Search,
    Strong,
    anchors_of,
    begun_with,
    state_of,
)
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.anchored import need_one_size, varying
from minitorch_viz.techniques.explain.fields import Spread, spread_of
from minitorch_viz.techniques.explain.receptive import Field, geometry
from minitorch_viz.techniques.explain.strongest import Strongest
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES
from minitorch_viz.techniques.tally import BATCH, Skipped, Tallied, left_out, tallied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class UnitField(Result):
    """Hold the K pictures that excite a unit most, what of them it answers to, and how far it looks."""

    no_numbers: ClassVar[tuple[str, ...]] = ("state",)

    node: str
    channel: int
    values: Array  # (K,) its strongest answers
    numbers: Array  # (K,) int: the pictures that gave them
    places: Array  # (K, 2) int: row and column in the node's map
    titles: tuple[str, ...]  # (K,)
    pictures: Array  # (K, h, w, 3) uint8: what the net saw
    boxes: Array  # (K, 4) int: top, left, bottom, right of what the unit can see, padding counted
    maps: Array  # (K, h, w): the channel's map, enlarged so that each value stands at the middle of what its unit sees
    changes: Array  # (K, rows, columns): squared change, as a share of the answer; NaN: not measured yet
    tops: Array  # (rows,) the occluder's first pixel row; negative where it hangs over the border
    lefts: Array  # (columns,)
    size: int  # the occluder's side in pixels
    fill: str  # what it shows
    field: Array  # (2 h + 1, 2 w + 1): the mean of the changes, the unit in the middle
    count: Array  # (2 h + 1, 2 w + 1): in how many pictures that pixel was
    threshold: float  # share of a picture's strongest answer above which a pixel belongs to the segment
    has_box: bool  # False: every unit of this node may see everything
    source: str
    looked_at: int
    skipped: tuple[Skipped, ...]
    done: int
    total: int
    state: State | None = None  # what another run goes on from

    @property
    def label(self) -> str:
        """Return the unit in words."""
        return f"{self.node} channel {self.channel}"

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.label, f"{len(self.values)} of {self.looked_at} pictures of {self.source}")

    @property
    def masks(self) -> Array:
        """Return (K, h, w) bool: the segment of each picture."""
        masks: Array = self.maps > self.threshold * np.maximum(self.maps.max(axis=(1, 2), keepdims=True), 1e-30)
        return masks

    @property
    def spread(self) -> Spread:
        """Return how wide the empirical field is, around the unit."""
        high, wide = self.field.shape
        return spread_of(self.field, np.arange(high) - high // 2, np.arange(wide) - wide // 2)

    @property
    def box_sides(self) -> Pair:
        """Return how many pixels a unit can see, padding counted; of an unknown box the picture's sides."""
        box = Field(*self.boxes[0].tolist())
        return box.bottom - box.top, box.right - box.left

    @property
    def caption(self) -> str:
        spread, (high, wide) = self.spread, self.box_sides
        sees = f"can see {high} x {wide} pixels" if self.has_box else "may depend on every pixel"
        words = (
            f"{self.label}: the {len(self.values)} pictures of {self.source} ({self.looked_at}) with its strongest "
            f"answers, and of each what its map says it answers to: more than {self.threshold:.0%} of its strongest "
            f"answer there, the rest is darkened. A {fill_words(self.fill)} square of {self.size} x {self.size} pixels "
            f"stood on each, one every {self.step} pixels; the change of the unit, moved so that the unit is in the "
            f"middle, is its empirical field. It {sees} (the frame)"
        )
        if not spread.is_blank:
            words += (
                f"; the energy of the changes has sigma {spread.sigma[0]:.3g} x {spread.sigma[1]:.3g}, and 95 % of it "
                f"lies on an area as large as {spread.side:.3g} x {spread.side:.3g}"
            )
        return (
            f"{words}. The maps are roots of squared changes, each on a scale of its own from 0 (clear) to the 99.5th "
            "percentile."
        )

    @property
    def step(self) -> int:
        """Return the pixels from one place of the square to the next."""
        return int(self.tops[1] - self.tops[0]) if len(self.tops) > 1 else self.size

    @property
    def notes(self) -> tuple[str, ...]:
        silent = bool(len(self.values)) and not self.values[0] > 0
        remarks = {
            "The unit answers to no picture: its strongest answer is not above 0, so nothing is segmented.": silent,
            "Where a unit's middle is on the picture is not known for this node: it may see everything. It is taken to "
            "be where its place lies on the map.": not self.has_box,
            "Covering changed nothing: the square is too small, or the unit does not depend on the picture.": (
                self.spread.is_blank and self.done == self.total
            ),
            fill_sentence(self.fill, self.size): bool(fill_sentence(self.fill, self.size)),
        }
        return (
            *how_far(self, "step"),
            *left_out(self.skipped),
            *(text for text, applies in remarks.items() if applies),
        )


@looping("step")
def unit_field(
    model: Model,
    pictures: Any,
    *,
    node: str | None = None,
    channel: int | None = None,
    top: int = 4,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "noise",
    threshold: float = 0.5,
    batch: int = BATCH,
    workers: int = 1,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[UnitField]:
    """Show how far a unit looks in the pictures that excite it most, and what of them it answers to.

    Every picture goes through the net once, and those with the unit's strongest answers are kept. A small square covers
    each of them at one place after another; where the unit's answer changes it was looking. These maps, moved so that
    the unit is in the middle, and averaged, are its empirical receptive field, far smaller than the box that it could
    see. The unit's own map, enlarged and cut at a threshold, segments the pictures.

    Args:
        node: the unit's node, one with maps; by default the ReLU in the middle of the net
        channel: the unit; by default the one with the strongest answer
        top: how many pictures
        size: the square's side in pixels of the net's input; by default a twentieth of it (11 of 224, as published)
        stride: pixels from one place to the next; by default a 28th of the input (8 of 224; published is 3)
        fill: what the square shows: noise (the picture's own pixels, shuffled), mean, grey, black, white, blur,
            texture, or a grey level 0 to 255
        threshold: share of a picture's strongest answer above which a pixel belongs to the segment
        batch: pictures, or places, a forward pass
        workers: processes that share the pictures of the search
        seed: of the noise

    Returns a UnitField with changes (K, rows, columns), their mean around the unit, and masks (K, h, w). state= goes on
    from a result's.
    Raises SettingError if a setting does not fit or the node has no maps, NetError for an unknown node, DataFileError
    if there is no such folder or no picture in it.

    Paper: Zhou, Khosla, Lapedriza, Oliva, Torralba 2015.
    """
    need_one_size(model, "unit-field")
    shown, node = as_pictures(pictures), _node_of(model, node)
    high, wide = model.preprocessing.size
    side = min(high, wide)
    need_whole("top", top, 1)
    size = need_whole("occluder's size", max(min(2, side), round(side / 20)) if size is None else size, 1, side)
    stride = need_whole("occluder's stride", max(1, round(side / 28)) if stride is None else stride, 1, side)
    need_whole("batch", batch, 1)
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 < threshold < 1:
        raise SettingError(f"threshold is a share between 0 and 1, but got {threshold!r}.")
    squares = Squares.on((high, wide), size, stride, fill, seed)
    search = Search(model, shown, node, channel, squares, anchors_of(model, node, channel, squares, (high, wide)))
    pace = Pace(3.0)
    for step in tallied(model, shown, [Strongest(node, top)], batch=batch, workers=workers, state=begun_with(state)):
        strong = search.strongest(step)
        if strong is not None and step.done < step.total and pace.due():
            yield _result(search, step, strong, Measured.nothing(len(strong.numbers), squares), threshold)
    if strong is None:
        raise DataFileError(f"None of the {len(shown)} pictures could be read. {step.skipped[0].why}")
    for measured in search.measured(strong, batch, state):
        yield _result(search, step, strong, measured, threshold)


def _node_of(model: Model, node: str | None) -> str:
    """Return the node, by default the middle one of the ReLUs whose units see a part of the picture."""
    if node is not None:
        model.net[node]  # NetError with near names
        return node
    names = [name for name in relus(model.net) if geometry(model, name) is not None]
    return names[(len(names) - 1) // 2] if names else model.last_conv or model.first_conv


def _result(search: Search, step: Tallied, strong: Strong, measured: Measured, threshold: float) -> UnitField:
    squares = search.squares
    opened = [search.opened(strong, rank) for rank in range(len(strong.numbers))]
    pictures = np.stack([picture.seen.picture for picture in opened])
    field, count = recentred(measured.changes, [picture.centre for picture in opened], squares, pictures.shape[1:3])
    return UnitField(
        node=search.node,
        channel=strong.channel,
        values=strong.values,
        numbers=strong.numbers,
        places=strong.places,
        titles=tuple(search.pictures.title(number) for number in strong.numbers.tolist()),
        pictures=pictures,
        boxes=np.array([picture.box for picture in opened]),
        maps=np.stack([picture.enlarged for picture in opened]),
        changes=measured.changes,
        tops=squares.tops,
        lefts=squares.lefts,
        size=squares.size,
        fill=str(squares.fill),
        field=field,
        count=count,
        threshold=float(threshold),
        has_box=search.anchors.exact,
        source=search.pictures.name,
        looked_at=step.done - len(step.skipped),
        skipped=step.skipped,
        done=step.done + measured.done,
        total=step.total + (measured.total or measured.changes.size),
        state=state_of(step, measured),
    )


def has_maps(model: Model) -> str | None:
    """Return why a net has no units at places; None if it has."""
    if not model.first_conv:
        return "it has no convolutions, so that no unit stands at a place of the picture"
    return varying(model)


def plot(result: UnitField, figure: Figure) -> None:
    """Draw the mean field beside the pictures, covered above and segmented below."""
    from minitorch_viz.techniques.activations._unit_field_figure import draw

    draw(result, figure)


def example() -> UnitField:
    """Show the field of a unit of the bundled net for digits."""
    from minitorch_viz.data import load_digits
    from minitorch_viz.models import load_model

    return unit_field(load_model("digits"), load_digits()[1][:200], top=3)


TECHNIQUE = Technique(
    name="unit-field",
    compute=unit_field,
    plot=plot,
    title="The field of a unit: how far it looks, and what it answers to",
    paper="Zhou et al. 2015",
    example=example,
    applies=has_maps,
    chapter="look",
    level=70,
    subject=PICTURES,
    budget=60.0,
    shown_by="scenes",
)
