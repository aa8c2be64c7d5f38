"""When a loss is no number any more: the node where it began."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.graph import Tape, needed
from minitorch_viz.net import Net
from minitorch_viz.training.optimizers.base import Arrays

ADVICE = "A smaller rate, clip=1.0, or a look at the data may help."


class NotFiniteError(MinitorchVizError, FloatingPointError):
    """Report that training met an infinity or a NaN; `node` is where it began."""

    def __init__(self, message: str, node: str) -> None:
        super().__init__(message)
        self.node = node


def check_loss(loss: float, net: Net, values: Mapping[str, Array], output: str, moment: str) -> None:
    """Raise NotFiniteError if the loss is not finite, naming the first node whose output is not.

    values: outputs of the forward pass by name; moment: words such as "at step 3".
    """
    if np.isfinite(loss):
        return
    start = f"The loss became {loss} {moment}"
    for name in net.names:
        if name not in values or finite(values[name]):
            continue
        if name in net.inputs:
            raise NotFiniteError(f"{start}: the data are not finite, {_bad(values[name])} of the input {name!r}.", name)
        parameters = "".join(f"; its largest {key} is {_top(value)}" for key, value in net[name].layer.params.items())
        raise NotFiniteError(
            f"{start}: it began at node {name!r} ({net[name].layer.type_name}), where {_bad(values[name])} are "
            f"not finite although all it reads is{parameters}. {ADVICE}",
            name,
        )
    raise NotFiniteError(
        f"{start}: every node's output is finite, so it began in the loss, at the scores of {output!r} (the largest "
        f"is {_top(values[output])}) or in the targets. {ADVICE}",
        output,
    )


def check_grads(grads: Arrays, net: Net, tape: Tape, seeds: Mapping[str, Array], step: int) -> None:
    """Raise NotFiniteError if a gradient is not finite, naming the node whose backward pass made the first one."""
    wrong = [name for name, grad in grads.items() if not finite(grad)]
    if not wrong:
        return
    start = f"The gradients stopped being finite at step {step}: it began"
    ran = (node for node in net.nodes if node.name in tape.saved)
    gradients = net.backward(tape, seeds, wrt=[node.name for node in needed(ran, seeds)])
    for node in reversed(net.nodes):  # from the loss backwards: the first that breaks is where it began
        dy, kind = gradients.get(node.name), node.layer.type_name
        if dy is None:
            continue
        if not finite(dy):
            place = f"in the loss, or where gradients meet: that of {node.name!r} is not finite. {ADVICE}"
            raise NotFiniteError(f"{start} {place}", node.name)
        for name in wrong:
            if name.rpartition(".")[0] == node.name:
                place = f"at node {node.name!r} ({kind}), where {_bad(grads[name])} entries of the gradient of {name!r}"
                raise NotFiniteError(f"{start} {place} are not finite. {ADVICE}", node.name)
        if any(name in gradients for name in node.inputs):
            dxs = node.layer.backward(dy, tape.saved[node.name])
            for dx in dxs if isinstance(dxs, tuple) else (dxs,):
                if not finite(dx):
                    place = f"in the backward pass of node {node.name!r} ({kind}), where {_bad(dx)} entries"
                    raise NotFiniteError(f"{start} {place} of the gradient are not finite. {ADVICE}", node.name)


def check_params(params: Arrays, net: Net, rate: float, step: int) -> None:
    """Raise NotFiniteError if the optimizer's step made a parameter that is not finite, naming its node."""
    for name, value in params.items():
        if not finite(value):
            node = name.rpartition(".")[0]
            raise NotFiniteError(
                f"The parameter {name!r} stopped being finite at step {step}: the step at the rate {rate:g} was too "
                f"large for node {node!r} ({net[node].layer.type_name}). {ADVICE}",
                node,
            )


def finite(x: Array) -> bool:
    """Return whether every value is finite; integers always are."""
    return bool(x.dtype.kind != "f" or np.isfinite(x).all())


def _bad(x: Array) -> str:
    return f"{int(x.size - np.isfinite(x).sum())} of {x.size}"


def _top(x: Array) -> str:
    return f"{float(np.abs(x).max(initial=0)):.3g}"
