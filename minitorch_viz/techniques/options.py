"""A technique's settings, read from the signature and the docstring of its function.

The signature is the command line and the docstring the manual, so neither is written twice. Python 3.13 takes the
indentation from docstrings and PYTHONOPTIMIZE=2 the docstrings themselves: everything here holds for both.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from minitorch_viz._types import Pair
from minitorch_viz.graph import Rules
from minitorch_viz.techniques.state import State

# The type of `image` where a list of images is taken, too: the subject is PHOTOS.
Images: TypeAlias = "Any | list[Any] | tuple[Any, ...]"
PYTHON_ONLY = (Rules | None, State | None)  # a setting of such a type is no option: the command line cannot give it


@dataclass(frozen=True)
class Option:
    """One keyword setting of a technique."""

    name: str
    kind: type | None  # int, float, str or Path for one value, bool for a switch, None for a (row, column) pair
    choices: tuple[str, ...]  # empty: any value
    default: Any
    help: str


def options_of(compute: Callable[..., Any]) -> dict[str, Option]:
    """The keyword-only parameters of a technique's function, by name.

    Their annotations may be int, float, str, bool, Path, Pair, a Literal of strings, or one of these or None.
    """
    helps = argument_helps(compute.__doc__)
    hints = get_type_hints(inspect.unwrap(compute), localns={"Model": object})  # techniques import Model for mypy only
    found = {}
    for name, parameter in inspect.signature(compute).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and hints[name] not in PYTHON_ONLY:
            kind, choices = _kind(hints[name])
            found[name] = Option(name, kind, choices, parameter.default, helps.get(name, ""))
    return found


def argument_helps(doc: str | None) -> dict[str, str]:
    """Return the entries 'name: what it is' of a docstring's Args section; none where there is no docstring."""
    section = re.search(r"^Args:\n((?: .*(?:\n|$))+)", inspect.cleandoc(doc or ""), re.MULTILINE)
    if section is None:
        return {}
    helps: dict[str, str] = {}
    for line in inspect.cleandoc("\n" + section[1]).splitlines():
        entry = re.match(r"(\w+): (.*)", line)
        if entry:
            helps[entry[1]] = entry[2]
        elif helps:  # a line further in goes on with the entry before it
            helps[next(reversed(helps))] += " " + line.strip()
    return helps


def summary_of(doc: str | None) -> str:
    """Return a docstring's first sentence, its first paragraph on one line; empty where there is no docstring."""
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def manual_of(doc: str | None) -> str:
    """Return what a docstring tells a reader at the command line: without the settings, the result and the errors.

    The settings are listed by the command line itself; what a function returns and raises is of use in Python only.
    """
    paragraphs = inspect.cleandoc(doc or "").split("\n\n")
    return "\n\n".join(text for text in paragraphs if not re.match(r"(Args:|Returns? |Raises? )", text))


def _kind(hint: Any) -> tuple[type | None, tuple[str, ...]]:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return str, get_args(hint)
    if hint == Pair:
        return None, ()
    if hint in (int, float, str, bool, Path):
        return hint, ()
    raise TypeError(f"A technique's setting cannot have the type {hint!r}: the command line could not ask for it.")
