"""Subjects: what a technique looks at, declared as `Technique.subject`, or as the type of one of its settings.

A subject knows how it is asked for on the command line, which sample comes with the package (so that every command
runs without arguments), whether a net takes it, which values are bad, and how often a report shows it. A keyword of a
technique's function that is annotated `Photo`, `Photos`, `Pictures` or `Text` is asked for, sampled and checked by the
same subject; with `| None` it is left at None where nothing is given.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Bad = tuple[tuple[Any, str], ...]  # values that must end in a sentence, each with a word of it


def given(value: str) -> str:
    """Return an argument that may not be empty: it may come from a shell variable that is not set."""
    if not value.strip():
        raise argparse.ArgumentTypeError("the argument is empty; is a shell variable not set?")
    return value


def reads_numbers(model: Model) -> bool:
    """Return whether a net looks at a row or a series, so that there is no picture."""
    from minitorch_viz.models.readers import Numbers

    if len(model.net.inputs) != 1:
        return False
    reader = model.readers.get(model.net.inputs[0])
    return isinstance(reader, Numbers) and len(reader.shape) != 3


def without_picture(model: Model) -> str | None:
    """Return a clause for a technique that needs a picture, where the net looks at a row or a series; else None."""
    if not reads_numbers(model):
        return None
    return (
        "it needs a picture, and the net looks at a row or a series of numbers; take saliency, integrated-gradients or "
        "occlusion"
    )


def need_picture(model: Model, technique: str) -> None:
    """Raise SettingError with that clause."""
    from minitorch_viz.errors import SettingError

    why = without_picture(model)
    if why:
        raise SettingError(f"{technique} does not apply to {model.name}: {why}.")


class Subject:
    """Describe one sort of thing to look at: NOTHING, PHOTO, PHOTOS, PICTURES or TEXT."""

    name: ClassVar[str]
    reads: ClassVar[str] = "pictures"  # the kind of reader that the net must have, by its name; "" if any will do
    parameter: ClassVar[str] = ""  # the second parameter of a technique's function; "" if there is none
    once_a: ClassVar[str] = "photo"  # how often a report shows it: once a "net", "photo", "data set" or "text"
    bad: ClassVar[Bad] = ()
    asked: ClassVar[dict[str, Any]] = {}  # the keywords by which argparse takes it as a setting

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command line asks for."""

    def named(self, arguments: argparse.Namespace) -> list[str]:  # noqa: ARG002 (nothing is named)
        """Return what the command line names: paths, data sets, texts; none where the sample is meant."""
        return []

    def named_by(self, value: Any) -> list[str]:
        """Return what the command line names for a setting; none where nothing is given."""
        return [] if value is None else list(value) if isinstance(value, list) else [value]

    def is_photo(self, names: list[str]) -> bool:  # noqa: ARG002 (nothing is named)
        """Tell whether a photo of the user's own is among what is named, so that the net must be one that knows it."""
        return False

    def readable(self, names: list[str]) -> list[str]:
        """Return those of several names that can be read; the others are said on stderr."""
        return names

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:
        """Return the value that a technique's function gets; without names the sample that suits the model.

        notes: a list that gets a sentence where something of what is named was left out or replaced.
        """

    def refuses(self, model: Model) -> str | None:
        """Return why a net does not take it, in words; None if it does. The net's readers are asked."""
        if not self.reads:
            return None
        from minitorch_viz.models.readers import KINDS

        inputs = model.net.inputs
        if len(inputs) != 1:
            listed = " and ".join(inputs) if inputs else "none that is not given already"
            return f"its inputs are {listed}, and one is looked at; give each other one, --input NAME=VALUE"
        reader = model.readers.get(inputs[0])
        if reader is None:
            return f"{model.name} does not say how its input {inputs[0]!r} is read"
        if reader.name not in self.read_by:
            return f"{model.name} takes {reader.noun} and not {KINDS[self.reads].noun}"
        return None

    def refuses_setting(self, model: Model) -> str | None:
        """Return why a net cannot be given it as a setting, in words; None if one of its inputs is of that kind."""
        from minitorch_viz.models.readers import KINDS

        if not self.reads or any(reader.name in self.read_by for reader in model.readers.values()):
            return None
        nouns = " and ".join(reader.noun for reader in model.readers.values()) or "no known input"
        return f"{model.name} takes {nouns} and not {KINDS[self.reads].noun}"

    @property
    def read_by(self) -> tuple[str, ...]:
        """Return the kinds of readers that take it."""
        return (self.reads,)

    def arguments(self, value: Any) -> tuple[Any, ...]:
        """Return the positional arguments that come after the model."""
        return (value,) if self.parameter else ()


class NothingSubject(Subject):
    """Look at the net itself."""

    name = "nothing"
    reads = ""
    once_a = "net"


class PhotoSubject(Subject):
    """Look at one photo."""

    name = "photo"
    parameter = "image"
    bad = (("", "empty"), ("nowhere.png", r"nowhere\.png"), (3.5, "image"), (None, "image"))
    asked: ClassVar[dict[str, Any]] = {"type": given, "metavar": "PHOTO"}

    @property
    def read_by(self) -> tuple[str, ...]:
        """Return the kinds of readers: of photos, of other channels, of rows and series."""
        return (self.reads, "bands", "numbers")

    def refuses(self, model: Model) -> str | None:
        """Return why a net does not take it; whole numbers have nothing between them that a map could show."""
        from minitorch_viz.models.readers import Numbers

        reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
        if isinstance(reader, Numbers) and reader.whole:
            return f"{model.name} takes whole numbers, and no map can say what a small change of them would do"
        return super().refuses(model)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add any number of PHOTOs: each has a result of its own."""
        words = (
            "picture files, folders of them, patterns ('*.jpg'): of several each has its result, a file in the folder "
            "--out; of a net for rows or series a .npy or .csv file (table.csv:3 is its third row) or numbers, 1,2,3; "
            "none: a picture that comes with the model"
        )
        parser.add_argument("photos", nargs="*", help=words, **self.asked)

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """Return the photos, those in folders too."""
        from minitorch_viz.techniques.photos import expanded

        return expanded(arguments.photos)

    def is_photo(self, names: list[str]) -> bool:
        """Return whether it is a photo: a path is one, "sample:2" is none."""
        from minitorch_viz.techniques.photos import sample_number

        return any(not sample_number(name) for name in names)

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:
        """Return the pixels of a file, or of a sample."""
        from minitorch_viz.techniques.photos import picture_meant

        return picture_meant(model, names[0] if names else "sample:1", notes)


class PhotosSubject(PhotoSubject):
    """Look at one photo or several, for one result."""

    name = "photos"
    asked: ClassVar[dict[str, Any]] = {"type": given, "metavar": "PHOTO", "nargs": "+"}

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add any number of PHOTOs."""
        words = "picture files, folders of them, patterns ('*.jpg'); none: a picture that comes with the model"
        parser.add_argument("photos", help=words, **{**self.asked, "nargs": "*"})

    def readable(self, names: list[str]) -> list[str]:
        """Return those that can be read: one bad photo of several costs itself only."""
        from minitorch_viz.techniques.photos import readable_photos

        return readable_photos(names) if len(names) > 1 else names

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:
        """Return one picture as it is, several in a list."""
        from minitorch_viz.techniques.photos import picture_meant

        pictures = [picture_meant(model, name, notes) for name in names or ["sample:1"]]
        return pictures[0] if len(pictures) == 1 else pictures


class PicturesSubject(Subject):
    """Look at any number of pictures, of any sizes, with labels or none."""

    name = "pictures"
    parameter = "pictures"
    once_a = "data set"
    bad = (("", "empty"), ("nowhere", "no folder nowhere"), ([], "folder"), (7, "folder"), ("scenes:0", "scenes"))
    asked: ClassVar[dict[str, Any]] = {"type": given, "metavar": "FOLDER|DATASET"}

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add --pictures."""
        words = (
            "a folder of pictures, nested too, an archive of one (.zip, .tar.gz), scenes:500, so many generated ones, "
            "or a data set (digits, faces, mnist, cifar10; mnist:500: the first ones) (default: what suits the net)"
        )
        parser.add_argument("--pictures", help=words, **self.asked)

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """Return the folder or data set."""
        return self.named_by(arguments.pictures)

    def is_photo(self, names: list[str]) -> bool:
        """Return whether they are photos: a folder of the user's own holds such, a data set does not."""
        from minitorch_viz.data.by_name import NAME

        return any(not name.startswith("scenes") and not NAME.fullmatch(name) for name in names)

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> Any:  # noqa: ARG002 (see results)
        """Return the name itself; the sample is of the kind that the net was trained on, as far as such are at hand."""
        if names:
            return names[0]
        if model.preprocessing.channels == 1:
            from minitorch_viz.data import load_digits

            return load_digits()[1]
        return "scenes:100"


class TextSubject(Subject):
    """Look at a text, for nets that read letter by letter, or word by word beside what else they look at."""

    name = "text"
    reads = "text"
    parameter = "text"
    once_a = "text"
    bad = (("", "text"), (3, "text"), (None, "text"))
    asked: ClassVar[dict[str, Any]] = {"type": given, "metavar": "TEXT"}

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add TEXT and --text."""
        parser.add_argument("words", nargs="?", help="a text in quotes; none: a sample", **self.asked)
        parser.add_argument("--text", type=given, metavar="FILE", help="a text file instead")

    def refuses(self, model: Model) -> str | None:
        """Return why a net does not take it; one that reads words may have further inputs."""
        return None if self.words_input(model) else super().refuses(model)

    def words_input(self, model: Model) -> str:
        """Return the input that is read as words; "" if there is none."""
        return next((name for name, reader in model.readers.items() if reader.name == "words"), "")

    def named(self, arguments: argparse.Namespace) -> list[str]:
        """Return the text itself; SettingError where it is given twice."""
        from minitorch_viz.data.text import load_text
        from minitorch_viz.errors import SettingError

        if arguments.text is not None:
            if arguments.words is not None:
                raise SettingError(
                    f"Give either a text, {arguments.words!r:.40}, or --text {arguments.text}, not both."
                )
            return [load_text(arguments.text).text]
        return self.named_by(arguments.words)

    def read(self, model: Model, names: list[str], notes: list[str] | None = None) -> str:
        """Return the text; the sample is prose or C of our own, as far as the net knows its letters."""
        from minitorch_viz.models.readers import Alphabet

        alphabets = (reader for reader in model.readers.values() if isinstance(reader, Alphabet))
        alphabet = next(alphabets, Alphabet("a"))
        if names:
            text = names[0] if "\n" in alphabet.letters else names[0].rstrip("\r\n")  # a file ends with a line end
            count = alphabet.replaced(text) if alphabet.unknown else 0
            if count and notes is not None:
                letters = "letter of the text is" if count == 1 else "letters of the text are"
                notes.append(f"{count} {letters} not known to the net and read as {alphabet.unknown!r}.")
            return text
        from minitorch_viz.models.samples import sample_text

        if words := self.words_input(model):
            reader: Any = model.readers[words]  # one of words
            return str(model.given.get(words) or reader.restore(reader.blank()) or reader.vocabulary[0])
        return sample_text(alphabet)


NOTHING, PHOTO, PHOTOS, PICTURES, TEXT = (
    NothingSubject(),
    PhotoSubject(),
    PhotosSubject(),
    PicturesSubject(),
    TextSubject(),
)
SUBJECTS: tuple[Subject, ...] = (NOTHING, PHOTO, PHOTOS, PICTURES, TEXT)

# The types of settings: `style: Photos`, `guide: Photo | None = None`.
Photo: TypeAlias = Annotated[Any, PHOTO]
Photos: TypeAlias = Annotated[Any, PHOTOS]
Pictures: TypeAlias = Annotated[Any, PICTURES]
Text: TypeAlias = Annotated[Any, TEXT]
