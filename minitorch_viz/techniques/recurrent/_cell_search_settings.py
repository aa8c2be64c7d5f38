"""What the settings of a search mean: which hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
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
        meant |= hypotheses() if word == ALL else hypothesis_meant(word, [ALL])
    return list(meant.values())


def hypothesis_meant(word: str, others: Sequence[str] = ()) -> dict[str, Hypothesis]:
    """Return the hypothesis of one name, or of FILE.py:function, by its name; others: what may be written, too.

    Raises SettingError for an unknown name, DataFileError for a file that is not there or fails.
    """
    if ".py" in word:
        own = hypothesis_in_file(word)
        return {own.name: own}
    if word not in hypotheses():
        choices = near(word, [*others, *hypotheses()])
        raise SettingError(f"There is no hypothesis {word!r}; {choices}; or FILE.py:function.")
    return {word: hypotheses()[word]}
