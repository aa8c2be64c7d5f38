"""Bars: silent in logs, 80 columns at most, and no warning in notebooks."""

from __future__ import annotations

import builtins
import sys
import types
import warnings

import pytest

from minitorch_viz.progress import progress_bar

LONGEST = ", loss 0.023, held out accuracy 98.7%"


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_in_a_log_there_is_no_bar(capsys) -> None:
    for settings in ({}, {"leave": False}, {"delay": 0}, {"desc": "train"}, {"mininterval": 0}):
        with progress_bar(total=3, **settings) as bar:
            for _ in range(3):
                bar.update()
    assert capsys.readouterr().err == ""


def test_on_a_terminal_it_fits_80_columns_with_all_that_is_said(capsys, monkeypatch) -> None:
    on_a_terminal(monkeypatch)
    with progress_bar(total=56000, desc="train", mininterval=0, ncols=80, dynamic_ncols=False) as bar:
        for step in (1, 12000, 43999):
            bar.set_postfix_str(LONGEST.removeprefix(", "), refresh=False)
            bar.update(step)
    lines = [line for line in capsys.readouterr().err.replace("\n", "\r").split("\r") if line.strip()]
    assert len(lines) >= 4
    assert max(map(len, lines)) <= 80
    assert all(line.rstrip().endswith("accuracy 98.7%") for line in lines[1:])


def test_it_can_be_left_out_and_may_know_no_total(capsys, monkeypatch) -> None:
    on_a_terminal(monkeypatch)
    with progress_bar(total=3, show=False) as bar:
        bar.update(3)
    assert capsys.readouterr().err == ""
    with progress_bar(desc="unknown", mininterval=0) as bar:
        bar.update(5)
    assert "unknown" in capsys.readouterr().err


@pytest.mark.parametrize("widgets", [False, True])
def test_in_a_notebook_there_is_no_warning(widgets: bool, monkeypatch, capsys) -> None:
    """As in a kernel: IPython says so, stderr is no terminal; ipywidgets are absent or there."""
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    for name in [name for name in sys.modules if name.startswith(("tqdm.auto", "tqdm.autonotebook", "tqdm.notebook"))]:
        monkeypatch.delitem(sys.modules, name)
    plain = builtins.__import__

    def imports(name, *rest):
        if name.split(".")[0] == "ipywidgets" and not widgets:
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", imports)
    if widgets:
        pytest.importorskip("ipywidgets")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with progress_bar(total=2, desc="steps", mininterval=0) as bar:
            bar.update(2)
    assert widgets or "steps" in capsys.readouterr().err


def test_nothing_else_makes_bars() -> None:
    from pathlib import Path

    import minitorch_viz

    package = Path(minitorch_viz.__file__).parent
    others = [path.name for path in package.rglob("*.py") if "tqdm.auto" in path.read_text(encoding="utf-8")]
    assert others == ["progress.py"]
