"""Networks written in PyTorch, with torchvision's module names: independent oracles for ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def squeezenet1_1(torch: Any, state: Mapping[str, np.ndarray]) -> Any:
    """SqueezeNet 1.1 with torchvision's layout, holding `state`; no ReLU is used twice, as Captum needs it."""
    nn = torch.nn

    class Fire(nn.Module):
        def __init__(self, channels: int, squeezed: int, out: int) -> None:
            super().__init__()
            self.squeeze = nn.Conv2d(channels, squeezed, 1)
            self.squeeze_activation = nn.ReLU()
            self.expand1x1 = nn.Conv2d(squeezed, out, 1)
            self.expand1x1_activation = nn.ReLU()
            self.expand3x3 = nn.Conv2d(squeezed, out, 3, padding=1)
            self.expand3x3_activation = nn.ReLU()

        def forward(self, x: Any) -> Any:
            x = self.squeeze_activation(self.squeeze(x))
            wide = self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))
            return torch.cat(wide, 1)

    class SqueezeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
            self.features = nn.Sequential(
                nn.Conv2d(3, 64, 3, 2),
                nn.ReLU(),
                pool(),
                Fire(64, 16, 64),
                Fire(128, 16, 64),
                pool(),
                Fire(128, 32, 128),
                Fire(256, 32, 128),
                pool(),
                Fire(256, 48, 192),
                Fire(384, 48, 192),
                Fire(384, 64, 256),
                Fire(512, 64, 256),
            )
            self.classifier = nn.Sequential(
                nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1))
            )

        def forward(self, x: Any) -> Any:
            return self.classifier(self.features(x)).flatten(1)

    net = SqueezeNet()
    net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in state.items()})
    return net
