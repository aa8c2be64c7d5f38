"""Texts that are read a piece at a time: their characters, their rows, and what is no text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data import text_stream
from minitorch_viz.data.text_stream import TextBatches, TextFile
from minitorch_viz.errors import DataFileError, SettingError

ROOT = Path(__file__).parents[2]
WORDS = "Ä rose is — a róse; 😀 is\r\na rose.\n"  # characters of one to four bytes


@pytest.fixture(params=[1 << 14, 7], ids=["large pieces", "pieces that cut characters"])
def text(request, tmp_path: Path, monkeypatch) -> tuple[TextFile, str]:
    monkeypatch.setattr(text_stream, "PIECE", request.param)
    monkeypatch.setattr(text_stream, "SCAN", request.param)
    words = WORDS * 40
    path = tmp_path / "rose.txt"
    path.write_bytes(words.encode("utf-8-sig"))
    return TextFile(path), words


def test_what_is_known_of_a_file(text) -> None:
    file, words = text
    assert file.letters == "".join(sorted(set(words)))
    assert file.length == len(words)
    assert file.parts() == ((0, 1088), (1088, 1224), (1224, len(words)))
    assert file.alphabet().restore(file.alphabet().read(words)) == words


def test_codes_are_the_text_from_any_place(text) -> None:
    file, words = text
    for start, stop in ((0, len(words)), (5, 6), (33, 700)):
        pieces = list(file.codes(start, stop, 50))
        assert max(map(len, pieces)) <= 50
        assert "".join(file.letters[code] for code in np.concatenate(pieces)) == words[start:stop]


@pytest.mark.parametrize("seed", [None, 3])
def test_rows_walk_side_by_side_and_targets_come_next(text, seed) -> None:
    file, words = text
    batches = TextBatches(file, (10, 900), 4, 20, shuffled=seed is not None)
    parts = list(batches(None if seed is None else np.random.default_rng(seed)))
    assert len(parts) == len(batches)
    for row in range(4):
        read = "".join(file.letters[code] for x, _ in parts for code in x[row])
        wanted = "".join(file.letters[code] for _, target in parts for code in target[row])
        assert read[1:] == wanted[:-1]
        start = words.find(read + wanted[-1])
        stretch = words[10 + row * 222 : 10 + (row + 1) * 222]
        assert start >= 0
        assert read + wanted[-1] in stretch
        assert seed is not None or read + wanted[-1] == stretch


def test_each_epoch_is_cut_elsewhere_and_the_same_generator_cuts_the_same(text) -> None:
    file, _ = text
    batches = TextBatches(file, (0, 1000), 2, 50)
    rng = np.random.default_rng(0)
    first, second, again = (next(iter(batches(r)))[0] for r in (rng, rng, np.random.default_rng(0)))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)


def test_short_parts_get_fewer_rows_and_shorter_steps(text) -> None:
    file, _ = text
    assert (TextBatches(file, (0, 250), 50, 100).rows, TextBatches(file, (0, 250), 50, 100).step) == (1, 100)
    short = TextBatches(file, (0, 5), 50, 100)
    assert (short.rows, short.step, len(short)) == (1, 2, 1)
    assert [x.shape for x, _ in TextBatches(file, (0, 2), 50, 100)(None)] == [(1, 1)]
    with pytest.raises(SettingError, match="1 characters"):
        TextBatches(file, (0, 1))


BAD = {
    "latin-1": ("Größe und Maße ".encode("latin-1") * 9, "byte 2 is 0xf6"),
    "cut off in a character": (b"a rose is a rose is a rose is a rose \xe2\x80", "byte 37 is 0xe2"),
    "binary": (bytes(range(64)) * 3, "null bytes"),
    "utf-16": ("a rose is a rose is a rose is a rose".encode("utf-16-le"), "null bytes"),
    "empty": (b"", r"is empty \(0 bytes\)"),
    "a mark alone": (b"\xef\xbb\xbf", "has 0 characters"),
    "one character": (b"a", "has 1 character; at least 30 are needed"),
    "one character over and over": (b"a" * 100, "is 'a' over and over, so there is nothing to predict"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=list(BAD))
def test_what_is_no_text_gets_a_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    with pytest.raises(DataFileError, match=message) as caught:
        TextFile(path)
    assert "bad.txt" in str(caught.value)


def test_missing_files_and_files_that_change(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"There is no text file"):
        TextFile(tmp_path / "nowhere.txt")
    with pytest.raises(DataFileError, match="a folder"):
        TextFile(tmp_path)
    path = tmp_path / "text.txt"
    path.write_text("abc " * 100)
    file = TextFile(path)
    for other in ("xyz " * 100, "abc "):
        path.write_text(other)
        with pytest.raises(DataFileError, match="changed while it was read"):
            list(file.codes(0, 400))


LENGTHY = """
import resource, sys
from pathlib import Path
import numpy as np
from minitorch_viz.data.text_stream import TextBatches, TextFile
path = Path(sys.argv[1])
with path.open("w", encoding="utf-8") as file:
    for number in range(int(sys.argv[2])):
        file.write(f"line {number} of a text that has no end — ß\\n")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
text = TextFile(path)
for x, target in TextBatches(text, text.parts()[0], 50, 100)(np.random.default_rng(0)):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units")
def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    peaks = []
    for lines in (20_000, 400_000):  # 0.9 and 18 MB
        done = subprocess.run(
            [sys.executable, "-c", LENGTHY, str(tmp_path / "long.txt"), str(lines)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'kernels'}"},
        )
        peaks.append(int(done.stdout) / 1024)  # MB
    assert peaks[1] < peaks[0] + 10
