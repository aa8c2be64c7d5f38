"""Unpacking .gz and .xz piece by piece: never more than a limit, and every way to be damaged is one sentence.

Python's gzip and lzma modules read on until the memory is full, and raise five kinds of exceptions.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from minitorch_viz.errors import DataFileError
from minitorch_viz.io.files import open_file

GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ\0"
PIECE_BYTES = 2**18  # bytes that are read or unpacked at a time
XZ_MEMORY = 256 * 2**20


class Unpacked:
    """Give a file's bytes, unpacked if it is gzip or xz, for reading from front to back."""

    def __init__(self, file: BinaryIO, place: Path, limit: int) -> None:
        """Unpack `file`, at most `limit` bytes of it; `place` is what the errors call it."""
        self._file, self._place, self._left = file, place, limit
        self._input = file.read(PIECE_BYTES)  # not yet given to the unpacker
        self._ready, self._at = b"", 0  # unpacked, and how much of that has been handed out
        self._magic = next((magic for magic in (GZIP, XZ) if self._input.startswith(magic)), b"")
        self._unpacker = self._new()

    @property
    def is_packed(self) -> bool:
        """Return whether the file is gzip or xz."""
        return bool(self._magic)

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end; DataFileError if damaged or beyond the limit."""
        pieces = []
        while count and (self._at < len(self._ready) or self._refill()):
            piece = self._ready[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _refill(self) -> bool:
        """Unpack some more, and return whether there was any."""
        try:
            self._ready, self._at = self._next(), 0
        except (zlib.error, lzma.LZMAError) as problem:
            raise DataFileError(f"{self._place} cannot be unpacked: {problem}. Is it damaged?") from problem
        self._left -= len(self._ready)
        if self._left < 0:
            raise DataFileError(f"{self._place} unfolds to more bytes than such a file has; is it the right file?")
        return bool(self._ready)

    def _next(self) -> bytes:
        """Return up to PIECE unpacked bytes, none at the end."""
        if self._unpacker is None:
            plain, self._input = self._input or self._file.read(PIECE_BYTES), b""
            return plain
        while True:
            if self._unpacker.eof:
                following = (self._unpacker.unused_data + self._file.read(PIECE_BYTES)).lstrip(b"\0")
                if not following:  # nothing but padding
                    return b""
                if not following.startswith(self._magic):
                    raise DataFileError(f"{self._place} goes on after its packed contents; is it damaged?")
                self._unpacker, self._input = self._new(), following
            if not self._input and getattr(self._unpacker, "needs_input", True):
                self._input = self._file.read(PIECE_BYTES)
                if not self._input:
                    raise DataFileError(f"{self._place} is cut off: its packed contents do not end. Copy it again.")
            piece: bytes = self._unpacker.decompress(self._input, PIECE_BYTES)
            self._input = getattr(self._unpacker, "unconsumed_tail", b"")  # lzma keeps what it has not used
            if piece:
                return piece

    def _new(self) -> Any:
        if self._magic == GZIP:
            return zlib.decompressobj(31)
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY) if self._magic else None


def tar_members(place: Path, label: str, limit: int, largest: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, contents) of every file in a .tar, .tar.gz or .tar.xz, in order; nothing is written to disk.

    limit: bytes of the whole archive when unpacked; largest: bytes of one file. Raises DataFileError if the archive
    is damaged, too large, or holds anything but files and folders.
    """
    with open_file(place, label, DataFileError) as (file, _, _):
        stream = Unpacked(file, place, limit)
        with _sentences(place), tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # only read() is used
            for member in archive:
                if member.isdir():
                    continue
                if not member.isreg() or member.size > largest:
                    kind = f"has {member.size} bytes" if member.isreg() else "is no plain file"
                    raise DataFileError(f"{place}: {member.name[:100]!r} {kind}; is it the right archive?")
                contents = archive.extractfile(member)
                data = contents.read() if contents else b""
                if len(data) != member.size:
                    raise DataFileError(f"{place} is cut off in {member.name[:100]!r}. Copy it again.")
                yield member.name, data
        while stream.read(PIECE_BYTES):  # to the end, where the checksum stands
            pass


@contextlib.contextmanager
def _sentences(place: Path) -> Iterator[None]:
    try:
        yield
    except DataFileError:
        raise
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as problem:
        raise DataFileError(f"{place} is no sound tar archive: {problem}.") from problem


def sum_of(place: Path, label: str) -> str:
    """Return the SHA-256 sum of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open_file(place, label, DataFileError) as (file, _, _):
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
