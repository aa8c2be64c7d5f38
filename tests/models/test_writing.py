"""Writing with nets that read letter by letter: what is drawn, what is likely, and which nets cannot write."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import LSTM, Linear, Softmax
from minitorch_viz.models.letters import letters
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.models.writing import Writer, drawn, likely, write
from tests.techniques.letters_net import letters_net

ABC = Model.from_net(letters(3, layers=1, cells=4, seed=1).astype("float64"), readers=Alphabet("abc", one_hot=False))


def log_probability(text: str, prime: str) -> float:
    """Of a text after a prime, in one pass."""
    scores = ABC.net.predict(ABC.read(prime + text))[0]
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    places = np.arange(len(prime) - 1, len(prime) + len(text) - 1)
    return float(logs[places, ["abc".index(letter) for letter in text]].sum())


def test_a_step_says_what_a_whole_pass_says() -> None:
    writer = Writer(ABC)
    scores, states = writer.read(writer.primed("cab", 1), {})
    for letter in "abba":
        assert np.exp(scores).sum() == pytest.approx(1)
        expected = [log_probability(next_letter, "cab" + "abba"[: "abba".index(letter)]) for next_letter in "abc"]
        if letter == "a":
            np.testing.assert_allclose(scores[0], expected, rtol=1e-9)
            break
        scores, states = writer.step(np.array(["abc".index(letter)]), states)


def test_letters_are_drawn_as_often_as_the_net_expects_them() -> None:
    first = np.array(write(ABC, 1, prime="ca", count=20_000, seed=2))
    shares = [(first == letter).mean() for letter in "abc"]
    wanted = [np.exp(log_probability(letter, "ca")) for letter in "abc"]
    np.testing.assert_allclose(shares, wanted, atol=4 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize("temperature", [0.5, 2])
def test_temperature_sharpens_or_evens_out(temperature: float) -> None:
    first = np.array(write(ABC, 1, prime="ca", count=20_000, seed=2, temperature=temperature))
    wanted = np.exp([log_probability(letter, "ca") / temperature for letter in "abc"])
    shares = [(first == letter).mean() for letter in "abc"]
    np.testing.assert_allclose(shares, wanted / wanted.sum(), atol=4 * np.sqrt(0.25 / 20_000))


def test_same_seed_same_text_and_zero_takes_the_likeliest() -> None:
    assert write(ABC, 30, seed=5) == write(ABC, 30, seed=5)
    assert write(ABC, 30, seed=5) != write(ABC, 30, seed=6)
    (greedy,) = write(ABC, 6, prime="b", temperature=0)
    text = ""
    for _ in range(6):
        text += max("abc", key=lambda letter: log_probability(text + letter, "b"))
    assert greedy == text
    assert likely(Writer(ABC), 6, 1, prime="b")[0] == greedy


def test_a_beam_as_wide_as_all_beginnings_finds_the_likeliest_text() -> None:
    text, nats = likely(Writer(ABC), 4, 81, prime="ba")
    texts = map("".join, itertools.product("abc", repeat=4))
    best = max(texts, key=lambda candidate: log_probability(candidate, "ba"))
    assert text == best
    assert nats == pytest.approx(log_probability(best, "ba"))
    assert likely(Writer(ABC), 4, 2, prime="ba")[1] <= nats


def test_one_hot_alphabets_and_squashed_scores() -> None:
    model = letters_net("ab\n", seed=3)
    lstm, scores = model.net["lstm"].layer, model.net["scores"].layer
    squashed = Model.from_net(
        Net([("lstm", lstm), ("scores", scores), ("prob", Softmax(axis=2))]), readers=Alphabet("ab\n")
    )
    assert write(model, 40, seed=1) == write(squashed, 40, seed=1)


def test_what_cannot_write_gets_a_sentence() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match="does not read texts of any length"):
        Writer(load_model("digits"))
    with pytest.raises(SettingError, match="no LSTM, GRU or RNN"):
        Writer(Model.from_net(Net([("fc", Linear.random(rng, 2, 2))]), readers=Alphabet("ab")))
    with pytest.raises(SettingError, match=r"gives \(4,\) numbers after each letter"):
        Writer(Model.from_net(Net([("lstm", LSTM.random(rng, 2, 4))]), readers=Alphabet("ab")))
    writer = Writer(ABC)
    with pytest.raises(SettingError, match="'ß' at place 1, a letter that the net does not know"):
        writer.primed("aß", 1)
    for setting, value in {"length": 0, "temperature": -1, "count": 0, "seed": -1}.items():
        with pytest.raises(SettingError, match=setting):
            list(drawn(writer, **{"length": 1, setting: value}))  # type: ignore[arg-type]
    for value in (np.nan, np.inf, "hot", True):
        with pytest.raises(SettingError, match="temperature"):
            list(drawn(writer, 1, temperature=value))
    with pytest.raises(SettingError, match="beam"):
        likely(writer, 3, 0)
