"""Training on a text: what it comes to, the same bits after a stop, and the sentences of the command."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.data.text_stream import TextFile
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.training import letters as module
from minitorch_viz.training.letters import nats, train_letters
from tests.training.test_interrupted import stop_after

WORDS = "the cat sat on the mat, and the dog sat on the log.\n"
SMALL = ["--cells", "12", "--embedding", "6", "--steps", "20", "--batch", "4", "--epochs", "3"]
SETTINGS = {"cells": 12, "embedding": 6, "steps": 20, "batch": 4, "epochs": 3}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "cats.txt"
    path.write_text(WORDS * 25)
    return path


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_a_net_learns_a_text_and_its_file_is_a_model(kind, text: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "cats.safetensors"
    settings = {**SETTINGS, "cells": 32, "epochs": 20, "rate": 0.02}
    assert train_letters(text, out, kind=kind, **settings) == out
    model = load_model(out)
    assert model.readers["input"] == Alphabet("".join(sorted(set(WORDS))), one_hot=False)
    card = json.loads(out.with_suffix(".json").read_text())["card"]
    file = TextFile(text)
    measured = nats(model.net, file, file.parts()[2])
    assert card["test_nats"] == round(measured.loss, 4)
    assert measured.loss < 0.6  # knowing nothing but how often each letter stands: 2.6
    assert f"{measured.loss:.4f} nats a character on the test part" in capsys.readouterr().out
    assert f"--kind {kind} " in card["command"]
    epochs, seconds, validation = zip(*card["curve"], strict=True)
    assert epochs == tuple(range(1, 21))
    assert all(before <= after for before, after in itertools.pairwise(seconds))
    assert min(validation) == card["validation_nats"]
    assert card["data"].startswith(f"cats.txt: {len(WORDS) * 25} characters, SHA-256 {file.digest}")


def test_nats_are_those_of_one_pass_over_the_part(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "cats.safetensors"
    train_letters(text, out, **{**SETTINGS, "epochs": 1})
    model, file = load_model(out), TextFile(text)
    start, stop = file.parts()[2]
    words = text.read_text()[start:stop]
    scores = model.net.predict(model.read(words[:-1]))[0].astype(float)
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    codes = [file.letters.index(letter) for letter in words[1:]]
    assert nats(model.net, file, (start, stop)).loss == pytest.approx(
        -logs[np.arange(len(codes)), codes].mean(), rel=1e-5
    )


@pytest.mark.parametrize("steps", [0, 5, 13])
def test_stopped_and_resumed_gives_the_same_bits(steps: int, text: Path, tmp_path: Path, monkeypatch) -> None:
    """In the middle of an epoch too, where states are carried; with dropout, running means and a random start."""
    settings = [*SMALL, "--dropout", "0.2", "--average", "0.9", "--optimizer", "rmsprop"]
    unbroken, broken, kept = (tmp_path / name for name in ("a.safetensors", "b.safetensors", "run.ckpt"))
    assert main(["train", "letters", "--text", str(text), "--out", str(unbroken), *settings]) == 0
    command = ["train", "letters", "--text", str(text), "--out", str(broken), *settings, "--checkpoint", str(kept)]
    with monkeypatch.context() as patch:
        stop_after(patch, module, steps)
        assert main(command) == 130
    carried = {name for name in read_safetensors(kept) if name.startswith("carried/")}
    assert len(carried) == (4 if steps else 0)
    assert main([*command, "--resume"]) == 0
    first, second = read_safetensors(unbroken), read_safetensors(broken)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_ctrl_c_says_what_is_kept(text: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    out = tmp_path / "cats.safetensors"
    stop_after(monkeypatch, module, 5)
    assert main(["train", "letters", "--text", str(text), "--out", str(out), *SMALL]) == 130
    assert re.search(r"interrupted; \S+ holds the weights after 0 of 3 epochs \(5 steps\)", capsys.readouterr().err)
    assert load_model(out).readers["input"].name == "text"


def test_running_means_are_what_is_kept(text: Path, tmp_path: Path) -> None:
    """With a mean that forgets at once the net is that of the last step, with a slow one another, in between."""
    nets = {}
    for average in (None, 1e-9, 0.9):
        out = tmp_path / "net.safetensors"
        train_letters(text, out, **{**SETTINGS, "epochs": 1, "average": average})
        nets[average] = load_model(out).net.params["scores.weight"]
    np.testing.assert_array_equal(nets[None], nets[1e-9])
    assert 0 < np.abs(nets[0.9]).sum() < np.abs(nets[None]).sum()


BAD = {
    "no text": ([], "letters needs the text that it learns from: --text FILE"),
    "a film": (["--text", "cats.txt", "--film", "film.html"], "--film shows pictures"),
    "data": (["--text", "cats.txt", "--data", "."], "--data is for bundled nets"),
    "a size": (["--text", "cats.txt", "--size", "32"], "--size is for a folder of your own pictures"),
    "no such file": (["--text", "dogs.txt"], "There is no text file dogs.txt"),
    "no cells": (["--text", "cats.txt", "--cells", "0"], "cells must be a whole number of at least 1"),
    "no steps": (["--text", "cats.txt", "--steps", "0"], "steps must be a whole number of at least 1"),
    "no epochs": (["--text", "cats.txt", "--epochs", "0"], "epochs must be a whole number of at least 1"),
    "all dropped": (["--text", "cats.txt", "--dropout", "1"], "below 1"),
    "a mean for ever": (["--text", "cats.txt", "--average", "1"], "above 0 and below 1"),
    "no clip": (["--text", "cats.txt", "--clip", "0"], "above 0"),
    "a rate below 0": (["--text", "cats.txt", "--rate", "-1"], "rate"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=list(BAD))
def test_what_cannot_be_trained_gets_a_sentence(arguments, message, text: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(text.parent)
    assert main(["train", "letters", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not list(text.parent.glob("*.safetensors"))


def test_settings_of_letters_are_for_no_other_net(capsys) -> None:
    assert main(["train", "digits", "--cells", "12"]) == 2
    assert "--cells is for `train letters --text FILE`" in capsys.readouterr().err


def test_sample_writes_with_the_net(text: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(text.parent)
    assert main(["train", "letters", "--text", "cats.txt", *SMALL]) == 0
    assert "Next: minitorch-viz sample --model cats.safetensors" in capsys.readouterr().out
    sample = ["sample", "the cat", "--model", "cats.safetensors", "--length", "40"]
    assert main(sample) == 0
    said = capsys.readouterr().out
    assert said.startswith("the cat")
    assert len(said) == 7 + 40 + 1
    assert main([*sample, "--out", "said.txt"]) == 0
    assert Path("said.txt").read_text() == said[:-1]
    assert main([*sample, "--beam", "3"]) == 0
    assert "nats, " in capsys.readouterr().err
    for arguments, message in (
        (["sample"], "--model FILE"),
        (["sample", "the çat", "--model", "cats.safetensors"], "'ç' at place 4"),
        ([*sample, "--beam", "3", "--temperature", "1"], "leave one of them out"),
        ([*sample, "--temperature", "-1"], "temperature"),
        ([*sample, "--out", "said.png"], ".txt"),
        (["sample", "--model", "digits"], "does not read texts"),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
