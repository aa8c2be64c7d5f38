"""Text as numbers, one a character, for nets that read and write letter by letter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.find import data_folder
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.io.files import as_path, open_file
from minitorch_viz.models.readers.alphabet import Alphabet

LARGEST_BYTES = 64 * 2**20  # bytes


@dataclass(frozen=True, eq=False, repr=False)
class Text:
    """Hold a text and its code: `vocabulary[codes[i]] == text[i]`."""

    text: str
    vocabulary: tuple[str, ...]  # the characters that occur, sorted
    codes: Array  # (T,) int64, 0..len(vocabulary) - 1
    name: str

    def __len__(self) -> int:
        return len(self.text)

    def __repr__(self) -> str:
        return f"Text({self.name}: {len(self)} characters, {len(self.vocabulary)} different)"

    def alphabet(self, *, one_hot: bool = True, unknown: str = "") -> Alphabet:
        """Return the reader of a net that knows this text's letters: `Model.from_net(net, readers=text.alphabet())`."""
        return Alphabet("".join(self.vocabulary), one_hot, unknown)

    def encode(self, text: str) -> Array:
        """Return the codes (T,) of another text; SettingError if a character is not in the vocabulary."""
        place = {character: index for index, character in enumerate(self.vocabulary)}
        unknown = next((character for character in text if character not in place), None)
        if unknown is not None:
            raise SettingError(f"{unknown!r} does not occur in {self.name}, so it has no code.")
        return np.array([place[character] for character in text], np.int64)

    def decode(self, codes: Array) -> str:
        """Return the text of codes (T,); SettingError if one is no code."""
        codes = np.asarray(codes)
        if codes.ndim != 1 or codes.dtype.kind not in "iu":
            raise SettingError(f"Codes are whole numbers (T,), but got {codes.dtype} of shape {codes.shape}.")
        if len(codes) and not (codes.min() >= 0 and codes.max() < len(self.vocabulary)):
            raise SettingError(f"Codes are from 0 to {len(self.vocabulary) - 1}: got {codes.min()} to {codes.max()}.")
        return "".join(self.vocabulary[code] for code in codes.tolist())


def load_text(path: str | Path) -> Text:
    """Read a UTF-8 text file, its vocabulary and its codes; line ends stay as they are.

    path: a file, or the name of one in $MINITORCH_VIZ_HOME/data/text. Raises DataFileError if it is missing, empty,
    longer than 64 MB, or no UTF-8 text.
    """
    place = as_path(path, "text file", DataFileError)
    home_place = data_folder("text") / place.name
    if not place.exists() and len(place.parts) == 1 and home_place.is_file():
        place = home_place
    with open_file(place, "text file", DataFileError) as (file, size, _):
        if size > LARGEST_BYTES:
            raise DataFileError(f"{place} has {size} bytes; texts of at most {LARGEST_BYTES // 2**20} MB are read.")
        data = file.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataFileError(
            f"{place} is no UTF-8 text: byte {problem.start} is {data[problem.start]:#04x}. Convert it (iconv does)."
        ) from problem
    if "\0" in text:
        raise DataFileError(f"{place} holds null bytes, so it is no text; is it a binary file, or UTF-16?")
    if not text:
        raise DataFileError(f"{place} has no characters; a text is needed.")
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    letters, codes = np.unique(points, return_inverse=True)
    return Text(text, tuple(chr(point) for point in letters.tolist()), codes.astype(np.int64), place.name)
