"""Many photos through one command: `minitorch-viz grad-cam photos/ --out maps/` writes one file for each photo.

The folder is made if the folder it lies in is there. A photo that cannot be read is named and costs itself only.
What is stopped goes on by the same command with `--only-missing`: a file is whole or absent.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.techniques.photos import expanded
from minitorch_viz.techniques.subject import PHOTO, PHOTOS

if TYPE_CHECKING:
    from minitorch_viz.techniques import Result, Technique

AHEAD = 2  # photos that are decoded while one is looked at
SHOWN = 3  # photos that a note names

# Of a photo's name: what it shows (notes are appended). Of what it shows: the result, and why it ended early or "".
Read = Callable[[str, list[str]], Any]
Explain = Callable[[Any], tuple["Result", str]]
Save = Callable[["Result", Any, Path], object]


@dataclass(frozen=True)
class Many:
    """Photos, and the file that each one's result is written to."""

    photos: Sequence[str]
    files: Sequence[Path]
    folder: Path
    there: int = 0  # how many more have their file already

    @property
    def total(self) -> int:
        """How many files there are in the end."""
        return len(self.photos) + self.there

    def check(self, inputs: Iterable[object], suffixes: Sequence[str]) -> None:
        """Raise MinitorchVizError if the folder cannot be made or written, or a file would overwrite an input."""
        from minitorch_viz.io.out import check_out

        is_folder = self.folder.is_dir()
        if not is_folder and (self.folder.exists() or self.folder.suffix.lower() in suffixes):
            raise MinitorchVizError(
                f"There is a result for each photo, each in a file in one folder, but {self.folder} is a file's name; "
                "give a folder, such as --out maps/."
            )
        if not is_folder:
            check_out(self.folder, noun="folder")
        for file in self.files[:1] if is_folder else ():
            check_out(file, suffixes)
        read = {_identity(name) for name in (*self.photos, *inputs) if isinstance(name, (str, os.PathLike))} - {None}
        over = next((file for file in self.files if _identity(file) in read), None)
        if over is not None:
            raise MinitorchVizError(
                f"The result would overwrite {over}, which is one of the inputs; give --out FOLDER/."
            )


def takes_many(technique: Technique) -> bool:
    """Return whether a technique's command takes several photos with a result for each."""
    return technique.subject in (PHOTO, PHOTOS)


def add_many_arguments(parser: argparse.ArgumentParser, technique: Technique) -> None:
    """Add what is asked where there are several photos; nothing for a technique that looks at none."""
    if not takes_many(technique):
        return
    if technique.subject is PHOTOS:
        parser.add_argument("--each", action="store_true", help="one result for each photo, in the folder --out")
    endings = [suffix[1:] for suffix in technique.suffixes]
    words = "of several photos: the kind of file that is written for each (default: png)"
    parser.add_argument("--format", choices=endings, help=words)
    words = "of several photos: leave out those whose file is in the folder already, such as after Ctrl-C"
    parser.add_argument("--only-missing", action="store_true", help=words)


def many_asked(technique: Technique, arguments: argparse.Namespace, suffix: str | None = None) -> Many | None:
    """Return the photos and their files where there is one for each; None where there is one result.

    suffix: the ending that they all have, where it is not to be chosen.
    """
    if technique.subject is PHOTO:
        photos = arguments.photos
        asked = arguments.format or arguments.only_missing or len(photos) > 1 or expanded(photos) != photos
        asked = asked or (photos and _is_folder(arguments.out, technique.suffixes))
    else:
        asked = technique.subject is PHOTOS and arguments.each
    if not asked:
        for name in ("format", "only_missing"):
            if getattr(arguments, name, None):
                raise SettingError(f"{name}= is for one result a photo; give --each too.")
        return None
    if getattr(arguments, "resume", None) is not None:
        raise SettingError("resume= keeps the state of one photo's run; with several, --only-missing goes on.")
    if suffix is not None and arguments.format not in (None, suffix[1:]):
        raise SettingError(f"An overlay is written as {suffix}; leave out --format {arguments.format}.")
    folder = Path(technique.name) if arguments.out is None else arguments.out
    names = arguments.photos or ["sample:1"]
    photos = _without_results(expanded(names), names, folder)
    ending = suffix or f".{arguments.format or 'png'}"
    files = [folder / f"{name}{ending}" for name in file_names(photos)]
    pairs = [
        (photo, file)
        for photo, file in zip(photos, files, strict=True)
        if not (arguments.only_missing and file.is_file())
    ]
    return Many([photo for photo, _ in pairs], [file for _, file in pairs], folder, len(photos) - len(pairs))


def file_names(photos: Sequence[str]) -> list[str]:
    """Return a name without ending for each photo's file: the photo's own, told apart where two are the same.

    cats/a.jpg and dogs/a.jpg become cats-a and dogs-a, a.jpg and a.png in one folder a.jpg and a.png. Capitals do not
    tell names apart: they are one file on some systems.
    """
    ways = [_ways(photo) for photo in photos]
    level = [0] * len(photos)
    while True:
        names = [way[at] for way, at in zip(ways, level, strict=True)]
        places: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            places.setdefault(name.casefold(), []).append(number)
        same = [number for group in places.values() if len(group) > 1 for number in group]
        further = [number for number in same if level[number] + 1 < len(ways[number])]
        if not further:
            return names if not same else [f"{name}-{number + 1}" for number, name in enumerate(names)]
        for number in further:
            level[number] += 1


def write_each(many: Many, name: str, read: Read, explain: Explain, save: Save) -> int:
    """Write the result of each photo and print a line on it; return 1 if one was left out, else 0.

    Photos are decoded in a thread, while others are looked at. Raises KeyboardInterrupt, which says how many are
    written, and SettingError or NetError if a setting does not fit and nothing is written yet.
    """
    from minitorch_viz.data.prefetch import ahead
    from minitorch_viz.progress import progress_bar

    notes: dict[str, list[str]] = {}
    written = 0
    is_new = not many.folder.is_dir()
    many.folder.mkdir(exist_ok=True)
    pictures = ahead(lambda photo: _readable(read, photo), many.photos, AHEAD)
    bar = progress_bar(total=len(many.photos), desc=name, unit="photo", leave=False)
    try:
        with contextlib.closing(pictures), bar:  # type: ignore[type-var]  # a generator has close
            for photo, file, picture in zip(many.photos, many.files, pictures, strict=True):
                try:
                    if picture.problem is not None:
                        raise picture.problem
                    result, why = explain(picture.value)
                    if why.startswith("interrupted"):
                        raise KeyboardInterrupt
                    save(result, picture.value, file)
                except MinitorchVizError as problem:
                    if isinstance(problem, (SettingError, NetError)) and not written and picture.problem is None:
                        raise
                    told = str(problem) if photo in str(problem) else f"{photo}: {problem}"
                    bar.write(f"Left out: {told}", file=sys.stderr)
                else:
                    written += 1
                    bar.write(": ".join(filter(None, (str(file), ", ".join(result.facts)))))
                    for note in filter(None, (*picture.notes, *result.notes, why and f"{why[0].upper()}{why[1:]}.")):
                        notes.setdefault(note, []).append(photo)
                bar.update()
    except KeyboardInterrupt:
        count = f"{written + many.there} of {many.total} files are in {many.folder}"
        raise KeyboardInterrupt(f"interrupted; {count}; with --only-missing the same command goes on") from None
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # only an empty one can be removed
                many.folder.rmdir()
    for note, photos in notes.items():
        print(f"Note{_on(photos, written)}: {note}")
    before = f", {many.there} were there already" if many.there else ""
    print(f"Wrote {written} of {len(many.photos)} files into {many.folder}{os.sep}{before}")
    return int(written < len(many.photos))


class _Picture(NamedTuple):
    value: Any
    notes: list[str]
    problem: MinitorchVizError | None


def _readable(read: Read, photo: str) -> _Picture:
    notes: list[str] = []
    try:
        return _Picture(read(photo, notes), notes, None)
    except MinitorchVizError as problem:
        return _Picture(None, notes, problem)


def _is_folder(out: Path | None, suffixes: Sequence[str]) -> bool:
    """Return whether --out means a folder: the shell may have found one photo only for `photos/*.jpg --out maps/`."""
    if out is None or {out.suffix.lower(), out.name.lower()} & {*suffixes}:
        return False
    return out.is_dir() or not out.suffix


def _without_results(photos: Sequence[str], names: Sequence[str], folder: Path) -> list[str]:
    """Return the photos without those that a named folder has in the folder of the results: earlier results."""
    results = os.path.realpath(folder)
    if results in map(os.path.realpath, names):  # that folder itself is meant
        return list(photos)
    inside = {photo for photo in photos if os.path.realpath(photo).startswith(results + os.sep)} - {*names}
    return [photo for photo in photos if photo not in inside] or list(photos)


def _ways(photo: str) -> list[str]:
    """Return the names that a photo's file may have, the shortest first."""
    path = Path(photo)
    *folders, name = path.parts
    folders = [folder for folder in folders if folder not in (path.anchor, "..", ".")]
    stem = Path(name).stem.replace(":", "-")
    longer = ["-".join([*folders[-count:], stem]) for count in range(1, len(folders) + 1)]
    full = "-".join([*folders, name.replace(":", "-")])
    return [stem, name.replace(":", "-"), *longer, full]


def _on(photos: Sequence[str], total: int) -> str:
    """Return which photos a note is on: "" if on all."""
    if len(photos) == total and total > 1:
        return ""
    more = f" and {len(photos) - SHOWN} more" if len(photos) > SHOWN else ""
    return f" on {', '.join(photos[:SHOWN])}{more}"


def _identity(path: object) -> tuple[int, int] | None:
    """Return what tells a file from every other, whatever name or link leads to it; None if there is none."""
    try:
        facts = os.stat(os.path.expanduser(str(path)))
    except (OSError, ValueError):
        return None
    return facts.st_dev, facts.st_ino
