"""Nets that read letter by letter and say after each what may come next: the char-rnn of Karpathy's blog (2015).

They are not one net but a shape: `minitorch-viz train letters --text FILE` fills it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.layers import GRU, LSTM, RNN, Dropout, Embedding, Layer, Linear
from minitorch_viz.models.params import Params, State
from minitorch_viz.net import Net

Kind: TypeAlias = Literal["lstm", "gru", "rnn"]
KINDS: Mapping[str, type[LSTM] | type[GRU] | type[RNN]] = {"lstm": LSTM, "gru": GRU, "rnn": RNN}
SCORES = "scores"  # the node whose T x V numbers are the net's answer


def letters(
    count: int,
    kind: Kind = "lstm",
    layers: int = 2,
    cells: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    seed: int = 0,
) -> Net:
    """Build a random net: x (N, T) numbers of letters -> "embedding" -> "lstm1", "lstm2", ... -> "scores" (N, T, V).

    count: V, how many letters there are. kind: "lstm", "gru" or "rnn", which also names the nodes. cells: H of each of
    the `layers`. embedding: how many numbers stand for a letter. dropout: the share of each layer's outputs that is
    dropped in training ("dropout1", ...), the last layer's included; 0 builds no such nodes.

    Raises SettingError for a kind that there is not, and for sizes below 1.

    >>> net = letters(5, layers=1, cells=8, embedding=4)
    >>> print([node.name for node in net.nodes])
    ['embedding', 'lstm1', 'scores']
    >>> net.predict(np.array([[0, 1, 2]])).shape
    (1, 3, 5)
    """
    if kind not in KINDS:
        raise SettingError(f"There is no kind of recurrent layer {kind!r}; {near(kind, KINDS, 'kind')}.")
    for name, value in (("letters", count), ("layers", layers), ("cells", cells), ("embedding", embedding)):
        need_whole(name, value, 1)
    rng = np.random.default_rng(seed)
    table = Embedding.random(rng, count, embedding)
    nodes: list[tuple[str, Layer]] = [("embedding", table)]
    features = embedding
    for number in range(1, layers + 1):
        nodes.append((f"{kind}{number}", KINDS[kind].random(rng, features, cells)))
        if dropout:
            nodes.append((f"dropout{number}", Dropout(dropout)))
        features = cells
    scores = Linear.random(rng, cells, count)
    # Begin with nearly even scores: those of He et al.'s weights would be sure of wrong letters.
    nodes.append((SCORES, Linear(scores.weight * np.float32(0.1), scores.bias)))
    return Net(nodes)


def letters_of(
    state: State | None, count: int, layers: int = 2, cells: int = 256, embedding: int = 64, seed: int | None = 0
) -> Net:
    """Build the same LSTM net, without dropout, from a file's arrays; see `Params` for `state` and `seed`.

    Raises WeightsFileError for an array that is missing or has another shape.
    """
    p = Params(state, seed)
    sizes = [embedding] + [cells] * layers
    recurrent = [p.lstm(f"lstm{number}", *sizes[number - 1 : number + 1]) for number in range(1, layers + 1)]
    return Net([p.embedding("embedding", count, embedding), *recurrent, p.linear(SCORES, cells, count)])
