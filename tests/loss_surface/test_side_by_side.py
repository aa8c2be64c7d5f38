"""Many nets at once: each is the net that it would be alone, and what PyTorch makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import ShapeError
from minitorch_viz.layers import softmax_cross_entropy
from minitorch_viz.loss_surface.linears import Linears
from minitorch_viz.loss_surface.side_by_side import BATCH, MOMENTUM, RATE, Data, new_nets, train_nets
from minitorch_viz.training import evaluate
from tests.layers.layer_cases import cases_of, check_gradients

CASES = cases_of(Linears)


@pytest.fixture(scope="module")
def data() -> Data:
    """Ten clouds of points in twelve dimensions that overlap a little."""
    rng = np.random.default_rng(3)
    centres, labels = rng.standard_normal((10, 12)), rng.integers(0, 10, 300)
    x = (centres[labels] + 0.5 * rng.standard_normal((300, 12))).astype(np.float32)
    return Data(x[:200], labels[:200], x[200:], labels[200:])


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_entry_agrees_with_finite_differences(name: str) -> None:
    for array, (error, skipped) in check_gradients(CASES[name]).items():
        assert error < 1e-7, array
        assert skipped == 0


@pytest.mark.parametrize("shape", [(2, 3, 4), (3, 5, 3), (5, 4)])
def test_linears_says_what_it_needs(shape: tuple[int, ...]) -> None:
    layer = Linears(np.ones((3, 2, 4)), np.ones((3, 2)))
    with pytest.raises(ShapeError, match="S, N, D"):
        layer.forward(np.ones(shape))


@pytest.mark.parametrize("width", [1, 3, 17])
def test_a_net_is_the_same_whoever_stands_beside_it(data: Data, width: int) -> None:
    together = train_nets(width, range(5), data, seed=4, epochs=2)
    alone = train_nets(width, [3], data, seed=4, epochs=2)
    for name, value in alone.alone(0).params.items():
        np.testing.assert_array_equal(together.alone(3).params[name], value)
    assert together.test_loss[3] == alone.test_loss[0]
    assert len(set(together.train_loss)) == 5


def test_another_seed_and_another_width_are_other_nets() -> None:
    first, _ = new_nets(4, [0], 0, 12)
    for width, number, seed in ((4, 0, 1), (4, 1, 0), (5, 0, 0)):
        other, _ = new_nets(width, [number], seed, 12)
        assert not np.array_equal(other.params["scores.weight"][0, :, :4], first.params["scores.weight"][0])


def test_the_losses_are_those_of_each_net_by_itself(data: Data) -> None:
    many = train_nets(6, range(3), data, seed=0, epochs=3, keep_path=True)
    assert len(many.path) == 4
    for s in range(3):
        net = many.alone(s)
        train, test = evaluate(net, data.x, data.labels), evaluate(net, data.test_x, data.test_labels)
        assert many.train_loss[s] == pytest.approx(train.loss, rel=1e-6)
        assert many.test_loss[s] == pytest.approx(test.loss, rel=1e-6)
        assert many.test_accuracy[s] == pytest.approx(test.score)
        side_by_side = many.net.predict(np.repeat(data.x[None], 3, axis=0))[s]
        np.testing.assert_allclose(net.predict(data.x), side_by_side, rtol=1e-5, atol=1e-5)
        stages = [softmax_cross_entropy(many.alone(s, stage).predict(data.x), data.labels)[0] for stage in many.path]
        assert stages[0] > stages[1] > stages[-1] == many.train_loss[s]


@pytest.mark.torch
def test_pytorch_trains_to_the_same_nets(data: Data) -> None:
    torch = pytest.importorskip("torch")
    width, epochs, steps = 5, 3, 4
    many = train_nets(width, range(2), data, seed=9, epochs=epochs)
    nets, rngs = new_nets(width, range(2), 9, 12)
    assert steps == -(-len(data.x) // BATCH)
    for s, rng in enumerate(rngs):
        module = torch.nn.Sequential(torch.nn.Linear(12, width), torch.nn.ReLU(), torch.nn.Linear(width, 10))
        start = {name: value[s] for name, value in nets.params.items()}
        names = dict(zip(module.state_dict(), start, strict=True))
        module.load_state_dict({theirs: torch.from_numpy(start[ours]) for theirs, ours in names.items()})
        optimizer = torch.optim.SGD(module.parameters(), lr=RATE, momentum=MOMENTUM)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
        for _ in range(epochs):
            order = rng.permutation(len(data.x))
            for step in range(steps):
                some = order[step * BATCH : (step + 1) * BATCH]
                optimizer.zero_grad()
                scores = module(torch.from_numpy(data.x[some]))
                torch.nn.functional.cross_entropy(scores, torch.from_numpy(data.labels[some])).backward()
                optimizer.step()
                schedule.step()
        for theirs, ours in names.items():
            found = many.alone(s).params[ours]
            np.testing.assert_allclose(found, module.state_dict()[theirs].numpy(), rtol=1e-4, atol=1e-5)
