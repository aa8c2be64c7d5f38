"""A text of any length, read a piece at a time: what a net is trained on need not fit the memory.

text = TextFile(path)        one pass: which characters occur, how many there are, a checksum
text.codes(start)            their numbers from character `start` on, as far as they are asked for
TextBatches(text, ...)       N places that walk through a part of the text side by side, T characters at a step
"""

from __future__ import annotations

import codecs
import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.find import data_folder
from minitorch_viz.errors import DataFileError, SettingError, need_whole
from minitorch_viz.io.files import as_path, open_file
from minitorch_viz.models.readers.alphabet import Alphabet

PIECE = 1 << 14  # bytes that a row reads at a time
SCAN = 1 << 20  # bytes read at a time where the whole file is gone through
UNICODE = 0x110000  # how many characters there can be
PARTS = (0.8, 0.9)  # where validation and test begin, as shares of the text
LEAST = 30  # characters: each part needs some


@dataclass(frozen=True, eq=False, repr=False)
class TextFile:
    """Hold what is known of a UTF-8 text file; its characters stay in the file.

    path: a file, or the name of one in $MINITORCH_VIZ_HOME/data/text. Line ends stay as they are; a byte-order mark at
    the start is no character.

    Raises DataFileError if it is missing, no UTF-8 text, shorter than 30 characters, or one character over and over.
    """

    path: Path
    letters: str = field(init=False)  # the characters that occur, sorted
    length: int = field(init=False)  # characters
    digest: str = field(init=False)  # SHA-256 of the file
    mark: int = field(init=False)  # bytes of the byte-order mark: 3 or 0

    def __post_init__(self) -> None:
        place = _found(self.path)
        counts, digest = np.zeros(UNICODE, np.int64), hashlib.sha256()
        with open_file(place, "text file", DataFileError) as (file, _, _):
            mark = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
            file.seek(0)
            while data := file.read(SCAN):
                digest.update(data)
        for points in _points(place, mark):
            counts += np.bincount(points, minlength=UNICODE)
        letters = np.flatnonzero(counts)
        if len(letters) and letters[0] == 0:
            raise DataFileError(f"{place} holds null bytes, so it is no text; is it a binary file, or UTF-16?")
        count = int(counts.sum())
        if count < LEAST:
            raise DataFileError(
                f"{place} has {count} character{'s' * (count != 1)}; at least {LEAST} are needed, and a net that "
                "writes well has read some hundred thousand."
            )
        if len(letters) == 1:
            raise DataFileError(f"{place} is {chr(letters[0])!r} over and over, so there is nothing to predict.")
        values = {"path": place, "letters": "".join(map(chr, letters.tolist())), "length": count}
        for name, value in {**values, "digest": digest.hexdigest(), "mark": mark}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"TextFile({self.path.name}: {self.length} characters, {len(self.letters)} different)"

    def alphabet(self) -> Alphabet:
        """Return the reader of a net that looks this text's letters up in a table."""
        return Alphabet(self.letters, one_hot=False)

    @functools.cached_property
    def table(self) -> Array:
        """Return the number of each character by its code point, -1 for those that do not occur."""
        table = np.full(ord(self.letters[-1]) + 1, -1, np.int64)
        table[[ord(letter) for letter in self.letters]] = np.arange(len(self.letters))
        return table

    def parts(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Return from where to where training, validation and test go: 80, 10 and 10 % of the characters, in order."""
        first, second = (int(self.length * share) for share in PARTS)
        return (0, first), (first, second), (second, self.length)

    def offsets(self, places: Sequence[int]) -> list[int]:
        """Return at which byte of the file each of these characters begins; places ascend."""
        offsets: list[int] = []
        before, at = 0, self.mark
        with open_file(self.path, "text file", DataFileError) as (file, _, _):
            file.seek(self.mark)
            while len(offsets) < len(places) and (data := file.read(SCAN)):
                begins = np.flatnonzero(
                    (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
                )  # no continuation of a character
                while len(offsets) < len(places) and places[len(offsets)] < before + len(begins):
                    offsets.append(at + int(begins[places[len(offsets)] - before]))
                before, at = before + len(begins), at + len(data)
        return offsets + [at] * (len(places) - len(offsets))

    def codes(self, start: int, stop: int, piece: int = PIECE) -> Iterator[Array]:
        """Yield the numbers of the characters from start to stop, `piece` of them at a time (the last may be fewer)."""
        walk = Walk(self, self.offsets([start])[0])
        for at in range(start, stop, piece):
            yield walk.take(min(piece, stop - at))


class Walk:
    """Walk through a text from one byte on."""

    def __init__(self, text: TextFile, offset: int) -> None:
        self.text, self.offset, self.rest = text, offset, np.zeros(0, np.int64)

    def take(self, count: int) -> Array:
        """Return the numbers (count,) of the next characters; DataFileError if the file is not what it was."""
        pieces = [self.rest]
        while sum(map(len, pieces)) < count:
            pieces.append(self._read())
        codes = np.concatenate(pieces)
        self.rest = codes[count:]
        return codes[:count]

    def _read(self) -> Array:
        table = self.text.table
        changed = f"{self.text.path} was changed while it was read."
        with open_file(self.text.path, "text file", DataFileError) as (file, _, _):
            file.seek(self.offset)
            data = file.read(PIECE)
        try:
            text, used = codecs.utf_8_decode(data, "strict", False)
        except UnicodeDecodeError as problem:
            raise DataFileError(changed) from problem
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        if not len(points) or points.max() >= len(table) or (codes := table[points]).min() < 0:
            raise DataFileError(changed)
        self.offset += used
        return codes


@dataclass(frozen=True, eq=False)
class TextBatches:
    """Give the batches of an epoch: pairs x, targets (N, T) of whole numbers; each target is the letter after x's.

    N rows walk through a part of the text side by side, each through its own stretch, and each batch goes on where the
    one before ended: a net that carries its state over has read everything before. `batches(rng)` begins a random
    number of characters late, so that the cuts fall elsewhere in each epoch; `batches(None)` begins at the start and
    ends with the last whole row, its last batch shorter.

    part: from where to where, in characters. Short texts get fewer rows, and shorter steps.
    """

    text: TextFile
    part: tuple[int, int]
    batch: int = 50
    steps: int = 100
    shuffled: bool = True  # whether there is a random start, so that some characters are left out each time

    def __post_init__(self) -> None:
        need_whole("batch", self.batch, 1)
        need_whole("steps", self.steps, 1)
        if self.count < 2:
            raise SettingError(f"A part of {self.count} characters of {self.text.path} is too short to learn from.")

    @property
    def count(self) -> int:
        """Return how many characters the part has."""
        return self.part[1] - self.part[0]

    @property
    def rows(self) -> int:
        """Return N."""
        return max(1, min(self.batch, self.count // (2 * self.steps)))

    @property
    def row(self) -> int:
        """Return how many characters a row walks through."""
        return self.count // self.rows

    @property
    def step(self) -> int:
        """Return T."""
        return min(self.steps, max(1, self.row // 2))

    def __len__(self) -> int:
        whole = self.row - 1 - (self.step - 1 if self.shuffled else 0)
        return max(1, whole // self.step) if self.shuffled else -(-whole // self.step)

    def __call__(self, rng: Generator | None) -> Iterator[tuple[Array, Array]]:
        spare = self.row - 1 - len(self) * self.step
        late = 0 if rng is None or not self.shuffled else int(rng.integers(0, spare + 1))
        starts = [self.part[0] + number * self.row + late for number in range(self.rows)]
        walks = [Walk(self.text, offset) for offset in self.text.offsets(starts)]
        last = np.array([walk.take(1) for walk in walks])  # (N, 1)
        for number in range(len(self)):
            length = min(self.step, self.row - 1 - number * self.step)
            new = np.array([walk.take(length) for walk in walks])
            codes = np.concatenate([last, new], axis=1)  # (N, T + 1)
            last = codes[:, -1:]
            yield codes[:, :-1], codes[:, 1:]

    def describe(self) -> str:
        """Return what a checkpoint compares."""
        return f"characters {self.part[0]} to {self.part[1]} of a text {self.text.digest}, {self.rows} x {self.step}"


def _found(path: object) -> Path:
    """Return the file, or the one of that name among the data at home."""
    place = as_path(path, "text file", DataFileError)
    home_place = data_folder("text") / place.name
    return home_place if not place.exists() and len(place.parts) == 1 and home_place.is_file() else place


def _points(place: Path, mark: int) -> Iterator[Array]:
    """Yield the code points of a file, a piece at a time; DataFileError where it is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = mark
    with open_file(place, "text file", DataFileError) as (file, _, _):
        file.seek(mark)
        while True:
            data = file.read(SCAN)
            waiting = len(decoder.getstate()[0])  # bytes of a character that the piece before ended in
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as problem:
                byte = at - waiting + problem.start
                raise DataFileError(
                    f"{place} is no UTF-8 text: byte {byte} is {problem.object[problem.start]:#04x}. Convert it (iconv "
                    "does)."
                ) from problem
            at += len(data)
            if text:
                yield np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)
            if not data:
                return
