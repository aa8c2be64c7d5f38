"""Templates: the weights of a linear classifier, or of one hidden layer, as pictures, laid over one photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import robust_max
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.view import PhotoResult, view
from minitorch_viz.techniques.subject import need_picture
from minitorch_viz.techniques.weights._templates_figure import plot
from minitorch_viz.techniques.weights._templates_mix import Mix, chosen_pair, mixed
from minitorch_viz.techniques.weights._templates_net import refuses_templates, templates_at, ways_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Scale = Literal["each", "shared"]
ROUNDING = 1e-5  # of the products' magnitudes, the most that single precision may be off


@dataclass(frozen=True, eq=False)
class Templates(PhotoResult):
    """Hold templates, and what each makes of one photo: value = sum of the products + bias."""

    templates: Array  # (k, C, h, w): what each pixel is multiplied with
    numbers: Array  # (k,) int: which classes, or which hidden units
    names: tuple[str, ...]  # (k,): what they are called
    x: Array  # (C, h, w): the photo as the net gets it
    products: Array  # (k, h, w): template times x, added up over the channels
    biases: Array  # (k,)
    values: Array  # (k,): what the net itself gives, before its gate where there is one
    answers: Array  # (k,): the same after the gate
    votes: Array  # (k, K): of hidden units the output weight of each for each class; (k, 0) without a hidden layer
    classes: tuple[str, ...]  # (K,)
    scores: Array  # (K,): the scores of the classes
    mix: Mix
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    node: str  # whose weights they are
    gate: str  # the node that its answers go through; "" if they are the scores
    of: int  # how many templates there are
    scale: Scale

    @property
    def facts(self) -> tuple[str, ...]:
        _, channels, high, wide = self.templates.shape
        return (self.node, f"{len(self.numbers)} of {self.of} templates", f"{channels} x {high} x {wide}")

    @property
    def sums(self) -> Array:
        """Return (k,): the products of each template, added up."""
        added: Array = self.products.sum(axis=(1, 2))
        return added

    @property
    def heat(self) -> Array:
        """Return (h, w), signed: the products of the template that answers most."""
        strongest: Array = self.products[int(self.values.argmax())]
        return strongest

    @property
    def full_scales(self) -> Array:
        """Return (k,): the weight that is drawn at the end of the colours, for each template."""
        largest = np.array([robust_max(template) for template in self.templates])
        return np.full_like(largest, largest.max()) if self.scale == "shared" else largest

    @property
    def largest_product(self) -> float:
        """Return the magnitude that is drawn at the end of the colours of all products."""
        return float(np.abs(self.products).max(initial=0)) or 1.0

    @property
    def caption(self) -> str:
        colours = (
            "drawn as the photo is: mid-grey is 0, brighter is positive, darker negative"
            if len(self.x) in (1, 3)
            else "channel by channel: red is positive, blue negative, white 0"
        )
        scale = "each on a scale of its own" if self.scale == "each" else "all on one scale"
        units = (
            f" A unit's answer goes through {self.gate!r} and is multiplied with its output weights, the bars: red "
            "raises the score of a class, blue lowers it."
            if self.gate
            else ""
        )
        owners = "units" if self.gate else "classes"
        return (
            f"The templates of {len(self.numbers)} of the {self.of} {owners} of {self.node!r}, {colours}; {scale}, the "
            "99.5th percentile of the weights' magnitudes. Below each are its products with the photo, pixel by pixel, "
            f"all on one scale, full at ±{self.largest_product:.2g}: red raises the value and blue lowers it. The "
            f"value is their sum plus the bias, and large where photo and template are alike.{units} The strip is a "
            "mix of two templates: a times the left one plus 1 - a times the right one. Each mix was given to the net "
            "as a picture, too, as long a vector as the photo."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        magnitudes = np.abs(self.templates * self.x).sum(axis=(1, 2, 3)) + np.abs(self.biases)
        off = np.abs(self.sums + self.biases - self.values) / np.where(magnitudes > 0, magnitudes, 1)
        wrong = [name for name, share in zip(self.names, off, strict=True) if not share <= ROUNDING]  # of NaN, too
        silent = [name for name, weights in zip(self.names, self.templates, strict=True) if not weights.any()]
        return (
            *self.given_notes,
            *((f"The products and the bias of {', '.join(wrong)} do not add up to the net's value.",) if wrong else ()),
            *((f"The template of {', '.join(silent)} is 0 everywhere.",) if silent else ()),
        )


def templates(
    model: Model,
    image: Any,
    *,
    count: int = 12,
    mix: str | None = None,
    scale: Scale = "each",
) -> Templates:
    """Show the weights of a linear classifier, or of a hidden layer, as pictures, and what they make of a photo.

    Such a net compares: it multiplies each pixel with the template's and adds up. The sum is large where the photo is
    bright at the template's bright pixels and dark at its dark ones. One template has to do for all pictures of a
    class, so that of horses has a head at either side.

    Args:
        count: how many templates to show: those that answer most, where there are more
        mix: two classes, or the numbers of two hidden units, with a comma between: whose templates are mixed; by
            default the two that answer most
        scale: of the templates: each has one of its own, or one is shared by all

    Returns Templates with templates (k, C, h, w) and products (k, h, w) that add up to the values.
    Raises SettingError if the net has no templates or a setting does not fit, ImageFileError for a bad image.

    Paper: Fei-Fei Li, Karpathy, Johnson 2016 (CS231n).
    """
    need_picture(model, "templates")
    seen = view(model, image)
    if scale not in get_args(Scale):
        raise SettingError(f"There is no scale {scale!r}; {near(scale, get_args(Scale), 'scale')}.")
    need_whole("number of templates", count, 1)
    ways = ways_of(model)
    if ways is None:
        raise SettingError(f"templates does not apply to {model.name}: {refuses_templates(model)}.")
    tape = model.net.forward(seen.x, upto=[model.logits])
    weights = templates_at(model, ways.first)
    names = tuple(f"unit {number}" for number in range(len(weights))) if ways.gate else model.class_names
    values = kernels.to_cpu(tape[ways.first])[0]
    chosen = np.sort(np.argsort(-values, kind="stable")[:count])
    x = kernels.to_cpu(seen.x)[0]
    bias = model.net[ways.first].layer.params.get("bias")
    biases = np.zeros(len(weights)) if bias is None else kernels.to_cpu(bias).astype(np.float64)
    votes = kernels.to_cpu(model.net[ways.last].layer.params["weight"]).T if ways.last else np.zeros((len(weights), 0))
    shown = weights[chosen]
    return Templates(
        shown,
        chosen,
        tuple(names[number] for number in chosen),
        x,
        (shown.astype(np.float64) * x).sum(axis=1),
        biases[chosen],
        values[chosen],
        kernels.to_cpu(tape[ways.gate or ways.first])[0][chosen],
        votes[chosen],
        model.class_names,
        kernels.to_cpu(tape[model.logits])[0],
        mixed(model, ways.first, weights, x, chosen_pair(model, mix, values, bool(ways.gate)), names),
        seen.picture,
        seen.pixel_aspect,
        ways.first,
        ways.gate,
        len(weights),
        scale,
        photo=seen.area,
        given=seen.given,
    )


def example() -> Templates:
    """Run it on a digit of scikit-learn's, by the bundled linear net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return templates(load_model("digits_linear"), sample_digit())


TECHNIQUE = Technique(
    name="templates",
    compute=templates,
    plot=plot,
    title="Templates: what a linear net compares a photo with",
    paper="Fei-Fei Li, Karpathy, Johnson 2016 (CS231n)",
    example=example,
    chapter="look",
    level=10,
    applies=refuses_templates,
    shown_by="cifar10_linear",
)
