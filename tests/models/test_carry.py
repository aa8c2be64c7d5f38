"""States that go from batch to batch, and the gradients of whole unrolled nets of letters."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.errors import NetError
from minitorch_viz.gradcheck import check_net
from minitorch_viz.layers import RNN, Linear
from minitorch_viz.models.carry import carrying
from minitorch_viz.models.letters import KINDS, SCORES, letters
from minitorch_viz.training import SoftmaxCrossEntropy, evaluate

CODES = np.random.default_rng(0).integers(0, 5, (2, 13))


def small(kind: str, dropout: float = 0.0) -> Net:
    return letters(5, kind, layers=2, cells=4, embedding=3, dropout=dropout).astype("float64")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_read_in_pieces_is_the_text_read_at_once(kind: str) -> None:
    net = small(kind)
    carried, carry = carrying(net)
    states: dict[str, np.ndarray] = {}
    scores = []
    for start, stop in ((0, 5), (5, 6), (6, 13)):
        tape = carried.forward(carry.inputs(carried, CODES[:, start:stop], states))
        states = carry.after(tape)
        scores.append(tape[SCORES])
    np.testing.assert_allclose(np.concatenate(scores, axis=1), net.predict(CODES), rtol=1e-12)
    assert net.params.keys() == carried.params.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_of_the_whole_unrolled_net(kind: str) -> None:
    """To all parameters, and to the states that were carried in."""
    net, carry = carrying(small(kind))
    rng = np.random.default_rng(1)
    x = {name: rng.standard_normal(value.shape) for name, value in carry.inputs(net, CODES, {}).items()}
    report = check_net(net, {**x, "input": CODES}, tolerance=1e-7, max_entries=200)
    assert report.ok, str(report)
    names = {result.name for result in report.results}
    assert {*net.params, *x} - {"input"} <= names


@pytest.mark.parametrize("kind", KINDS)
def test_a_mean_over_pieces_is_the_mean_over_all_steps(kind: str) -> None:
    net = small(kind)
    carried, carry = carrying(net)
    loss = SoftmaxCrossEntropy(axis=2)
    pieces = [(CODES[:, i:j], CODES[:, i + 1 : j + 1]) for i, j in ((0, 5), (5, 10), (10, 12))]
    scores = evaluate(carried, pieces, loss=loss, carry=carry)
    whole, _ = loss(net.predict(CODES[:, :-1]), CODES[:, 1:])
    assert scores.loss == pytest.approx(whole, rel=1e-12)


def test_nets_without_states_to_carry() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(NetError, match="no LSTM, GRU or RNN"):
        carrying(Net([("fc", Linear.random(rng, 3, 2))]))
    with pytest.raises(NetError, match="given the state to begin with already"):
        carrying(Net([("rnn", RNN.random(rng, 3, 3), ("input", "input"))]))
    with pytest.raises(NetError, match="one input"):
        carrying(carrying(small("rnn"))[0])
