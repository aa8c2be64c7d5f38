"""The pictures and places where a channel matters most for a class: largest relevance, not largest answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rules, Tape, ancestors
from minitorch_viz.layers.kind import Kind
from minitorch_viz.rules import lrp
from minitorch_viz.rules.presets import lrp_rules
from minitorch_viz.techniques.explain.strongest import Strongest

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Relevant(Strongest):
    """Keep for every channel of a node the k places of largest relevance for a class, over any number of pictures.

    The class score is handed down to the node, by epsilon at the layers without places and by the positive
    contributions alone (alpha 1, beta 0) at convolutions. The settings are those of `Strongest`.

    target: the number of the class; None: each picture's own most probable one.

    Paper: Achtibat et al. 2023 (relevance maximization, RelMax), with their rules EpsilonPlusFlat.
    """

    goes_back = True

    def __init__(
        self, node: str, target: int | None, logits: str, k: int = 9, each: int = 1, **settings: object
    ) -> None:
        super().__init__(node, k, each, **settings)  # type: ignore[arg-type]  # those of Strongest
        self.target, self.logits = target, logits

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.logits, self.node)

    def see_back(self, model: Model, tape: Tape, numbers: Array) -> None:
        self.take(relevance(model, tape, self.node, self.target)[numbers >= 0], numbers[numbers >= 0])


def relevance(model: Model, tape: Tape, node: str, target: int | None) -> Array:
    """Return the relevance of a node for a class, in the shape of its output: shares of the class score.

    tape: of N pictures, up to the class scores. target: None is each picture's own most probable class.
    """
    scores = kernels.to_cpu(tape[model.logits])
    classes = scores.argmax(axis=1) if target is None else np.full(len(scores), target)
    seed = np.zeros_like(scores)
    rows = np.arange(len(scores))
    seed[rows, classes] = scores[rows, classes]
    rules = plus_rules(model, tape)
    seeds = {model.logits: kernels.to_device(seed, model.net.device)}
    result: Array = kernels.to_cpu(model.net.backward(tape, seeds, wrt=node, rules=rules)[node])
    return result


def plus_rules(model: Model, tape: Tape) -> Rules:
    """Return epsilon for layers without places, alpha 1 and beta 0 for convolutions."""
    convolutions = [
        node.name for node in model.net.nodes
        if node.name in tape.saved and node.layer.kind is Kind.WEIGHS and node.layer.has_filters
    ]  # fmt: skip
    return lrp_rules(model.net, tape, lrp.epsilon(), dict.fromkeys(convolutions, lrp.alpha_beta(1.0)))


def need_class(model: Model, node: str, target: str | int | None) -> int | None:
    """Return the number of the class that relevance is for; SettingError if the node is not below the scores."""
    if not model.logits:
        raise SettingError(
            f"{model.name} has no class scores, so nothing is relevant for a class; leave out relevance."
        )
    if node == model.logits or node not in ancestors(model.net.nodes, model.logits):
        raise SettingError(f"Relevance is handed down from the class scores, and {node!r} is not below them.")
    return None if target is None else model.class_index(target)
