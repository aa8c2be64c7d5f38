"""torchvision's classifiers by Model.from_torch: scores, gradients and Grad-CAM's arrays equal PyTorch's in float64."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import NetError
from minitorch_viz.models import Model

pytestmark = [pytest.mark.torchvision, pytest.mark.slow]

DEFAULT = ("resnet18", "mobilenet_v3_small", "squeezenet1_1")
NIGHTLY = (
    *("alexnet", "vgg11", "vgg16_bn", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d"),
    *("wide_resnet50_2", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_v2_s", "densenet121"),
    *("densenet161", "densenet169", "densenet201", "googlenet", "inception_v3", "convnext_tiny", "vit_b_16"),
    *("vit_b_32", "mnasnet1_0", "shufflenet_v2_x1_0", "squeezenet1_0", "regnet_y_400mf", "regnet_x_400mf"),
)
WINDOWED = ("swin_t", "swin_v2_t", "maxvit_t")  # they count windows as images


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
    settings = {"init_weights": False, "aux_logits": True} if name in ("googlenet", "inception_v3") else {}
    module = torchvision.models.get_model(name, weights=None, num_classes=7, **settings).double().eval()
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
        if isinstance(part, torch.nn.Linear):
            torch.nn.init.normal_(part.weight, 0, part.in_features**-0.5)  # some heads begin with zeros
    return module, 75 if name == "inception_v3" else 224 if name.startswith(("vit", "maxvit")) else 64


def close(ours: np.ndarray, theirs: Any) -> bool:
    """Whether an array equals a tensor to 1e-9 of the largest magnitude."""
    expected = theirs.detach().numpy()
    largest = np.abs(expected).max()
    return bool(ours.shape == expected.shape and largest > 0 and np.abs(ours - expected).max() <= 1e-9 * largest)


@pytest.mark.parametrize("name", [*DEFAULT, *(pytest.param(name, marks=pytest.mark.nightly) for name in NIGHTLY)])
def test_scores_gradients_and_grad_cams_arrays_are_torchs(name: str) -> None:
    module, side = random_classifier(name)
    torch = pytest.importorskip("torch")
    model = Model.from_torch(module, torch.randn(1, 3, side, side, dtype=torch.double))
    x = np.random.default_rng(0).standard_normal((1, 3, side, side))
    maps: list[Any] = []
    parts = {path: part for path, part in module.named_modules() if path}
    layer = model.last_conv
    part = parts.get(layer, parts.get(layer.rpartition("_")[0]))
    if part is not None:  # else it is a function of the forward pass
        part.register_forward_hook(lambda module, args, y: maps.append(y.clone()) or maps[-1])
    theirs = torch.from_numpy(x).requires_grad_()
    scores = module(theirs)
    seed = np.random.default_rng(1).standard_normal((1, 7))  # of all classes: a ReLU at the end may silence one
    gradients = torch.autograd.grad((scores * torch.from_numpy(seed)).sum(), [theirs, *maps[-1:]])

    tape = model.net.forward(x)
    ours = model.net.backward(tape, {model.logits: seed}, wrt=("input", layer))
    assert close(tape[model.logits], scores)
    assert close(ours["input"], gradients[0])
    if maps:
        assert close(tape[layer], maps[-1])
        assert close(ours[layer].mean(axis=(2, 3)), gradients[1].mean((2, 3)))
    assert maps or name not in DEFAULT


@pytest.mark.nightly
@pytest.mark.parametrize("name", WINDOWED)
def test_windows_counted_as_images_end_in_a_sentence(name: str) -> None:
    module, side = random_classifier(name)
    with pytest.raises(NetError, match=r"The operator (reshape|einsum) at '\S+attn\S*' cannot be mapped"):
        Model.from_torch(module, np.zeros((1, 3, side, side)))
