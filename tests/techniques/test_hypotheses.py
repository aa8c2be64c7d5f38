"""What the hypotheses say of texts that are marked by hand, and how a user's own are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.errors import DataFileError, MinitorchVizError, SettingError
from minitorch_viz.models.samples import sample_text
from minitorch_viz.models.war_and_peace import ALPHABET
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis, hypotheses, hypothesis_in_file

# A text, and below each letter what is true when it has been read: 1 or ., a digit, ? for nothing.
MARKED = {
    "inside-quote": [
        ('He said "no" and "yes', "........111......1111"),
        ('"a\n\nb"c', "111..11"),
        ('"a\nb"c', "1111.."),
        ("\N{LEFT DOUBLE QUOTATION MARK}a\N{RIGHT DOUBLE QUOTATION MARK}b", "11.."),
    ],
    "inside-parentheses": [("a(b(c)d)e", ".111111.."), ("a(b\n\nc)", ".111...")],
    "parenthesis-depth": [("a(b(c)d)e", "011221100"), (")(", "01"), ("g('(', (2));\n", "0111111221000")],
    "inside-comment": [
        ("a/*b*/c", "..111.."),
        ("a//b\nc", "..11.."),
        ("/*/ a", ".1111"),
        ('"/*" /*', "......1"),
    ],
    "inside-string": [('f("a\\"b");\n', "..11111...."), ('"no C', "....."), ("g('\"');\n", "........")],
    "python-comment": [("import a #b\n'#'\n", ".........11....."), ("# no Python", "...........")],
    "python-string": [('import a\n\'b\' """c\n\'"""\n', ".........11....111111..")],
    "line-position": [("ab\nc", "1201")],
    "line-end": [("ab\nc\n", "1010?")],
    "indentation": [("a\n\tb\n  c", "00880122")],
    "brace-depth": [("{a{b}c}d", "11221100"), ("{ {\n}a", "112200"), ("/*{*/'{'", "00000000")],
    "if-condition": [("if (a(b)) c", "...11111..."), ("gif (a)", ".......")],
    "if-body": [("if (a) b; c", ".......1..."), ("if (a) {b}c", ".......11..")],
    "directive": [("#a\nb\n # \\\nc\nd", "11....11111..")],
    "upper-case-run": [("A AB_1 c", "...111.."), ("aBC", "..1")],
    "word-start": [("a bc, d", "1.1...1")],
}


def test_every_hypothesis_is_tried() -> None:
    assert list(hypotheses()) == sorted(MARKED)


@pytest.mark.parametrize(
    ("name", "text", "marks"),
    [pytest.param(name, *pair, id=f"{name}: {pair[0]!r}") for name, pairs in MARKED.items() for pair in pairs],
)
def test_a_text_marked_by_hand(name: str, text: str, marks: str) -> None:
    values = hypotheses()[name](text)
    if values.dtype == bool:
        assert "".join("1" if value else "." for value in values) == marks
    else:
        assert "".join("?" if np.isnan(value) else f"{value:.0f}" for value in values) == marks


@pytest.mark.parametrize("hypothesis", hypotheses().values(), ids=list(hypotheses()))
def test_what_is_true_depends_on_what_has_been_read_alone(hypothesis: Hypothesis) -> None:
    """But for the distance to the line's end, which says so."""
    if hypothesis.name == "line-end":
        return
    prose, code = (
        sample_text(ALPHABET),
        (Path(__file__).parents[2] / "minitorch_viz/models/bundled/code.txt").read_text(),
    )
    for text in (prose, code):
        values = hypothesis(text)
        for end in (700, 1000):
            np.testing.assert_array_equal(hypothesis(text[:end]), values[:end])


@pytest.mark.parametrize("hypothesis", hypotheses().values(), ids=list(hypotheses()))
def test_it_says_itself_in_words_and_takes_any_text(hypothesis: Hypothesis) -> None:
    assert hypothesis.words
    assert "Return" not in hypothesis.words
    for text in ("a", "\n", "\n\n", '"', "/*", "if (", "\\", "'''", "}", "import a\n'"):
        assert hypothesis(text).shape == (len(text),)
        if hypothesis.measure is not None:
            assert hypothesis.measure_words
            assert isinstance(float(hypothesis.measure(text)), float)


def test_what_a_written_text_is_measured_by() -> None:
    measure = {name: hypothesis.measure for name, hypothesis in hypotheses().items()}
    assert measure["inside-quote"]('"a" "b\n\n"c"') == pytest.approx(2 / 3)
    assert measure["inside-comment"]("/* a */ /* b") == 0.5
    assert measure["inside-string"]('f("a");\ng("b;\n') == 0.5
    assert measure["line-position"]("ab\n\nabcd\n") == 3
    assert measure["indentation"]("a\n\tb\n\n") == 4
    assert measure["word-start"]("ab, abcd") == 3
    assert np.isnan(measure["inside-quote"]("no quote"))


OWN = '''
INSERTIONS = "?"

def question(text):
    """Return whether a question has just been asked."""
    return [letter == "?" for letter in text]

def vowels(text):
    return [1 if letter in "aeiou" else 0 for letter in text]

def short(text):
    return [True]

def fails(text):
    return 1 / 0
'''


def test_a_hypothesis_in_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN, encoding="utf-8")
    question = hypothesis_in_file(f"{file}:question")
    assert (question.name, question.words, question.insertions) == (
        "question",
        "a question has just been asked",
        (("?", "word"),),
    )
    assert question("a?").tolist() == [False, True]
    assert question("a?").dtype == bool
    vowels = hypothesis_in_file(f"{file}:vowels")
    assert vowels.words == "vowels"
    assert vowels("ab").dtype == np.float64
    with pytest.raises(SettingError, match=r"one truth value or number for each of the 2 letters.*shape \(1,\)"):
        hypothesis_in_file(f"{file}:short")("ab")
    with pytest.raises(SettingError, match="The hypothesis fails fails: ZeroDivisionError"):
        hypothesis_in_file(f"{file}:fails")("ab")
    file.with_name("vowels.py").write_text(OWN, encoding="utf-8")
    assert hypothesis_in_file(str(tmp_path / "vowels.py")).name == "vowels"


@pytest.mark.parametrize(
    ("content", "function", "message"),
    [
        (OWN, "vovels", "near functions: vowels"),
        ("1 / 0", "f", r"fails: ZeroDivisionError.*line 1"),
        ("INSERTIONS = (3,)\ndef f(text): ...", "f", "INSERTIONS"),
        ("INSERTIONS = [('a', 'nose')]\ndef f(text): ...", "f", "word end, line, line end, anywhere"),
        ("x = (", "f", "SyntaxError"),
    ],
)
def test_a_file_that_does_not_work_ends_in_a_sentence(
    content: str, function: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(content, encoding="utf-8")
    with pytest.raises(MinitorchVizError, match=message):
        hypothesis_in_file(f"{tmp_path / 'own.py'}:{function}")


def test_no_file() -> None:
    for name in ("nowhere.py:f", "nowhere.py", "nowhere", "inside-quote:x"):
        with pytest.raises(DataFileError, match=r"FILE\.py:function"):
            hypothesis_in_file(name)
