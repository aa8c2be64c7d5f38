"""torchvision's classifiers with random weights and batch statistics, and what to compare them by."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from minitorch_viz.models import Model

DEFAULT = ("resnet18", "mobilenet_v3_small", "squeezenet1_1")
NIGHTLY = (
    *("alexnet", "vgg11", "vgg16", "vgg16_bn", "vgg19", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0"),
    *("efficientnet_v2_s", "densenet121", "densenet161", "densenet169", "densenet201", "googlenet", "inception_v3"),
    *("convnext_tiny", "vit_b_16", "vit_b_32", "mnasnet1_0", "shufflenet_v2_x1_0", "squeezenet1_0"),
    *("regnet_y_400mf", "regnet_x_400mf"),
)
WINDOWED = ("swin_t", "swin_v2_t", "maxvit_t")  # they count windows as images
ALL = [*DEFAULT, *(pytest.param(name, marks=pytest.mark.nightly) for name in NIGHTLY)]
CLASSES = 7


@functools.cache
def zoo() -> Any:
    """Return torchvision; its wheel names compiled operators that a torch for CPUs alone does not have."""
    torch = pytest.importorskip("torch")
    register = torch.library.register_fake

    def passing_over(name: Any, *args: Any, **settings: Any) -> Any:
        if str(name).startswith("torchvision::"):
            return lambda function: function
        return register(name, *args, **settings)

    torch.library.register_fake = passing_over
    try:
        return pytest.importorskip("torchvision", reason="torchvision is not installed", exc_type=ImportError)
    finally:
        torch.library.register_fake = register


def random_classifier(name: str) -> tuple[Any, int]:
    """Return a classifier in float64 with random weights and batch statistics, and the side of its pictures."""
    torchvision = zoo()
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    settings: dict[str, Any] = {}
    side = {"inception_v3": 107, "maxvit_t": 224}.get(name, 64)
    if name in ("googlenet", "inception_v3"):
        settings = {"init_weights": False, "aux_logits": True}
    elif name.startswith("vit"):
        settings = {"image_size": (side := 96)}  # the places' table is made for it
    module = torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **settings).double().eval()
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
        if isinstance(part, torch.nn.Linear):
            torch.nn.init.normal_(part.weight, 0, part.in_features**-0.5)  # some heads begin with zeros
        if isinstance(part, torch.nn.Hardsigmoid):
            part.forward = exact_hardsigmoid
    return module, side


def exact_hardsigmoid(x: Any) -> Any:
    """Return relu6(x + 3) / 6: on its way back torch's own multiplies by a sixth in float32, 1e-8 beside it."""
    functional = pytest.importorskip("torch").nn.functional
    return functional.relu6(x + 3) / 6


def close(ours: np.ndarray, theirs: Any, share: float = 1e-9) -> bool:
    """Whether an array equals a tensor to 1e-9 of the largest magnitude."""
    expected = theirs.detach().numpy()
    largest = np.abs(expected).max()
    return bool(ours.shape == expected.shape and largest > 0 and np.abs(ours - expected).max() <= share * largest)


def through_onnx(module: Any, side: int, folder: Path) -> Model:
    """Return the model of the file that PyTorch exports."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx", reason="onnx is not installed")
    path = folder / "net.onnx"
    example = torch.zeros(1, 3, side, side, dtype=next(module.parameters()).dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is deprecated, and the other needs one more package
        torch.onnx.export(module, example, str(path), dynamo=False, opset_version=17)
    return Model.from_onnx(path)


class Part(NamedTuple):
    """A part of a module whose maps are those of a layer of ours."""

    net: Any  # the whole module, or one that computes the same
    part: Any


def part_with_maps(name: str, module: Any, x: Any, maps: np.ndarray) -> Part:
    """Return the part of a module that gives these maps, in one call."""
    torch = pytest.importorskip("torch")
    if name.startswith("densenet"):  # its last ReLU is a function: the same net with a module in its place
        gate = torch.nn.ReLU()
        ending = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), module.classifier)
        return Part(torch.nn.Sequential(module.features, gate, *ending), gate)
    results: dict[str, list[Any]] = {}

    def note(path: str) -> Any:
        def hook(_module: Any, _arguments: Any, y: Any) -> None:
            results.setdefault(path, []).append(y.detach().clone() if isinstance(y, torch.Tensor) else None)

        return hook

    parts = dict(module.named_modules())
    hooks = [part.register_forward_hook(note(path)) for path, part in parts.items() if path]
    with torch.no_grad():
        module(x)
    for hook in hooks:
        hook.remove()
    once = [(path, calls[0]) for path, calls in results.items() if len(calls) == 1 and calls[0] is not None]
    paths = [path for path, y in once if tuple(y.shape) == maps.shape and close(maps, y)]
    assert paths, f"{name}: no part gives the maps of our default layer"
    return Part(module, parts[paths[-1]])
