"""Before a training of minutes: whether its result can be written, and what was asked for makes sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.training.card import place_for_weights
from minitorch_viz.training.recipes import train

BAD = {
    "None": (None, "must be a str"),
    "a number": (3, "must be a str"),
    "bytes": (b"w.safetensors", "must be a str|must be text"),
    "a list": (["w.safetensors"], "must be a str"),
    "empty": ("", "empty|NAME"),
    "blanks": ("  ", "empty|NAME"),
    "a null byte": ("a\0.safetensors", "null byte"),
    "far too long": ("a" * 5000 + ".safetensors", "too long"),
    "no suffix": ("weights", "NAME.safetensors"),
    "the card's name": ("scenes.json", "NAME.safetensors"),
    "another format": ("scenes.npz", "NAME.safetensors"),
    "a page": ("scenes.html", "NAME.safetensors"),
    "a folder": (".", "NAME.safetensors"),
    "a folder with the suffix": ("folder.safetensors", "NAME.safetensors"),
    "nowhere": ("nowhere/w.safetensors", "nowhere is no folder"),
    "in a file": ("file.txt/w.safetensors", "is no folder"),
}


@pytest.mark.parametrize(("out", "message"), BAD.values(), ids=list(BAD))
@pytest.mark.parametrize("name", ["faces", "scenes"])
def test_a_place_that_cannot_be_written_to_is_refused_first(tmp_path, monkeypatch, name, out, message) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"minitorch_viz.training.recipes.{name}.fit", None)  # it must not come so far
    Path("folder.safetensors").mkdir()
    Path("file.txt").touch()
    with pytest.raises(MinitorchVizError, match=message) as caught:
        train(name, out)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["faces", "scenes"])
@pytest.mark.parametrize("seed", [-1, 0.5, "0", None, True])
def test_seeds_that_are_none(tmp_path, name: str, seed: object) -> None:
    with pytest.raises(MinitorchVizError, match="seed"):
        train(name, tmp_path / "w.safetensors", seed)  # type: ignore[arg-type]  # wrong on purpose


def test_a_good_place_is_kept(tmp_path) -> None:
    assert place_for_weights(str(tmp_path / "w.safetensors")) == tmp_path / "w.safetensors"
