"""Models for the techniques' tests."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU


@pytest.fixture(scope="session")
def digits() -> Model:
    return load_model("digits")


@pytest.fixture(scope="session")
def squeezenet(shared_data) -> Model:
    return load_model("squeezenet1_1", weights=shared_data / "weights" / "squeezenet1_1.safetensors")


@pytest.fixture
def red_detector() -> Model:
    """Class 1 is the amount of red light in the picture, class 0 is always 0."""
    weight = np.zeros((1, 3, 1, 1), np.float32)
    weight[0, 0] = 1
    head = np.array([[0.0], [10.0]], np.float32)
    net = Net(
        [
            ("conv", Conv2d(weight)),
            ("relu", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(head)),
        ]
    )
    return Model.from_net(net, 12, class_names=["nothing", "red"])


@pytest.fixture(scope="session")
def googlenet(shared_data) -> Model:
    return load_model("googlenet", weights=shared_data / "weights" / "googlenet_bvlc.safetensors")
