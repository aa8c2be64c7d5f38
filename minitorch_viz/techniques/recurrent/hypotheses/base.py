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
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import DataFileError, MinitorchVizError, SettingError, near
from minitorch_viz.models.python_file import importing_from, line_of

# What may change a hypothesis that does not say itself what does.
ANY = ('"', "(", ")", "{", "}", "\n", "/*", "*/", "\n\t\t", "AB", " ")


@dataclass(frozen=True)
class Hypothesis:
    """Hold a function of a text, with what it means in words."""

    name: str  # "inside-quote"
    function: Callable[[str], Any]
    words: str  # "inside a quote, from its opening mark until its closing one"
    insertions: tuple[str, ...] = ANY  # texts of which one changes it where it is inserted
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
    given = content.get("INSERTIONS", ANY)
    insertions = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(text, str) and text for text in insertions):
        raise SettingError(f"INSERTIONS beside {name} are texts to insert, but it is {given!r:.60}.")
    words = _sentence(function) or spoken.replace("-", " ")
    return Hypothesis(spoken, function, words, insertions, measure, _sentence(measure) if measure else "")


def _sentence(function: Any) -> str:
    """Return the first sentence of a docstring as a clause: "Return whether ..." becomes "whether ..."."""
    lines = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].split()
    clause = " ".join(lines).removeprefix("Return ").removeprefix("whether ").removesuffix(".")
    return clause or function.__name__.replace("_", " ")
