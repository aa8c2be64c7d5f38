"""The counterfactual map: where in the photo the features are that speak against a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from minitorch_viz._types import Array
from minitorch_viz.drawing import panels, show_blank
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.layer_maps import (
    FAINT,
    Scaling,
    chosen_layer,
    enlarged,
    has_maps,
    in_words,
    lowest,
    need_scaling,
    over_grey,
    without_place,
)
from minitorch_viz.techniques.explain.start import start_several
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of
from minitorch_viz.techniques.gradients.grad_cam import GradCam, weighted_maps
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


class Side(NamedTuple):
    """Hold what speaks for a target, or against it."""

    word: str  # "for" or "against"
    map: Array  # (h', w'), nonnegative
    top: float  # its largest value
    scale: float  # the value at full scale

    @property
    def faint(self) -> bool:
        """Return whether there is something, but too little to see."""
        return 0 < self.top < FAINT * self.scale

    @property
    def title(self) -> str:
        """Return what the panel shows, with its largest value."""
        if not self.top:
            return f"speaks {self.word}: nothing"
        return f"speaks {self.word}: up to {self.top:.3g}{', too faint to see' if self.faint else ''}"


@dataclass(frozen=True, eq=False)
class Counterfactual(GradCam):
    """Hold both sides of Grad-CAM's weighted sum: `maps` is relu(sum), `against` is relu(-sum)."""

    @property
    def against(self) -> Array:
        """Return (T, h', w'), nonnegative: relu(sum_k -alpha_k A_k), what speaks against the targets."""
        return (-self.drawn).clip(0)

    @property
    def heat(self) -> Array:
        """Return (h, w), signed: the first target's sum; positive speaks for it, negative against it."""
        return self.spread(self.drawn[0])

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return what speaks for and against each target, over the steps of a series."""
        return [
            NumberMap(title, self.spread(drawn), True, why)
            for title, drawn, why in zip(
                self.number_titles("weighted sum of the maps: red for, blue against"),
                self.drawn,
                self.blanks,
                strict=True,
            )
        ]

    @property
    def scale(self) -> float:
        """Return the largest value of all maps, of either side; 1 if all are blank."""
        return float(abs(self.drawn).max()) or 1.0

    @property
    def sides(self) -> tuple[tuple[Side, Side], ...]:
        """Return for each target what speaks for it and what against it."""
        rows = []
        for row in zip(self.maps, self.against, strict=True):
            tops = [float(side.max()) for side in row]
            scales = [self.scale if self.scaling == "one" else top or 1.0 for top in tops]
            rows.append((Side("for", row[0], tops[0], scales[0]), Side("against", row[1], tops[1], scales[1])))
        return tuple(rows)

    @property
    def scales(self) -> tuple[float, ...]:
        """Return the values at full scale: one for all maps, or one for each side of each target."""
        return tuple(dict.fromkeys(side.scale for row in self.sides for side in row))

    @property
    def faint_notes(self) -> tuple[str, ...]:
        """Return what can hardly be seen beside the rest."""
        return tuple(
            f"What speaks {side.word} {label} is too faint to see: its largest value is {side.top:.3g}, full scale "
            f"{side.scale:.3g}. With scale each it has a scale of its own."
            for label, row in zip(self.labels, self.sides, strict=True)
            for side in row
            if side.faint
        )

    @property
    def caption(self) -> str:
        return (
            f"{self.explains} Counterfactual map: Grad-CAM with every gradient negated. On the right is where the "
            f"features are that speak against the value, so that covering them would raise it; in the middle what "
            f"speaks for it. {self.legend}"
        )


@spelled_out
def counterfactual(
    model: Model,
    image: Any,
    *,
    layer: str | None = None,
    scale: Scaling = "one",
    **choice: Unpack[Which],
) -> Counterfactual:
    """Show where in the photo the features are that speak against a class, beside those that speak for it.

    Grad-CAM weighs the maps of a late layer by the gradients of the score and keeps what is positive. With the
    gradients negated, what remains are the places that pull the score down: another animal in the photo, often.

    Args:
        target: the class, by number or name, or several with commas between; by default the most probable one
        layer: the node whose maps are weighted; by default the last one with maps of features
        scale: one for all maps, so that they compare; each: a scale a map, so that weak ones show

    Returns a Counterfactual with signed (T, h', w') at the layer's places: positive for, negative against.
    Raises SettingError for an unknown class, channel or scale or a layer without maps, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Selvaraju et al. 2017.
    """
    scaling = need_scaling(scale)
    seen, tape, units = start_several(model, image, **choice)
    layer = chosen_layer(model, tape, lowest(model.net, units), layer)
    signed, weights, blanks = weighted_maps(model, tape, units, layer)
    labels, values, readings = in_words(model, tape, units)
    return Counterfactual(
        signed, layer, seen.picture, seen.pixel_aspect, labels, values, blanks, weights,
        readings=readings, scaling=scaling, photo=seen.area, given=seen.given,
        without_place=without_place(model.net, tape, layer),
    )  # fmt: skip


def plot(result: Counterfactual, figure: Figure) -> None:
    """Draw one row for each target: the photo, what speaks for it, what speaks against it."""
    each = result.scaling == "each"
    titles = [
        [head, *(f"speaks {side.word}" if why else side.title for side in row)]
        for head, row, why in zip(result.heads, result.sides, result.blanks, strict=True)
    ]
    words = "each map has a scale of its own" if each else "one scale for all maps"
    bars = (1, 2) if each else (2,)
    sheet = panels(figure, titles, proportions_of(result), heading=f"{result.quantity}: {words}", bars=bars)
    for row, (photo, *places) in enumerate(sheet.axes):
        draw_photo(photo, result)
        for place, side in zip(places, result.sides[row], strict=True):
            if result.blanks[row]:
                size = result.picture.shape[:2]
                show_blank(place, size, result.blanks[row], pixel_aspect=result.pixel_aspect)
                continue
            heat = enlarged(side.map, result.picture.shape[:2])
            over_grey(place, result, heat, side.scale, sheet if each or side.word == "against" else None)


def example() -> Counterfactual:
    """Explain a digit of scikit-learn's, by the bundled net: a 3, and what speaks against its being an 8."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return counterfactual(load_model("digits"), sample_digit(), target="3,8", layer="relu2")


TECHNIQUE = Technique(
    name="counterfactual",
    compute=counterfactual,
    plot=plot,
    title="Counterfactual map: what speaks against a class",
    paper="Selvaraju et al. 2017",
    example=example,
    chapter="places",
    level=50,
    applies=has_maps,
    takes_numbers=True,
)
