"""Layer-wise relevance propagation: every pixel's share of the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz import rules
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import Rules, Tape
from minitorch_viz.net import Net
from minitorch_viz.plotting import colour_bar, robust_max, show_image
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.diagnose import blank_note, drawable, not_finite, why_blank
from minitorch_viz.techniques.gradients._maps import SHARES, sentence, show_blank, show_over, show_shares, wrapped
from minitorch_viz.techniques.start import start
from minitorch_viz.techniques.target import Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Rule = Literal["composite", "epsilon", "gamma", "alpha-beta", "compare"]

SAYS = {
    "composite": "z-box at the pixels, gamma in the convolutions, epsilon in the dense layers",
    "epsilon": "shares of the weighted sums, with epsilon to damp weak units",
    "gamma": "what speaks for a unit is favoured by gamma",
    "alpha-beta": "what speaks for a unit gets alpha of its relevance, what speaks against it -beta = 1 - alpha",
}


@dataclass(frozen=True, eq=False)
class LrpMap(Result):
    """The pixels' relevance, one entry a rule."""

    relevance: dict[str, Array]  # rule -> (C, h, w): shares of the value
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    label: str  # what is explained, in words
    value: float  # the class score (before the softmax) or the unit's activation
    blank: dict[str, str]  # rule -> why there is nothing to draw; "" if there is something
    settings: str  # epsilon, gamma and alpha, in words
    reading: str = ""  # the value in a caption's words

    def map(self, rule: str | None = None) -> Array:
        """(h, w), signed: the sum over the colour channels; positive speaks for the value, negative against it."""
        rule = rule or next(iter(self.relevance))
        return drawable(self.relevance[rule].sum(axis=0), self.blank[rule])

    @property
    def heat(self) -> Array:
        """(h, w), signed: the map of the first rule."""
        return self.map()

    @property
    def caption(self) -> str:
        ways = "; ".join(f"{rule}: {SAYS[rule]}" for rule in self.relevance)
        kept = ", ".join(f"{rule} {self.map(rule).sum():.4g}" for rule in self.relevance)
        scales = ", ".join(f"{rule} +-{robust_max(self.map(rule)):.3g}" for rule in self.relevance)
        reading = self.reading or f"value {self.value:.4g}"
        return (
            f"Explains {self.label}, {reading}, which is handed down to the pixels layer by layer "
            f"({ways}; {self.settings}). The pixels hold {kept}; the rest stayed at the biases and at epsilon. "
            f"{sentence(SHARES)}; full scale is the 99.5th percentile of the magnitudes, {scales}."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if len(self.blank) == 1:
            return blank_note(next(iter(self.blank.values())))
        reasons = {why: [rule for rule, one in self.blank.items() if one == why] for why in self.blank.values() if why}
        return tuple(f"The map is blank ({', '.join(names)}) because {why}." for why, names in reasons.items())


def lrp(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
    rule: Rule = "composite",
    epsilon: float = 1e-6,
    gamma: float = 0.25,
    alpha: float = 2.0,
) -> LrpMap:
    """Show each pixel's share of a class score, handed down layer by layer so that nothing is added or lost.

    Every unit hands its relevance to its inputs in proportion to what they contributed to it. How the parts for and
    against it are weighed is the rule. It is computed in double precision: shares are quotients of sums that may be
    near 0.

    Args:
        target: the class, by number or name; by default the most probable one
        node: explain a unit of this node instead of a class
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest
        rule: how relevance is shared (composite: each kind of layer its own rule; compare: all side by side)
        epsilon: added to the magnitude of each sum, in the units of the layer; 0 for the basic rule, LRP-0
        gamma: how much more positive contributions count, with gamma and in the convolutions of the composite
        alpha: the share of positive contributions with alpha-beta; beta is alpha - 1

    Returns an LrpMap with relevance (C, h, w) for each rule; the sum over all pixels is the score less what the biases
    and epsilon keep.
    Raises SettingError for an unknown class, channel or rule, NetError for an unknown node, ImageFileError for a bad
    image.

    Paper: Bach et al. 2015; Montavon et al. 2019 (gamma, z-box and the composite).
    """
    if rule not in get_args(Rule):
        raise SettingError(f"There is no rule {rule!r}; {near(rule, get_args(Rule), 'rule')}.")
    weighted = {
        "epsilon": rules.epsilon(epsilon),
        "gamma": rules.gamma(gamma),
        "alpha-beta": rules.alpha_beta(alpha),
    }
    model = model.astype(np.float64)
    seen, tape, unit = start(model, image, target, node, channel, position)
    relevance, blank = {}, {}
    for one in SAYS if rule == "compare" else (rule,):
        if one == "composite":
            chosen = rules.composite(model.net, tape, *pixel_box(model), weighted["gamma"], weighted["epsilon"])
        else:
            chosen = rules.lrp_rules(model.net, tape, weighted[one])
        relevance[one] = _handed_down(model.net, tape, unit, chosen)
        blank[one] = _why_blank(model, tape, unit, relevance[one])
    settings = f"epsilon {epsilon:g}, gamma {gamma:g}, alpha {alpha:g}"
    return LrpMap(
        relevance, seen.picture, seen.pixel_aspect, unit.label, unit.value, blank, settings, reading=unit.reading
    )


def pixel_box(model: Model) -> tuple[Array, Array]:
    """What stands for black and for white in the net's input, each (C, 1, 1), with 0 between them."""
    mean, std = (np.reshape(value, (-1, 1, 1)) for value in (model.preprocessing.mean, model.preprocessing.std))
    return np.minimum((0 - mean) / std, 0), np.maximum((255 - mean) / std, 0)


def _handed_down(net: Net, tape: Tape, unit: Target, chosen: Rules) -> Array:
    seed = {name: unit.value * abs(one) for name, one in unit.seed(tape).items()}  # of an opposite: minus the score
    with np.errstate(invalid="ignore", over="ignore"):  # broken weights are diagnosed afterwards
        found: Array = kernels.to_cpu(net.backward(tape, seed, rules=chosen, crop=False)[net.inputs[0]])[0]
    return found


def _why_blank(model: Model, tape: Tape, unit: Target, relevance: Array) -> str:
    if not np.isfinite(relevance).all():
        return not_finite(model.net, tape)
    if unit.value == 0:
        return "its value is 0: there is nothing to hand down"
    if not relevance.any():
        return why_blank(model, tape, unit, relevance)
    return ""


def plot(result: LrpMap, figure: Figure) -> None:
    """The photo and the shares; one rule: over the photo too, several: side by side."""
    names = list(result.relevance)
    if len(names) == 1:
        figure.set_size_inches(11.2, 3.9)
        photo, *panels = figure.subplots(1, 3)
        axes = dict(zip(names, panels[:1], strict=True))
    else:
        figure.set_size_inches(3.4 * (len(names) + 1), 3.5)
        photo, *panels = figure.subplots(1, len(names) + 1)
        axes = dict(zip(names, panels, strict=True))
    aspect = result.pixel_aspect
    show_image(photo, result.picture, wrapped(f"{result.label}, value {result.value:.3g}"), aspect)
    for name, panel in axes.items():
        if result.blank[name]:
            show_blank(panel, result.picture.shape[:2], result.blank[name], aspect, name)
            continue
        drawn = show_shares(panel, result.map(name), f"{name}: pixels hold {result.map(name).sum():.3g}", aspect)
        colour_bar(figure, drawn, panel, "red for, blue against")
    if len(names) == 1:
        if result.blank[names[0]]:
            show_blank(panels[1], result.picture.shape[:2], result.blank[names[0]], aspect)
        else:
            show_over(panels[1], result.map(), result.picture, aspect)


def example() -> LrpMap:
    """A digit of scikit-learn's, by the bundled net, with all rules."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return lrp(load_model("digits"), sample_digit(), rule="compare")


TECHNIQUE = Technique(
    name="lrp",
    compute=lrp,
    plot=plot,
    title="Layer-wise relevance propagation: every pixel's share of the score",
    paper="Bach et al. 2015; Montavon et al. 2019",
    example=example,
    explains=True,
    in_report=lambda model: [{"rule": "compare"}],  # noqa: ARG005 (the signature of `in_report`)
)
