"""What stops a command from outside: Ctrl-C before it has begun, and a reader that has gone (head, less)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minitorch_viz import cli, ctrl_c

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


def hear_ctrl_c() -> None:
    """Let a program hear Ctrl-C even where these tests are a background job, which a shell makes deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


SLOW_NUMPY = "import time; print('loading', flush=True); time.sleep(60)"


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("way", ["module", "script"])
def test_ctrl_c_while_numpy_is_loaded_is_one_line(way: str, tmp_path: Path) -> None:
    """A NumPy that takes a minute to load stands for the tenth of a second that the real one takes."""
    (tmp_path / "numpy.py").write_text(SLOW_NUMPY)
    script = tmp_path / "minitorch-viz"  # what pip writes
    script.write_text("import sys\nfrom minitorch_viz.cli import main\nsys.exit(main())\n")
    started = ["-m", "minitorch_viz"] if way == "module" else [str(script)]
    process = subprocess.Popen(
        [sys.executable, *started, "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}{os.pathsep}{ROOT / 'kernels'}"},
        preexec_fn=hear_ctrl_c,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "minitorch-viz: interrupted; nothing was written\n")
    assert process.returncode == 130


def test_only_the_program_itself_answers_ctrl_c_at_once() -> None:
    """A program that imports the package, or a process that the program has started, keeps its own answer."""
    before = signal.getsignal(signal.SIGINT)
    mine = "/bin/minitorch-viz"
    for arguments, command in (
        (["analysis.py"], ["python", "analysis.py"]),
        (["-m"], ["python", "-m", "pytest"]),
        ([mine], ["python", "-m", "joblib.externals.loky.backend.popen_loky_posix"]),
        ([], []),
    ):
        ctrl_c.watch(arguments, command)
        assert signal.getsignal(signal.SIGINT) is before
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nohup
        ctrl_c.watch([mine], ["python", mine])
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ctrl_c.watch([mine], ["python", mine])
        assert signal.getsignal(signal.SIGINT) is ctrl_c._end
        ctrl_c.loaded()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
