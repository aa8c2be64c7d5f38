"""Grad-CAM: where in the photo the features are that speak for a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Objective, stacked_seeds
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import why_blank
from minitorch_viz.techniques.explain.layer_maps import (
    LayerMaps,
    Scaling,
    chosen_layer,
    has_maps,
    in_words,
    lowest,
    need_scaling,
    plot_coarse,
    without_place,
)
from minitorch_viz.techniques.explain.start import start_several
from minitorch_viz.techniques.explain.tokens import as_maps
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import View
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class GradCam(LayerMaps):
    """Hold relu(sum_k alpha_k A_k) for each target; `signed` is the sum before the relu."""

    quantity: ClassVar[str] = "weighted sum of the maps"

    weights: Array  # (T, C): alpha, the mean gradient of each of the layer's channels

    @property
    def caption(self) -> str:
        return (
            f"{self.explains} Grad-CAM: the {self.weights.shape[1]} maps of {self.layer}, each weighted by the mean of "
            f"its gradient, added up, and cut off below 0: bright places speak for the value. {self.legend}"
        )


@spelled_out
def grad_cam(
    model: Model,
    image: Any,
    *,
    layer: str | None = None,
    scale: Scaling = "one",
    **choice: Unpack[Which],
) -> GradCam:
    """Show where in the photo the features are that speak for a class, for one or several classes.

    Each channel of a late layer is a map of where its feature is. The gradient of the class score, averaged over a
    map, says how much the class wants that feature; the maps, added up with these weights, show where the class's
    features are. Coarse, but different for every class. On a net that ends in a global average and one linear layer
    this is the class activation map of Zhou et al. 2016. Of a vision transformer the maps are its patches' tokens.

    Args:
        target: the class, by number or name, or several with commas between; by default the most probable one
        layer: the node whose maps are weighted; by default the last one with maps of features
        scale: of several classes: one for all maps, so that they compare; each: a scale a map, so that weak ones show

    Returns a GradCam with signed (T, h', w') at the layer's places; `map(i)` is enlarged to the pixels.
    Raises SettingError for an unknown class, channel or scale or a layer without maps, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Selvaraju et al. 2017.
    """
    scaling = need_scaling(scale)
    seen, tape, units = start_several(model, image, **choice)
    return cam_of(model, seen, tape, units, chosen_layer(model, tape, lowest(model.net, units), layer), scaling)


def cam_of(
    model: Model, seen: View, tape: Tape, units: Sequence[Objective], layer: str, scaling: Scaling = "one"
) -> GradCam:
    """Compute Grad-CAM of objectives, when the forward pass has been run and the layer chosen."""
    signed, weights, blanks = weighted_maps(model, tape, units, layer)
    blanks = tuple(
        why or ("no place speaks for it: the weighted sum is nowhere above 0" if sums.max() <= 0 else "")
        for why, sums in zip(blanks, signed, strict=True)
    )
    labels, values, readings = in_words(model, tape, units)
    return GradCam(
        signed, layer, seen.picture, seen.pixel_aspect, labels, values, blanks, weights,
        readings=readings, scaling=scaling, photo=seen.area, given=seen.given,
        without_place=without_place(model.net, tape, layer),
    )  # fmt: skip


def weighted_maps(
    model: Model, tape: Tape, units: Sequence[Objective], layer: str
) -> tuple[Array, Array, tuple[str, ...]]:
    """Return the sums of the layer's maps (T, h', w'), their weights (T, C), and why there is none ("": there is).

    alpha_k = mean over the places of d(unit) / d(A_k), and the sum of alpha_k A_k.
    """
    gradients = model.net.backward(tape, stacked_seeds(units, tape), wrt=layer)[layer]
    maps_of_gradients = as_maps(model.net, tape, layer, gradients)
    weights = maps_of_gradients.mean(axis=tuple(range(2, maps_of_gradients.ndim)))
    maps = as_maps(model.net, tape, layer, tape[layer])[0]
    signed = (weights @ maps.reshape(len(maps), -1)).reshape(len(units), *maps.shape[1:])
    pairs = zip(units, gradients, strict=True)
    blanks = tuple(why_blank(model, tape, unit, gradient) for unit, gradient in pairs)
    return kernels.to_cpu(signed), kernels.to_cpu(weights), blanks


def example() -> GradCam:
    """Explain a digit of scikit-learn's, by the bundled net: three classes, at a layer of the photo's resolution."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return grad_cam(load_model("digits"), sample_digit(), target="3,8,5", layer="relu2")


TECHNIQUE = Technique(
    name="grad-cam",
    compute=grad_cam,
    plot=plot_coarse,
    title="Grad-CAM: where the features are that speak for a class",
    paper="Selvaraju et al. 2017",
    example=example,
    chapter="places",
    level=20,
    applies=has_maps,
    explains=True,
    takes_numbers=True,
)
