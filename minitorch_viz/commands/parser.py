"""The parser of the command line: near names for misspelt ones, manuals that fit the terminal, no empty paths."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NUMBERS = re.compile(r"-?\d+(,-?\d+)*,?")


class Manual(argparse.HelpFormatter):
    """Fill the paragraphs of a manual to the width of the terminal; indented lines (code) stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        filled = [
            textwrap.indent(part, indent)
            if re.search(r"^\s", part, re.MULTILINE)
            else textwrap.fill(" ".join(part.split()), width, initial_indent=indent, subsequent_indent=indent)
            for part in paragraphs
        ]
        return "\n\n".join(filled)


LOOKED_AT = ("PHOTO", "FOLDER|DATASET")  # what the options stand for by which a command is given photos, pictures


class Parser(argparse.ArgumentParser):
    """Parse arguments, and say what a misspelt name may have meant."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"formatter_class": Manual, **settings})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read the arguments that are known; a word that looks like an option and is none is an error."""
        words = sys.argv[1:] if args is None else list(args)
        most = {
            flag: len(action.type.names)
            for flag, action in self._option_string_actions.items()
            if isinstance(action.type, Numbers)
        }
        arguments, unknown = super().parse_known_args(joined(words, most), namespace)
        for word in unknown:
            if re.match(r"--?[A-Za-z]", word):
                self.error(self._no_such_option(word.partition("=")[0]))
        looks = [flag for flag, action in self._option_string_actions.items() if action.metavar in LOOKED_AT]
        if unknown and looks and not self._get_positional_actions():
            self.error(f"there is no place for {unknown[0]!r}: what it looks at is given by {' or '.join(looks)}")
        return arguments, unknown

    def _no_such_option(self, flag: str) -> str:
        flags = [option for option in self._option_string_actions if option.startswith("--")]
        hint = did_you_mean(flag, flags)
        return f"there is no option {flag}; {hint if hint.startswith('did') else f'`{self.prog} --help` lists them'}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            noun = (action.dest if action.metavar is None else str(action.metavar)).lower()
            noun = "recipe" if noun in ("name", "folder|name") else noun
            raise argparse.ArgumentError(
                None if isinstance(action, argparse._SubParsersAction) else action,
                f"there is no {noun} {value!r}; {did_you_mean(value, action.choices)}"
                f"{getattr(action.choices, 'remark', '')}",
            )


@dataclass(frozen=True)
class Numbers:
    """Read whole numbers with commas between them: "3,5" is (3, 5)."""

    names: tuple[str, ...]
    least: int

    def __call__(self, text: str) -> tuple[int, ...]:
        parts = text.replace(",", " ").split()
        try:
            numbers = tuple(map(int, parts))
        except ValueError:
            numbers = ()
        if not self.least <= len(numbers) <= len(self.names) or not numbers:
            count = len(self.names)
            needed = f"{count} whole numbers" if self.least == count else f"{self.least} to {count} whole numbers"
            raise argparse.ArgumentTypeError(f"it takes {needed}, {' '.join(self.names)}, but got {text!r}")
        return numbers


def add_numbers(
    parser: argparse.ArgumentParser, flag: str, names: tuple[str, ...], least: int, **settings: Any
) -> None:
    """Add an option of whole numbers, `--position 3 5` or `--position 3,5`; least: how many must be given."""
    parser.add_argument(flag, type=Numbers(names, least), metavar=",".join(names), **settings)


def joined(words: list[str], most: Mapping[str, int]) -> list[str]:
    """Return arguments with the whole numbers that follow an option as one word: --position 3 5 is --position=3,5.

    argparse can take an option's words as two or as all that follow, and here there are one or two.
    most: how many numbers each of these options takes; it may be shortened.
    """
    result: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        counts = [count for flag, count in most.items() if len(word) > 2 and flag.startswith(word)]
        numbers: list[str] = []
        end = place + 1
        while counts and len(numbers) < counts[0] and end < len(words) and NUMBERS.fullmatch(words[end]):
            numbers += words[end].strip(",").split(",")
            end += 1
        result.append(f"{word}={','.join(numbers)}" if numbers else word)
        place = end
    return result


def did_you_mean(name: object, choices: Iterable[object]) -> str:
    """Return the end of a sentence: 'did you mean grad-cam?', or the names there are.

    Capitals and signs between words do not count: GradCAM, grad_cam and gradcam all mean grad-cam.
    """
    plain = {str(choice): re.sub(r"[\W_]", "", str(choice).lower()) for choice in choices}
    name_letters = re.sub(r"[\W_]", "", str(name).lower())
    same = [choice for choice, letters in plain.items() if letters == name_letters]
    within = [choice for choice, letters in plain.items() if len(name_letters) > 2 and name_letters in letters]
    letters_alike = difflib.get_close_matches(name_letters, plain.values(), n=3, cutoff=0.6)
    similar = [choice for letters in letters_alike for choice in plain if plain[choice] == letters]
    candidates = same or list(dict.fromkeys([*within, *similar]))
    if candidates:
        *earlier, last = candidates[:3]
        return f"did you mean {' or '.join([', '.join(earlier), last] if earlier else [last])}?"
    return f"known are {', '.join(plain)}."


def path(text: str) -> Path:
    """Return an argument as a path; an empty one, such as an unset shell variable in quotes, is an error."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; is a shell variable not set?")
    return Path(text)


def numbers(text: str) -> tuple[float, ...]:
    """Return an argument as numbers: "127.5", or "123.7,116.3,103.5"."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is to be a number, or several with commas between") from None


def class_names(text: str) -> tuple[str, ...]:
    """Return an argument as names of classes: "plane,car", or what a file holds, one name a line or .json."""
    file = Path(text).expanduser()
    if not file.is_file():
        names = tuple(name.strip() for name in text.split(","))
        if len(names) == 1 and file.suffix:
            raise argparse.ArgumentTypeError(f"there is no file {text!r:.80}, and one name is no list of classes")
        return names
    if file.suffix.lower() == ".json":
        from minitorch_viz.models.classes import read_class_names

        return read_class_names(file)
    try:
        return tuple(line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    except (OSError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no text with a name a line: {error}") from None


def in_command_words(sentence: str, flags: Iterable[str]) -> str:
    """Return an error with the names of Python's settings as options: node= becomes --node, only the command's own.

    flags: the options that the command knows, "--node".
    """
    options = {flag.removeprefix("--").replace("-", "_"): flag for flag in flags if flag.startswith("--")}

    if "classes" in options:
        options["class_names"] = options["classes"]

    def option(match: re.Match[str]) -> str:
        name, value = match[1], match[2] or ""
        if name not in options:
            return match[0]
        return options[name] + (f" {value}" if value else "")

    if "weights" in options:
        words = r"--model \1 with --weights \2" if "model" in options else r"\1 with --weights \2"
        sentence = re.sub(r"load_model\('([^']*)', weights='([^']*)'\)", words, sentence)
    if "position" in options:
        sentence = re.sub(r"^channel and position belong", "--channel and --position belong", sentence)
    if "node" in options:
        sentence = re.sub(r"^upto names ('[^']*'), which this net does not have", r"There is no node \1", sentence)
    return re.sub(r"(?<![\w.?&/-])([a-z_]+)=(?!=)('[^']*'|\"[^\"]*\"|\.\.\.|[\w./]*\w)?", option, sentence)
