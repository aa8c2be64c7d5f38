"""--prefix: which of several nets in a weights file is meant; and every advice to give it can be followed."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.io.safetensors_ import save_safetensors
from minitorch_viz.models.spec import get_spec

NET = ["--model", "digits", "--weights", "two.safetensors"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the bundled net under "student." and one that has learned nothing under "teacher."."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    student, teacher = load_model("digits").net.state, get_spec("digits").build(seed=5).state
    arrays = {f"student.{name}": value for name, value in student.items()}
    save_safetensors("two.safetensors", arrays | {f"teacher.{name}": value for name, value in teacher.items()})
    return tmp_path


@pytest.mark.parametrize("prefix", ["student.", "teacher."])
def test_a_technique_takes_the_net_that_is_meant(prefix: str, capsys) -> None:
    assert main(["saliency", *NET, "--prefix", prefix, "--target", "3"]) == 0
    printed = capsys.readouterr().out
    from minitorch_viz.models.samples import sample_digit
    from minitorch_viz.techniques.gradients.saliency import saliency

    model = load_model("digits", weights="two.safetensors", prefix=prefix)
    assert saliency(model, sample_digit(), target="3").caption in printed


@pytest.mark.parametrize("command", ["saliency", "report", "describe", "grade"])
def test_the_advice_of_each_command_can_be_followed(command: str, capsys) -> None:
    words = ["describe", "digits", *NET[2:]] if command == "describe" else [command, *NET]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "prefix=" not in said
    advice = re.search(r"--prefix \S+", said)
    assert advice is not None, said
    more = {"report": ["--only", "saliency"]}.get(command, [])
    if command != "grade":  # which has no scenes for a net of digits
        assert main([*words, *shlex.split(advice[0].rstrip(".")), *more]) == 0


def test_the_command_in_a_report_names_it_too(capsys) -> None:
    assert main(["report", *NET, "--prefix", "student.", "--only", "saliency", "--out", "r.html"]) == 0
    commands = re.findall(r"<code>minitorch-viz (saliency .*?)</code>", Path("r.html").read_text())
    capsys.readouterr()
    assert main(shlex.split(unescape(commands[0]))) == 0
    assert "score" in capsys.readouterr().out


def test_an_empty_prefix_is_the_net_without_one() -> None:
    state = load_model("digits").net.state
    other = {f"teacher.{name}": value + 1 for name, value in state.items()}
    save_safetensors("two.safetensors", dict(state) | other)
    assert main(["saliency", *NET]) == 2
    assert main(["saliency", *NET, "--prefix", ""]) == 0
    loaded = load_model("digits", weights="two.safetensors", prefix="").net.state
    assert all(np.array_equal(value, loaded[name]) for name, value in state.items())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["saliency", "--prefix", "student."], "give --model and --weights too"),
        (["saliency", "--weights", "two.safetensors", "--prefix", "student."], "give --model NAME too"),
        (["saliency", "--model", "mine.safetensors", "--prefix", "net."], "leave the prefix out"),
        (["saliency", *NET, "--prefix", "nobody."], "nobody."),
        (["grade", "--model", "scenes", "digits", "--prefix", "a."], "belongs to the weights of one net"),
    ],
)
def test_a_prefix_without_its_net_is_a_sentence(words: list[str], said: str, capsys) -> None:
    load_model("digits").save("mine.safetensors")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "prefix=" not in error
