"""Excitation backprop: which places the winning signal came from, and which speak for this class rather than any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rules, Tape, on_every_path
from minitorch_viz.layers import Kind
from minitorch_viz.models.features import nearest_weights
from minitorch_viz.net import Net
from minitorch_viz.objectives import ChannelMean, ChannelSum, Objective, Unit, stacked_seeds
from minitorch_viz.rules.excitation import excitation_rules, inhibit
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.explain.layer_maps import (
    LayerMaps,
    Scaling,
    before,
    chosen_layer,
    has_maps,
    in_words,
    need_scaling,
    plot_coarse,
    without_place,
)
from minitorch_viz.techniques.explain.start import start_several
from minitorch_viz.techniques.explain.tokens import as_maps
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.gradients.lrp import pixel_box
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from minitorch_viz.models import Model

ROUNDING = 1e-12  # of the largest chance: what is left below it of a difference is none
COARSEST = 10  # the default layer has at least a tenth as many places on a side as the input has pixels


@dataclass(frozen=True, eq=False)
class ExcitationMap(LayerMaps):
    """Hold marginal winning probabilities at the layer, summed over channels; contrastive: less the opposite unit's."""

    quantity: ClassVar[str] = "chance of winning"

    reached: Array  # (T,): how much of the chance of 1 passes the layer (all, where every way leads through it)
    contrastive: bool  # whether the opposite unit's probabilities were subtracted
    negated: tuple[str, ...]  # the layers whose weights were negated for them; empty if not contrastive

    @property
    def caption(self) -> str:
        how = (
            f"less that for the opposite unit (the weights of {', '.join(self.negated)} negated), cut off below 0: "
            "bright places excite this class rather than any (c-MWP)"
            if self.contrastive
            else "that add up to what reached the layer: bright places excite the value (MWP)"
        )
        parts = ", ".join(f"{part:.2%}" for part in self.reached)
        return (
            f"{self.explains} Excitation backprop: the chance that a way down from the winner, drawn from unit to "
            f"exciting unit, passes a place, {how}. {parts} of the chance passed {self.layer}. {self.legend}"
        )


@spelled_out
def excitation_backprop(
    model: Model,
    image: Any,
    *,
    layer: str | None = None,
    contrastive: bool = True,
    scale: Scaling = "one",
    rules: Rules | None = None,
    **choice: Unpack[Which],
) -> ExcitationMap:
    """Show where the signal came from that made a class win, for one or several classes.

    A winner is drawn at the top, then one of the inputs that excited it (in proportion to activation times positive
    weight), and so on down; shown is how probable it is to come by each place. Contrastive, the default, subtracts the
    same for the opposite unit, so that what excites every class cancels. Computed in double precision.

    Args:
        target: the class, by number or name, or several with commas between; by default the most probable one
        layer: the node to stop at (or input); by default the last pooling with at least a tenth of the input's sides
        contrastive: subtract the probabilities of the opposite unit (c-MWP)
        scale: of several classes: one for all maps, so that they compare; each: a scale a map, so that weak ones show

    In Python, `rules={layer type or node: rule}` puts rules of one's own before these, as for `lrp`: layers of one's
    own need one, unless they are activations, which pass the chances on.

    Returns an ExcitationMap with signed (T, h', w') at the layer's places; `map(i)` is enlarged to the pixels.
    Raises SettingError for an unknown class, channel or scale or a layer without maps, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Zhang et al. 2016.
    """
    scaling = need_scaling(scale)
    model = model.astype(np.float64)
    seen, tape, objectives = start_several(model, image, **choice)
    units = [_winner(objective) for objective in objectives]
    top = units[0].node
    layer = chosen_layer(model, tape, top, layer or middle_layer(model.net, tape, top))
    seeds = {name: _chances(seed) for name, seed in stacked_seeds(units, tape).items()}
    pro = excitation_rules(model.net, tape, box=pixel_box(model, tape), rules=rules)
    nearest = nearest_weights(model.net.nodes, top)
    negated = nearest if contrastive else ()
    if contrastive and not set(negated) & {*before(model.net, top), top} - {*before(model.net, layer), layer}:
        raise SettingError(
            f"There is no layer with weights between {layer!r} and {top!r}, so none to negate: stop at an earlier "
            "layer, or set contrastive to False."
        )
    against: Rules = {**pro, **{name: inhibit for name in nearest}}  # noqa: C420 (fromkeys loses the type)
    # Of "not dog" the opposite unit is that of "dog".
    turned = np.array([isinstance(unit, Unit) and unit.sign < 0 for unit in units])
    with np.errstate(invalid="ignore", over="ignore"):  # broken weights are diagnosed below
        chances = _either(model.net, tape, seeds, layer, (pro, against), turned)
        reached = kernels.to_cpu(chances.sum(axis=tuple(range(1, chances.ndim))))
        places = as_maps(model.net, tape, layer, chances).sum(axis=1)
        peaks = kernels.to_cpu(places.reshape(len(places), -1).max(axis=1))
        if contrastive:
            chances = chances - _either(model.net, tape, seeds, layer, (pro, against), ~turned)
    signed = kernels.to_cpu(as_maps(model.net, tape, layer, chances).sum(axis=1))
    blanks = tuple(_why_blank(model, tape, *pair) for pair in zip(signed, reached, peaks, strict=True))
    labels, values, readings = in_words(model, tape, units)
    return ExcitationMap(
        signed, layer, seen.picture, seen.pixel_aspect, labels, values, blanks, reached, contrastive, negated,
        readings=readings, scaling=scaling, photo=seen.area, given=seen.given,
        without_place=without_place(model.net, tape, layer),
    )  # fmt: skip


def _winner(objective: Objective) -> Unit | ChannelMean | ChannelSum:
    """Return an objective of which a winner can be drawn: one unit, or one of a channel's places."""
    if isinstance(objective, (Unit, ChannelMean, ChannelSum)):
        return objective
    raise SettingError(
        f"A winner is drawn from one unit, or from a channel's places, but target is {objective.label}; saliency and "
        "grad-cam, for example, explain any objective."
    )


def _chances(seed: Array) -> Array:
    """Return how probable it is to begin at each unit (T, ...): as often as it counts, in all 1 for each target."""
    counts = abs(seed)
    chances: Array = counts / counts.reshape(len(counts), -1).sum(axis=1).reshape(-1, *[1] * (counts.ndim - 1))
    return chances


def _either(
    net: Net, tape: Tape, seeds: dict[str, Array], layer: str, rules: tuple[Rules, Rules], second: Array
) -> Array:
    """Return the chances (T, C, h', w') at the layer, of each seed by the first rules or, if `second`, the others."""
    if second.all() or not second.any():
        return net.backward(tape, seeds, wrt=layer, rules=rules[int(second.any())], crop=False)[layer]
    first, others = (net.backward(tape, seeds, wrt=layer, rules=way, crop=False)[layer] for way in rules)
    return np.where(second.reshape(-1, *[1] * (first.ndim - 1)), others, first)


def middle_layer(net: Net, tape: Tape, top: str) -> str | None:
    """Return the default layer: the last pooling before the top weights that shrinks its map, but not too much.

    (One that keeps the size is a branch of many; GoogLeNet's modules have them.) GoogLeNet's pool2/3x3_s2, as in the
    paper's code; features.5 of SqueezeNet, pool3 of VGG. Without such a pooling the last maps before the top weights;
    None if there are no maps. Of a net with skips a pooling that every way passes comes first, for another is passed by
    a part of the chance only. A net that ends in maps has it before a layer that mixes places: where 1 x 1 filters
    alone lie between, each place passes all of its chance on, for its unit and for the opposite.
    """
    least = max(tape[net.inputs[0]].shape[2:], default=0) / COARSEST
    above: Sequence[str] = nearest_weights(net.nodes, top) or (top,)
    if tape[top].ndim == 4:
        above = _mixing(net, above)
    below_all = set.intersection(*(set(before(net, name)) for name in above))
    on_all = on_every_path(net.nodes, net.inputs, top)
    maps = [name for name in net.names if name in below_all and tape[name].ndim == 4]
    fine = [name for name in maps if _shrinks(net, name) and max(tape[name].shape[2:]) >= least]
    # The last of each that is on every way, else the last.
    orders = [[name for name in kind[::-1] if (name in on_all) == on] for kind in (fine, maps) for on in (True, False)]
    return next((name for order in orders for name in order), None)


def _mixing(net: Net, names: Sequence[str]) -> Sequence[str]:
    """Return the first layers with weights, from `names` down, whose filters reach more than one place."""
    sides = [(net[name].layer.params["weight"].shape if name in net else ())[2:] for name in names]
    if any(side != (1, 1) for side in sides):
        return names
    below = [weight for name in names for weight in nearest_weights(net.nodes, net[name].inputs[0])]
    return _mixing(net, list(dict.fromkeys(below))) if below else names


def _shrinks(net: Net, name: str) -> bool:
    """Return whether a node picks values out of windows that lie further apart than a pixel: a pooling."""
    if name not in net or net[name].layer.kind is not Kind.SELECTS:
        return False
    window = net[name].layer.window
    return window is not None and max(window.stride) > 1


def _why_blank(model: Model, tape: Tape, signed: Array, reached: float, peak: float) -> str:
    if not np.isfinite(signed).all():
        return not_finite(model.net, tape)
    if reached == 0:
        return "nothing excites it: no input with a positive weight is active on the way to the layer"
    if signed.max() <= ROUNDING * peak:
        return "no place excites it more than its opposite"
    return ""


def example() -> ExcitationMap:
    """Explain a digit of scikit-learn's, by the bundled net, down to the pixels."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return excitation_backprop(load_model("digits"), sample_digit(), target="3,8,5", layer="relu1")


TECHNIQUE = Technique(
    name="excitation-backprop",
    compute=excitation_backprop,
    plot=plot_coarse,
    title="Excitation backprop: where the winning signal came from",
    paper="Zhang et al. 2016",
    example=example,
    chapter="places",
    level=40,
    applies=has_maps,
    explains=True,
    takes_numbers=True,
)
