"""What a layer does to its inputs, said once by the layer, so that no other code asks what type it is."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """Name the six kinds. A layer states the narrowest that holds for all its settings; the tests compute it anew.

    `rules={Kind.GATES: rule}` is a rule for all layers of a kind that have none of their own.
    """

    WEIGHS = "weighs"  # affine: a `weight` (and perhaps a `bias`) mixes the input, which is saved as x
    SUMS = "sums"  # linear with fixed weights, none negative (a mean, a sum)
    SELECTS = "selects"  # each output is one input, or none (a maximum, a rearrangement, a copy)
    GATES = "gates"  # each output depends on its own input alone (a ReLU, a curve, dropout)
    SCALES = "scales"  # each output is its own input, scaled and shifted by what other values or statistics set
    OPAQUE = "opaque"  # none of these, or nothing is known
