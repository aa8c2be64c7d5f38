"""The report: its table, its HTML, and the command that prints it."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from minitorch_viz.cli import main
from minitorch_viz.errors import SettingError
from minitorch_viz.gradcheck import check, check_layer
from minitorch_viz.gradcheck.command import run
from minitorch_viz.layers import Linear, ReLU


@pytest.fixture
def wrong():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((6, 4)), rng.standard_normal((4, 3))
    return check(
        lambda x, w: (x @ w, (x, w)), lambda dy, c: (dy @ c[1].T / 6, c[0].T @ dy), (x, w), names=["<x> & co", "w"]
    )


def test_the_table_shows_both_numbers_their_difference_and_ratio(wrong):
    text = str(wrong)
    assert text.startswith("Gradient check of <lambda> / <lambda>: 1 of 2 gradients failed: <x> & co (wrong).")
    for column in ("largest error", "median error", "attainable", "yours (backward)", "measured (finite difference)"):
        assert column in text
    entry = wrong["<x> & co"].worst[0]
    assert entry.ratio == pytest.approx(1 / 6)
    assert entry.difference == entry.yours - entry.measured
    assert f"{entry.index}" in text
    assert f"{entry.measured:.9g}" in text
    assert "a constant factor: yours is 0.166667 times" in text
    assert max(map(len, text.splitlines())) < 200


def test_the_worst_entries_come_first(wrong):
    differences = [abs(entry.difference) for entry in wrong["<x> & co"].worst]
    assert len(differences) == 5
    assert differences == sorted(differences, reverse=True)


def test_what_is_found_stands_beside_what_is_attainable(wrong):
    bad, good = wrong["<x> & co"], wrong["w"]
    assert bad.largest_error == pytest.approx(5 / 6, rel=1e-6)
    assert 0 < good.attainable < 1e-8
    assert good.largest_error < 1e-6


def test_the_html_is_well_formed_and_escaped(wrong):
    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.text = [], []

        def handle_starttag(self, tag, attrs):  # noqa: ARG002 (HTMLParser's signature)
            self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            self.text.append(data)

    tags = Tags()
    tags.feed(wrong._repr_html_())
    assert tags.open == []
    assert "<x> & co" in tags.text
    assert "<x>" not in wrong._repr_html_()


def test_a_right_report_is_short():
    report = check_layer(ReLU(), np.array([[1.0, -2.0]]))
    assert report.headline.endswith("the gradient is right")
    assert len(str(report).splitlines()) == 4


def test_the_command_checks_layers(capsys):
    assert run(["ReLU", "Linear"]) == 0
    assert capsys.readouterr().out.count("ok") == 2
    with pytest.raises(SettingError, match="ReLU"):
        run(["Relu"])


def test_the_command_fails_where_a_layer_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr(Linear, "backward", lambda self, dy, saved: -dy @ self.weight)
    assert run(["Linear"]) == 1
    assert "the sign" in capsys.readouterr().out


def test_the_command_checks_a_file(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\ninputs = {'x': np.ones((2, 3)), 'w': np.ones((3, 4))}\n"
        "def forward(x, w): return x @ w, (x, w)\n"
        "def backward(dy, cache): return dy @ cache[1].T, cache[0].T @ dy\n"
    )
    assert run([str(file)]) == 0
    assert "all 2 are right" in capsys.readouterr().out
    file.write_text("inputs = 3\n")
    with pytest.raises(SettingError, match="no forward and no backward"):
        run([str(file)])
    with pytest.raises(SettingError, match="no file"):
        run([str(tmp_path / "absent.py")])


STUDENT = """
import numpy as np

rng = np.random.default_rng(0)
inputs = {"x": rng.standard_normal((4, 3)), "w": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}


def forward(x, w, b):
    return x @ w + b, (x, w)


def backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(0)
"""

GRADES = {  # what stands in the student's file instead of the last line -> exit status, words
    "right": ("    return dy @ w.T, x.T @ dy, dy.sum(0)", 0, "all 3 are right"),
    "a factor": ("    return dy @ w.T, 2 * x.T @ dy, dy.sum(0)", 1, "a factor 2 too many"),
    "a forgotten gradient": ("    return dy @ w.T, x.T @ dy", 1, "backward returned none for b"),
    "None for a gradient": ("    return dy @ w.T, None, dy.sum(0)", 1, "backward returned none for w"),
    "a wrong shape": ("    return dy @ w.T, x.T @ dy, dy", 1, "sum over axis 0"),
    "a list of lists": ("    return dy @ w.T, x.T @ dy, dy.sum(0).tolist()", 2, "is a list"),
    "nothing": ("    dx = dy @ w.T", 2, "return statement"),
    "an exception": ("    return dy @ w, x.T @ dy, dy.sum(0)", 2, "line 14 in backward"),
    "not a number": ("    return dy @ w.T / 0.0, x.T @ dy, dy.sum(0)", 1, "non-finite"),
    "the end of the program": ("    raise SystemExit(0)", 2, "ends the program (line 14 in backward)"),
    "a syntax error": ("    return dy @", 2, "line 14"),
    "left out on purpose": ("    return dy @ w.T, x.T @ dy\n\n\nwithout = ['b']", 0, "left out"),
}


@pytest.mark.parametrize("grade", GRADES)
def test_a_teacher_can_grade_by_the_exit_status(grade, tmp_path, capsys):
    line, status, words = GRADES[grade]
    file = tmp_path / "student.py"
    file.write_text(STUDENT.replace("    return dy @ w.T, x.T @ dy, dy.sum(0)", line))
    assert main(["gradcheck", str(file)]) == status
    printed = capsys.readouterr()
    assert words in printed.out + printed.err


def test_one_file_that_cannot_be_checked_does_not_stop_the_others(tmp_path, capsys):
    bad, good = tmp_path / "bad.py", tmp_path / "good.py"
    bad.write_text("raise ValueError('half done')\n")
    good.write_text(STUDENT)
    assert main(["gradcheck", str(bad), str(good)]) == 2
    printed = capsys.readouterr()
    assert "ValueError: half done (line 1)" in printed.err
    assert "1 of 2 could not be checked" in printed.err
    assert "all 3 are right" in printed.out


@pytest.mark.parametrize("optimize", ["0", "2"])
def test_the_exit_status_of_a_process_without_docstrings_and_asserts(optimize, tmp_path):
    file = tmp_path / "student.py"
    file.write_text(STUDENT.replace("x.T @ dy,", "x.T @ dy / 4,"))
    command = [sys.executable, "-c", "import sys; from minitorch_viz.cli import main; sys.exit(main())"]
    environment = {**os.environ, "PYTHONOPTIMIZE": optimize, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([*command, "gradcheck", str(file)], capture_output=True, text=True, env=environment)
    assert ended.returncode == 1, ended.stderr
    assert "divided by" in ended.stdout
