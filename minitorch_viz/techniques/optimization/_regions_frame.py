"""What of a result of regions does not change while the map is made, and the pictures from behind the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.readers import Numbers
from minitorch_viz.techniques.explain.view import View, picture_of
from minitorch_viz.techniques.optimization._others import Others
from minitorch_viz.techniques.optimization._regions_axes import Directions
from minitorch_viz.techniques.optimization._regions_run import Survey
from minitorch_viz.techniques.optimization._regions_space import Space

if TYPE_CHECKING:
    from minitorch_viz.models import Model

ROUNDING = 1e-9  # of a distance: less is none
WHERE = ("along the attack", "in a random direction", "on the way to another picture")  # by the kind of direction


class Frame:
    """Give the fields of a result for what is known so far."""

    def __init__(
        self, model: Model, seen: View, space: Space, directions: Directions, others: Others, moves: Array
    ) -> None:
        self.model, self.seen, self.space, self.directions, self.others = model, seen, space, directions, others
        spans = np.stack([directions.along, directions.across])  # (2, D), at right angles
        self.places = moves @ spans.T / (spans**2).sum(axis=1)
        asides = space.size(moves - self.places @ spans)
        self.asides = np.where(asides > ROUNDING * space.size(moves), asides, 0.0)
        self.meant = space.answers(space.middle + moves).classes if len(moves) else np.empty(0, int)
        self.confidence = float(space.answers(space.middle[None]).confidences[0])
        self.fixed = self._fixed()

    def fields(self, survey: Survey) -> dict[str, Any]:
        """Return the fields of a result."""
        titles, shown = self._pictures(survey)
        names = ("classes", "confidences", "margins", "outside", "distances", "behind", "changes", "searched", "done")
        values = {name: getattr(survey, name) for name in names}
        return {**self.fixed, **values, "titles": titles, "shown": shown}

    def _fixed(self) -> dict[str, Any]:
        space, directions = self.space, self.directions
        middle, scale = self._of_two()
        largest = tuple(float(np.abs(each).max()) for each in (directions.along, directions.across))
        return {
            "axes": directions.names, "kinds": directions.kinds, "far": directions.far, "attack": directions.attack,
            "largest": largest, "places": self.places, "asides": self.asides, "meant": self.meant,
            "others": self.others.names, "remarks": self.others.remarks, "own": space.own,
            "confidence": self.confidence, "names": space.aim.classes, "unit": space.unit,
            "pictures": space.pictures, "clip": space.clip, "pixel_aspect": self.seen.pixel_aspect,
            "noun": self.seen.noun, "middle": middle, "scale": scale, "net": self.model.name,
        }  # fmt: skip

    def _of_two(self) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
        """Return the middle and the scale in the user's units, of a net of two numbers."""
        reader = self.model.reader()
        if len(self.space.middle) != 2 or not isinstance(reader, Numbers):
            return None, None
        ends = (reader.restore(np.full((1, *self.space.shape), value)) for value in (1.0, 0.0))
        middle = reader.restore(self.space.middle.reshape(1, *self.space.shape))
        return tuple(middle.reshape(-1).tolist()), tuple(np.subtract(*ends).reshape(-1).tolist())

    def _pictures(self, survey: Survey) -> tuple[tuple[str, ...], Array]:
        """Return the photo and pictures from just behind the border: for each kind of direction the median one."""
        if self.seen.given is not None and self.seen.given.is_numbers:
            return (), np.zeros((0, 1, 1, 3), np.uint8)
        titles, shown = ["the photo"], [self.seen.picture]
        for kind, words in enumerate(WHERE):
            rows = np.flatnonzero((self.directions.kinds == kind) & (survey.behind >= 0))
            if not len(rows):
                continue
            row = rows[np.argsort(survey.distances[rows], kind="stable")[(len(rows) - 1) // 2]]
            point = self.space.points(survey.distances[row] * self.directions.every[row])
            x = self.space.aim.box.net(point.reshape(1, *self.space.shape))
            titles.append(f"{words}, {survey.changes[row]:.3g}: {self.space.aim.classes[survey.behind[row]]}")
            shown.append(picture_of(self.model, x))
        return tuple(titles), np.stack(shown)
