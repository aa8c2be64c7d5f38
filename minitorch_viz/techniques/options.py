"""A technique's settings, read from the signature and the docstring of its function.

The signature is the command line and the docstring the manual, so neither is written twice. Python 3.13 takes the
indentation from docstrings and PYTHONOPTIMIZE=2 the docstrings themselves: everything here holds for both.
"""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, Unpack, get_args, get_origin, get_type_hints

from minitorch_viz._types import Pair, Region, Wholes
from minitorch_viz.graph import Rules
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import Subject

# The type of `image` where a list of images is taken, too: the subject is PHOTOS.
Images: TypeAlias = "Any | list[Any] | tuple[Any, ...]"
# What each of several whole numbers is called, by the setting's type.
NUMBERS: dict[Any, tuple[str, ...]] = {
    Pair: ("ROW", "COLUMN"),
    Region: ("TOP", "LEFT", "BOTTOM", "RIGHT"),
    Wholes: ("N", "N", "N", "N"),
}
PYTHON_ONLY = (Rules | None, State | None)  # a setting of such a type is no option: the command line cannot give it
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """Describe one keyword setting of a technique."""

    name: str
    kind: type | None  # int, float, str or Path for one value, bool for a switch, None for whole numbers
    choices: tuple[str, ...]  # empty: any value
    default: Any
    help: str
    subject: Subject | None = None  # of a setting that is a thing to look at: how it is asked for, read and sampled
    numbers: tuple[str, ...] = ()  # of whole numbers what each is called, ("ROW", "COLUMN")
    least: int = 0  # how many of them must be given
    required: bool = False  # whether Python must give it; the command line then takes the subject's sample


def options_of(compute: Callable[..., Any]) -> dict[str, Option]:
    """Return the keyword-only parameters of a technique's function, by name.

    Their annotations may be int, float, str, bool, Path, Pair, Region, Wholes, a Literal of strings, a subject's
    (Photo, Photos, Pictures, Text), or one of these or None. Of several types (`str | int`) the command line gives the
    first.
    """
    helps, hints, options = argument_helps(compute.__doc__), _hints(compute), {}
    for name, parameter in inspect.signature(compute).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            raise TypeError(f"{compute!r} does not name its settings **{name}; write @spelled_out above it.")
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and hints[name] not in PYTHON_ONLY:
            kind, choices, subject = _kind(hints[name])
            required = parameter.default is parameter.empty
            default = None if required else parameter.default
            numbers = NUMBERS.get(_first(hints[name]), ())
            # Where one number will do, too, as of a sequence, which has steps alone.
            least = 1 if int in get_args(hints[name]) else len(numbers)
            help_ = helps.get(name, "")
            options[name] = Option(name, kind, choices, default, help_, subject, numbers, least, required)
    return options


def spelled_out(compute: Function) -> Function:
    """Name the settings that `**choice: Unpack[Which]` stands for in a function's signature, docstring and errors.

    So they are written once, as the keys of a TypedDict whose docstring has their helps, and yet `inspect.signature`,
    `help`, a notebook and the command line show them, before the function's own. Each is None where it is left out. A
    help line in the function's docstring comes before the shared one.

    A call with a setting that does not exist is a TypeError, as of any function.
    """
    (shared,) = (get_args(hint)[0] for hint in _hints(compute).values() if get_origin(hint) is Unpack)
    written, keyword = inspect.signature(compute), inspect.Parameter.KEYWORD_ONLY
    *parameters, _ = written.parameters.values()  # `**choice` is the last
    first = sum(parameter.kind is not keyword for parameter in parameters)
    for name, hint in reversed(get_type_hints(shared).items()):
        parameters.insert(first, inspect.Parameter(name, keyword, default=None, annotation=hint))
    signature = written.replace(parameters=parameters)

    @functools.wraps(compute)
    def checked(*args: Any, **settings: Any) -> Any:
        for name in settings:
            if name not in signature.parameters:
                raise TypeError(f"{compute.__name__}() got an unexpected keyword argument {name!r}")
        return compute(*args, **settings)

    checked.__signature__ = signature  # type: ignore[attr-defined]  # what inspect.signature asks for
    checked.__doc__ = _with_helps(compute.__doc__, argument_helps(shared.__doc__))
    return checked  # type: ignore[return-value]  # the same call


def _hints(compute: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a function's parameters by name, those behind an `Unpack[...]` among them."""
    names = {"Model": object}  # techniques import Model for mypy only
    hints = get_type_hints(inspect.unwrap(compute), localns=names, include_extras=True)
    for hint in tuple(hints.values()):
        if get_origin(hint) is Unpack:
            hints |= get_type_hints(get_args(hint)[0], include_extras=True)
    return hints


def result_class(compute: Callable[..., Any]) -> Any:
    """Return the class of a technique's results, from its annotation: of a loop what it yields."""
    hint = _hints(compute).get("return")
    return next(iter(get_args(hint)), hint) if get_origin(hint) is not None else hint


def _with_helps(doc: str | None, helps: dict[str, str]) -> str | None:
    """Return a docstring with these entries first in its Args section, unless it has its own; None stays None."""
    if doc is None:
        return None
    lines = textwrap.TextWrapper(116, initial_indent="    ", subsequent_indent=" " * 8, break_on_hyphens=False)
    entries = [lines.fill(f"{name}: {text}") for name, text in {**helps, **argument_helps(doc)}.items()]
    paragraphs = inspect.cleandoc(doc).split("\n\n")
    ends = (i for i, text in enumerate(paragraphs) if re.match(r"Args:|Returns? |Raises? |Paper:", text))
    place = next(ends, len(paragraphs))
    ending = [text for text in paragraphs[place:] if not text.startswith("Args:")]
    return "\n\n".join([*paragraphs[:place], "\n".join(["Args:", *entries]), *ending])


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


def _kind(hint: Any) -> tuple[type | None, tuple[str, ...], Subject | None]:
    hint = _first(hint)
    if get_origin(hint) is Annotated and isinstance(hint.__metadata__[0], Subject):
        return str, (), hint.__metadata__[0]
    if get_origin(hint) is Literal:
        return str, get_args(hint), None
    if hint in NUMBERS:
        return None, (), None
    if hint in (int, float, str, bool, Path):
        return hint, (), None
    raise TypeError(f"A technique's setting cannot have the type {hint!r}: the command line could not ask for it.")


def _first(hint: Any) -> Any:
    """Return the first of several types."""
    if get_origin(hint) in (Union, types.UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def option_words(name: str, value: Any) -> list[str]:
    """Return one setting as words of the command line; those left at None are left out."""
    flag = f"--{name.replace('_', '-')}"
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, (tuple, list)):
        return [flag, *map(str, value)]
    text = str(value)
    return [f"{flag}={text}"] if text.startswith("-") else [flag, text]
