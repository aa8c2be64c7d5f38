"""war_and_peace: a net that has read a million letters of Tolstoy's novel, one by one.

The text is War and Peace, translated by L. and A. Maude.
"""

from __future__ import annotations

from minitorch_viz.models.letters import letters_of
from minitorch_viz.models.params import State
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# The 77 characters of the text.
ALPHABET = Alphabet("\n !\"'()*,-.012345678:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzàê", one_hot=False)


def war_and_peace(state: State | None = None, classes: int = 0, seed: int | None = 0) -> Net:  # noqa: ARG001 (all nets have it)
    """Build the net: x (N, T) -> "embedding" (N, T, 64) -> "lstm1", "lstm2" (N, T, 256) -> "scores" (N, T, 77).

    It names no classes, so that their number is not asked.
    """
    return letters_of(state, len(ALPHABET.letters), seed=seed)


SPEC = ModelSpec(
    name="war_and_peace",
    build=war_and_peace,
    paper="the method: Karpathy, Johnson, Fei-Fei, Visualizing and Understanding Recurrent Networks, 2015",
    licence="MIT, as this package: trained by `minitorch-viz train letters`; the text is in the public domain",
    reader=ALPHABET,
    parameters=880_781,
)
