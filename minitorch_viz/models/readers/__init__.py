"""Readers: the way into each input of a net, from what a user names to an array, and back.

`Preprocessing` reads pictures, `Bands` those of other channels, `Alphabet` texts by letters and `Words` by words,
`Numbers` rows, series and prepared tensors. `Model.readers` holds one for each input.
"""

from __future__ import annotations

from collections.abc import Mapping

from minitorch_viz.models.readers.alphabet import Alphabet
from minitorch_viz.models.readers.bands import Bands
from minitorch_viz.models.readers.base import Reader
from minitorch_viz.models.readers.numbers import Numbers
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.readers.words import Words

KINDS: Mapping[str, type[Reader]] = {kind.name: kind for kind in (Preprocessing, Bands, Alphabet, Words, Numbers)}

__all__ = ["KINDS", "Alphabet", "Bands", "Numbers", "Preprocessing", "Reader", "Words"]
