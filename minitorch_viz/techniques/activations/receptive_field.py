"""The receptive field: what a unit can see of a photo, how much of that it uses, and what covering changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import ancestors
from minitorch_viz.techniques.activations._occlusion_fills import fill_sentence, fill_words, filling
from minitorch_viz.techniques.activations._occlusion_squares import covers, places_on
from minitorch_viz.techniques.activations._receptive_field_measure import Run, measured
from minitorch_viz.techniques.activations._receptive_field_nodes import (
    Table,
    default_node,
    nodes_along,
    spots_along,
    table_of,
)
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.fields import Spot, Spread, spread_of
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.explain.view import PhotoResult, view
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

ALONG = 12  # nodes along the net, at most


@dataclass(frozen=True, eq=False)
class FieldsAlong(PhotoResult):
    """Hold the field of the units at one place of the photo, for D nodes along the net, the chosen one among them."""

    no_numbers: ClassVar[tuple[str, ...]] = ("state",)

    nodes: tuple[str, ...]  # (D,), in the order of the net
    chosen: int  # which of them is asked for
    units: tuple[str, ...]  # (D,) the units, in words
    boxes: Array  # (D, 4) int: top, left, bottom, right of what they can see, padding counted; else the whole photo
    has_box: Array  # (D,) bool: False where a unit may see everything
    effective: Array  # (D, h, w): share of the gradient's energy at each pixel; NaN: not measured yet
    changes: Array  # (D, rows, columns): squared change of the units with the occluder there; NaN: not measured yet
    tops: Array  # (rows,) the occluder's first pixel row; negative where it hangs over the border
    lefts: Array  # (columns,)
    size: int  # the occluder's side in pixels
    fill: str  # what it shows
    samples: int  # gradients whose energy is averaged
    table: Table  # every node with a map
    model_name: str
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    blanks: tuple[str, ...]  # (D,) why there is no gradient; "" if there is one
    done: int
    total: int
    state: State | None = None

    @property
    def label(self) -> str:
        """Return the chosen units, in words."""
        return self.units[self.chosen]

    @property
    def facts(self) -> tuple[str, ...]:
        high, wide = self.sides_of(self.chosen)
        return (self.label, f"sees {high} x {wide} pixels" if self.has_box[self.chosen] else "may see everything")

    def box(self, depth: int) -> Field:
        """Return what the units of a node can see, as if the photo went on."""
        return Field(*self.boxes[depth].tolist())

    def sides_of(self, depth: int) -> Pair:
        """Return the sides of that box."""
        box = self.box(depth)
        return box.bottom - box.top, box.right - box.left

    def spread(self, depth: int) -> Spread:
        """Return where the gradient's energy lies, and how wide it is."""
        high, wide = self.picture.shape[:2]
        return spread_of(self.effective[depth], range(high), range(wide))

    def changed_spread(self, depth: int) -> Spread:
        """Return where the occluders' changes lie, and how wide they are."""
        middle = (self.size - 1) / 2
        return spread_of(self.changes[depth], self.tops + middle, self.lefts + middle)

    def changed(self, depth: int) -> Array:
        """Return (h, w): the mean of the squared changes over all squares that cover a pixel; 0 where none has been."""
        rows, columns = (
            covers(firsts, self.size, side)
            for firsts, side in zip((self.tops, self.lefts), self.picture.shape[:2], strict=True)
        )
        measured = ~np.isnan(self.changes[depth])
        squares = rows.T @ measured @ columns
        mean: Array = (rows.T @ np.nan_to_num(self.changes[depth]) @ columns) / np.maximum(squares, 1)
        return mean

    @property
    def caption(self) -> str:
        depth = self.chosen
        high, wide = self.sides_of(depth)
        effective, empirical = self.spread(depth), self.changed_spread(depth)
        sees = (
            f"can see {high} x {wide} pixels (the box)"
            if self.has_box[depth]
            else "may depend on every pixel: a layer on the way reads all of its map"
        )
        words = f"{self.label[0].upper()}{self.label[1:]}: what stands there {sees}. "
        if not effective.is_blank:
            words += (
                f"Effective field: the energy (square) of the gradient, the mean of {self.samples} samples, has the "
                f"width of a Gaussian of sigma {effective.sigma[0]:.3g} x {effective.sigma[1]:.3g} pixels; "
                f"{effective.share:.0%} of it lies inside one sigma (of a Gaussian 39 %), and 95 % of it on an area as "
                f"large as {effective.side:.3g} x {effective.side:.3g}. "
            )
        if not empirical.is_blank:
            words += (
                f"Empirical field: a {fill_words(self.fill)} square of {self.size} x {self.size} pixels, one every "
                f"{_step(self.tops)}; the squared change of the units has sigma {empirical.sigma[0]:.3g} x "
                f"{empirical.sigma[1]:.3g}. "
            )
        return (
            f"{words}The maps show the roots of both, each on a scale of its own from 0 (clear) to the 99.5th "
            "percentile (full colour); the ellipses are one sigma. Saved as .html it is a page with a slider along "
            "depth."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        notes = [*self.given_notes, *how_far(self, "step")]
        depth, (high, wide) = self.chosen, self.picture.shape[:2]
        box = self.box(depth)
        if self.blanks[depth]:
            notes.append(f"There is no effective field: {self.blanks[depth]}.")
        if not np.nan_to_num(self.changes[depth]).any() and self.done == self.total:
            notes.append("Covering changed nothing at these units: there is no empirical field.")
        if min(box) < 0 or box.bottom > high or box.right > wide:
            notes.append(
                f"The box of {self.nodes[depth]} hangs over the photo's border: what lies outside is padding, and the "
                "widths of the effective and the empirical field are those of the part inside."
            )
        row = next((row for row in self.table.rows if row.node == self.nodes[depth]), None)
        if row is not None and row.size is not None and not row.is_even:
            notes.append("The boxes of this node's units are not all of one size: see the table.")
        sentence = fill_sentence(self.fill, self.size)
        return (*notes, *((sentence,) if sentence else ()))

    def html(self) -> str:
        """Return the page: one file with a slider along depth."""
        from minitorch_viz.techniques.activations._receptive_field_page import render_page

        return render_page(self)


@looping("step")
def receptive_field(
    model: Model,
    image: Any,
    *,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | int | None = None,
    along: int = ALONG,
    samples: int = 16,
    size: int | None = None,
    stride: int | None = None,
    fill: str = "mean",
    batch: int = 16,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[FieldsAlong]:
    """Show what a unit can see of a photo, how much of that it uses, and what covering a place changes.

    Its *receptive field* is a box, from the sizes and strides of the layers' windows alone. Its *effective* field is
    where the energy of its gradient lies: most of a box hardly counts, because fewer paths lead from its border than
    from its middle. Its *empirical* field is where a small square that covers the photo changes it. The three are
    shown for one node, and for others along the net at the same place of the photo: deeper units see more. Saved as
    .html it is a page with a slider along depth and a table of all nodes.

    Args:
        node: the node; by default the last one with maps of features
        channel: one channel of the node; by default all: the energies of their gradients and changes are added up
        position: the unit's row and column in the node's map (of a sequence its step); by default the middle
        along: how many nodes along the net are measured, the chosen one among them; 1 is that alone
        samples: gradients whose energy is averaged, of the nearest units of the map, each moved onto this one
        size: the occluder's side in pixels of the net's input; by default a fourteenth of it
        stride: pixels from one place of the occluder to the next; by default half its size
        fill: what it shows: mean (the photo's mean colour), grey, black, white, blur, noise, texture, or a grey level 0
            to 255
        batch: places a forward pass
        seed: of the random signs with which all channels are asked at once, and of the noise

    Returns a FieldsAlong. state= goes on from a result's.
    Raises SettingError for a channel or position that is not there or a size or stride below 1, NetError for an unknown
    node, ImageFileError for a bad image.

    Paper: Araujo, Norris, Sim 2019 (the box); Luo, Li, Urtasun, Zemel 2016 (effective); Zhou et al. 2015 (empirical).
    """
    need_picture(model, "receptive-field")
    seen = view(model, image)
    need_whole("along", along, 1)
    need_whole("samples", samples, 1)
    need_whole("batch", batch, 1)
    high, wide = seen.x.shape[2:]
    side = min(high, wide)
    size = need_whole("occluder's size", max(min(2, side), round(side / 14)) if size is None else size, 1, side)
    stride = need_whole("occluder's stride", max(1, size // 2) if stride is None else stride, 1, side)
    colour = filling(model, fill, seen.x, size, seed)
    if node is not None:
        model.net[node]  # NetError with near names
        if model.input not in ancestors(model.net.nodes, node):
            raise SettingError(f"{node!r} does not depend on the picture; name another node.")
    tape = model.net.forward(seen.x)
    node = default_node(model, tape) if node is None else node
    table = table_of(model, tape)
    nodes = nodes_along(model, node, along, table.rows)
    spots = spots_along(model, tape, nodes, node, channel, position)
    tops, lefts = places_on(high, size, stride), places_on(wide, size, stride)
    frame = FieldsAlong(
        nodes=tuple(nodes),
        chosen=nodes.index(node),
        units=tuple(spot.words for spot in spots),
        boxes=np.array([_box(spot, (high, wide)) for spot in spots]),
        has_box=np.array([spot.shape is not None for spot in spots]),
        effective=np.full((len(nodes), high, wide), np.nan),
        changes=np.full((len(nodes), len(tops), len(lefts)), np.nan),
        tops=tops,
        lefts=lefts,
        size=size,
        fill=str(fill),
        samples=samples,
        table=table,
        model_name=model.name,
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        photo=seen.area,
        given=seen.given,
        blanks=("",) * len(nodes),
        done=0,
        total=len(nodes) + len(tops) * len(lefts),
    )
    run = Run(model, tape, seen.x, spots, frame, colour)
    yield from measured(run, batch, seed, state)


def _box(spot: Spot, size: Pair) -> Field:
    """Return what units see, of those that may see everything the whole photo."""
    return Field(0, 0, *size) if spot.shape is None else spot.shape.box((spot.place[0], spot.place[1]))


def _step(places: Array) -> str:
    """Return the step from place to place in words."""
    return f"{int(places[1] - places[0])} pixels" if len(places) > 1 else "photo"


def plot(result: FieldsAlong, figure: Figure) -> None:
    """Draw the three fields over the photo, each map beside, and below the widths along depth."""
    from minitorch_viz.techniques.activations._receptive_field_figure import draw

    draw(result, figure)


def example() -> FieldsAlong:
    """Show the field of the middle of the bundled net's last features, for a digit of scikit-learn's."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return receptive_field(load_model("digits"), sample_digit(), size=2, stride=2)


TECHNIQUE = Technique(
    name="receptive-field",
    compute=receptive_field,
    plot=plot,
    title="Receptive field: what a unit sees, and what it uses",
    paper="Luo et al. 2016",
    example=example,
    chapter="look",
    level=60,
    pages=(".html",),
    budget=30.0,
)
