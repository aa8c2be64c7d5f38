"""What a hypothesis is, where those of this folder are listed, and how one in a user's own file is read."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pkgutil
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError, MinitorchVizError, SettingError, near
from minitorch_viz.models.python_file import importing_from, line_of
from minitorch_viz.techniques.recurrent.hypotheses._code import is_c

Where = Literal["word", "word end", "line", "line end", "anywhere"]


class Insertion(NamedTuple):
    """Hold a text that changes what is true where it is inserted, and where it looks natural."""

    text: str
    where: Where = "word"  # at the beginning or the end of a word or a line, or anywhere

    def fits(self, text: str, at: int) -> bool:
        """Return whether it looks natural between two letters of a text, text[at - 1] and text[at]."""
        before, after = text[at - 1], text[at]
        return {
            "word": before.isspace(),
            "word end": after.isspace() and not before.isspace(),
            "line": before == "\n",
            "line end": after == "\n" and before != "\n",
            "anywhere": True,
        }[self.where]


# What may change a hypothesis that does not say itself what does.
ANY = tuple(map(Insertion, ('"', "(", ")", "{", "}", "\n", "/* ", " */", "\n\t\t", "AB", " ")))


@dataclass(frozen=True)
class Hypothesis:
    """Hold a function of a text, with what it means in words."""

    name: str  # "inside-quote"
    function: Callable[[str], Any]
    words: str  # "inside a quote, from its opening mark until its closing one"
    insertions: tuple[Insertion, ...] = ANY  # of which one changes it
    c_insertions: tuple[Insertion, ...] | None = None  # the same for texts that look like C; None: no others
    measure: Callable[[str], float] | None = None  # what of a written text should change while such a cell is held
    measure_words: str = ""  # "share of opened quotes that are closed"; "" without a measure

    def __call__(self, text: str) -> Array:
        """Return what is true after each letter, (T,) bool or float64, NaN where it says nothing.

        Raises SettingError if the function fails, or returns another shape or kind.
        """
        try:
            values = np.asarray(self.function(text))
        except MinitorchVizError:
            raise
        except Exception as error:  # a user's function may fail in any way
            raise SettingError(f"The hypothesis {self.name} fails: {type(error).__name__}: {error!s:.200}.") from error
        if values.shape != (len(text),) or values.dtype.kind not in "biuf":
            raise SettingError(
                f"The hypothesis {self.name} must return one truth value or number for each of the {len(text)} letters,"
                f" but returned {values.dtype} of shape {values.shape}."
            )
        return values if values.dtype.kind == "b" else values.astype(np.float64)

    def insertions_for(self, text: str) -> tuple[Insertion, ...]:
        """Return what changes it in a text."""
        return self.c_insertions if self.c_insertions is not None and is_c(text) else self.insertions


@functools.cache
def hypotheses() -> Mapping[str, Hypothesis]:
    """Return every hypothesis of this folder by name, in the order of the files."""
    package = importlib.import_module("minitorch_viz.techniques.recurrent.hypotheses")
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    listed = [_of_module(name, vars(importlib.import_module(f"{package.__name__}.{name}"))) for name in modules]
    return {hypothesis.name: hypothesis for hypothesis in listed if hypothesis is not None}


def hypothesis_in_file(place: str) -> Hypothesis:
    """Read a hypothesis of the user's own: "FILE.py:function", or "FILE.py" whose function is called as the file is.

    The file is a program and does what it says: run only files that you would run with `python`.
    Raises DataFileError if there is no such file or it fails, SettingError if it has no such function.
    """
    file, _, function = place.rpartition(":") if not place.endswith(".py") else (place, "", "")
    path = Path(file).expanduser()
    if path.suffix != ".py" or not path.is_file():
        raise DataFileError(f"There is no file {file or place!r}; a hypothesis of your own is FILE.py:function.")
    try:
        with importing_from(path.resolve().parent):
            content = runpy.run_path(os.fspath(path))
    except MinitorchVizError:
        raise
    except (Exception, SystemExit) as error:
        raise DataFileError(
            f"{path.name} fails: {type(error).__name__}: {error!s:.300}{line_of(error, path)}"
        ) from error
    name = function or path.stem
    if not callable(content.get(name)):
        functions = [key for key, value in content.items() if inspect.isfunction(value)]
        raise SettingError(f"{path.name} has no function {name!r}; {near(name, functions, 'function')}.")
    hypothesis = _of_module(name, content)
    assert hypothesis is not None
    return hypothesis


def _of_module(name: str, content: Mapping[str, Any]) -> Hypothesis | None:
    """Return the hypothesis of a file's content: its function of this name; None if there is none."""
    function, measure = content.get(name), content.get("measure")
    if name.startswith("_") or not callable(function):
        return None
    spoken = name.replace("_", "-")
    insertions = _insertions(content.get("INSERTIONS", ANY), name)
    c_insertions = _insertions(content["C_INSERTIONS"], name) if "C_INSERTIONS" in content else None
    words = _sentence(function) or spoken.replace("-", " ")
    return Hypothesis(spoken, function, words, insertions, c_insertions, measure, _sentence(measure) if measure else "")


def _insertions(given: Any, name: str) -> tuple[Insertion, ...]:
    """Return what a file says to insert: texts, or (text, where) pairs; one text alone will do, too."""
    listed = (given,) if isinstance(given, str) else given
    pairs = [(each,) if isinstance(each, str) else tuple(each) for each in listed if isinstance(each, (str, tuple))]
    texts = all(len(pair) in (1, 2) and isinstance(pair[0], str) and pair[0] for pair in pairs)
    if (
        len(pairs) != len(listed)
        or not texts
        or not {pair[1] for pair in pairs if len(pair) == 2} <= {*get_args(Where)}
    ):
        raise SettingError(
            f"INSERTIONS beside {name} are texts to insert, or pairs of a text and where "
            f"({', '.join(get_args(Where))}), but they are {given!r:.60}."
        )
    return tuple(Insertion(*pair) for pair in pairs)


def _sentence(function: Any) -> str:
    """Return the first sentence of a docstring as a clause: "Return whether ..." becomes "whether ..."."""
    lines = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].split()
    clause = " ".join(lines).removeprefix("Return ").removeprefix("whether ").removesuffix(".")
    return clause or function.__name__.replace("_", " ")
