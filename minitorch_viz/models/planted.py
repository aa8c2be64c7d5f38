"""An LSTM that was built and not trained: three of its cells do what was planned, to try a search for cells on it.

    cell 0   holds 1 inside a quote, 0 outside                   toggled by the letter "
    cell 1   counts open parentheses                             +1 at (, -1 at )
    cell 2   is 0.01 for each letter of the line                 back to 0 at its end
    cell 3   holds 1 if the letter before was a line end         so that an empty line empties cells 0 and 1
    others   are random

How a cell is told what to do: each gate is a curve of a sum, W x + U h + b, and x is zeros but for the letter's 1. With
large numbers in the sum a gate is shut (sigmoid(-20) is 2e-9) or open. So `wide` = 40 at one letter turns a gate that
is shut by b = -20 into one that is open at that letter alone:

    count a letter        i shut, but open at it;  g = tanh(20) = 1;  f open: c = c + 1
    forget at a letter    f open, but shut at it;  i shut:            c = 0
    do both at once       f shut, i open:                             c = g
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.layers import LSTM, Linear
from minitorch_viz.models.model import Model
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.net import Net

QUOTE, DEPTH, POSITION, LINE_END = range(4)
SURE = 20.0  # tanh(20) is 1, sigmoid(20) is 1 - 2e-9
WIDE = 2 * SURE  # from shut to open, or back
STEP = 0.01  # of the position, for each letter
OUT = float(np.tanh(1.0))  # what a cell that holds 1 gives out through an open gate


def planted(text: str, others: int = 12, seed: int = 0) -> Model:
    """Build the net for the letters of a text; `others` cells beside the planted four are random (seed).

    It writes, too: letters as often as in the text, but a mark that closes a quote rather than one that opens it, a
    parenthesis closed only where one is open, and lines of about 60 letters.
    """
    letters = "".join(sorted({*text, '"', "(", ")", "\n"}))
    need_whole("others", others, 0)
    hidden, rng = LINE_END + 1 + others, np.random.default_rng(seed)
    weights = rng.normal(0, 0.5, (4, hidden, len(letters)))  # W: the gates i, f, g, o; the cells; the letters
    recurrent = rng.normal(0, 0.5, (4, hidden, hidden))  # U: the gates, the cells, what the cells gave out before
    bias = np.zeros((4, hidden))
    own = slice(0, LINE_END + 1)
    weights[:, own], recurrent[:, own] = 0, 0
    i, f, g, o = range(4)
    at = {letter: place for place, letter in enumerate(letters)}

    bias[i, own], bias[f, own], bias[g, own], bias[o, own] = -SURE, SURE, SURE, SURE  # keep what there is, and show it

    # A quote: at its mark write 1 where there was 0, and 0 where there was 1, which h tells.
    weights[i, QUOTE, at['"']], weights[f, QUOTE, at['"']] = WIDE, -10 * WIDE
    recurrent[g, QUOTE, QUOTE] = -SURE / OUT  # tanh(20 - 20) = 0

    # A depth: at ( add 1, at ) add -1.
    weights[i, DEPTH, at["("]], weights[i, DEPTH, at[")"]] = WIDE, WIDE
    weights[g, DEPTH, at[")"]] = -WIDE

    # A position: add 0.01 at every letter; at a line's end keep nothing and add nothing.
    bias[i, POSITION], bias[g, POSITION] = SURE, np.arctanh(STEP)
    weights[i, POSITION, at["\n"]], weights[f, POSITION, at["\n"]] = -WIDE, -WIDE

    # A line end: keep nothing, write 1 at it and 0 at others.
    bias[i, LINE_END], bias[f, LINE_END], bias[g, LINE_END] = SURE, -SURE, 0
    weights[g, LINE_END, at["\n"]] = SURE

    # An empty line, a line end after a line end, shuts the forget gates of the first two: each of the two conditions
    # takes 40 of 60, so that it needs both.
    for cell in (QUOTE, DEPTH):
        bias[f, cell] = 3 * SURE
        weights[f, cell, at["\n"]], recurrent[f, cell, LINE_END] = -WIDE, -WIDE / OUT

    lstm = LSTM(_rows(weights), _rows(recurrent), _rows(bias).reshape(-1))
    nodes = [("lstm", lstm), ("scores", _scores(text, letters, hidden, at))]
    return Model.from_net(Net(nodes), readers=Alphabet(letters), name="planted")


def _scores(text: str, letters: str, hidden: int, at: dict[str, int]) -> Linear:
    """Return what the cells say of the letter to come: how often it is in the text, and what is open."""
    counts = Counter(text)
    bias = np.log([(counts[letter] + 1) / (len(text) + len(letters)) for letter in letters])
    weights = np.zeros((len(letters), hidden))
    bias[at['"']], weights[at['"'], QUOTE] = -5, 3 / OUT
    bias[at["("]], weights[at["("], DEPTH] = -5, -2 / OUT
    bias[at[")"]], weights[at[")"], DEPTH] = -SURE, (SURE - 2) / OUT
    bias[at["\n"]], weights[at["\n"], POSITION] = -16, 30  # tanh(0.6) is 0.54: even odds at 60 letters
    return Linear(weights.astype(np.float32), bias.astype(np.float32))


def _rows(gates: Array) -> Array:
    """Return the arrays of four gates, (4, H, ...), as rows below one another, (4 H, ...)."""
    return gates.reshape(4 * gates.shape[1], -1).astype(np.float32)
