"""Saliency: which pixels would change the score, by one backward pass to the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, near
from minitorch_viz.layers import ReLU
from minitorch_viz.plotting import robust_max, show_image, show_signed
from minitorch_viz.rules.relu import relu_mode
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.target import resolve_target
from minitorch_viz.techniques.view import view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Mode = Literal["normal", "deconvnet", "guided", "compare"]

SAYS = {
    "normal": "plain gradient: how the score changes when a pixel does",
    "deconvnet": "deconvnet: only positive signals go back, whatever fired",
    "guided": "guided backpropagation: only positive signals, and only through units that fired",
}


MAGNITUDE = """magnitude: the largest over the
colour channels; black is 0, white
the 99.5th percentile and above"""
COLOUR_SIGN = """sign and colour: grey is 0; brighter
means more of this colour raises the
value, darker means it lowers it"""
GREY_SIGN = """sign: white is 0; red means that a
brighter pixel raises the value,
blue that it lowers it"""
OWN_SCALE = "every panel has a scale of its own"


@dataclass(frozen=True, eq=False)
class SaliencyMap(Result):
    """The signals that came back to the pixels, one entry a ReLU mode."""

    gradients: dict[str, Array]  # mode -> (C, h, w): change of the value for one step of a pixel's normalized value
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    label: str  # what is explained, in words
    value: float  # the class score (before the softmax) or the unit's activation

    def map(self, mode: str | None = None) -> Array:
        """(h, w): the largest magnitude over the colour channels, M = max_c |g_c|."""
        gradient = self.gradients[mode or next(iter(self.gradients))]
        maps: Array = np.abs(gradient).max(axis=0)
        return maps

    @property
    def heat(self) -> Array:
        """(h, w), nonnegative: the map of the first mode."""
        return np.nan_to_num(self.map(), posinf=0.0, neginf=0.0)

    @property
    def grey(self) -> bool:
        """Whether the net takes grey images, so that there are signs but no colours."""
        return len(next(iter(self.gradients.values()))) == 1

    @property
    def caption(self) -> str:
        ways = "; ".join(SAYS[mode] for mode in self.gradients)
        scales = ", ".join(f"{mode} {robust_max(gradient):.3g}" for mode, gradient in self.gradients.items())
        return (
            f"Explains {self.label}, value {self.value:.4g}. {ways[0].upper()}{ways[1:]}. "
            f"{_line(MAGNITUDE)}. {_line(GREY_SIGN if self.grey else COLOUR_SIGN)}. "
            f"Each mode has a scale of its own, full scale at {scales}."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        blank = [mode for mode, gradient in self.gradients.items() if not gradient.any()]
        if not blank:
            return ()
        why = "the unit did not fire on this image" if self.value <= 0 else "no path of open gates leads to the pixels"
        return (f"The map is blank ({', '.join(blank)}): every gradient is exactly 0, because {why}.",)


def saliency(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
    mode: Mode = "normal",
) -> SaliencyMap:
    """Show which pixels would change a class score, or any unit inside the net.

    One backward pass carries the gradient of one number back to the image. Where it is large, a small change of the
    pixel changes that number much. It does not say that the pixel made the class likely.

    Args:
        target: the class, by number or name; by default the most probable one
        node: explain a unit of this node instead of a class
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest
        mode: how to go back through the ReLUs (compare: all three side by side)

    Returns a SaliencyMap with gradients (C, h, w) of the class score before the softmax.
    Raises SettingError for an unknown class, node or mode, ImageFileError for a bad image.

    Paper: Simonyan, Vedaldi, Zisserman 2013 (normal); Zeiler, Fergus 2013 (deconvnet); Springenberg et al. 2014
    (guided).
    """
    if mode not in get_args(Mode):
        raise SettingError(f"There is no mode {mode!r}; {near(mode, get_args(Mode), 'mode')}.")
    seen = view(model, image)
    tape = model.net.forward(seen.x)
    chosen = resolve_target(model, tape, target, node, channel, position)
    gradients = {}
    for one in SAYS if mode == "compare" else (mode,):
        rules = relu_mode(one)  # type: ignore[arg-type]  # "compare" was taken out above
        gradient = model.net.backward(tape, chosen.seed(tape), rules=rules)[model.net.inputs[0]]
        gradients[one] = kernels.to_cpu(gradient)[0]
    return SaliencyMap(gradients, seen.picture, seen.pixel_aspect, chosen.label, chosen.value)


def _line(text: str) -> str:
    """A legend as a sentence in a running text."""
    return text[0].upper() + text[1:].replace("\n", " ")


def plot(result: SaliencyMap, figure: Figure) -> None:
    """The photo, and for each mode the magnitude above the signed colours (one mode: all in one row)."""
    modes = list(result.gradients)
    sign = "sign" if result.grey else "sign and colour"
    if len(modes) == 1:
        figure.set_size_inches(10.5, 3.8)
        photo, *panels = figure.subplots(1, 3)
        places = {modes[0]: panels}
    else:
        figure.set_size_inches(3.3 * (len(modes) + 1), 7.1)
        grid = figure.subplots(2, len(modes) + 1)
        photo, places = grid[0, 0], {mode: grid[:, column] for column, mode in enumerate(modes, 1)}
        grid[1, 0].axis("off")
        legend = "\n\n".join([MAGNITUDE, GREY_SIGN if result.grey else COLOUR_SIGN, OWN_SCALE])
        grid[1, 0].text(0, 1, legend, va="top", fontsize=10, linespacing=1.5, transform=grid[1, 0].transAxes)
        for row, words in enumerate(("magnitude", sign)):
            grid[row, 1].set_ylabel(words, fontsize=11)
    show_image(photo, result.picture, result.label, result.pixel_aspect)
    for mode, (above, below) in places.items():
        magnitude, gradient = result.map(mode), result.gradients[mode]
        one = len(modes) == 1
        grey = {"cmap": "gray", "vmin": 0, "vmax": robust_max(magnitude)}
        show_image(above, magnitude, f"{mode}: magnitude" if one else mode, result.pixel_aspect, **grey)
        show_signed(below, gradient, f"{mode}: {sign}" if one else "", result.pixel_aspect)


def applies(model: Model) -> str | None:
    """The three modes differ only where there are ReLUs."""
    if any(isinstance(node.layer, ReLU) for node in model.net.nodes):
        return None
    return "this net has no ReLU, so that the three modes are one and the same"


def example() -> SaliencyMap:
    """A digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return saliency(load_model("digits"), sample_digit(), mode="compare")


TECHNIQUE = Technique(
    name="saliency",
    compute=saliency,
    plot=plot,
    title="Saliency: which pixels would change the score",
    paper="Simonyan, Vedaldi, Zisserman 2013; Zeiler, Fergus 2013; Springenberg et al. 2014",
    example=example,
    applies=applies,
    explains=True,
    in_report=lambda model: [{"mode": "compare"}],  # noqa: ARG005 (the signature of `in_report`)
)
