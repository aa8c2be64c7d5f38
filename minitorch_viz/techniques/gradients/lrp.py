"""Layer-wise relevance propagation: the score, handed down to the pixels, and what of it stayed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import in_rows, panels, robust_max, show_blank, show_over, show_shares, smoothing
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import Rules, Tape
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.rules import lrp as formulas
from minitorch_viz.rules.accounts import Books
from minitorch_viz.rules.presets import composite, lrp_rules, passed_through
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import blank_note, drawable, not_finite, why_blank
from minitorch_viz.techniques.explain.books import books_notes, where_it_stayed
from minitorch_viz.techniques.explain.maps import SHARES, numbers_legend, one_map, sentence
from minitorch_viz.techniques.explain.start import start_any, with_value
from minitorch_viz.techniques.explain.unit import Which, need_sum
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, own_pixels, proportions_of
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Rule = Literal["composite", "epsilon", "gamma", "alpha-beta", "compare"]

SAYS = {
    "composite": "z-box at the pixels, gamma in the lower layers, epsilon above",
    "epsilon": "shares of the weighted sums, with epsilon to damp weak units",
    "gamma": "what speaks for a unit is favoured by gamma",
    "alpha-beta": "what speaks for a unit gets alpha of its relevance, what speaks against it -beta = 1 - alpha",
}
COLOURS = "shares of the score: red for, blue against, white 0"


@dataclass(frozen=True, eq=False)
class LrpMap(PhotoResult):
    """Hold the pixels' relevance, one entry a rule."""

    relevance: dict[str, Array]  # rule -> (C, h, w): shares of the value
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    label: str  # what is explained, in words
    value: float  # the class score (before the softmax) or the unit's activation
    blank: dict[str, str]  # rule -> why there is nothing to draw; "" if there is something
    settings: str  # epsilon, gamma and alpha, in words
    reading: str = ""  # the value in a caption's words
    # rule -> what stayed at which node: value = sum of the relevance + stayed[rule].total
    stayed: dict[str, Books] = field(default_factory=dict)

    def map(self, rule: str | None = None) -> Array:
        """Return (h, w), signed: the sum over the colours; positive speaks for the value, negative against it."""
        rule = rule or next(iter(self.relevance))
        return drawable(one_map(self.relevance[rule], "attribution"), self.blank[rule])

    @property
    def heat(self) -> Array:
        """Return (h, w), signed: the map of the first rule."""
        return self.map()

    @property
    def caption(self) -> str:
        ways = "; ".join(f"{rule}: {SAYS[rule]}" for rule in self.relevance)
        held = ", ".join(f"{rule} {self.held(rule)}" for rule in self.relevance)
        scales = ", ".join(f"{rule} +-{robust_max(self.map(rule)):.3g}" for rule in self.relevance)
        reading = self.reading or f"value {self.value:.4g}"
        if self.of_numbers is not None:
            return (
                f"Explains {self.label}, {reading}, which is handed down to the input layer by layer ({ways}; "
                f"{self.settings}). The {self.of_numbers.noun}s hold {held}. "
                f"{numbers_legend(self.of_numbers, self.number_maps[0])}"
            )
        return (
            f"Explains {self.label}, {reading}, which is handed down to the pixels layer by layer ({ways}; "
            f"{self.settings}). The pixels hold {held}. {sentence(SHARES)}; full scale is the 99.5th percentile of the "
            f"magnitudes, {scales}."
        )

    def held(self, rule: str) -> str:
        """Return how much of the value the pixels hold, in words: "1.35 of 5.75"."""
        return f"{self.map(rule).sum():.3g} of {self.value:.3g}"

    @property
    def notes(self) -> tuple[str, ...]:
        many = len(self.blank) > 1
        missing = tuple(
            note
            for rule, shares in self.relevance.items()
            if not self.blank[rule]
            for note in books_notes(shares, self.value, self.stayed[rule], rule if many else "", self.place)
        )
        if not many:
            return self.given_notes + blank_note(next(iter(self.blank.values()))) + missing
        reasons: dict[str, list[str]] = {}
        for rule, why in self.blank.items():
            reasons.setdefault(why, []).append(rule)
        blank = (f"The map is blank ({', '.join(rules)}) because {why}." for why, rules in reasons.items() if why)
        return (*self.given_notes, *blank, *missing)

    @property
    def heads(self) -> tuple[str, ...]:
        return (with_value(self.label, self.reading, self.value),)

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return the shares by each rule."""
        return [
            NumberMap(f"{rule}: shares, red for, blue against", self.map(rule), True, self.blank[rule])
            for rule in self.relevance
        ]


@spelled_out
def lrp(
    model: Model,
    image: Any,
    *,
    rule: Rule = "composite",
    epsilon: float = 1e-6,
    gamma: float = 0.25,
    alpha: float = 2.0,
    rules: Rules | None = None,
    **choice: Unpack[Which],
) -> LrpMap:
    """Show each pixel's share of a class score, handed down layer by layer, and say what of it stayed on the way.

    Every unit hands its relevance to its inputs in proportion to what they contributed to it. How the parts for and
    against it are weighed is the rule. A bias is no input: its share stays with it. What multiplies a signal is taken
    for given, as a weight is, and has no share: how much an attention reads of each step, the scale of a layer
    normalization, the gates of squeeze and excitation. It is computed in double precision: shares are quotients of sums
    that may be near 0.

    Args:
        rule: how relevance is shared (composite: a rule for each stretch of the net; compare: all side by side)
        epsilon: added to the magnitude of each sum, in the units of the layer; 0 for the basic rule, LRP-0
        gamma: how much more contributions for a unit count, with gamma and in the lower layers of the composite
        alpha: the share of contributions for a unit, with alpha-beta; beta is alpha - 1

    In Python, `rules={layer type or node: rule}` puts rules of one's own before these, where `rule(layer, r, saved)`
    takes the relevance r of the layer's output and returns that of its input. A layer of one's own needs one, unless it
    is a function of each value alone (an activation): those hand each value's share on, less that of what they give for
    an input of 0, and the caption names them.

    Returns an LrpMap with relevance (C, h, w) for each rule, and in `stayed` what each node kept: the value is the sum
    of the two. A note says where the rest is, if the pixels hold the value to no better than 1 percent.
    Raises SettingError for an unknown class, channel or rule or a layer without a rule, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Bach et al. 2015; Montavon et al. 2019 (gamma, z-box and the composite); Ali et al. 2022 (what multiplies).
    """
    if rule not in get_args(Rule):
        raise SettingError(f"There is no rule {rule!r}; {near(rule, get_args(Rule), 'rule')}.")
    everywhere = {
        "epsilon": formulas.epsilon(epsilon),
        "gamma": formulas.gamma(gamma),
        "alpha-beta": formulas.alpha_beta(alpha),
    }
    model = model.astype(np.float64)
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    need_sum(unit)
    relevance, blank, stayed = {}, {}, {}
    for name in SAYS if rule == "compare" else (rule,):
        books = stayed[name] = Books()
        if name == "composite":
            middle, upper = everywhere["gamma"], everywhere["epsilon"]
            chosen = composite(model.net, tape, *pixel_box(model, tape), middle, upper, rules=rules, books=books)
        else:
            chosen = lrp_rules(model.net, tape, everywhere[name], rules=rules, books=books)
        relevance[name] = _handed_down(model.net, tape, unit, chosen)
        blank[name] = _why_blank(model, tape, unit, value, relevance[name], books)
    settings = f"epsilon {epsilon:g}, gamma {gamma:g}, alpha {alpha:g}"
    if passed := passed_through(model.net, tape, rules):
        settings += f"; {', '.join(passed)}: no rule is known, each value's share goes to the value it was made of"
    return LrpMap(
        relevance,
        seen.picture,
        seen.pixel_aspect,
        unit.label,
        value,
        blank,
        settings,
        reading=reading,
        stayed=stayed,
        photo=seen.area,
        given=seen.given,
    )


def pixel_box(model: Model, tape: Tape | None = None) -> tuple[Array, Array]:
    """Return the least and the largest of the net's input, with 0 between them.

    Of a photo black and white, each (C, 1, 1). Of other channels, whose range is not known, the least and largest of
    each on this picture; of a row or a series each number itself, on its side of 0. tape: where these are found.
    """
    reader = model.reader()
    if type(reader) is Preprocessing or tape is None:
        reader = model.preprocessing
        mean, std = (np.reshape(value, (-1, 1, 1)) for value in (reader.mean, reader.std))
        return np.minimum((0 - mean) / std, 0), np.maximum((255 - mean) / std, 0)
    x = kernels.to_cpu(tape[model.input])[0]
    low, high = (x.min(axis=(1, 2), keepdims=True), x.max(axis=(1, 2), keepdims=True)) if x.ndim == 3 else (x, x)
    return np.minimum(low, 0), np.maximum(high, 0)


def _handed_down(net: Net, tape: Tape, unit: Objective, chosen: Rules) -> Array:
    """Return the pixels' relevance (C, h, w): what is handed down is each unit's own part of the value."""
    with np.errstate(invalid="ignore", over="ignore"):  # broken weights are diagnosed afterwards
        # Of an opposite minus the score. Units that do not count have no part, whatever they are.
        seeds = {name: np.where(seed == 0, 0, seed * tape[name]) for name, seed in unit.seeds(tape).items()}
        relevance: Array = kernels.to_cpu(net.backward(tape, seeds, rules=chosen, crop=False)[net.inputs[0]])[0]
    return relevance


def _why_blank(model: Model, tape: Tape, unit: Objective, value: float, relevance: Array, books: Books) -> str:
    if not np.isfinite(relevance).all():
        return not_finite(model.net, tape)
    if value == 0:
        return "its value is 0: there is nothing to hand down"
    if relevance.any():
        return ""
    if where := where_it_stayed(0.0, value, books):
        return f"no pixel has a share of it; all stayed on the way: {where}"
    return why_blank(model, tape, unit, relevance)


def plot(result: LrpMap, figure: Figure) -> None:
    """Draw the photo and the shares; one rule: over the photo too, several: side by side."""
    names, aspect = list(result.relevance), result.pixel_aspect
    label = f"{result.label}, {result.reading or f'value {result.value:.3g}'}"
    full = {name: f"full at ±{robust_max(result.map(name)):.2g}" for name in names}
    holds = {name: f"{name}: pixels hold {result.held(name)} ({full[name]})" for name in names}
    titles = [name if result.blank[name] else holds[name] for name in names]
    if len(names) == 1:
        sigma = smoothing(result.picture.shape[:2])
        over = f"smoothed by {sigma:.1f} pixels, over the photo" if sigma else "the same over the photo"
        sheet = panels(figure, [[label, *titles, over]], proportions_of(result), heading=COLOURS)
    else:
        sheet = panels(figure, in_rows([label, *titles], 3), proportions_of(result), heading=COLOURS)
        sheet.write(sheet.axes[1, 2], [f"{name}: {SAYS[name]}." for name in names])
    photo, *maps = sheet.axes.flat
    draw_photo(photo, result)
    for name, panel in zip(names, maps, strict=False):
        if result.blank[name]:
            show_blank(panel, result.picture.shape[:2], result.blank[name], pixel_aspect=aspect)
            continue
        show_shares(panel, result.map(name), pixel_aspect=aspect)
    if len(names) == 1:
        if result.blank[names[0]]:
            show_blank(maps[1], result.picture.shape[:2], result.blank[names[0]], pixel_aspect=aspect)
        else:
            show_over(maps[1], result.map(), own_pixels(result), pixel_aspect=aspect)


def example() -> LrpMap:
    """Explain a digit of scikit-learn's, by the bundled net, with all rules."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return lrp(load_model("digits"), sample_digit(), rule="compare")


TECHNIQUE = Technique(
    name="lrp",
    compute=lrp,
    plot=plot,
    title="Layer-wise relevance propagation: the score, handed down to the pixels",
    paper="Bach et al. 2015; Montavon et al. 2019",
    example=example,
    chapter="pixels",
    level=70,
    explains=True,
    takes_numbers=True,
    in_report=lambda model: [{"rule": "compare"}],  # noqa: ARG005 (the signature of `in_report`)
)
