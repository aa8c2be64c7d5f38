"""What is shown of a unit's facets: a picture of each, natural pictures beside it, and their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from minitorch_viz._types import Array
from minitorch_viz.techniques.optimization._multifaceted_facets import Facets
from minitorch_viz.techniques.optimization._pictures import MadePictures
from minitorch_viz.techniques.state import State


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
