"""A small net that reads letter by letter, for the tests of texts."""

from __future__ import annotations

import string

import numpy as np

from minitorch_viz import Model, Net
from minitorch_viz.layers import LSTM, Embedding, Linear
from minitorch_viz.models import Alphabet

LETTERS = string.ascii_letters + string.digits + string.punctuation + " \n"


def letters_net(letters: str = LETTERS, *, one_hot: bool = True, unknown: str = "", seed: int = 0) -> Model:
    """A random LSTM that gives, after each letter, a score for each letter that may come next."""
    rng, count = np.random.default_rng(seed), len(letters)
    nodes = [] if one_hot else [("embedding", Embedding.random(rng, count, count))]
    nodes += [("lstm", LSTM.random(rng, count, 12)), ("scores", Linear.random(rng, 12, count))]
    return Model.from_net(Net(nodes), readers=Alphabet(letters, one_hot, unknown), name="letters")
