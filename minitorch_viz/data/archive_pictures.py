"""Pictures in a .zip or .tar archive, read one at a time and by number; nothing of it is unpacked into a folder.

A .tar.gz or .tar.xz can only be read from front to back: it is unpacked once, as one file without a name that others
can guess, which is gone when the program ends.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import io
import itertools
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from minitorch_viz._types import Array
from minitorch_viz.data.picture_base import Pictures, classes_of, inside
from minitorch_viz.data.picture_files import SUFFIXES
from minitorch_viz.data.unpack import PIECE_BYTES, Unpacked
from minitorch_viz.errors import DataFileError, ImageFileError, MinitorchVizError
from minitorch_viz.io.files import open_file
from minitorch_viz.io.formats import START, kind_of
from minitorch_viz.io.images import load_image
from minitorch_viz.io.zip_ import Archive, Member, open_zip

LARGEST_BYTES = 2**28  # bytes of one picture file
MOST_TIMES, MORE_BYTES = 100, 2**28  # what a packed .tar may unfold to: so many times its size, and so many bytes more
MOST_MEMBERS = 10**6
ZIP = b"PK"
ARCHIVES = (".zip", ".tar", ".tgz", ".txz", ".gz", ".xz")  # endings, for the sentence on a file that is not there


class Entry(NamedTuple):
    """Name one picture of an archive."""

    path: PurePosixPath
    size: int  # bytes, unpacked
    start: int  # where its bytes begin in a .tar
    member: Member | None  # of a .zip
    problem: str = ""  # why it is not read


@dataclass(frozen=True, eq=False, repr=False)
class ArchivePictures(Pictures):
    """Read the pictures of an archive; the folder that one lies in is its class where there are several."""

    archive: Path
    entries: tuple[Entry, ...]
    name: str = "archive"
    labels: tuple[int, ...] = ()  # one a picture, or none
    class_names: tuple[str, ...] = ()
    changed: int = 0  # when the archive was written last, nanoseconds
    plain: Path = field(default=Path())  # the unpacked .tar; the archive itself if it is not packed

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, number: int) -> Array:
        entry = self.entries[inside(number, len(self))]
        label = f"{self.archive}: {str(entry.path)[:100]!r}"
        if entry.problem:
            raise ImageFileError(f"{label} {entry.problem}.")
        if entry.size > LARGEST_BYTES:
            raise ImageFileError(
                f"{label} has {entry.size} bytes; pictures of at most {LARGEST_BYTES // 2**20} MB are read."
            )
        try:
            data = _contents(self._place(), entry)
        except MinitorchVizError as problem:
            raise ImageFileError(str(problem)) from problem
        try:
            return load_image(io.BytesIO(data))
        except ImageFileError as problem:
            raise ImageFileError(f"{label}: {problem}") from problem

    def title(self, number: int) -> str:
        return self.entries[number].path.name

    def label(self, number: int) -> int | None:
        return self.labels[number] if self.labels else None

    @property
    def fingerprint(self) -> str:
        """Return a hash of the names and sizes, of a .zip also the checksums, and of a .tar when it was written."""
        state = hashlib.sha256()
        for entry in self.entries:
            mark = self.changed if entry.member is None else entry.member.crc
            state.update(f"{entry.path}\0{entry.size}\0{mark}\n".encode(errors="surrogateescape"))
        return state.hexdigest()

    def _place(self) -> Path:
        """Return the file that is read; a worker on another machine unpacks it anew."""
        if self.archive.exists() and self.archive.stat().st_mtime_ns != self.changed:
            raise DataFileError(f"{self.archive} was written anew since its pictures were listed; list them again.")
        return self.plain if self.plain.exists() else _plain(self.archive.resolve(), self.changed)


def archive_pictures(archive: Path) -> ArchivePictures:
    """Return the pictures of a .zip, .tar, .tar.gz or .tar.xz, in the order of their paths.

    The folders below the one that all pictures lie in are their classes, as they are of a folder. Hidden files and
    files of other kinds are passed over; a name that leads out of the archive, a link and a broken picture are found
    when they are looked at. Raises DataFileError if it is no such archive, damaged, or holds no picture.
    """
    with open_file(archive, "archive of pictures", DataFileError) as (file, _, _):
        is_zip = file.read(2) == ZIP
        changed = os.fstat(file.fileno()).st_mtime_ns
    plain = archive if is_zip else _plain(archive.resolve(), changed)
    listed = _zip_entries(archive) if is_zip else _tar_entries(plain, archive)
    entries = sorted(
        (entry for entry in listed if _is_shown(entry) and _is_picture(plain, entry)), key=lambda entry: entry.path
    )
    if not entries:
        raise DataFileError(f"{archive} has no pictures ({', '.join(SUFFIXES)}) in it.")
    above = _common([entry.path.parent.parts for entry in entries if not entry.problem])
    groups = [next(iter(entry.path.parent.parts[above:]), "") for entry in entries]
    return ArchivePictures(archive, tuple(entries), archive.name, *classes_of(groups), changed=changed, plain=plain)


def _common(folders: Sequence[tuple[str, ...]]) -> int:
    """Count the folders, from the outermost on, all pictures lie in."""
    levels = zip(*folders, strict=False)  # up to the shortest
    return sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, levels))


def _zip_entries(archive: Path) -> list[Entry]:
    with _as_data_errors(), open_zip(archive) as table:
        members = list(table.members.values())
    entries: list[Entry] = []
    for member in members:
        path = PurePosixPath(member.name.replace("\\", "/"))  # as some programs on Windows write it
        problem = _problem(path, is_plain=member.mode in (0, stat.S_IFREG))
        if not member.name.endswith("/"):
            entries.append(Entry(path, member.size, 0, member, problem))
    return entries


def _tar_entries(plain: Path, archive: Path) -> list[Entry]:
    entries: list[Entry] = []
    try:
        with plain.open("rb") as file, tarfile.open(fileobj=_Cautious(file, archive), mode="r:") as table:
            for member in table:
                if member.isdir():
                    continue
                if len(entries) == MOST_MEMBERS:
                    raise DataFileError(f"{archive} holds more than {MOST_MEMBERS:,} files; is it the right archive?")
                path = PurePosixPath(member.name)
                problem = _problem(path, is_plain=member.isreg() and not member.issparse())
                entries.append(Entry(path, member.size, member.offset_data, None, problem))
                table.members = []  # type: ignore[attr-defined]  # tarfile keeps every header
            file.seek(table.offset)  # behind the last file
            if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise DataFileError(f"{archive} is cut off: the mark of its end is missing. Copy it again.")
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as problem:
        raise DataFileError(
            f"{archive} is no sound .zip, .tar, .tar.gz or .tar.xz: {problem}. Give one of pictures, or a folder."
        ) from problem
    except OSError as problem:
        raise DataFileError(f"{archive} cannot be read: {problem.strerror or problem}.") from problem
    return entries


class _Cautious(io.RawIOBase):
    """Refuse to read a piece of a file that is larger than any header: a damaged one may declare gigabytes."""

    def __init__(self, file: BinaryIO, place: Path) -> None:
        super().__init__()
        self._file, self._place = file, place

    def read(self, count: int = -1) -> bytes:
        if not 0 <= count <= PIECE_BYTES:
            raise DataFileError(f"{self._place}: one of its headers should have {count} bytes; is it damaged?")
        return self._file.read(count)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _problem(path: PurePosixPath, *, is_plain: bool) -> str:
    """Return why a member is not read; "" if it is."""
    if path.is_absolute() or ".." in path.parts or str(path)[1:2] == ":":
        return "leads out of the archive, so it is left out"
    return "" if is_plain else "is no plain file but a link or a device, so it is left out"


def _is_shown(entry: Entry) -> bool:
    """Tell whether it is a file that a person put there, and not the notes of a file system."""
    return not any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in entry.path.parts)


def _is_picture(plain: Path, entry: Entry) -> bool:
    """Tell by its ending, or by its first bytes; a damaged file of another ending is none."""
    if entry.path.suffix.lower() in SUFFIXES:
        return True
    if entry.problem or entry.size < START:
        return False
    with contextlib.suppress(MinitorchVizError):
        return bool(kind_of(_contents(plain, entry, START)))
    return False


def _contents(place: Path, entry: Entry, most: int = LARGEST_BYTES) -> bytes:
    """Return the first `most` bytes of a member, or all; DataFileError if it is damaged."""
    with _as_data_errors(), open_file(place, "archive of pictures", DataFileError) as (file, size, _):
        if entry.member is None:
            file.seek(entry.start)
            data = file.read(min(entry.size, most))
            if len(data) < min(entry.size, most):
                raise DataFileError(f"{place} is cut off in {str(entry.path)[:100]!r}. Copy it again.")
            return data
        chunks = Archive(file, place, size, {}).chunks(entry.member)
        if most >= entry.size:
            return b"".join(chunks)
        return next(chunks, b"")[:most]


@contextlib.contextmanager
def _as_data_errors() -> Iterator[None]:
    """Turn errors of the reader of zip files, which is one for weights, into those of data."""
    try:
        yield
    except MinitorchVizError as problem:
        raise DataFileError(str(problem)) from problem


@functools.cache
def _plain(archive: Path, changed: int) -> Path:  # noqa: ARG001 (an archive that was written anew is another one)
    """Return the .tar without its packing: the file itself, or a copy that is gone when the program ends."""
    with open_file(archive, "archive of pictures", DataFileError) as (file, size, _):
        stream = Unpacked(file, archive, MOST_TIMES * size + MORE_BYTES)
        if not stream.is_packed:
            return archive
        handle, name = tempfile.mkstemp(suffix=".tar", prefix="minitorch_viz_")
        plain = Path(name)
        atexit.register(plain.unlink, missing_ok=True)
        try:
            with os.fdopen(handle, "wb") as copy:
                while piece := stream.read(PIECE_BYTES):
                    copy.write(piece)
        except OSError as problem:
            plain.unlink(missing_ok=True)
            raise DataFileError(f"{archive} cannot be unpacked into {plain.parent}: {problem.strerror}.") from problem
        except MinitorchVizError:
            plain.unlink(missing_ok=True)
            raise
    return plain
