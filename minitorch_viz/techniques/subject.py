"""Subjects: what a technique looks at, declared as `Technique.subject`.

A subject knows how it is asked for on the command line, which sample comes with the package (so that every command
runs without arguments), whether a net takes it, which inputs are bad, and how often a report shows it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Bad = tuple[tuple[Any, str], ...]  # inputs that must end in a sentence, each with a word of it


class Subject:
    """One sort of thing to look at: NOTHING, PHOTO, PHOTOS, PICTURES or TEXT."""

    name: ClassVar[str]
    parameter: ClassVar[str] = ""  # the second parameter of a technique's function; "" if there is none
    once_a: ClassVar[str] = "photo"  # how often a report shows it: once a "net", "photo", "data set" or "text"
    bad: ClassVar[Bad] = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command line asks for."""

    def named(self, arguments: argparse.Namespace) -> list[str]:  # noqa: ARG002 (nothing is named)
        """What the command line names: paths, data sets, texts; none where the sample is meant."""
        return []

    def is_photo(self, names: list[str]) -> bool:  # noqa: ARG002 (nothing is named)
        """Whether a photo of the user's own is among what is named, so that the net must be one that can know it."""
        return False

    def readable(self, names: list[str]) -> list[str]:
        """Those of several names that can be read; the others are said on stderr."""
        return names

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:
        """The value of the function's second parameter; without names the sample that suits the model.

        notes: a list that gets a sentence where something of what is named was left out.
        """

    def refuses(self, model: Model) -> str | None:  # noqa: ARG002 (every net is taken)
        """Why a net does not take it, in words; None if it does."""
        return None

    def arguments(self, value: Any) -> tuple[Any, ...]:
        """The positional arguments that come after the model."""
        return (value,) if self.parameter else ()


class Nothing(Subject):
    """The net itself."""

    name = "nothing"
    once_a = "net"


class Photo(Subject):
    """One photo."""

    name = "photo"
    parameter = "image"
    bad = (("", "empty"), ("nowhere.png", r"nowhere\.png"), (3.5, "image"), (None, "image"))

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add one PHOTO."""
        words = "a picture file; none: a picture that comes with the model"
        parser.add_argument("photos", nargs="?", type=given, metavar="PHOTO", help=words)

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """The photo, if there is one."""
        return [] if arguments.photos is None else [arguments.photos]

    def is_photo(self, names: list[str]) -> bool:
        """A path is a photo, "sample:2" is none."""
        from minitorch_viz.techniques.photos import sample_number

        return any(not sample_number(name) for name in names)

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:
        """The pixels of a file, or of a sample."""
        from minitorch_viz.techniques.photos import picture_meant

        return picture_meant(model, names[0] if names else "sample:1", notes)


class Photos(Photo):
    """One photo or several, for one result."""

    name = "photos"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add any number of PHOTOs."""
        words = "picture files; none: a picture that comes with the model"
        parser.add_argument("photos", nargs="*", type=given, metavar="PHOTO", help=words)

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """The photos."""
        return list(arguments.photos)

    def readable(self, names: list[str]) -> list[str]:
        """One bad photo of several costs itself only."""
        from minitorch_viz.techniques.photos import readable_photos

        return readable_photos(names) if len(names) > 1 else names

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:
        """One picture as it is, several in a list."""
        from minitorch_viz.techniques.photos import picture_meant

        pictures = [picture_meant(model, name, notes) for name in names or ["sample:1"]]
        return pictures[0] if len(pictures) == 1 else pictures


class Pictures(Subject):
    """Any number of pictures, of any sizes, with labels or none."""

    name = "pictures"
    parameter = "pictures"
    once_a = "data set"
    bad = (("", "empty"), ("nowhere", "no folder nowhere"), ([], "folder"), (7, "folder"), ("scenes:0", "scenes"))

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add --pictures."""
        words = "a folder of pictures, nested too, or scenes:500, so many generated ones (default: what suits the net)"
        parser.add_argument("--pictures", type=given, metavar="FOLDER|DATASET", help=words)

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """The folder or data set."""
        return [] if arguments.pictures is None else [arguments.pictures]

    def is_photo(self, names: list[str]) -> bool:
        """A folder of the user's own holds photos."""
        return any(not name.startswith("scenes") for name in names)

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:  # noqa: ARG002 (see results)
        """The name itself; the sample is of the kind that the net was trained on, as far as it is on every machine."""
        if names:
            return names[0]
        if model.preprocessing.channels == 1:
            from minitorch_viz.data import load_digits

            return load_digits()[1]
        return "scenes:100"


class Text(Subject):
    """A text, for nets that read letter by letter."""

    name = "text"
    parameter = "text"
    once_a = "text"
    bad = (("", "text"), (3, "text"), (None, "text"))

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add TEXT and --text."""
        parser.add_argument("words", nargs="?", type=given, metavar="TEXT", help="a text in quotes; none: a sample")
        parser.add_argument("--text", type=given, metavar="FILE", help="a text file instead")

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """The text itself."""
        from minitorch_viz.data.text import load_text

        if arguments.text is not None:
            return [load_text(arguments.text).text]
        return [] if arguments.words is None else [arguments.words]

    def refuses(self, model: Model) -> str | None:
        """Nets that look at pictures."""
        return f"{model.name} takes pictures of {model.preprocessing.channels} channels, no text"

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> str:  # noqa: ARG002 (one for all)
        """The text; the sample is a piece of Python's own source, which is on every machine."""
        import inspect
        import textwrap

        return names[0] if names else inspect.getsource(textwrap.dedent)


def given(value: str) -> str:
    """Return an argument that may not be empty: it may come from a shell variable that is not set."""
    if not value.strip():
        raise argparse.ArgumentTypeError("the argument is empty; is a shell variable not set?")
    return value


NOTHING, PHOTO, PHOTOS, PICTURES, TEXT = Nothing(), Photo(), Photos(), Pictures(), Text()
SUBJECTS: tuple[Subject, ...] = (NOTHING, PHOTO, PHOTOS, PICTURES, TEXT)
