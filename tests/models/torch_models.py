"""AlexNet, VGG and ResNet written in PyTorch with torchvision's module names: independent oracles for ours."""

from __future__ import annotations

from typing import Any


def alexnet(torch: Any, classes: int = 1000) -> Any:
    nn = torch.nn

    class AlexNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
                nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
                nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(),
                nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
                nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
            )  # fmt: skip
            self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
            self.classifier = nn.Sequential(
                nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(),
                nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
                nn.Linear(4096, classes),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    return AlexNet().eval()


def vgg(torch: Any, depths: tuple[int, ...], classes: int, hidden: int) -> Any:
    nn = torch.nn

    class VGG(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers, channels = [], 3
            for depth, out in zip(depths, (64, 128, 256, 512, 512), strict=True):
                for _ in range(depth):
                    layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU()]
                    channels = out
                layers.append(nn.MaxPool2d(2, 2))
            self.features = nn.Sequential(*layers)
            self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
            self.classifier = nn.Sequential(
                nn.Linear(512 * 49, hidden), nn.ReLU(), nn.Dropout(),
                nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(),
                nn.Linear(hidden, classes),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    return VGG().eval()


def resnet(torch: Any, bottleneck: bool, depths: tuple[int, ...], classes: int = 1000) -> Any:
    nn = torch.nn
    expansion = 4 if bottleneck else 1

    def conv(channels: int, out: int, kernel: int, stride: int = 1) -> Any:
        return nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)

    class Block(nn.Module):
        def __init__(self, channels: int, width: int, stride: int) -> None:
            super().__init__()
            if bottleneck:
                self.conv1, self.bn1 = conv(channels, width, 1), nn.BatchNorm2d(width)
                self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
                self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
            else:
                self.conv1, self.bn1 = conv(channels, width, 3, stride), nn.BatchNorm2d(width)
                self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
            out = width * expansion
            same = stride == 1 and channels == out
            self.downsample = None if same else nn.Sequential(conv(channels, out, 1, stride), nn.BatchNorm2d(out))

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            if bottleneck:
                y = self.bn3(self.conv3(torch.relu(y)))
            return torch.relu(y + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            channels = 64
            for stage, depth in enumerate(depths, start=1):
                width = 64 * 2 ** (stage - 1)
                blocks = []
                for i in range(depth):
                    blocks.append(Block(channels, width, 2 if i == 0 and stage > 1 else 1))
                    channels = width * expansion
                setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(channels, classes)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(torch.flatten(self.avgpool(x), 1))

    net = ResNet()
    for module in net.modules():  # trained statistics are never exactly 0 and 1
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return net.eval()
