"""What a wrong gradient looks like. Each diagnosis is one function: Evidence -> a sentence, or None.

They are tried in order, from those that explain every entry to those that only say where; the first that fits is
reported. A new diagnosis is a new function in one of the lists.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minitorch_viz.gradcheck.diagnosis import places, structure, sums, transformed
from minitorch_viz.gradcheck.diagnosis.evidence import Evidence

Diagnosis = Callable[[Evidence], str | None]

WRONG_SHAPE: list[Diagnosis] = [transformed.axes_swapped, transformed.reshaped, transformed.not_summed]
DIAGNOSES: list[Diagnosis] = [
    transformed.all_zeros,
    transformed.constant_factor,
    transformed.axes_swapped,
    transformed.flipped,
    transformed.of_another_input,
    structure.blocks_swapped,
    transformed.shifted,
    places.gate_inverted,
    sums.one_output_missing,
    sums.matrix_not_transposed,
    sums.own_output_only,
    sums.one_index_only,
    sums.assigned_instead_of_added,
    structure.softmax_axis,
    structure.normalization,
    sums.missing_factor,
    sums.other_function,
    structure.of_turned_input,
    sums.missing_term,
    places.single_entry,
    places.by_sign_of_x,
    places.borders,
    places.one_slice,
    transformed.misplaced,
    places.every_other,
    places.one_in_each,
    places.nonzero_where_zero,
    places.zero_where_nonzero,
]


def diagnose(evidence: Evidence) -> list[str]:
    """Return the first sentence that fits, in a list; an empty list if the bug has no simple form."""
    for diagnosis in DIAGNOSES if evidence.right_shape else WRONG_SHAPE:
        try:
            with np.errstate(all="ignore"):
                sentence = diagnosis(evidence)
        except ArithmeticError:  # numbers whose squares vanish or overflow
            continue
        if sentence:
            return [sentence]
    return []
