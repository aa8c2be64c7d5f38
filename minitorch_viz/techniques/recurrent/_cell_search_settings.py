"""What the settings of a search mean: which hypotheses."""

from __future__ import annotations

from typing import Any

from minitorch_viz.errors import SettingError, near
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis, hypotheses, hypothesis_in_file

ALL = "all"


def hypotheses_meant(names: Any) -> list[Hypothesis]:
    """Return the hypotheses of names with commas between: those of the package, "all" of them, FILE.py:function.

    None: all. Raises SettingError for an unknown name, DataFileError for a file that is not there or fails.
    """
    if names is None:
        return list(hypotheses().values())
    words = [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else []
    if not words:
        raise SettingError(
            f"hypothesis names one or several with commas between, or FILE.py:function, but got {names!r:.40}."
        )
    meant: dict[str, Hypothesis] = {}
    for word in words:
        if word == ALL:
            meant |= hypotheses()
        elif ".py" in word:
            own = hypothesis_in_file(word)
            meant[own.name] = own
        elif word in hypotheses():
            meant[word] = hypotheses()[word]
        else:
            choices = near(word, [ALL, *hypotheses()])
            raise SettingError(f"There is no hypothesis {word!r}; {choices}; or FILE.py:function.")
    return list(meant.values())
