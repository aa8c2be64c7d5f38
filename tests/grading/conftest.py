"""A net of which one knows everything: class 0 is red light, class 1 blue, each summed over the picture."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.grading import Case
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU

SIDE = 12


@pytest.fixture(scope="session")
def colours() -> Model:
    weight = np.zeros((2, 3, 1, 1), np.float32)
    weight[0, 0] = weight[1, 2] = 1  # channel 0 sees red, channel 1 blue
    net = Net(
        [
            ("conv", Conv2d(weight)),
            ("relu", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(20 * np.eye(2, dtype=np.float32), np.zeros(2, np.float32))),
        ]
    )
    return Model.from_net(net, SIDE, class_names=["red", "blue"], name="colours")


def painted(*boxes: tuple[int, int, int, int]) -> Case:
    """A black picture with a red box, then a blue one: (top, left, bottom, right) each."""
    image, masks = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((len(boxes), SIDE, SIDE), bool)
    for number, (top, left, bottom, right) in enumerate(boxes):
        masks[number, top:bottom, left:right] = True
        image[masks[number], 2 * number] = 250
    return Case(image, tuple(range(len(boxes))), masks)


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    single = [painted((1, 1, 4, 5)), painted((6, 2, 11, 9)), painted((3, 7, 9, 11)), painted((0, 0, 4, 4))]
    several = [painted((1, 1, 4, 5), (7, 6, 11, 11)), painted((6, 0, 12, 3), (0, 5, 5, 11))]
    return single + several
