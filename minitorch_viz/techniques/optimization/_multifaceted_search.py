"""The search for the pictures that excite a unit, and their facets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import need_whole
from minitorch_viz.objectives import Objective, Unit
from minitorch_viz.optimize.natural import as_x
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.codes import codes_tally
from minitorch_viz.techniques.optimization._multifaceted_facets import Facets, Values, chosen_pictures, grouped
from minitorch_viz.techniques.optimization._multifaceted_preset import PRESET_FROM_MEANS
from minitorch_viz.techniques.optimization._pictures import Method
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.tally import Tallied, tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.optimization.multifaceted import FacetPictures

SHOWN = 6  # natural pictures of each facet
SMALL = 96  # pixels of one's side
SHARD = 64  # pictures: each counts as a step
PER_FACET = 10  # pictures that are grouped, where there are more


class Search:
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
        from minitorch_viz.techniques.optimization.multifaceted import FacetPictures

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


class Beside:
    """Hold what `made` asks of natural pictures: those of the facets, and the state of their search."""

    def __init__(self, name: str, looked_at: int, state: State, facets: int) -> None:
        self.name, self.looked_at, self.state, self.note = name, looked_at, state, ""
        self.facets = facets

    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """Return no patches: whole pictures are shown."""
        return tuple(() for _ in range(self.facets))
