"""The microscope: one unit, its arithmetic laid open, forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Unpack, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape, ancestors, only_reader
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.rules.relu import ReluMode, hard_relus, relu_mode
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.explain.layer_maps import is_head
from minitorch_viz.techniques.explain.receptive import Field, receptive_field
from minitorch_viz.techniques.explain.unit import Which, reading_of, resolve, resolve_any, value_of
from minitorch_viz.techniques.explain.view import PhotoResult, view
from minitorch_viz.techniques.gradients._microscope_figure import draw
from minitorch_viz.techniques.gradients._microscope_page import page_data, render_page
from minitorch_viz.techniques.gradients._microscope_sums import Place, Sum, opened, way_down
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MODES: tuple[ReluMode, ...] = get_args(ReluMode)


@dataclass(frozen=True, eq=False)
class UnitView(PhotoResult):
    """Hold one unit: the way down to its sum, the products, and the signals that come back to it in each ReLU mode."""

    no_numbers: ClassVar[tuple[str, ...]] = ("page",)  # the page's text

    way: tuple[Place, ...]  # from the chosen unit (or the ReLU on top of it) down to the one that adds up
    sum: Sum  # the products of the last of them
    signals: dict[str, tuple[float, ...]]  # mode -> the signal at each of `way`: upstream first, behind the gate last
    field: Field  # the pixels that the unit can see
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    label: str  # the unit, in words
    top: str  # the number whose signal comes back, in words
    top_value: float
    top_reading: str  # that number in words: "score -4, probability 0.018"
    chain: tuple[str, ...]  # the layers of `way`, in words
    page: dict[str, Any]  # the part of the net that the HTML page holds
    broken: str  # why the numbers are not finite; "" if they are
    inputs: tuple[str, ...] = ()  # the net's inputs: the picture

    @property
    def downstream(self) -> dict[str, tuple[Array, ...]]:
        """Return {mode: for each input of the sum (G, a, b)}, what the unit sends down: its signal times weights."""
        return {mode: tuple(way[-1] * term.weight for term in self.sum.terms) for mode, way in self.signals.items()}

    @property
    def caption(self) -> str:
        last, count = self.way[-1], sum(term.x.size for term in self.sum.terms)
        steps = ", ".join(f"{place.node} {place.value:.5g}" for place in self.way[::-1])
        signals = "; ".join(f"{mode} {way[0]:.4g} becomes {way[-1]:.4g}" for mode, way in self.signals.items())
        return (
            f"{self.label[0].upper()}{self.label[1:]}: {count} products and a bias of {self.sum.bias:.5g} add up to "
            f"{last.value:.5g} at {last.node}; on the way up: {steps}. The signal of {self.top} "
            f"({self.top_reading}) comes back: {signals}. Tiles: white is 0, red positive, blue negative, each panel "
            "on a scale of its own, the largest magnitude. Saved as .html it is a page of units to click."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if self.broken:
            return (f"The numbers are not finite because {self.broken}.",)
        notes = []
        if not any(self.signals["normal"]):
            notes.append("No signal of the plain gradient reaches the unit: moving it would not move the value.")
        elif self.signals["normal"][-1] == 0:
            notes.append("The gate is closed: the unit did not fire, so that the plain gradient ends here.")
        return tuple(notes)

    def html(self) -> str:
        """Return the page: one file, in which one clicks from unit to unit, forwards and backwards."""
        return render_page(self.page)


@spelled_out
def microscope(model: Model, image: Any, **choice: Unpack[Which]) -> UnitView:
    """Show the whole arithmetic of one unit: inputs, weights, products, sum, gate, and the signals that come back.

    Forwards, what the unit reads is multiplied by its weights, added up with the bias, and passed by a ReLU or not.
    Backwards, a signal arrives from the class score; the three ReLU modes let it through or not, and the unit sends
    it on, times its weights. Saved as .html it is a page in which one clicks from unit to unit.

    Args:
        target: the class whose signal comes back, by number or name; by default the most probable one, or of another
            head, where the node belongs to it, the unit itself or the strongest
        node: the unit's node; by default the first convolution, or the first layer that weighs its inputs

    Returns a UnitView, computed in double precision: the products and the bias add up to the unit's value.
    Raises SettingError for an unknown class or channel, or a node after the scores, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Springenberg et al. 2014 (the three modes); the arithmetic is that of the layers.
    """
    need_picture(model, "microscope")
    model = model.astype(np.float64)
    net, seen = model.net, view(model, image)
    tape = net.forward(seen.x)
    node = choice.get("node")
    if node is not None and node not in net.inputs:
        net[node]  # NetError with near names
    top = _top(model, tape, choice)
    above = ancestors_of(net, top)
    node = node if node is not None else model.first_conv or _first_sum(net)
    if node not in above:
        start = " and ".join(map(repr, top.nodes))
        raise SettingError(f"{node!r} does not lead to {start}, from which the signal comes back; name another.")
    if not ancestors(net.nodes, node) & {*net.inputs}:
        raise SettingError(f"{node!r} does not depend on the picture, but on what is given beside it; name another.")
    unit = resolve(model, tape, node=node, channel=choice.get("channel"), position=choice.get("position"))
    way = tuple(way_down(net, tape, _gate_above(net, tape, unit.node), unit.index))
    leading = above - net.beside.keys()  # what is given beside is not explained
    names = [name for name in net.names if name in leading]
    backwards: dict[str, dict[str, Array]] = {}
    for mode in MODES:
        back = net.backward(tape, top.seeds(tape), wrt=names, rules=relu_mode(mode))
        backwards[mode] = {name: kernels.to_cpu(signal)[0] for name, signal in back.items()}
    signals = {mode: tuple(float(back[place.node][place.at]) for place in way) for mode, back in backwards.items()}
    field = receptive_field(net, tape, way[0].node, way[0].at[1:] or None)  # type: ignore[arg-type]  # (row, column)
    total = opened(net, tape, way[-1])
    finite = np.isfinite(total.value) and np.isfinite(list(signals.values())).all()
    reading = reading_of(model, tape, top)
    return UnitView(
        way=way,
        sum=total,
        signals=signals,
        field=field,
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        photo=seen.area,
        given=seen.given,
        label=unit.label,
        top=top.label,
        top_value=value_of(top, tape),
        top_reading=reading,
        chain=tuple(repr(net[place.node].layer) for place in way),
        page=page_data(model, tape, backwards, seen, way, (top.label, reading)),
        broken="" if finite else not_finite(net, tape),
        inputs=tuple(net.inputs),
    )


def _top(model: Model, tape: Tape, choice: Which) -> Objective:
    """Return the number whose signal comes back: of the net's answer, or of another head that the unit leads to."""
    node, target = choice.get("node"), choice.get("target")
    if node is not None and target is None and is_head(model, node):
        if choice.get("region") is not None or choice.get("mask") is not None:
            raise SettingError(
                "region= and mask= say over which places a target is summed, but here the signal comes back from "
                f"{node!r}, one unit of another head; leave them out."
            )
        head = next(name for name in model.net.outputs if node in ancestors(model.net.nodes, name))
        if head != node:
            return resolve(model, tape, node=head)
        return resolve(model, tape, node=node, channel=choice.get("channel"), position=choice.get("position"))
    return resolve_any(model, tape, target=target, region=choice.get("region"), mask=choice.get("mask"))


def ancestors_of(net: Net, objective: Objective) -> set[str]:
    """Return the nodes and inputs that an objective depends on, those that it reads among them."""
    return set().union(*(ancestors(net.nodes, node) for node in objective.nodes))


def _first_sum(net: Net) -> str:
    """Return the first node that weighs its inputs, or the first node."""
    return next((node.name for node in net.nodes if node.layer.kind is Kind.WEIGHS), net.nodes[0].name)


def _gate_above(net: Any, tape: Any, node: str) -> str:
    """Return the ReLU that alone reads a node, if there is one: its gate belongs to the unit's arithmetic."""
    reader = only_reader((other for other in net.nodes if other.name in tape), node)
    return reader.name if reader and reader.name in hard_relus(net) else node


def plot(result: UnitView, figure: Figure) -> None:
    """Draw the way forwards above (photo, inputs, weights, products), below the way back: gates and what goes down."""
    draw(result, figure)


def example() -> UnitView:
    """Show the strongest unit of the bundled net's first convolution, for a digit of scikit-learn's."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return microscope(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="microscope",
    compute=microscope,
    plot=plot,
    title="Microscope: the arithmetic of one unit",
    paper="Springenberg et al. 2014",
    example=example,
    chapter="look",
    level=30,
    pages=(".html",),
)
