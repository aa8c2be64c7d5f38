"""PyTorch nets that end in maps or in several heads, by from_torch and by ONNX: scores, gradients and Grad-CAM."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.models import Model
from minitorch_viz.techniques import grad_cam, saliency

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch
nn, functional = torch.nn, torch.nn.functional

NAMES = ["background", "road", "sky"]
PHOTO = np.random.default_rng(5).integers(0, 256, (18, 22, 3), dtype=np.uint8)


class UNet(nn.Module):
    """Skip connections, for odd sizes too: what was rounded off on the way down is put back on the way up."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 7, 3, padding=1)
        self.middle = nn.Conv2d(7, 7, 3, padding=1)
        self.up1, self.up2 = nn.Conv2d(12, 5, 3, padding=1), nn.Conv2d(14, 7, 3, padding=1)
        self.out = nn.Conv2d(5, 3, 1)

    def forward(self, x):
        first = functional.relu(self.down1(x))
        second = functional.relu(self.down2(functional.max_pool2d(first, 2)))
        y = functional.relu(self.middle(functional.max_pool2d(second, 2)))
        y = functional.interpolate(y, size=second.shape[2:], mode="bilinear", align_corners=False)
        y = functional.relu(self.up2(torch.cat([y, second], 1)))
        y = functional.interpolate(y, size=first.shape[2:], mode="bilinear", align_corners=False)
        return self.out(functional.relu(self.up1(torch.cat([y, first], 1))))


class Fcn(nn.Module):
    """As torchvision's: a dictionary of scores, those of the head and of one beside it, enlarged to the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU())
        self.deep = nn.Sequential(nn.Conv2d(6, 8, 3, padding=2, dilation=2), nn.ReLU())
        self.head = nn.Sequential(nn.Conv2d(8, 6, 3, padding=1), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(6, 3, 1))
        self.aux = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        early = self.stem(x)
        size, kind = x.shape[2:], {"mode": "bilinear", "align_corners": False}
        return {
            "out": functional.interpolate(self.head(self.deep(early)), size=size, **kind),
            "aux": functional.interpolate(self.aux(early), size=size, **kind),
        }


class Heads(nn.Module):
    """Class scores, the coordinates of a box, and a second classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.kind, self.box, self.colour = nn.Linear(6, 3), nn.Linear(6, 4), nn.Linear(6, 5)

    def forward(self, x):
        features = self.trunk(x).mean((2, 3))
        return self.kind(features), self.box(features), self.colour(features)


def made(kind: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(1)
    module = kind().double().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return module


def by_torch(module: nn.Module, size: tuple[int, int], folder: Path) -> Model:
    del folder
    return Model.from_torch(module, torch.zeros(1, 3, *size, dtype=torch.float64), class_names=NAMES)


def by_onnx(module: nn.Module, size: tuple[int, int], folder: Path) -> Model:
    pytest.importorskip("onnx", reason="onnx is not installed")
    path = folder / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is deprecated, and the other needs one more package
        torch.onnx.export(module, torch.zeros(1, 3, *size).double(), str(path), dynamo=False, opset_version=17)
    return Model.from_onnx(path, class_names=NAMES)


def answer(result) -> torch.Tensor:
    if isinstance(result, dict):
        return result["out"]
    return result[0] if isinstance(result, tuple) else result


@pytest.mark.parametrize("way", [by_torch, by_onnx], ids=["from_torch", "from_onnx"])
@pytest.mark.parametrize("size", [(18, 22), (17, 21)], ids=str)
@pytest.mark.parametrize("kind", [UNet, Fcn])
def test_the_sum_where_a_class_wins_and_its_gradient_are_torchs(kind, size, way, tmp_path) -> None:
    """Written out as in Captum's tutorial: scores times where they are the argmax, summed."""
    module = made(kind)
    model = way(module, size, tmp_path)
    assert model.maps
    x = torch.tensor(model.preprocess(PHOTO), requires_grad=True)
    scores = answer(module(x))[0]
    np.testing.assert_allclose(model.net.predict(x.detach().numpy(), upto=model.maps)[0], scores.detach(), rtol=1e-9)
    for number in range(3):
        selected = scores.argmax(0) == number
        total = (scores[number] * (selected if selected.any() else torch.ones_like(selected))).sum()
        (gradient,) = torch.autograd.grad(total, x, retain_graph=True)
        result = saliency(model, PHOTO, target=NAMES[number])
        assert result.value == pytest.approx(total.item(), rel=1e-9)
        theirs = gradient[0].numpy()
        assert np.abs(result.gradients["normal"] - theirs).max() <= 1e-9 * np.abs(theirs).max()


@pytest.mark.parametrize("way", [by_torch, by_onnx], ids=["from_torch", "from_onnx"])
def test_grad_cam_weighs_the_last_features_of_the_head(way, tmp_path) -> None:
    """By hooks on the module: the mean gradient of each of the maps before the last 1 x 1 convolution, times them."""
    module = made(Fcn)
    model = way(module, (18, 22), tmp_path)
    kept = {}
    module.head[2].register_forward_hook(lambda layer, inputs, output: kept.update(maps=output))
    scores = module(torch.tensor(model.preprocess(PHOTO)))["out"][0]
    total = (scores[1] * (scores.argmax(0) == 1)).sum()
    if not (scores.argmax(0) == 1).any():
        total = scores[1].sum()
    (gradient,) = torch.autograd.grad(total, kept["maps"])
    expected = (gradient.mean((2, 3), keepdim=True) * kept["maps"]).sum(1)[0].detach().numpy()
    result = grad_cam(model, PHOTO, target="road")
    assert np.abs(result.signed[0] - expected).max() <= 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize("way", [by_torch, by_onnx], ids=["from_torch", "from_onnx"])
def test_every_head_of_a_module_is_kept_and_explained(way, tmp_path) -> None:
    module = made(Heads)
    model = way(module, (18, 22), tmp_path)
    x = torch.tensor(model.preprocess(PHOTO), requires_grad=True)
    results = module(x)
    tape = model.net.forward(x.detach().numpy())
    heads = [model.logits, *(name for name in model.net.outputs if name != model.logits)]
    assert len(heads) == 3
    by_size = {tape[name].shape[1]: name for name in heads}
    for theirs in results:
        name, last = by_size[theirs.shape[1]], theirs.shape[1] - 1
        np.testing.assert_allclose(tape[name], theirs.detach(), rtol=1e-9)
        (gradient,) = torch.autograd.grad(theirs[0, last], x, retain_graph=True)
        result = saliency(model, PHOTO, node=name, channel=last)
        np.testing.assert_allclose(result.gradients["normal"], gradient[0], rtol=1e-8, atol=1e-12)
    assert by_size[3] == model.logits
    assert any("beside" in note for note in model.notes)
    assert saliency(model, PHOTO, target="sky").label == 'class "sky" (2)'


def test_a_dictionary_of_scores_is_kept_by_its_names() -> None:
    model = by_torch(made(Fcn), (18, 22), Path())
    assert any("out (" in note and "aux (" in note for note in model.notes)
    (aux,) = (name for name in model.net.outputs if name != model.net.output)
    assert saliency(model, PHOTO, node=aux, channel=1, mask="all").label == f"{aux} channel 1 over all places"


class Doubled(nn.Module):
    """Gives maps, and what is computed from them."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self.maps, self.last = nn.Conv2d(3, 2, 3), last

    def forward(self, x):
        y = self.maps(x)
        return {"out": y, self.last: y.softmax(1) if self.last == "shares" else y * 2}


@pytest.mark.parametrize(("last", "taken"), [("shares", "out is taken"), ("twice", "which is made of out, is taken")])
def test_the_note_says_which_of_two_results_is_explained(last: str, taken: str) -> None:
    model = Model.from_torch(Doubled(last).eval(), torch.randn(1, 3, 8, 8))
    assert any(taken in note for note in model.notes)
    assert saliency(model, PHOTO, target=1).label.split()[0] == ("maps" if last == "shares" else model.net.output)
