"""Kinds of errors, the context's worth, and the ladder: against what is counted by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model
from minitorch_viz.data.ngram import NGram
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.models import Alphabet
from minitorch_viz.models.letters import letters
from minitorch_viz.techniques import errors
from minitorch_viz.techniques.explain.reading import read
from minitorch_viz.techniques.recurrent import _errors_kinds as kinds
from minitorch_viz.techniques.recurrent._errors_ladder import kind_in_words, rung_of

LETTERS = "abcdefghijklmnopqrstuvwxyz ."
TEXT = "the cat sat on the mat. the dog sat on the log. " * 6  # 288 letters
QUICK = {"grams": 4, "samples": 10, "reach": 6, "progress": False}


def model_of(kind: str = "lstm", seed: int = 3, alphabet: str = LETTERS) -> Model:
    net = letters(len(alphabet), kind, cells=6, embedding=4, seed=seed)
    strong = {name: value * 3 for name, value in net.params.items()}
    return Model.from_net(net.with_params(strong), readers=Alphabet(alphabet, one_hot=False), name=f"random {kind}")


def test_each_error_has_the_first_kind_that_fits() -> None:
    text = "a rare, cat cat dog. x9"
    #       01234567890123456789012
    facts = kinds.facts_of(text, 0, len(text), "cat " * 9 + "dog " * 6 + "a " * 7, 1000)
    assert [text[place] for place in np.flatnonzero(facts.first)] == list("rccdx")
    assert np.flatnonzero(facts.sign).tolist() == [1, 6, 7, 11, 15, 19, 20]
    assert np.flatnonzero(facts.rare).tolist() == [2, 3, 4, 5, 21, 22]  # rare, x9
    assert np.flatnonzero(facts.remembered).tolist() == [13, 14]  # the second cat, from its second letter on
    p = np.full(len(text), 0.35)
    p[[0, 16]] = 0.6, 0.05  # a is right; d of dog is an error
    p[22], p[17], p[18] = np.nan, 0.45, 0.05
    grams = np.full((2, len(text)), 2.0)
    grams[1, 13] = 0.1  # an n-gram model knows it, which goes before memory
    got = kinds.kinds_of(-np.log(p), grams, facts)
    expected = dict.fromkeys(range(len(text)), "")
    expected |= {13: "n-gram", 14: "memory", **dict.fromkeys((2, 3, 4, 5, 21), "rare word")}
    expected |= dict.fromkeys((8, 12, 16), "new word") | dict.fromkeys((1, 6, 7, 11, 15, 19, 20), "punctuation")
    expected |= dict.fromkeys((9, 10), "p 0.3 to 0.4") | {17: "p 0.4 to 0.5", 18: "p below 0.1"}
    for place, name in expected.items():
        if name:
            assert kinds.KINDS[got[place]] == name, (place, text[place])
    assert got[0] == kinds.RIGHT
    assert got[22] == kinds.UNREAD


def test_memory_goes_no_further_back_than_asked() -> None:
    text = "word and so on and on until word"
    near, far = (kinds.facts_of(text, 0, len(text), text, memory) for memory in (10, 100))
    assert not near.remembered[-3:].any()
    assert far.remembered[-3:].all()
    assert not far.remembered[-4]  # its first letter could not be known


def test_shares_add_up_to_all_errors_and_all_nats() -> None:
    result = errors(model_of(), TEXT, **QUICK)
    of_errors, of_nats, right = kinds.shares(result.kinds, result.nats)
    assert of_errors.sum() == pytest.approx(1)
    assert of_nats.sum() + right == pytest.approx(1)
    assert (result.kinds >= 0).sum() == (np.exp(-result.nats) < 0.5).sum()
    by_gram = (np.exp(-result.gram_nats) > 0.5).any(axis=0)
    assert (result.kinds == 0).sum() == (by_gram & (np.exp(-result.nats) < 0.5)).sum() > 0
    best = result.best
    assert best is not None
    assert sum(kinds.overlap(result.nats, result.gram_nats[best])[:2]) == (result.kinds >= 0).sum()


def test_the_nets_nats_are_those_of_one_long_reading() -> None:
    model = model_of()
    result = errors(model, TEXT, **QUICK)
    assert result.start == int(0.8 * len(TEXT))
    np.testing.assert_allclose(result.nats, read(model, TEXT, of=()).nats[result.start - 1 :], rtol=1e-5)
    assert result.read == len(result.text) == len(TEXT) - result.start


def test_the_n_grams_are_counted_on_what_is_not_judged() -> None:
    result = errors(model_of(), TEXT, **QUICK)
    letters_of = "".join(sorted({*TEXT}))
    codes = np.array([letters_of.index(letter) for letter in TEXT])
    for n in (1, 3, 4):
        nats = NGram.of(codes[: result.start], n, len(letters_of)).nats(codes)
        np.testing.assert_allclose(result.gram_nats[n - 1], nats[result.start :], rtol=1e-9)
    assert "only letters after those are judged, from place 230 on" in " ".join(result.notes)


def test_a_training_file_leaves_all_of_the_text_to_be_judged(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("the cat sat on a hat. " * 9, encoding="utf-8")
    result = errors(model_of(), TEXT[:60], training=tmp_path / "other.txt", count=40, **QUICK)
    assert (result.start, len(result.text), result.counted, result.unread) == (1, 40, 198, 19)
    assert "counted on other.txt, 198 letters." in " ".join(result.notes)
    with pytest.raises(DataFileError, match="nowhere"):
        errors(model_of(), TEXT, training=tmp_path / "nowhere.txt", progress=False)


def test_a_short_context_is_a_text_that_begins_there() -> None:
    model = model_of()
    result = errors(model, TEXT, **QUICK)
    assert result.lengths == (1, 2, 3, 4, 5, 6)
    for row, length in enumerate(result.lengths):
        for column, place in enumerate((result.places + result.start).tolist()):
            alone = read(model, TEXT[place - length : place + 1], of=()).nats[-1]
            assert result.context[row, column] == pytest.approx(alone, rel=1e-4)
    lines = (result.context - result.nats[result.places]).mean(axis=1) + result.nats.mean()
    np.testing.assert_allclose(result.context_means, lines)


def test_the_ladder_takes_its_seconds_from_the_cards(tmp_path: Path) -> None:
    card = {"card": {"seconds": 30.5, "curve": [[1, 10.0, 2.5], [2, 20.5, 2.25], [3, 30.5, 2.125]]}}
    (tmp_path / "gru.json").write_text(json.dumps(card), encoding="utf-8")
    other = dataclasses.replace(model_of("gru"), source=str(tmp_path / "gru.safetensors"))
    result = errors(model_of(), TEXT, nets=[other], **QUICK)
    first, second = result.rungs
    assert first.seconds is None
    assert (second.seconds, second.kind) == (30.5, "GRU 2 x 6")
    np.testing.assert_array_equal([second.times, second.curve], [[10, 20.5, 30.5], [2.5, 2.25, 2.125]])
    assert first.nats == pytest.approx(result.mean)
    assert second.nats == pytest.approx(read(other, TEXT, of=()).nats[result.start - 1 :].mean(), rel=1e-5)
    assert "No card beside the weights says how long random lstm trained" in " ".join(result.notes)
    assert all(seconds > 0 for seconds in result.gram_seconds.each)


@pytest.mark.parametrize("card", ["no json", "[]", '{"card": 3}', '{"card": {"curve": "x", "seconds": "long"}}'])
def test_a_card_that_cannot_be_read_says_nothing(card: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(card, encoding="utf-8")
    rung = rung_of(dataclasses.replace(model_of(), source=str(tmp_path / "a.safetensors")), 2.0)
    assert (len(rung.curve), rung.nats) == (0, 2.0)
    assert rung.seconds is None


def test_kinds_of_nets_in_words() -> None:
    assert [kind_in_words(model_of(kind)) for kind in ("lstm", "gru", "rnn")] == [
        "LSTM 2 x 6",
        "GRU 2 x 6",
        "RNN 2 x 6",
    ]


def test_results_grow_and_each_is_whole() -> None:
    steps = list(errors.each(model_of(), TEXT, grams=3, samples=5, reach=4))
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert steps[0].read == 0
    assert np.isnan(steps[0].gram_nats[1:]).all()
    assert steps[0].figure()
    assert "after 1 of" in steps[0].notes[0]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("abc", {}, "Give a longer text"),
        ("a" * 13, {"grams": 11}, "fewer --grams"),
        (TEXT, {"count": 0}, "count"),
        (TEXT, {"grams": 13}, "grams"),
        (TEXT, {"grams": 2.5}, "grams"),
        (TEXT, {"samples": 0}, "samples"),
        (TEXT, {"reach": -1}, "reach"),
        (TEXT, {"memory": -1}, "memory"),
        (TEXT + "!", {}, "'!' at place 288"),
        (TEXT, {"nets": "no such net"}, "no such net"),
        (TEXT, {"nets": ["digits"]}, "one is 'digits'"),
        (TEXT, {"nets": "digits"}, "does not apply to digits"),
        (TEXT, {"nets": [model_of("lstm")] * 9}, "At most 8"),
    ],
)
def test_bad_input(text: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        errors(model_of(), text, progress=False, **settings)


def test_a_further_net_that_does_not_know_a_letter_is_named() -> None:
    with pytest.raises(SettingError, match=r"random gru cannot read this text: .*'\.'"):
        errors(model_of(), TEXT, nets=[model_of("gru", alphabet=LETTERS[:-1])], **QUICK)
