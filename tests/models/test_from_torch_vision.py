"""torchvision's classifiers by from_torch and ONNX: scores, gradients and class maps are PyTorch's and Captum's."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import NetError
from minitorch_viz.graph import between
from minitorch_viz.layers import AdaptiveAvgPool2d, Dropout, Flatten, GlobalAvgPool2d, Linear, Reshape
from minitorch_viz.models import Model
from minitorch_viz.objectives import Unit
from minitorch_viz.techniques.gradients.grad_cam import weighted_maps
from tests.models.vision import ALL, CLASSES, WINDOWED, close, part_with_maps, random_classifier, through_onnx

pytestmark = [pytest.mark.torchvision, pytest.mark.slow]
POOLED = (GlobalAvgPool2d, AdaptiveAvgPool2d, Dropout, Flatten, Reshape, Linear)
ENLARGED = ("alexnet", "vgg")  # PyTorch exports their pooling to 6 x 6 or 7 x 7 only where it changes nothing


@pytest.mark.parametrize("name", ALL)
def test_a_module_brought_in_by_from_torch(name: str) -> None:
    module, side = random_classifier(name)
    torch = pytest.importorskip("torch")
    example = torch.randn(1, 3, side, side, dtype=torch.double)
    compare(name, module, side, Model.from_torch(module, example))
    single = copy.deepcopy(module).float()
    compare_float32(single, side, Model.from_torch(single, example))


@pytest.mark.parametrize("name", ALL)
def test_a_module_brought_in_by_onnx(name: str, tmp_path: Path) -> None:
    module, side = random_classifier(name)
    side = 224 if name.startswith(ENLARGED) else side
    compare(name, module, side, through_onnx(module, side, tmp_path))
    single = copy.deepcopy(module).float()
    compare_float32(single, side, through_onnx(single, side, tmp_path))


def compare(name: str, module: Any, side: int, model: Model) -> None:
    """Compare scores, the input gradient and the default layer's class map, in float64."""
    torch, captum = pytest.importorskip("torch"), pytest.importorskip("captum.attr")
    assert model.dtype == np.float64
    x, layer = np.random.default_rng(0).standard_normal((1, 3, side, side)), model.last_conv
    theirs = torch.from_numpy(x).requires_grad_()
    scores = module(theirs)
    seed = np.random.default_rng(1).standard_normal((1, CLASSES))  # of all classes: a ReLU at the end may silence one
    (gradient,) = torch.autograd.grad((scores * torch.from_numpy(seed)).sum(), [theirs])
    tape = model.net.forward(x)
    ours = model.net.backward(tape, {model.logits: seed})[model.net.inputs[0]]
    assert close(tape[model.logits], scores)
    assert close(ours, gradient)

    target = int(tape[model.logits].argmax())
    signed, _, blanks = weighted_maps(model, tape, [Unit(model.logits, (target,))], layer)
    assert blanks == ("",)
    peer = part_with_maps(name, module, theirs.detach(), tape[layer])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces the hooks that it sets
        attribution = captum.LayerGradCam(peer.net, peer.part).attribute(theirs, target=target)
    assert close(signed[None], attribution)
    compare_with_class_map(model, tape, layer, target, signed[0])


def compare_with_class_map(model: Model, tape: Any, layer: str, target: int, signed: np.ndarray) -> None:
    """Compare with Zhou et al.'s map, the maps weighted as the class weighs their means, where a net has one."""
    layers = [node.layer for node in between(model.net.nodes, [layer], [model.logits])]
    linears = [part for part in layers if isinstance(part, Linear)]
    if all(isinstance(part, POOLED) for part in layers) and len(linears) <= 1:
        maps = tape[layer][0]
        weights = linears[0].weight[target] if linears else np.eye(len(maps))[target]
        if len(weights) == len(maps):  # else the places are told apart, as in AlexNet and VGG
            class_map = np.tensordot(weights, maps, 1)
            assert class_map.std() > 0
            assert np.corrcoef(class_map.ravel(), signed.ravel())[0, 1] > 0.999


def compare_float32(module: Any, side: int, model: Model) -> None:
    """Compare the scores in float32: 1e-4 of the largest."""
    torch = pytest.importorskip("torch")
    assert model.dtype == np.float32
    x = np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
    with torch.no_grad():
        assert close(model.net.predict(x), module(torch.from_numpy(x)), 1e-4)


@pytest.mark.nightly
@pytest.mark.parametrize("name", WINDOWED)
def test_windows_counted_as_images_end_in_a_sentence(name: str) -> None:
    module, side = random_classifier(name)
    with pytest.raises(NetError, match=r"The operator (reshape|einsum) at '\S+attn\S*' cannot be mapped"):
        Model.from_torch(module, np.zeros((1, 3, side, side)))
