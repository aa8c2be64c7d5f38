"""What stops a command from outside: Ctrl-C before it has begun, and a reader that has gone (head, less)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minitorch_viz import cli

ROOT = Path(__file__).parents[2]
PAIR = """
import numpy as np
inputs = {{"x": np.arange(1.0, 4.0)}}
def forward(x): return x * x, x
def backward(dy, x): return {factor} * x * dy
"""


@pytest.mark.parametrize("place", ["commands", "give_matplotlib_a_folder"])
def test_ctrl_c_in_the_first_second_is_said(place: str, monkeypatch, capsys) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, place, stopped)
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == "minitorch-viz: interrupted; nothing was written\n"


def test_ctrl_c_while_arguments_are_read_is_said(monkeypatch, capsys) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Parser, "parse_args", stopped)
    assert cli.main([]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="a pipe without a reader is POSIX's")
@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize(("factor", "status"), [("3", 1), ("2", 0)])
def test_a_reader_that_has_gone_changes_no_verdict(unbuffered: bool, factor: str, status: int, tmp_path: Path) -> None:
    """The output ends in a pipe that nobody reads: at once where Python buffers nothing, else at the end."""
    (tmp_path / "mine.py").write_text(PAIR.format(factor=factor))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, *["-u"] * unbuffered, "-m", "minitorch_viz", "gradcheck", "mine.py"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}"},
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (status, "")
