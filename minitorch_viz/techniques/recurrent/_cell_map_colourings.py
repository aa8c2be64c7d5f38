"""What a map of letters can be coloured by: the letter's class, and each hypothesis that tells letters apart."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.recurrent._cell_map_colours import Colouring, classes_of_letters, labelled
from minitorch_viz.techniques.recurrent._cell_search_settings import hypothesis_meant
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis, hypotheses

LETTER = "letter"  # the name of the first one


def colourings(text: str, places: Array, asked: str | None) -> dict[str, Colouring]:
    """Return by name what the letters of a text at `places` (n,) can be coloured by, the one asked for first.

    The hypotheses read the whole text: a letter may be inside a quote that began before the first one on the map. One
    that is the same for all letters is left out.

    Raises SettingError for an unknown hypothesis and for one that tells no letters of this text apart, DataFileError
    for a bad file.
    """
    letters = "".join(text[place] for place in places.tolist())
    own = hypothesis_meant(asked, [LETTER]) if asked not in (None, LETTER) else {}
    listed = {**own, **hypotheses(), **own}  # a name of the user's own is the user's, and comes first
    asked = next(iter(own), asked)
    coloured = {LETTER: classes_of_letters(letters)}
    for name, hypothesis in listed.items():
        colouring = labelled(name, hypothesis(text)[places], hypothesis.words)
        if colouring is not None:
            coloured[name] = colouring
    if asked is not None and asked not in coloured:
        raise SettingError(
            f"{_words(listed[asked])}: that is the same for all letters of this text; take another text."
        )
    order = [asked or LETTER, *(name for name in coloured if name != (asked or LETTER))]
    return {name: coloured[name] for name in order}


def _words(hypothesis: Hypothesis) -> str:
    return f"{hypothesis.name}, {hypothesis.words}"
