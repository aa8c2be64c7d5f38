"""Networks written in PyTorch, with torchvision's module names: independent oracles for ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minitorch_viz import Net, layers


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


def residual_net(torch: Any, rng: np.random.Generator) -> tuple[Any, Net]:
    """Two residual blocks, the second with a strided shortcut: as a module in float64, and as our net with its weights.

    Input (N, 3, 21, 19), five class scores.
    """
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, channels: int, out: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
            self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
            self.short = nn.Conv2d(channels, out, 1, stride) if stride > 1 else nn.Identity()
            self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))) + self.short(x))

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.relu, self.pool = nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2)
            self.a, self.b = Block(8, 8, 1), Block(8, 12, 2)
            self.fc = nn.Linear(12, 5)

        def forward(self, x: Any) -> Any:
            return self.fc(self.b(self.a(self.pool(self.relu(self.conv(x))))).mean((2, 3)))

    net = Residual().double().eval()
    values = {}
    for name, value in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        positive = name.endswith("running_var") or ("bn" in name and name.endswith("weight"))
        size = value.numel() // len(value)
        drawn = rng.uniform(0.5, 1.5, value.shape) if positive else rng.standard_normal(value.shape) / np.sqrt(size)
        values[name] = drawn
    net.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()}, strict=False)

    def conv(name: str, **settings: int) -> layers.Conv2d:
        return layers.Conv2d(values[f"{name}.weight"], values.get(f"{name}.bias"), **settings)

    def norm(name: str) -> layers.BatchNorm2d:
        return layers.BatchNorm2d(
            *(values[f"{name}.{key}"] for key in ("weight", "bias", "running_mean", "running_var"))
        )

    def block(name: str, source: str, stride: int) -> list[Any]:
        short = [(f"{name}.short", conv(f"{name}.short", stride=stride), (source,))] if stride > 1 else []
        return [
            *short,
            (f"{name}.conv1", conv(f"{name}.conv1", stride=stride, padding=1), (source,)),
            (f"{name}.bn1", norm(f"{name}.bn1")),
            (f"{name}.relu1", layers.ReLU()),
            (f"{name}.conv2", conv(f"{name}.conv2", padding=1)),
            (f"{name}.bn2", norm(f"{name}.bn2")),
            (f"{name}.sum", layers.Add(), (f"{name}.bn2", f"{name}.short" if short else source)),
            (f"{name}.relu2", layers.ReLU()),
        ]

    ours = Net(
        [
            ("conv", conv("conv", padding=1)),
            ("relu", layers.ReLU()),
            ("pool", layers.MaxPool2d(3, 2)),
            *block("a", "pool", 1),
            *block("b", "a.relu2", 2),
            ("gap", layers.GlobalAvgPool2d()),
            ("flat", layers.Flatten()),
            ("fc", layers.Linear(values["fc.weight"], values["fc.bias"])),
        ]
    )
    return net, ours
