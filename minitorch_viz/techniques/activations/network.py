"""Network: the whole net on one page for one picture, what every node holds forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.graph import Tape, ancestors
from minitorch_viz.objectives import Objective, Unit
from minitorch_viz.techniques.activations._network_cards import Card, cards_of
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import PhotoResult
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Of = Literal["score", "loss"]
ROWS = 10  # nodes in a figure, at most


@dataclass(frozen=True, eq=False)
class NetworkView(PhotoResult):
    """Hold every node of a net on one picture: a card each."""

    cards: tuple[Card, ...]  # the input first, in the order of the net
    chosen: tuple[str, ...]  # the nodes that the figure shows
    label: str  # whose gradients these are, in words
    reading: str  # its value, in words
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    model: str  # the net's name
    broken: str  # why numbers are not finite; "" if all are

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.model, f"{len(self.cards)} nodes", self.label)

    @property
    def parameters(self) -> int:
        """Return how many numbers the net has learned."""
        return sum(card.size for card in self.cards)

    @property
    def caption(self) -> str:
        shown = (
            "every node" if len(self.chosen) == len(self.cards) else f"{len(self.chosen)} of {len(self.cards)} nodes"
        )
        return (
            f"{self.model} on one picture, {shown} in the order of the net: its answers, their gradients, its weights "
            f"and theirs. The gradients are those of {self.label}, {self.reading}. Of each node the channels with the "
            "largest magnitudes are shown, in the same places of both pictures. Every little sheet has a scale of its "
            "own, said above it: from black (0) to white, or with signs white is 0, red positive, blue negative; the "
            "end is the 99.5th percentile of all the node's magnitudes (of fewer than 1,000 numbers the largest), and "
            "what lies beyond looks like the end. Bars: how often which number occurs, without those that are exactly "
            "0, and with what lies beyond in the outermost. Squares: how the channels that vary most correlate over "
            "the places of this picture (red 1, blue -1), alike ones side by side. Saved as .html it is a page of all "
            "nodes."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if self.broken:
            return (*self.given_notes, f"Not all numbers are finite because {self.broken}; those are left out.")
        notes = []
        dead = [(card.name, card.dead, card.shape[0]) for card in self.cards if card.dead]
        if dead:
            most = sorted(dead, key=lambda each: -each[1] / each[2])[:3]
            listed = ", ".join(f"{name} {count} of {of}" for name, count, of in most)
            notes.append(
                f"Dead on this picture, no gradient passes at any place: {sum(count for _, count, _ in dead)} channels "
                f"of {len(dead)} nodes, most of all at {listed}. On another picture they may answer."
            )
        saturated = [card for card in self.cards if card.saturated and card.saturated > 0.5]
        if saturated:
            listed = ", ".join(f"{card.name} {card.saturated:.0%}" for card in saturated[:3])
            notes.append(f"More than half of the units are within 0.01 of a limit: {listed}.")
        silent = [
            card.name
            for card in self.cards
            if card.gradients is not None and card.gradients.spread.least == card.gradients.spread.most == 0
        ]
        if silent:
            notes.append(f"All gradients are 0 at {', '.join(silent[:4])}{', ...' if len(silent) > 4 else ''}.")
        alike = [(card.name, *pair) for card in self.cards if card.correlation for pair in card.correlation.pairs[:1]]
        if alike:
            name, first, second, value = max(alike, key=lambda each: each[3])
            notes.append(f"The channels most alike on this picture are {first} and {second} of {name}: {value:.3f}.")
        return (*self.given_notes, *notes)

    def html(self) -> str:
        """Return the page: one file with all nodes."""
        from minitorch_viz.techniques.activations._network_page import render_page

        return render_page(self)


@spelled_out
def network(
    model: Model, image: Any, *, of: Of = "score", nodes: str | None = None, count: int = 16, **choice: Unpack[Which]
) -> NetworkView:
    """Show the whole net on one page for one picture: what every node answers, its gradients, its weights.

    From the picture down to the scores: answers as small pictures, what a small change of each would do to the class
    score, weights and what a step of learning would do to them, how all of these numbers are spread, which units are
    dead or saturated, and which channels answer alike. Saved as .html it is a page of all nodes, else a figure.

    Args:
        of: whose gradients: score, that of the class before the softmax; or loss, -log of its probability, which
            learning would lower if the class were right
        nodes: the nodes that the figure shows, with commas between; by default all of a small net, else the layers
            with weights, from the first to the last
        count: how many channels of a node are shown

    Returns a NetworkView with a card for each node.
    Raises SettingError for an unknown class or channel, or a loss of what is no class, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Karpathy 2014 (ConvNetJS).
    """
    need_picture(model, "network")
    if of not in get_args(Of):
        raise SettingError(f"There is no gradient of {of!r}; {near(of, get_args(Of), 'choice')}.")
    need_whole("count", count, 1)
    seen, _, objective, _, reading = start_any(model, image, **choice)
    tape = model.net.forward(seen.x)
    seeds, label = objective.seeds(tape), objective.label
    if _is_class(model, objective) and not model.scores.squashed:
        label = f"the score of {label}"
    if of == "loss":
        seeds, label = _loss(model, tape, objective)
    above = set().union(*(ancestors(model.net.nodes, node) for node in seeds))
    names = [name for name in model.net.names if name in tape and name not in model.net.beside]
    gradients = model.net.backward(tape, seeds, wrt=[name for name in names if name in above])
    param_grads = model.net.param_grads(tape, seeds)
    cards = cards_of(model, tape, names, gradients, param_grads, count)
    finite = all(np.isfinite(kernels.to_cpu(value)).all() for value in (*tape.values.values(), *gradients.values()))
    return NetworkView(
        cards,
        _figures_nodes(model, cards, nodes),
        label,
        reading,
        seen.picture,
        seen.pixel_aspect,
        model.name,
        "" if finite else not_finite(model.net, tape),
        photo=seen.area,
        given=seen.given,
    )


def _is_class(model: Model, objective: Objective) -> bool:
    return isinstance(objective, Unit) and objective.node == model.logits


def _loss(model: Model, tape: Tape, objective: Objective) -> tuple[dict[str, Array], str]:
    """Return the seeds of -log(probability) of a class at the scores, softmax minus one-hot, and what it is called."""
    is_class = _is_class(model, objective) and model.scores.name == "classes" and not model.scores.squashed
    if not (is_class and isinstance(objective, Unit)):
        raise SettingError(
            f"The loss is -log of a class's probability, a softmax of all scores, and {objective.label} of "
            f"{model.name} has none; take of=score."
        )
    scores = kernels.to_cpu(tape[model.logits])
    chances = model.scores.answers(scores)
    seed = np.asarray(chances, scores.dtype).copy()
    seed[:, objective.index[0]] -= 1
    loss = -float(np.log(max(float(chances[0, objective.index[0]]), 1e-300)))
    seeds = {model.logits: kernels.to_device(seed, model.net.device)}
    return seeds, f"the loss {loss:.3g} of {objective.label} (-log of its probability)"


def _figures_nodes(model: Model, cards: tuple[Card, ...], nodes: str | None) -> tuple[str, ...]:
    """Return the nodes of the figure: those named, all of a small net, or layers with weights at even distances."""
    if nodes is not None:
        names = [name.strip() for name in nodes.split(",")]
        for name in names:
            if name not in model.net.inputs:
                model.net[name]  # NetError with near names
        unknown = [name for name in names if name not in {card.name for card in cards}]
        if unknown:
            raise SettingError(f"{unknown[0]!r} is nothing that the picture changes; name another node.")
        return tuple(dict.fromkeys(names))
    names = [card.name for card in cards]
    telling = [name for name in names if name not in model.net or not model.net[name].layer.passes_on]
    for fewer in (names, telling):
        if len(fewer) <= ROWS:
            return tuple(fewer)
    weighted = [card.name for card in cards if card.params]
    ends = [name for name in (names[0], model.net.output) if name not in weighted]
    room = ROWS - len(ends)
    places = np.unique(np.linspace(0, len(weighted) - 1, min(room, len(weighted))).round().astype(int))
    kept = {*ends, *(weighted[place] for place in places)}
    return tuple(name for name in names if name in kept)


def plot(result: NetworkView, figure: Figure) -> None:
    """Draw a row for each chosen node: answers, gradients, weights, their gradients, and the channels' correlation."""
    from minitorch_viz.techniques.activations._network_figure import draw

    draw(result, figure)


def example() -> NetworkView:
    """Show a digit of scikit-learn's in the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return network(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="network",
    compute=network,
    plot=plot,
    title="Network: the whole net on one page",
    paper="Karpathy 2014",
    example=example,
    chapter="look",
    level=25,
    pages=(".html",),
)
