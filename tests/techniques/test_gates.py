"""Gates of recurrent nets on a text: saturation, histograms and half-lives, against the layers' own formulas."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.layers import LSTM, RNN, Embedding, Linear
from minitorch_viz.models import Alphabet
from minitorch_viz.models.letters import letters
from minitorch_viz.techniques import gates, get_technique
from minitorch_viz.techniques.explain import reading
from minitorch_viz.techniques.recurrent._gates_tally import BINS, half_lives

LETTERS = "abcdef "
TEXT = "a bad cab faced a fade " * 5  # 115 letters


def model_of(kind: str = "lstm", layers: int = 2) -> Model:
    net = letters(len(LETTERS), kind, layers=layers, cells=6, embedding=4, seed=3)
    strong = {name: value * (4 if "weight" in name else 1) for name, value in net.params.items()}  # gates that move
    return Model.from_net(net.with_params(strong), readers=Alphabet(LETTERS, one_hot=False), name=f"random {kind}")


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def test_the_gates_are_those_of_the_formula() -> None:
    """The first layer by hand: i, f and o at each letter from the weights, counted one by one."""
    model = model_of(layers=1).astype(np.float64)
    p = model.net.params
    vectors = p["embedding.weight"][[LETTERS.index(letter) for letter in TEXT]]
    h = c = np.zeros(6)
    seen = {"i": [], "f": [], "o": []}
    for x in vectors:
        z = p["lstm1.weight_ih_l0"] @ x + p["lstm1.weight_hh_l0"] @ h + p["lstm1.bias_ih_l0"] + p["lstm1.bias_hh_l0"]
        i, f, g, o = sigmoid(z[:6]), sigmoid(z[6:12]), np.tanh(z[12:18]), sigmoid(z[18:])
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in (("i", i), ("f", f), ("o", o)):
            seen[name].append(value)
    result = gates(model, TEXT, progress=False)
    assert [gate.letter for gate in result.gates] == ["i", "f", "o"]
    for gate, left, right, counts in zip(result.gates, result.left, result.right, result.counts, strict=True):
        values = np.array(seen[gate.letter])
        np.testing.assert_allclose(left, (values < 0.1).mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(right, (values > 0.9).mean(axis=0), atol=1e-9)
        np.testing.assert_array_equal(counts, np.histogram(values, BINS, (0, 1))[0])
    kept = np.exp(np.log(np.array(seen["f"])).mean(axis=0))  # the share that a cell keeps of itself a letter
    np.testing.assert_allclose(kept ** result.half_lives[0], 0.5, rtol=1e-9)
    assert any(left.max() > 0.05 for left in result.left)
    assert any(right.max() > 0.05 for right in result.right)


def test_half_of_a_memory_is_gone_after_its_half_life() -> None:
    """Gates set by hand: f = 1/2, 2^(-1/10), 1 to the last bit and 0 to the last bit; nothing is written."""
    biases = np.zeros((4, 4), np.float32)
    biases[1] = [0, np.log(0.5**0.1 / (1 - 0.5**0.1)), 60, -200]
    biases[0] = -200
    lstm = LSTM(np.zeros((16, 2), np.float32), np.zeros((16, 4), np.float32), biases.ravel())
    net = Net([("embedding", Embedding(np.eye(2, dtype=np.float32))), ("lstm", lstm)])
    result = gates(Model.from_net(net, readers=Alphabet("ab", one_hot=False)), "ab" * 20, progress=False)
    lives = result.half_lives[0]
    np.testing.assert_allclose(lives[:2], [1, 10], rtol=1e-5)
    assert lives[2] == np.inf
    assert 0 <= lives[3] < 0.01
    np.testing.assert_array_equal(result.right[1], [0, 1, 1, 0])  # 2^(-1/10) is 0.93
    np.testing.assert_array_equal(result.left[0], 1)
    assert "1 of 4 half-lives are longer than the 40 letters read, 1 of them never" in " ".join(result.notes)


def test_half_lives_are_logarithms_means() -> None:
    np.testing.assert_allclose(half_lives(np.log([0.25, 0.5, 1.0]) * 7, 7), [0.5, 1, np.inf])


def test_a_grus_gates_are_its_own_and_an_rnn_has_none() -> None:
    result = gates(model_of("gru"), TEXT, progress=False)
    assert [gate.title for gate in result.gates[:2]] == ["gru1, reset gate r", "gru1, update gate z"]
    assert [gate.letter for gate in result.keepers] == ["z", "z"]
    assert "neither input, forget nor output gate" in " ".join(result.notes)
    with pytest.raises(MinitorchVizError, match="plain RNNs, which have no gates"):
        gates(model_of("rnn"), TEXT, progress=False)
    assert "no gates" in str(get_technique("gates").refuses(model_of("rnn")))


def test_a_net_of_both_kinds_shows_what_there_is() -> None:
    rng = np.random.default_rng(0)
    nodes = [("rnn", RNN.random(rng, 7, 5)), ("lstm", LSTM.random(rng, 5, 3)), ("scores", Linear.random(rng, 3, 7))]
    result = gates(Model.from_net(Net(nodes), readers=Alphabet(LETTERS)), TEXT, progress=False)
    assert {gate.node for gate in result.gates} == {"lstm"}
    assert "rnn is an RNN: it has no gates" in " ".join(result.notes)


def test_pieces_add_up_and_a_resumed_run_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gates(model_of(), TEXT, progress=False)
    monkeypatch.setattr(reading, "PIECE", 30)
    steps = list(gates.each(model_of(), TEXT))
    assert [step.done for step in steps] == [30, 60, 90, 115]
    assert "after 60 of 115 letters" in steps[1].notes[0]
    *_, resumed = gates.each(model_of(), TEXT, state=steps[1].state)
    for name in ("left", "right", "counts", "half_lives"):
        for first, second, all_at_once in zip(
            getattr(steps[-1], name), getattr(resumed, name), getattr(whole, name), strict=True
        ):
            np.testing.assert_array_equal(first, second)
            np.testing.assert_allclose(first, all_at_once, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"low": -0.1}, "from 0 to 1"),
        ({"high": 2}, "from 0 to 1"),
        ({"low": "x"}, "from 0 to 1"),
        ({"low": True}, "from 0 to 1"),
        ({"low": 0.9, "high": 0.1}, "low must be below high"),
    ],
)
def test_bad_limits(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        gates(model_of(), TEXT, progress=False, **settings)


def test_an_unknown_letter_is_said_by_its_place() -> None:
    with pytest.raises(SettingError, match="'x' at place 2"):
        gates(model_of(), "abx", progress=False)
