"""The table of contents of a zip file, read with every number checked; `.npz` and PyTorch's `.pth` are zip files.

Python's zipfile raises seven kinds of exceptions on damaged files and builds its table before anything can be checked.
Only what the two formats use is read here: members that are stored or deflated, zip64, no encryption, one disk.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import open_file, read_exactly

STORED, DEFLATED = 0, 8
LONGEST_DIRECTORY = 8 * 2**20  # about 80,000 members
PIECE_BYTES = 2**20  # that are unpacked at a time


@dataclass(frozen=True, slots=True)
class Member:
    """Describe one file in the archive."""

    name: str
    method: int  # STORED or DEFLATED
    packed: int  # bytes in the archive
    size: int  # bytes when unpacked
    header: int  # where its local header stands
    crc: int  # 0 where the writer computed none
    mode: int = 0  # what sort of file it was on a Unix system (`stat.S_IFMT`); 0 where the writer did not say


@dataclass(frozen=True)
class Archive:
    """Hold an open zip file whose members' extents have been checked against the size of the file."""

    file: BinaryIO
    path: Path
    size: int
    members: dict[str, Member]

    def start(self, member: Member) -> int:
        """Return where the member's bytes begin: behind its local header, whose length varies."""
        local = read_exactly(self.file, member.header, 30, self._label(member))
        if local[:4] != b"PK\x03\x04":
            raise WeightsFileError(f"{self._label(member)} has no local header; is the file damaged?")
        name_length, extra_length = struct.unpack("<HH", local[26:])
        start = member.header + 30 + int(name_length) + int(extra_length)
        if start + member.packed > self.size:
            raise WeightsFileError(f"{self._label(member)} reaches beyond the end of the file; is it cut off?")
        return start

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the member's bytes, unpacked, in pieces of at most 1 MiB; never more than `member.size` in all."""
        unpacker = zlib.decompressobj(-15) if member.method == DEFLATED else None
        position, bytes_left, packed, crc, pending = self.start(member), member.size, member.packed, 0, b""
        while bytes_left:
            if not pending and packed:
                pending = read_exactly(self.file, position, min(PIECE_BYTES, packed), self._label(member))
                position, packed = position + len(pending), packed - len(pending)
            piece, pending = pending, b""
            if unpacker is not None:
                try:
                    piece = unpacker.decompress(piece, min(PIECE_BYTES, bytes_left))
                except zlib.error as problem:
                    raise WeightsFileError(f"{self._label(member)} cannot be unpacked: {problem}.") from problem
                pending = unpacker.unconsumed_tail
            if not piece and not pending and not packed:
                raise WeightsFileError(f"{self._label(member)} ends {bytes_left} bytes too early; is the file damaged?")
            bytes_left -= len(piece)
            crc = zlib.crc32(piece, crc)
            if piece:
                yield piece
        if member.crc and crc != member.crc:
            raise WeightsFileError(f"{self._label(member)} has a wrong checksum; the file is damaged.")

    def read(self, member: Member) -> bytes:
        """Return all of the member's bytes; the caller has checked its size."""
        return b"".join(self.chunks(member))

    def _label(self, member: Member) -> str:
        return f"{self.path}: {member.name[:100]!r}"


@contextlib.contextmanager
def open_zip(path: str | Path) -> Iterator[Archive]:
    """Open a zip file; raises WeightsFileError if it is missing, damaged, encrypted or of an unknown kind."""
    with open_file(path, "weights file", WeightsFileError) as (file, size, place):
        begin, length, count = _find_directory(file, size, place)
        if length > LONGEST_DIRECTORY:
            raise WeightsFileError(f"{place} has a table of contents of {length} bytes; {LONGEST_DIRECTORY} are read.")
        directory = read_exactly(file, begin, length, f"{place}: the table of contents")
        yield Archive(file, place, size, _members(directory, begin, count, place))


def _find_directory(file: BinaryIO, size: int, place: Path) -> tuple[int, int, int]:
    """Return (offset, length, number of members) of the table of contents, from the record at the file's end."""
    tail_length = min(size, 22 + 65535 + 20)
    tail = read_exactly(file, size - tail_length, tail_length, str(place))
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise WeightsFileError(f"{place} is a zip file without its end: it is cut off. Fetch or copy it again.")
    disk, _, _, count, length, begin = struct.unpack("<HHHHII", tail[at + 4 : at + 20])
    end = size - tail_length + at  # the table ends here, or at the zip64 record
    if 0xFFFF in (count, disk) or 0xFFFFFFFF in (length, begin):
        locator = tail[at - 20 : at] if at >= 20 else b""
        if locator[:4] != b"PK\x06\x07":
            raise WeightsFileError(f"{place} lacks the zip64 record that its end speaks of; is it damaged?")
        end = int(struct.unpack("<Q", locator[8:16])[0])
        if end > size - 56:
            raise WeightsFileError(f"{place}: its zip64 record should stand beyond the end of the file.")
        record = read_exactly(file, end, 56, str(place))
        if record[:4] != b"PK\x06\x06":
            raise WeightsFileError(f"{place} has a damaged zip64 record.")
        count, length, begin = struct.unpack("<QQQ", record[32:56])
    if begin + length > end:
        raise WeightsFileError(f"{place}: its table of contents reaches beyond the file; is it cut off or damaged?")
    return int(begin), int(length), int(count)


def _members(directory: bytes, end: int, count: int, place: Path) -> dict[str, Member]:
    """Return the table of contents as {name: member}; all members must stand before `end`, where it begins."""
    members: dict[str, Member] = {}
    at = 0
    while at + 46 <= len(directory) and directory[at : at + 4] == b"PK\x01\x02":
        flags, method, _, crc, packed, size = struct.unpack("<HHIIII", directory[at + 8 : at + 28])
        name_length, extra_length, comment_length = struct.unpack("<HHH", directory[at + 28 : at + 34])
        attributes, header = struct.unpack("<II", directory[at + 38 : at + 46])
        name = directory[at + 46 : at + 46 + name_length].decode("utf-8", "replace")
        extra = directory[at + 46 + name_length : at + 46 + name_length + extra_length]
        at += 46 + name_length + extra_length + comment_length
        size, packed, header = _zip64(extra, size, packed, header)
        label = f"{place}: {name[:100]!r}"
        if flags & 1:
            raise WeightsFileError(f"{label} is encrypted; write the file without a password.")
        if method not in (STORED, DEFLATED):
            raise WeightsFileError(f"{label} is packed with method {method}; only stored and deflated can be read.")
        if header + 30 + packed > end or (method == STORED and packed != size):
            raise WeightsFileError(f"{label} declares sizes that do not fit into the file; is it damaged?")
        if name in members:
            raise WeightsFileError(f"{label} is in the archive twice; is it damaged?")
        members[name] = Member(name, method, packed, size, header, crc, stat.S_IFMT(attributes >> 16))
    if at != len(directory) or len(members) != count:
        raise WeightsFileError(f"{place}: its table of contents is damaged ({len(members)} of {count} members found).")
    return members


def _zip64(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """Return the three numbers, those that do not fit into 32 bits taken from the extra field."""
    wide = b""
    while len(extra) >= 4:
        tag, length = struct.unpack("<HH", extra[:4])
        if tag == 1:
            wide = extra[4 : 4 + length]
        extra = extra[4 + length :]
    values = [size, packed, header]
    for index, value in enumerate(values):
        if value == 0xFFFFFFFF and len(wide) >= 8:
            values[index], wide = int(struct.unpack("<Q", wide[:8])[0]), wide[8:]
    return values[0], values[1], values[2]
