"""linux_kernel: a net that has read a million letters of the Linux kernel's source, one by one."""

from __future__ import annotations

from minitorch_viz.models.letters import letters_of
from minitorch_viz.models.params import State
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# The 97 characters of the text: tab, line end, and those of ASCII that can be printed.
ALPHABET = Alphabet("\t\n" + "".join(map(chr, range(32, 127))), one_hot=False)


def linux_kernel(state: State | None = None, classes: int = 0, seed: int | None = 0) -> Net:  # noqa: ARG001 (all nets have it)
    """Build the net: x (N, T) -> "embedding" (N, T, 64) -> "lstm1", "lstm2" (N, T, 256) -> "scores" (N, T, 97).

    It names no classes, so that their number is not asked.
    """
    return letters_of(state, len(ALPHABET.letters), seed=seed)


SPEC = ModelSpec(
    name="linux_kernel",
    build=linux_kernel,
    paper="the method: Karpathy, Johnson, Fei-Fei, Visualizing and Understanding Recurrent Networks, 2015",
    licence="MIT, as this package: trained by `minitorch-viz train letters`; the text is under GPL-2.0",
    reader=ALPHABET,
    parameters=887_201,
)
