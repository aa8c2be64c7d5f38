"""Settings and manuals from docstrings, whatever a Python version makes of the docstring's indentation."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.layers import Concat, Flatten
from minitorch_viz.models import Alphabet, Preprocessing
from minitorch_viz.techniques import Technique, techniques
from minitorch_viz.techniques.options import argument_helps, manual_of, options_of, spelled_out, summary_of
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.subject import PHOTO, PHOTOS, PICTURES, TEXT, Photo, Photos, Pictures, Text

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


class Where(TypedDict, total=False):
    """Settings that techniques have in common.

    Args:
        place: a well-known place, or one that is described in so many words that they need a line more than
            the one that they begin on
        name: what it is called, or its number
    """

    place: int | None
    name: str | int | None


@spelled_out
def shown(_model, _image, *, size: int = 3, **where: Unpack[Where]):
    """Show it.

    Args:
        size: in pixels
        name: what they call it

    Returns the settings.
    """
    return where, size


@looping("step")
@spelled_out
def looped(_model, _image, **where: Unpack[Where]):
    """Loop.

    Returns nothing.
    """
    yield where


def test_shared_settings_are_written_once_and_named_everywhere() -> None:
    assert list(inspect.signature(shown).parameters) == ["_model", "_image", "place", "name", "size"]
    assert shown(1, 2, name="x", size=5) == ({"name": "x"}, 5)
    options = options_of(shown)
    assert [(option.name, option.kind, option.default) for option in options.values()] == [
        ("place", int, None),
        ("name", str, None),  # the first of its types
        ("size", int, 3),
    ]
    common = argument_helps(Where.__doc__)
    assert argument_helps(shown.__doc__) == {**common, "name": "what they call it", "size": "in pixels"}
    assert options["place"].help == common["place"]
    assert manual_of(shown.__doc__) == "Show it."
    assert max(map(len, shown.__doc__.splitlines())) < 120


def test_a_loop_takes_shared_settings_too() -> None:
    assert list(inspect.signature(looped).parameters) == ["_model", "_image", "place", "name"]
    assert argument_helps(looped.__doc__) == argument_helps(Where.__doc__)
    assert list(looped.each(1, 2, place=3)) == [{"place": 3}]


@pytest.mark.parametrize("call", [shown, looped, looped.each], ids=["function", "loop", "each"])
def test_a_setting_that_does_not_exist_is_an_error_at_the_call(call) -> None:
    with pytest.raises(TypeError, match=r"(shown|looped)\(\) got an unexpected keyword argument 'nam'"):
        call(1, 2, nam=3)


def test_settings_without_names_are_refused() -> None:
    def compute(model, image, **where: Unpack[Where]):
        pass

    with pytest.raises(TypeError, match="write @spelled_out above"):
        options_of(compute)


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


def test_a_setting_that_is_looked_at_knows_its_subject() -> None:
    """Annotated as a subject: asked for, read, sampled and checked by it; with None it may be left out."""

    def compute(model, *, style: Photos, guide: Photo | None = None, many: Pictures | None = None, words: Text):
        """Do it.

        Args:
            style: photos
        """

    options = options_of(compute)
    assert {name: (option.subject, option.required) for name, option in options.items()} == {
        "style": (PHOTOS, True),
        "guide": (PHOTO, False),
        "many": (PICTURES, False),
        "words": (TEXT, True),
    }
    assert options["style"].help == "photos"
    assert all(option.default is None for option in options.values())


def test_a_text_as_a_setting_needs_an_input_for_texts() -> None:
    """Beside a picture that is looked at, too: a caption of a photo, a question about it."""
    rng = np.random.default_rng(0)
    net = Net(
        [("a", Flatten(), ("image",)), ("b", Flatten(), ("words",)), ("both", Concat(), ("a", "b"))], ("image", "words")
    )
    readers = {"image": Preprocessing((2, 2)), "words": Alphabet("abc", length=2)}
    model = Model.from_net(net, readers=readers, scores="numbers")

    def compute(model, image, *, words: Text):  # noqa: ARG001 (what every technique is given)
        return words

    technique = Technique("words", compute, lambda *_: None, "Words", "none, 2020", example=lambda: None)
    assert "its inputs are image and words" in (technique.refuses(model) or "")
    asked = model.with_inputs(words="cb")
    assert technique.refuses(asked) is None
    assert len(technique.run_on(asked, rng.integers(0, 256, (2, 2, 3)))) == 2
    assert technique.refuses(load_model("digits")) == "digits takes a picture and not a text"
