"""What training on a text keeps in memory, however long the text is, and what it says of files that are no texts."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from minitorch_viz.cli import main
from minitorch_viz.data import text_stream
from minitorch_viz.training import letters as module
from minitorch_viz.training.letters import train_letters

LINE = "the cat sat on the mat, and the dog sat on the log.\n"
SETTINGS = {"kind": "rnn", "layers": 1, "cells": 4, "embedding": 3, "steps": 20, "batch": 200, "epochs": 1}


def train(lines: int, folder: Path) -> None:
    """One epoch on so many lines."""
    text = folder / "cats.txt"
    text.write_text(LINE * lines)
    train_letters(text, folder / "cats.safetensors", **SETTINGS)


def peak(lines: int, folder: Path) -> int:
    """The most bytes that it holds at a time."""
    tracemalloc.start()
    try:
        train(lines, folder)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_training_does_not_grow_with_the_length_of_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch, the choice of the net, and the test; counting n-grams afterwards is for short texts alone."""
    monkeypatch.setattr(module, "MOST_COUNTED", 0)
    monkeypatch.setattr(text_stream, "SCAN", 1 << 13)  # bytes read of the file at a time: less than the shorter text
    monkeypatch.setattr(text_stream, "PIECE", 1 << 8)
    monkeypatch.setattr(text_stream, "UNICODE", 128)  # so that the counts of all characters do not hide the rest
    train(100, tmp_path)  # kernels and modules are loaded
    short, long = (peak(lines, tmp_path) for lines in (200, 1200))  # 10 and 62 thousand letters
    assert long < short + 100_000
    assert short > 100_000


@pytest.mark.parametrize("command", [["train", "letters"], ["gates"], ["char-saliency"], ["errors"]], ids=" ".join)
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        ("Größe und Maße ".encode("latin-1") * 9, "is no UTF-8 text: byte 2 is 0xf6"),
        (bytes(range(64)) * 3, "null bytes"),
    ],
    ids=["empty", "latin-1", "binary"],
)
def test_files_that_are_no_texts_get_a_sentence(
    command: list[str], data: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.txt").write_bytes(data)
    assert main([*command, "--text", "bad.txt"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "bad.txt" in said
    assert len(said.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.txt"]


def test_one_character_is_enough_to_look_at_and_too_little_to_learn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.txt").write_text("a", encoding="utf-8")
    assert main(["train", "letters", "--text", "one.txt"]) == 2
    assert "has 1 character; at least 30 are needed" in capsys.readouterr().err
    assert main(["errors", "--text", "one.txt"]) == 2
    assert "Give a longer text" in capsys.readouterr().err
    for name in ("gates", "char-saliency"):
        assert main([name, "--text", "one.txt", "--out", f"{name}.json"]) == 0
        assert (tmp_path / f"{name}.json").exists()
