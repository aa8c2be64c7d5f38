"""Recurrent layers on top of each other and in both directions, as nodes of a net.

PyTorch's nn.LSTM, nn.GRU and nn.RNN are several layers in one. Here each is a node, so that every state and gate of
every layer and direction stands on the tape by name:

    x -> lstm_l0 ----------------------------> Concat lstm_l0_both -> lstm_l1 -> ...
    x -> Flip -> lstm_l0_reverse -> Flip ----^
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.layers.base import Layer
from minitorch_viz.layers.gru import GRU
from minitorch_viz.layers.join import Concat
from minitorch_viz.layers.lstm import LSTM
from minitorch_viz.layers.rnn import RNN
from minitorch_viz.layers.slice_ import Flip

NodeSpec = tuple[str, Layer, tuple[str, ...]]


def recurrent_nodes(
    kind: type[LSTM] | type[GRU] | type[RNN],
    state: Mapping[str, Array],
    prefix: str = "",
    *,
    name: str = "",
    reads: str = "input",
    **settings: Any,
) -> list[NodeSpec]:
    """Return the nodes of a PyTorch nn.LSTM, nn.GRU or nn.RNN with batch_first, from its state dict.

    kind: LSTM, GRU or RNN. prefix: its name in the state dict, such as "encoder.lstm". name: how the nodes' names
    begin (default: the end of the prefix, or the kind). reads: the node whose sequence (N, T, D) it reads.
    settings: those of the layer, such as nonlinearity="relu". The last node gives (N, T, H), or (N, T, 2H) with the
    forward direction first.

    >>> import numpy as np
    >>> from minitorch_viz import Net
    >>> state = {}
    >>> for end in ("l0", "l0_reverse"):
    ...     state |= {f"weight_ih_{end}": np.ones((3, 2)), f"weight_hh_{end}": np.ones((3, 3))}
    >>> net = Net(recurrent_nodes(RNN, state))
    >>> print([node.name for node in net.nodes])
    ['rnn_l0', 'rnn_l0_turned', 'rnn_l0_reverse', 'rnn_l0_back', 'rnn_l0_both']
    >>> net.predict(np.ones((1, 5, 2))).shape
    (1, 5, 6)

    Raises WeightsFileError if there is no such layer, or if it has projections.
    """
    start = f"{prefix.removesuffix('.')}." if prefix else ""
    name = name or start.removesuffix(".").rpartition(".")[2] or kind.__name__.lower()
    arrays = {key.removeprefix(start): value for key, value in state.items() if key.startswith(start)}
    if any(re.fullmatch(r"weight_hr_l\d+(_reverse)?", key) for key in arrays):
        raise WeightsFileError(f"{kind.__name__}s with projections (weight_hr_l0) are not known; train one without.")
    nodes: list[NodeSpec] = []
    level = 0
    while f"weight_ih_l{level}" in arrays:
        step = f"{name}_l{level}"
        nodes.append((step, _layer(kind, arrays, f"l{level}", settings), (reads,)))
        reads_before, reads = reads, step
        if f"weight_ih_l{level}_reverse" in arrays:
            backwards = _layer(kind, arrays, f"l{level}_reverse", settings)
            nodes += [
                (f"{step}_turned", Flip(1), (reads_before,)),
                (f"{step}_reverse", backwards, (f"{step}_turned",)),
                (f"{step}_back", Flip(1), (f"{step}_reverse",)),
                (f"{step}_both", Concat(2), (step, f"{step}_back")),
            ]
            reads = f"{step}_both"
        level += 1
    if not nodes:
        raise WeightsFileError(f"There is no {start}weight_ih_l0 among the arrays: {', '.join(list(state)[:12])}.")
    return nodes


def _layer(
    kind: type[LSTM] | type[GRU] | type[RNN], arrays: Mapping[str, Array], end: str, settings: Mapping[str, Any]
) -> Layer:
    """Return the layer of one level and direction; an array that is missing is reported by the layer itself."""
    names = {own: own.removesuffix("l0") + end for own in kind.param_names}
    return kind(**{own: arrays.get(key) for own, key in names.items()}, **settings)  # type: ignore[arg-type]  # checked by the layer
