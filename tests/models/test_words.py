"""Words: a text becomes the numbers of its words at the end of a row, and back."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import LSTM, Embedding, Flatten, Linear, Slice
from minitorch_viz.models import Words

WORDS = Words(("what", "colour", "is", "the", "star", "don't"), length=6)


def test_no_word_stands_in_front() -> None:
    np.testing.assert_array_equal(WORDS.read("What is the STAR?"), [[0, 0, 1, 3, 4, 5]])
    assert WORDS.read("what").dtype == np.int64
    np.testing.assert_array_equal(WORDS.codes("the the"), [4, 4])
    assert WORDS.split(" Don't,  what-ever; Ärger!") == ["don't", "what-ever", "ärger"]


@pytest.mark.parametrize("text", ["what", "what is the star", "the the the the the the", "don't"])
def test_there_and_back(text: str) -> None:
    assert WORDS.restore(WORDS.read(text)) == text
    assert WORDS.restore(WORDS.read(text)[0]) == text


def test_the_empty_text_where_it_is_taken() -> None:
    said = Words(("a",), 3, fewest=0)
    np.testing.assert_array_equal(said.read(""), said.blank())
    assert said.restore(said.read(" ?")) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    {
        "what color is the star": "does not know the word 'color'; near words: colour",
        "the 7": "does not know the word '7'; ",
        "": "A text of at least 1 word is needed, but got an empty one",
        "  ": "at least 1 word is needed",
        "?!": "at least 1 word is needed, but got '?!'",
        "the the the the the the the": "at most 6 words, but this one has 7",
        None: "A text of words is needed, but got",
        7: "A text of words is needed, but got 7",
    }.items(),
)
def test_bad_texts_get_a_sentence(text: object, sentence: str) -> None:
    with pytest.raises(MinitorchVizError, match=re.escape(sentence)):
        WORDS.read(text)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"vocabulary": "abc"}, "needs its words, a list of texts"),
        ({"vocabulary": ()}, "needs its words"),
        ({"vocabulary": ("a", "a")}, "'a' is given twice"),
        ({"vocabulary": ("two words",)}, "without spaces, but got 'two words'"),
        ({"vocabulary": ("Big",)}, "small letters"),
        ({"vocabulary": ("a", 3)}, "but got 3"),
        ({"length": 0}, "length of a text, in words"),
        ({"length": 2.5}, "length of a text, in words"),
        ({"fewest": 7}, "from 0 to 6"),
    ],
)
def test_bad_settings_get_a_sentence(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(MinitorchVizError, match=re.escape(sentence)):
        Words(**{"vocabulary": ("a",), "length": 6, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize("x", [np.zeros((1, 3)), np.zeros((2, 3), int), np.array([[7]]), np.array([[-1]]), "text"])
def test_what_are_no_words(x: object) -> None:
    with pytest.raises(MinitorchVizError, match=r"numbers of words|numbers 0 to 6"):
        WORDS.restore(x)  # type: ignore[arg-type]


def test_a_model_file_keeps_them(tmp_path: Path, rng: np.random.Generator) -> None:
    net = Net(
        [
            ("embedding", Embedding.random(rng, 7, 3)),
            ("lstm", LSTM.random(rng, 3, 4)),
            ("last", Slice(1, -1)),
            ("flat", Flatten()),
            ("scores", Linear.random(rng, 4, 2)),
        ]
    )
    model = Model.from_net(net, readers=WORDS, class_names=["yes", "no"])
    again = load_model(model.save(tmp_path / "m.safetensors"))
    assert again.readers == {"input": WORDS}
    assert again.classify("what colour is the star") == model.classify("what colour is the star")
    assert repr(again).count("a text of up to 6 words out of 6") == 1
