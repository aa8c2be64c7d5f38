"""A small net of random weights that reads letters: what the examples of the techniques read a line with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LOWER = "abcdefghijklmnopqrstuvwxyz "


def small_net(alphabet: str = LOWER, **shape: Any) -> Model:
    """Return an LSTM for the letters of an alphabet; shape: as in `letters`, 2 layers of 24 cells unless it says so."""
    from minitorch_viz.models import Alphabet, Model
    from minitorch_viz.models.letters import letters

    net = letters(len(alphabet), **{"cells": 24, "embedding": 8, **shape})
    return Model.from_net(net, readers=Alphabet(alphabet, one_hot=False), name="a random net")


def small_reading() -> tuple[Model, str]:
    """Return another one, of two layers of 12 cells, and three lines with a quote that it can read."""
    text = 'She said, "Here we are."\nHe was there, too,\nand saw that she was not.\n'
    return small_net('\n !,.HSabcdefghilmnorstuwy"', cells=12, seed=3), text
