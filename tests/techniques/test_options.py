"""Settings and manuals from docstrings, whatever a Python version makes of the docstring's indentation."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minitorch_viz.techniques import techniques
from minitorch_viz.techniques.options import argument_helps, manual_of, options_of, summary_of

ROOT = Path(__file__).parents[2]
DOC = """Show something,
    in a sentence of two lines.

    More about it.

    Args:
        size: the side, in pixels; it
            goes on here
        name: 3: odd, but legal

    Returns a Thing.
    Raises SettingError if it must.

    Paper: Somebody 2013.
    """
FORMS = {
    "as written, up to Python 3.12": DOC,
    "dedented, from Python 3.13 on": inspect.cleandoc(DOC),
    "dedented, with a last line": inspect.cleandoc(DOC) + "\n",
    "in a class": DOC.replace("\n    ", "\n        "),
    "indented by tabs": DOC.replace("    ", "\t"),
}


@pytest.mark.parametrize("doc", FORMS.values(), ids=list(FORMS))
def test_every_form_of_a_docstring_is_read_the_same(doc: str) -> None:
    assert argument_helps(doc) == {"size": "the side, in pixels; it goes on here", "name": "3: odd, but legal"}
    assert summary_of(doc) == "Show something, in a sentence of two lines."
    assert manual_of(doc).split("\n\n")[1:] == ["More about it.", "Paper: Somebody 2013."]


def test_args_may_end_the_docstring() -> None:
    assert argument_helps("Do it.\n\n    Args:\n        a: one\n        b: two") == {"a": "one", "b": "two"}
    assert argument_helps("Do it.\n\nArgs:\n    a: one") == {"a": "one"}


@pytest.mark.parametrize("doc", [None, "", "   ", "Do it."])
def test_without_a_docstring_there_are_settings_without_help(doc: str | None) -> None:
    def compute(model, image, *, size: int = 3):
        pass

    compute.__doc__ = doc
    option = options_of(compute)["size"]
    assert (option.kind, option.default, option.help) == (int, 3, "")
    assert summary_of(doc) == (doc or "").strip()


def test_dedented_docstrings_give_every_technique_the_same_settings() -> None:
    for technique in techniques().values():
        doc = technique.compute.__doc__
        assert argument_helps(inspect.cleandoc(doc)) == argument_helps(doc)
        assert manual_of(inspect.cleandoc(doc)) == technique.manual
        assert "Returns" not in technique.manual
        assert "Args:" not in technique.manual


EVERY = """
import minitorch_viz_kernels as kernels
from minitorch_viz.techniques import techniques
with kernels.use("numpy"):
    for technique in techniques().values():
        if technique.compute.__doc__:
            raise SystemExit("docstrings are not dropped")
        print(technique.name, technique.example().caption)
"""
HELP = "from minitorch_viz.cli import main; main(['list']); main(['saliency', '--help'])"


@pytest.mark.parametrize(
    ("code", "printed"),
    [(HELP, "Saliency: which pixels"), pytest.param(EVERY, "smoothgrad", marks=pytest.mark.slow)],
    ids=["help", "every technique"],
)
def test_nothing_needs_docstrings(code: str, printed: str, tmp_path) -> None:
    """PYTHONOPTIMIZE=2 drops docstrings and asserts."""
    path = f"{ROOT}{os.pathsep}{ROOT / 'kernels'}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
