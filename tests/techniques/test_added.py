"""A technique is one file: two that are written as a user would, put into a family's folder, and nothing else."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minitorch_viz.techniques as package
from minitorch_viz import Model, Net
from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.layers import Linear
from minitorch_viz.models import Alphabet, ModelSpec, specs
from minitorch_viz.models.samples import sample_digit, samples
from minitorch_viz.report import make_page
from minitorch_viz.techniques import gradients, techniques
from tests.techniques import test_registry as registry
from tests.techniques.letters_net import LETTERS, letters_net

ADDED = Path(__file__).parent / "added"
NAMES = sorted(path.stem.replace("_", "-") for path in ADDED.glob("*/*.py"))
CHECKS = [
    registry.test_the_result_is_frozen_arrays_and_draws_the_same_twice,
    registry.test_the_same_call_gives_the_same_bits,
    registry.test_the_caption_says_what_is_shown_and_its_scale,
    registry.test_it_shows_itself_in_jupyter,
    registry.test_its_function_is_imported_by_name,
    registry.test_it_says_itself_in_one_line,
    registry.test_every_setting_has_a_help_line_and_an_option,
    registry.test_names_and_papers,
    registry.test_settings_that_are_looked_at_are_checked_by_their_subjects,
    registry.test_the_subjects_sample_suits_a_net,
]


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The files of `added/` in the family's folder, and all caches as if the program had just begun."""
    before = {*sys.modules}
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(ADDED)])
    monkeypatch.setattr(gradients, "__path__", [*gradients.__path__, str(ADDED / "gradients")])
    caches = (techniques, package._files)
    for cache in caches:
        cache.cache_clear()
    yield
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()
    for name in NAMES:
        sys.modules.pop(f"minitorch_viz.techniques.gradients.{name.replace('-', '_')}", None)
        gradients.__dict__.pop(name.replace("-", "_"), None)
    assert not {name for name in {*sys.modules} - before if name.endswith(("next_letter", "borrowed_colours"))}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, which is the home of nets, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("test_"))
@pytest.mark.parametrize("name", NAMES)
def test_the_generic_tests_hold(name: str, check, request: pytest.FixtureRequest) -> None:
    fixtures = [key for key in inspect.signature(check).parameters if key != "technique"]
    check(techniques()[name], **{key: request.getfixturevalue(key) for key in fixtures})


@pytest.mark.parametrize("name", NAMES)
def test_bad_inputs_of_the_subject_end_in_a_sentence(name: str, digits) -> None:
    technique = techniques()[name]
    assert technique.subject.bad
    for value, word in technique.subject.bad:
        registry.test_what_is_no_subject_gets_a_sentence(technique, value, word, digits)


# ---------------------------------------------------------------------- a text


def compute(*arguments, **settings):
    return techniques()["next-letter"].compute(*arguments, **settings)


def test_the_influence_is_the_derivative_of_the_score() -> None:
    model = letters_net("abcde ").astype(np.float64)
    text = "a bad cab"
    result = compute(model, text, letter="e")
    x = model.read(text)
    step = 1e-6
    for place, code in enumerate(model.reader().codes(text)):
        moved = []
        for sign in (1, -1):
            other = x.copy()
            other[0, place, code] += sign * step
            moved.append(model.net.predict(other)[0, -1, 4])
        np.testing.assert_allclose(result.influence[place], (moved[0] - moved[1]) / (2 * step), rtol=1e-6, atol=1e-9)


def test_a_net_without_a_memory_looks_at_the_last_letter_alone(rng) -> None:
    net = Net([("scores", Linear.random(rng, 3, 3))])
    result = compute(Model.from_net(net, readers=Alphabet("abc")), "abcab")
    assert not result.influence[:-1].any()
    assert result.influence[-1] != 0


def test_the_command_takes_a_text_a_file_or_the_sample(folder: Path, capsys) -> None:
    model = ["--model", str(letters_net().save(folder / "net.safetensors"))]
    (folder / "words.txt").write_text("some words\n")
    for number, words in enumerate((["two words"], ["--text", "words.txt"], ["--letter", "q"])):
        assert main(["next-letter", *words, *model, "--out", f"{number}.png"]) == 0
        with Image.open(folder / f"{number}.png") as picture:
            assert picture.size[0] > 300
    out = capsys.readouterr().out
    assert "the score of 'q'" in out
    with pytest.raises(SystemExit) as end:
        main(["next-letter", "--help"])
    assert end.value.code == 0
    help_ = capsys.readouterr().out
    assert "--text FILE" in help_
    assert "TEXT" in help_
    assert "--letter" in help_


def test_the_line_end_of_a_file_is_left_out_for_a_net_that_does_not_know_it(folder: Path, capsys) -> None:
    letters_net("abc ").save(folder / "net.safetensors")
    (folder / "words.txt").write_text("a cab\r\n")
    assert main(["next-letter", "--text", "words.txt", "--model", "net.safetensors"]) == 0
    (folder / "words.txt").write_text("a\ncab\n")
    assert main(["next-letter", "--text", "words.txt", "--model", "net.safetensors"]) == 2
    assert r"'\n' at place 1" in capsys.readouterr().err


BAD_COMMANDS = {
    "a net of pictures": (["ab", "--model", "digits"], "digits takes a picture and not a text"),
    "an unknown letter": (["naïve", "--model", "net.safetensors"], "'ï' at place 2"),
    "two texts": (["ab", "--text", "words.txt", "--model", "net.safetensors"], "not both"),
    "no such file": (["--text", "nowhere.txt", "--model", "net.safetensors"], "nowhere.txt"),
    "an input that it has not": (["ab", "--model", "net.safetensors", "--question", "who?"], "question"),
    "an input without a value": (["ab", "--model", "net.safetensors", "--input", "image"], "NAME=VALUE"),
}


@pytest.mark.parametrize(("words", "sentence"), BAD_COMMANDS.values(), ids=list(BAD_COMMANDS))
def test_what_the_command_cannot_take_is_said(words: list[str], sentence: str, folder: Path, capsys) -> None:
    letters_net().save(folder / "net.safetensors")
    (folder / "words.txt").write_text("some words")
    assert main(["next-letter", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not (folder / "next-letter.png").exists()


def test_pictures_are_refused_by_a_net_of_letters(folder: Path, capsys) -> None:
    letters_net().save(folder / "net.safetensors")
    assert main(["saliency", "--model", "net.safetensors"]) == 2
    assert "takes a text and not a picture" in capsys.readouterr().err


def test_letters_that_are_not_known_are_said_where_one_stands_in(folder: Path, capsys) -> None:
    letters_net("abc?", unknown="?").save(folder / "net.safetensors")
    assert main(["next-letter", "abXYc", "--model", "net.safetensors"]) == 0
    assert "2 letters of the text are not known to the net and read as '?'" in capsys.readouterr().out


@pytest.fixture
def no_nets_for_texts(monkeypatch) -> None:
    for name in [name for name, spec in specs().items() if isinstance(spec.reader, Alphabet)]:
        monkeypatch.delitem(specs(), name)


@pytest.mark.usefixtures("no_nets_for_texts", "folder")
def test_that_no_net_is_at_hand_is_said(capsys) -> None:
    assert main(["next-letter", "ab"]) == 2
    assert "No net that takes a text comes with this package; give --model FILE" in capsys.readouterr().err


@pytest.mark.usefixtures("no_nets_for_texts")
def test_without_arguments_it_takes_the_net_for_texts_that_is_at_hand(folder: Path, monkeypatch, capsys) -> None:
    """The models' folder is a registry, too: one file with a SPEC whose reader is an alphabet."""
    model = letters_net()

    def build(**_settings: object) -> Net:
        return model.net

    spec = ModelSpec("letters", build, "a test, 2020", "MIT", model.reader(), parameters=1)
    monkeypatch.setitem(specs(), "letters", spec)
    from minitorch_viz.io.safetensors_ import save_safetensors

    save_safetensors(folder / "home" / "letters.safetensors", model.net.state)
    assert main(["next-letter"]) == 0
    assert (folder / "next-letter.png").stat().st_size > 1000
    assert main(["models"]) == 0
    assert f"a text over {len(LETTERS)} letters" in capsys.readouterr().out


def test_a_report_shows_it_once_a_text(folder: Path, digits) -> None:
    model = letters_net()
    (sample,) = samples(model)
    page = make_page([(model, sample)], folder / "page.html", only=["next-letter", "saliency"], progress=False)
    text = page.read_text()
    assert len(re.findall(r"<img[^>]*data:image", text)) == 1
    assert "How much each letter raises" in text
    assert "<b>saliency</b>: letters takes a text and not a picture" in text
    assert "<figure>" not in text  # there is no photo
    pictures = [(digits, sample) for sample in samples(digits)[:2]]
    page = make_page(pictures, folder / "page.html", only=["next-letter"], progress=False)
    assert page.read_text().count("<b>next-letter</b>: digits takes a picture and not a text") == 1  # once a text


# ---------------------------------------------------------------------- settings that are looked at


def test_a_setting_that_must_be_given_has_its_subjects_sample(digits) -> None:
    technique = techniques()["borrowed-colours"]
    options = technique.options
    assert {name: option.subject.name for name, option in options.items() if option.subject} == {
        "style": "photos",
        "guide": "photo",
        "pictures": "pictures",
    }
    assert [name for name, option in options.items() if option.required] == ["style"]
    result = technique.run_on(digits, sample_digit(5))
    assert result.lenders == 1
    np.testing.assert_array_equal(result.colour, sample_digit(3).mean(axis=(0, 1)))
    with pytest.raises(TypeError, match="style"):  # in Python it must be given
        technique.compute(digits, sample_digit(5))


def test_the_command_reads_them_as_their_subjects_do(folder: Path, capsys) -> None:
    for name, level in (("a", 10), ("b", 200), ("c", 90)):
        Image.fromarray(np.full((9, 8, 3), level, np.uint8)).save(folder / f"{name}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "many").mkdir()
    Image.fromarray(np.full((4, 4, 3), 30, np.uint8)).save(folder / "many" / "d.png")
    start = ["borrowed-colours", "a.png", "--model", "digits"]
    assert main(start) == 0
    assert main([*start, "--style", "b.png", "c.png", "--guide", "c.png", "--pictures", "many"]) == 0
    assert "of 4 other pictures" in capsys.readouterr().out
    assert main([*start, "--style", "b.png", "bad.png"]) == 1  # one bad photo of several costs itself only
    captured = capsys.readouterr()
    assert "of 1 other pictures" in captured.out
    assert "bad.png" in captured.err
    assert main([*start, "--style", "b.png", "--out", "b.png"]) == 2
    assert "overwrite" in capsys.readouterr().err
    for words, sentence in ((["--guide", "nowhere.png"], "nowhere.png"), (["--pictures", "nowhere"], "no folder")):
        assert main([*start, *words]) == 2
        assert sentence in capsys.readouterr().err


def test_a_photo_as_a_setting_asks_for_a_net_that_knows_photos(folder: Path, capsys) -> None:
    Image.fromarray(np.full((9, 8, 3), 90, np.uint8)).save(folder / "c.png")
    assert main(["borrowed-colours", "--style", "c.png"]) == 0
    assert "Explained by cifar10" in capsys.readouterr().out


def test_a_net_that_cannot_be_shown_a_required_setting_is_refused() -> None:
    technique = techniques()["borrowed-colours"]
    assert "takes a text" in (technique.refuses(letters_net()) or "")
    over_texts = dataclasses.replace(technique, subject=techniques()["next-letter"].subject)
    assert "takes a text and not a picture" in (over_texts.refuses(letters_net()) or "")


def test_methods_are_not_graded_with_settings_that_are_looked_at() -> None:
    from minitorch_viz.grading.methods import _setting

    with pytest.raises(SettingError, match="no setting 'guide'"):
        _setting(techniques()["borrowed-colours"], "guide=a.png")


def test_the_page_of_a_report_says_how_to_make_the_picture_again(folder: Path) -> None:
    model = letters_net()
    path = model.save(folder / "net.safetensors")
    from minitorch_viz import load_model

    again = load_model(path)
    page = make_page([(again, samples(again)[0])], folder / "p.html", only=["next-letter"], progress=False).read_text()
    command = re.search(r"minitorch-viz (next-letter [^<]*)<", page)
    assert command is not None
    assert main(command[1].split()) == 0


def test_json_holds_every_letter() -> None:
    """A model file keeps control characters and letters beyond ASCII."""
    alphabet = Alphabet("a\n\t\0é漢🙂")
    assert Alphabet.described(json.loads(json.dumps(alphabet.description()))) == alphabet
    with pytest.raises(MinitorchVizError, match="twice"):
        Alphabet("aba")
