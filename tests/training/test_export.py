"""What is trained here is used elsewhere: the weights carry PyTorch's names and layouts."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.io.safetensors_ import read_safetensors, save_safetensors
from minitorch_viz.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from minitorch_viz.training import AdamW, fit
from tests.training.training_cases import bars

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_a_net_trained_here_loads_in_pytorch(tmp_path) -> None:
    from safetensors.torch import load_file

    rng = np.random.default_rng(0)
    net = Net(
        [
            ("conv1", Conv2d.random(rng, 1, 8, 3, padding=1)),
            ("norm", BatchNorm2d.fresh(8)),
            ("relu", ReLU()),
            ("pool", MaxPool2d(2)),
            ("conv2", Conv2d.random(rng, 8, 4, 3)),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 4, 2)),
        ]
    )
    images, labels = bars(200)
    fitted = fit(net, images, labels, rng=rng, epochs=3, optimizer=AdamW(1e-2), progress=False)
    save_safetensors(tmp_path / "net.safetensors", fitted.net.state)

    class Theirs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = torch.nn.Conv2d(1, 8, 3, padding=1)
            self.norm = torch.nn.BatchNorm2d(8)
            self.conv2 = torch.nn.Conv2d(8, 4, 3)
            self.fc = torch.nn.Linear(4, 2)

        def forward(self, x):
            x = torch.max_pool2d(torch.relu(self.norm(self.conv1(x))), 2)
            return self.fc(self.conv2(x).flatten(1))

    theirs = Theirs()
    result = theirs.load_state_dict(load_file(tmp_path / "net.safetensors"))  # strict: every name must fit
    assert not result.missing_keys
    assert not result.unexpected_keys
    with torch.no_grad():
        expected = theirs.eval()(torch.tensor(images)).numpy()
    np.testing.assert_allclose(fitted.net.predict(images), expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected) > 1
    # and back again: what PyTorch writes is what this net needs
    back = {name: value.numpy() for name, value in theirs.state_dict().items() if name in net.state}
    np.testing.assert_array_equal(net.with_params(back).predict(images), fitted.net.predict(images))


def test_the_bundled_net_loads_in_pytorch() -> None:
    from pathlib import Path

    import minitorch_viz.models.bundled as bundled

    path = Path(next(iter(bundled.__path__))) / "digits.safetensors"
    weights = {name: torch.tensor(value) for name, value in read_safetensors(path, np.float32).items()}
    theirs = torch.nn.Sequential()
    for name, layer in {
        "conv1": torch.nn.Conv2d(1, 16, 3, padding=1), "relu1": torch.nn.ReLU(),
        "conv2": torch.nn.Conv2d(16, 32, 3, padding=1), "relu2": torch.nn.ReLU(), "pool2": torch.nn.MaxPool2d(2),
        "conv3": torch.nn.Conv2d(32, 32, 3, padding=1), "relu3": torch.nn.ReLU(), "flatten": torch.nn.Flatten(),
        "logits": torch.nn.Linear(512, 10),
    }.items():  # fmt: skip
        theirs.add_module(name, layer)
    theirs.load_state_dict(weights)
    x = np.random.default_rng(0).standard_normal((5, 1, 8, 8)).astype(np.float32)
    with torch.no_grad():
        expected = theirs(torch.tensor(x)).numpy()
    mine = load_model("digits").net.predict(x, upto="logits")
    np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)
