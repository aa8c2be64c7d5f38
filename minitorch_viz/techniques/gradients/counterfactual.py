"""The counterfactual map: where in the photo the features are that speak against a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minitorch_viz._types import Array, Pair
from minitorch_viz.plotting import show_image
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.gradients._coarse import (
    chosen_layer,
    enlarged,
    has_maps,
    over_grey,
    several_targets,
)
from minitorch_viz.techniques.gradients._maps import show_blank, wrapped
from minitorch_viz.techniques.gradients.grad_cam import GradCam, weighted_maps
from minitorch_viz.techniques.view import view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Counterfactual(GradCam):
    """Both sides of Grad-CAM's weighted sum: `maps` is relu(sum), `against` is relu(-sum)."""

    @property
    def against(self) -> Array:
        """(T, h', w'), nonnegative: relu(sum_k -alpha_k A_k), what speaks against the targets."""
        return (-self.drawn).clip(0)

    @property
    def heat(self) -> Array:
        """(h, w), signed: the first target's sum; positive speaks for it, negative against it."""
        return enlarged(self.drawn[0], self.picture.shape[:2])

    @property
    def scale(self) -> float:
        """The largest value of all maps, of either side; 1 if all are blank."""
        return float(abs(self.drawn).max()) or 1.0

    @property
    def caption(self) -> str:
        return (
            f"{self.explains} Counterfactual map: Grad-CAM with every gradient negated. On the right is where the "
            f"features are that speak against the value, so that covering them would raise it; in the middle what "
            f"speaks for it. {self.legend}"
        )


def counterfactual(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
    layer: str | None = None,
) -> Counterfactual:
    """Show where in the photo the features are that speak against a class, beside those that speak for it.

    Grad-CAM weighs the maps of a late layer by the gradients of the score and keeps what is positive. With the
    gradients negated, what remains are the places that pull the score down: another animal in the photo, often.

    Args:
        target: the class, by number or name, or several with commas between; by default the most probable one
        node: explain a unit of this node instead of a class
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest
        layer: the node whose maps are weighted; by default the last one with maps of features

    Returns a Counterfactual with signed (T, h', w') at the layer's places: positive for, negative against.
    Raises SettingError for an unknown class or channel or a layer without maps, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Selvaraju et al. 2017.
    """
    seen = view(model, image)
    tape = model.net.forward(seen.x, upto=node or model.logits or None)
    units = several_targets(model, tape, target, node, channel, position)
    layer = chosen_layer(model, tape, units[0].node, layer)
    signed, weights, blanks = weighted_maps(model, tape, units, layer)
    labels, values = tuple(unit.label for unit in units), tuple(unit.value for unit in units)
    readings = tuple(unit.reading for unit in units)
    return Counterfactual(
        signed, layer, seen.picture, seen.pixel_aspect, labels, values, blanks, weights, readings=readings
    )


def plot(result: Counterfactual, figure: Figure) -> None:
    """One row for each target: the photo, what speaks for it, what speaks against it."""
    count = len(result.labels)
    figure.set_size_inches(11.2, 3.8 * count)
    for row, (photo, *sides) in enumerate(figure.subplots(count, 3, squeeze=False)):
        title = f"{result.labels[row]}, value {result.values[row]:.3g}"
        show_image(photo, result.picture, wrapped(title, 36), result.pixel_aspect)
        for axes, maps, words in zip(
            sides, (result.maps, result.against), ("speaks for", "speaks against"), strict=True
        ):
            if result.blanks[row]:
                show_blank(axes, result.picture.shape[:2], result.blanks[row], result.pixel_aspect, words)
                continue
            heat = enlarged(maps[row], result.picture.shape[:2])
            nothing = "" if maps[row].any() else ": nothing"
            bar = figure if words == "speaks against" else None
            over_grey(axes, result, heat, words + nothing, bar)


def example() -> Counterfactual:
    """A digit of scikit-learn's, by the bundled net: a 3, and what speaks against its being an 8."""
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
    applies=has_maps,
)
