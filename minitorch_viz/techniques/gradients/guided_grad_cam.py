"""Guided Grad-CAM: the fine edges of guided backpropagation, where Grad-CAM says that the class is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from minitorch_viz._types import Array
from minitorch_viz.drawing import panels, robust_max, show_blank, show_magnitude, show_signed
from minitorch_viz.rules.relu import relu_mode
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import drawable, why_blank
from minitorch_viz.techniques.explain.gates import gates_note, has_relus
from minitorch_viz.techniques.explain.layer_maps import (
    chosen_layer,
    has_maps,
    lowest,
    over_photo,
)
from minitorch_viz.techniques.explain.maps import PixelMap
from minitorch_viz.techniques.explain.signals import at_tape
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of
from minitorch_viz.techniques.gradients.grad_cam import GradCam, cam_of
from minitorch_viz.techniques.gradients.saliency import LEGEND
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False, kw_only=True)
class GuidedGradCam(PixelMap):
    """Hold guided backpropagation times the enlarged Grad-CAM map, pixel by pixel."""

    guided: Array  # (C, h, w): the first factor
    sums: Array  # (1, h', w'): Grad-CAM's sum at the layer's places, before the relu: the second factor
    weights: Array  # (1, C): its weights
    layer: str  # the node whose maps are weighted
    nowhere: str  # why Grad-CAM's map is blank; "" if it is not
    remark: str = ""  # what guided backpropagation is where not all gates on the way are ReLUs

    @property
    def notes(self) -> tuple[str, ...]:
        return super().notes + ((self.remark,) if self.remark else ())

    @property
    def cam(self) -> GradCam:
        """Return the second factor as a result of its own."""
        labels, values = (self.label,), (self.value,)
        blanks, seen = (self.nowhere,), (self.picture, self.pixel_aspect)
        own = {"photo": self.photo, "given": self.given}
        return GradCam(self.sums, self.layer, *seen, labels, values, blanks, self.weights, **own)  # type: ignore[arg-type]  # each by its name

    @property
    def _title(self) -> str:
        return "guided signal times Grad-CAM: red +, blue -"

    @property
    def caption(self) -> str:
        places = " x ".join(map(str, self.sums.shape[1:]))
        return (
            f"{self.explains} Guided Grad-CAM: the guided signal at each pixel times the Grad-CAM map of "
            f"{self.layer} ({places} places, enlarged bilinearly). The map says where, and differs from "
            f"class to class; the edges inside it hardly do. {self.legend}"
        )


@spelled_out
def guided_grad_cam(
    model: Model,
    image: Any,
    *,
    layer: str | None = None,
    **choice: Unpack[Which],
) -> GuidedGradCam:
    """Show the edges of guided backpropagation, but only where Grad-CAM finds the class.

    Guided backpropagation is sharp and nearly the same for every class; Grad-CAM is coarse and tells classes apart.
    Their product has the sharpness of the one at the places of the other.

    Args:
        layer: the node whose maps Grad-CAM weighs; by default the last one with maps of features

    Returns a GuidedGradCam with signal (C, h, w).
    Raises SettingError for an unknown class or channel or a layer without maps, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Selvaraju et al. 2017.
    """
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    cam = cam_of(model, seen, tape, [unit], chosen_layer(model, tape, lowest(model.net, [unit]), layer))
    rules = relu_mode("guided")
    guided = at_tape(model.net, tape, unit, rules)
    signal = guided * cam.map()
    blank = why_blank(model, tape, unit, guided, rules) or cam.blanks[0]
    if not blank and not signal.any():
        blank = "the guided signal is 0 wherever the Grad-CAM map is not"
    return GuidedGradCam(
        signal,
        seen.picture,
        seen.pixel_aspect,
        unit.label,
        value,
        blank,
        guided=guided,
        sums=cam.signed,
        weights=cam.weights,
        layer=cam.layer,
        nowhere=cam.blanks[0],
        reading=reading,
        remark=gates_note(model.net, tape, ("guided",)),
        photo=seen.area,
        given=seen.given,
    )


def plot(result: GuidedGradCam, figure: Figure) -> None:
    """Draw both factors above, and below their product: its magnitude, and its signs or colours."""
    aspect = result.pixel_aspect
    sign = "sign" if len(result.signal) == 1 else "sign and colour"
    cam, full = result.cam, f"full at ±{robust_max(drawable(result.guided)):.2g}"
    bright = "" if cam.blanks[0] else f", bright at {cam.scale:.2g}"
    nothing = bool(result.blank) and not drawable(result.guided).any()
    scale = "" if nothing else f": {sign}, {full}"
    factors = (f"Grad-CAM at {result.layer}{bright}", f"times guided backpropagation{scale}")
    products: tuple[str, ...] = ("is guided Grad-CAM", "")
    if not result.blank:
        top, full = robust_max(result.heat), f"full at ±{robust_max(result.signal):.2g}"
        products = (f"is guided Grad-CAM: magnitude, white at {top:.2g}", f"guided Grad-CAM: {sign}, {full}")
    head = f"{result.label}, {result.reading or f'value {result.value:.3g}'}"
    sheet = panels(figure, [[head, *factors], [None, *products]], proportions_of(result))
    (photo, over, edges), (words, magnitude, colours) = sheet.axes
    draw_photo(photo, result)
    over_photo(over, cam, 0)
    sheet.write(words, LEGEND[len(result.signal) == 1])
    if not nothing:
        show_signed(edges, drawable(result.guided), pixel_aspect=aspect)
    if result.blank:
        for axes in (edges, magnitude, colours) if nothing else (magnitude, colours):
            show_blank(axes, result.picture.shape[:2], result.blank, pixel_aspect=aspect)
        return
    show_magnitude(magnitude, result.heat, pixel_aspect=aspect)
    show_signed(colours, result.signal, pixel_aspect=aspect)


def example() -> GuidedGradCam:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return guided_grad_cam(load_model("digits"), sample_digit(), layer="relu2")


def applies(model: Model) -> str | None:
    """Return why there are no maps for the one factor, or no ReLUs for the other; None if there are."""
    return has_maps(model) or has_relus(model)


TECHNIQUE = Technique(
    name="guided-grad-cam",
    compute=guided_grad_cam,
    plot=plot,
    title="Guided Grad-CAM: fine edges where the class is",
    paper="Selvaraju et al. 2017",
    example=example,
    chapter="places",
    level=30,
    applies=applies,
    explains=True,
    takes_numbers=True,
)
