"""PyTorch's stacked and bidirectional LSTM, GRU and RNN as nodes of a net, compared with PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import GRU, LSTM, RNN, Linear, recurrent_nodes

ONE = {"weight_ih_l0": np.ones((2, 3)), "weight_hh_l0": np.ones((2, 2))}


@pytest.mark.torch
@pytest.mark.parametrize("kind", [LSTM, GRU, RNN], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("levels", "both", "bias"), [(1, True, True), (2, True, False), (3, False, True)])
def test_it_is_pytorchs(kind, levels, both, bias, rng) -> None:
    torch = pytest.importorskip("torch")
    module = getattr(torch.nn, kind.__name__)(
        3, 4, num_layers=levels, bidirectional=both, bias=bias, batch_first=True
    ).double()
    state = {f"encoder.{name}": value.detach().numpy() for name, value in module.state_dict().items()}
    net = Net(recurrent_nodes(kind, state, "encoder"))
    x = rng.standard_normal((2, 5, 3))
    torch_x = torch.tensor(x, requires_grad=True)
    expected = module(torch_x)[0]
    tape = net.forward(x)
    np.testing.assert_allclose(tape[net.output], expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    dy = rng.standard_normal(expected.shape)
    expected.backward(torch.from_numpy(dy))
    gradient = net.backward(tape, {net.output: dy})["input"]
    np.testing.assert_allclose(gradient, torch_x.grad.numpy(), rtol=1e-10, atol=1e-12)
    grads = net.param_grads(tape, {net.output: dy})
    reverse = grads[f"encoder_l{levels - 1}{'_reverse' if both else ''}.weight_hh_l0"]
    named = getattr(module, f"weight_hh_l{levels - 1}{'_reverse' if both else ''}")
    np.testing.assert_allclose(reverse, named.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_names_and_what_they_read() -> None:
    both = ONE | {"weight_ih_l0_reverse": ONE["weight_ih_l0"], "weight_hh_l0_reverse": ONE["weight_hh_l0"]}
    nodes = recurrent_nodes(RNN, both, name="reader", reads="words", nonlinearity="relu")
    assert [(name, inputs) for name, _, inputs in nodes] == [
        ("reader_l0", ("words",)),
        ("reader_l0_turned", ("words",)),
        ("reader_l0_reverse", ("reader_l0_turned",)),
        ("reader_l0_back", ("reader_l0_reverse",)),
        ("reader_l0_both", ("reader_l0", "reader_l0_back")),
    ]
    assert nodes[0][1].nonlinearity == nodes[2][1].nonlinearity == "relu"
    net = Net([("words", Linear(np.eye(3))), *nodes])
    assert net.predict(np.ones((1, 4, 3))).shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("kind", "state", "prefix", "words"),
    [
        (LSTM, {}, "", "no weight_ih_l0"),
        (GRU, ONE, "other", "no other.weight_ih_l0"),
        (LSTM, ONE | {"weight_hr_l0": np.ones((1, 2))}, "", "projections"),
        (GRU, ONE, "", "shape (6, 2)"),
        (RNN, {"weight_ih_l0": np.ones((2, 3))}, "", "weight_hh_l0"),
        (RNN, ONE | {"bias_ih_l0": np.ones(3)}, "", "bias_ih_l0"),
    ],
)
def test_what_is_no_such_layer_is_told(kind, state, prefix, words) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        recurrent_nodes(kind, state, prefix)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")
