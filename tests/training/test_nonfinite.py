"""A loss, gradient or parameter that stops being finite: the sentence names the node where it began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.layers import Add, Linear, ReLU
from minitorch_viz.training import SGD, Adam, Checkpoints, MeanSquaredError, NotFiniteError, fit, load_checkpoint
from minitorch_viz.training.nonfinite import check_grads
from tests.training.training_cases import bars, small_net


@dataclass(frozen=True, eq=False, repr=False)
class Breaks(ReLU):
    """A layer with a mistake in its backward pass, its forward pass, or none."""

    where: str = "backward"

    def forward(self, x):
        y, saved = super().forward(x)
        return (y * np.float32(np.inf) if self.where == "forward" else y), saved

    def backward(self, dy, saved):
        return super().backward(dy, saved) / np.float32(0 if self.where == "backward" else 1)


@dataclass(frozen=True, eq=False, repr=False)
class BreaksItsWeights(Linear):
    def param_grads(self, dy, saved):
        return {name: grad * np.float32(np.nan) for name, grad in super().param_grads(dy, saved).items()}


def run(net: Net, images=None, labels=None, **settings):
    images, labels = bars(32) if images is None else (images, labels)
    rng = np.random.default_rng(0)
    return fit(net, images, labels, rng=rng, **({"epochs": 3, "batch": 16, "progress": False} | settings))


def chain(*middle) -> Net:
    net = small_net()
    fc = ("fc", net["fc"].layer)
    return Net([("conv", net["conv"].layer), ("relu", ReLU()), *middle, ("flat", net["flat"].layer), fc])


def test_the_forward_pass() -> None:
    with pytest.raises(NotFiniteError, match=r"at step 0.*node 'odd' \(Breaks\)") as caught:
        run(chain(("odd", Breaks("forward")), ("after", ReLU())))
    assert caught.value.node == "odd"


def test_the_backward_pass() -> None:
    with pytest.raises(NotFiniteError, match=r"backward pass of node 'odd' \(Breaks\)") as caught:
        run(chain(("before", ReLU()), ("odd", Breaks()), ("after", ReLU())))
    assert caught.value.node == "odd"


def test_the_backward_pass_behind_a_fork() -> None:
    """`other` reads the same node later in the order, but is innocent."""
    with pytest.raises(NotFiniteError, match="backward pass of node 'odd'"):
        run(chain(("odd", Breaks(), "relu"), ("other", ReLU(), "relu"), ("sum", Add(), ("odd", "other"))))


def test_the_gradient_of_a_parameter() -> None:
    net = small_net()
    broken = BreaksItsWeights(net["fc"].layer.weight, net["fc"].layer.bias)
    with pytest.raises(NotFiniteError, match=r"at node 'fc'.*'fc.bias'|at node 'fc'.*'fc.weight'"):
        run(net.with_layers({"fc": broken}))


def test_a_rate_that_explodes_names_the_node_and_the_step() -> None:
    with pytest.raises(NotFiniteError, match=r"parameter 'conv.weight'.*step 0.*rate 1e\+39.*'conv'.*smaller rate"):
        run(small_net(), optimizer=Adam(1e39))
    with pytest.raises(NotFiniteError, match=r"at step [1-9]\d*.*'(conv|fc)'"):
        run(small_net(), optimizer=SGD(1e25), epochs=9)


def test_the_data() -> None:
    images, labels = bars(32)
    images[17, 0, 2, 3] = np.nan
    with pytest.raises(NotFiniteError, match="data are not finite, 1 of 576 of the input 'input'"):
        run(small_net(), images, labels)


def test_the_loss_itself() -> None:
    targets = np.full((32, 2), np.inf)
    with pytest.raises(NotFiniteError, match="began in the loss, at the scores of 'fc'"):
        run(small_net(), bars(32)[0], targets, loss=MeanSquaredError())


def test_the_seed_gradient() -> None:
    net = small_net()
    tape = net.forward(bars(2)[0])
    seeds = {"fc": np.full((2, 2), np.nan, np.float32)}
    with pytest.raises(NotFiniteError, match=r"in the loss.*'fc'"):
        check_grads(net.param_grads(tape, seeds), net, tape, seeds, 4)


def test_the_checkpoint_holds_the_state_before_it(tmp_path) -> None:
    """So that one can look, and continue with a smaller rate in code."""
    seen = []

    class Watch(Checkpoints):
        def begin(self, run, state) -> None:
            super().begin(run, state)
            seen.append((run, state))

    with pytest.raises(NotFiniteError):
        run(small_net(), optimizer=SGD(1e25), epochs=9, observers=[Watch(tmp_path / "run.ckpt")])
    state = load_checkpoint(tmp_path / "run.ckpt", *seen[0])
    assert state.step > 0
    assert all(np.isfinite(value).all() for value in state.net.params.values())
