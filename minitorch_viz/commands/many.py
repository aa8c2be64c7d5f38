"""Many photos through one command: `minitorch-viz grad-cam photos/ --out maps/` writes one file for each photo.

The folder is made if the folder it lies in is there. A photo that cannot be read is named and costs itself only.
What is stopped goes on by the same command with `--only-missing`: a file is whole or absent.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from minitorch_viz.commands.file_names import file_names
from minitorch_viz.errors import MinitorchVizError, SettingError, need_whole
from minitorch_viz.techniques.photos import expanded
from minitorch_viz.techniques.subject import PHOTO, PHOTOS

if TYPE_CHECKING:
    from minitorch_viz.techniques import Technique


@dataclass(frozen=True)
class Many:
    """Photos, and the file that each one's result is written to."""

    photos: Sequence[str]
    files: Sequence[Path]
    folder: Path
    there: int = 0  # how many more have their file already
    workers: int = 1  # processes that share the photos

    @property
    def total(self) -> int:
        """How many files there are in the end."""
        return len(self.photos) + self.there

    def check(self, inputs: Iterable[object], suffixes: Sequence[str]) -> None:
        """Raise MinitorchVizError if the folder cannot be made or written, or a file would overwrite an input."""
        from minitorch_viz.io.out import check_out, identities, identity

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
        read = identities((*self.photos, *inputs))
        over = next((file for file in self.files if identity(file) in read), None)
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
    words = "of several photos: processes that share them, each with its part of the cores (default: 1, this one)"
    parser.add_argument("--workers", type=int, default=1, metavar="N", help=words)


def many_asked(technique: Technique, arguments: argparse.Namespace, suffix: str | None = None) -> Many | None:
    """Return the photos and their files where there is one for each; None where there is one result.

    suffix: the ending that they all have, where it is not to be chosen.
    """
    workers = need_whole("workers", getattr(arguments, "workers", 1), 1)
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
    for name in ("film", "frame"):
        if getattr(arguments, name, None) is not None:
            raise SettingError(f"{name}= is of one photo's run; leave it out, or give one photo.")
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
    finished = len(photos) - len(pairs)
    return Many([photo for photo, _ in pairs], [file for _, file in pairs], folder, finished, workers)


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
