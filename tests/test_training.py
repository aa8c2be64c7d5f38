"""Training: Adam against its paper's formulas and PyTorch, reproducible bits, and refusing bad data."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError, ShapeError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.training import Adam, accuracy, fit
from minitorch_viz.training.fit import shifted


def small_net(seed: int = 0) -> Net:
    rng = np.random.default_rng(seed)
    conv = Conv2d.random(rng, 1, 4, 3)
    return Net([("conv", conv), ("relu", ReLU()), ("flat", Flatten()), ("fc", Linear.random(rng, 64, 2))])


def bars(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of a horizontal (0) or vertical (1) bar."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = 0.3 * rng.standard_normal((count, 1, 6, 6)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        place = rng.integers(0, 6)
        if label:
            image[0, :, place] += 1
        else:
            image[0, place, :] += 1
    return images, labels


def test_it_learns_bars() -> None:
    net = fit(small_net(), *bars(400), rng=np.random.default_rng(0), epochs=25, optimizer=Adam(1e-2), progress=False)
    images, labels = bars(400, seed=2)
    assert accuracy(small_net(), images, labels) < 0.7
    assert accuracy(net, images, labels) > 0.97


def test_the_same_seed_gives_the_same_bits() -> None:
    nets = [
        fit(small_net(), *bars(100), rng=np.random.default_rng(3), epochs=2, augment=1, progress=False) for _ in "ab"
    ]
    for name, value in nets[0].params.items():
        np.testing.assert_array_equal(value, nets[1].params[name])
    other = fit(small_net(), *bars(100), rng=np.random.default_rng(4), epochs=2, augment=1, progress=False)
    assert not np.array_equal(other.params["fc.weight"], nets[0].params["fc.weight"])


def test_the_given_net_stays_as_it_was() -> None:
    net = small_net()
    before = {name: value.copy() for name, value in net.params.items()}
    fit(net, *bars(50), rng=np.random.default_rng(0), epochs=1, progress=False)
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, before[name])


def test_adams_first_step_is_the_rate_against_the_sign(rng) -> None:
    """Kingma and Ba 2015, section 2.1: without history the step is rate * g / |g|."""
    grads = {"w": rng.standard_normal(7)}
    adam = Adam(rate=0.01, epsilon=0)
    new, state = adam.step({"w": np.zeros(7)}, grads, adam.start({"w": np.zeros(7)}))
    np.testing.assert_allclose(new["w"], -0.01 * np.sign(grads["w"]), rtol=1e-12)
    assert state.steps == 1


@pytest.mark.torch
def test_adam_matches_pytorch_for_20_steps(rng) -> None:
    torch = pytest.importorskip("torch")
    start = rng.standard_normal((3, 4))
    theirs = torch.tensor(start, requires_grad=True)
    peer = torch.optim.Adam([theirs], lr=0.02, betas=(0.8, 0.99), eps=1e-6)
    adam = Adam(0.02, 0.8, 0.99, 1e-6)
    params, state = {"w": start}, adam.start({"w": start})
    for _ in range(20):
        grad = rng.standard_normal((3, 4))
        theirs.grad = torch.tensor(grad)
        peer.step()
        params, state = adam.step(params, {"w": grad}, state)
    np.testing.assert_allclose(params["w"], theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_shifts_move_each_image_by_its_own_way(rng) -> None:
    images = rng.standard_normal((50, 1, 5, 5))
    moved = shifted(images, 1, rng)
    ways = {(y, x) for y in (0, 1, 2) for x in (0, 1, 2)}
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    found = set()
    for image, one in zip(padded, moved, strict=True):
        found |= {(y, x) for y, x in ways if np.array_equal(image[:, y : y + 5, x : x + 5], one)}
    assert found == ways
    assert shifted(images, 0, rng) is images


IMAGES, LABELS = bars(8)
BAD = {
    "images is a list": ({"images": [1, 2]}, ShapeError, "images must be an array.*list"),
    "images is None": ({"images": None}, ShapeError, "NoneType"),
    "images have no channels": ({"images": IMAGES[:, 0]}, ShapeError, r"\(8, 6, 6\)"),
    "no images": ({"images": IMAGES[:0], "labels": LABELS[:0]}, ShapeError, r"at least one.*\(0, 1, 6, 6\)"),
    "integer images": ({"images": IMAGES.astype(np.int64)}, ShapeError, "int64"),
    "images of another size": ({"images": IMAGES[:, :, :5]}, ShapeError, "node 'fc'"),
    "two channels": ({"images": IMAGES.repeat(2, axis=1)}, ShapeError, "node 'conv'"),
    "labels is a list": ({"labels": list(LABELS)}, ShapeError, "labels must be an array"),
    "too few labels": ({"labels": LABELS[:3]}, ShapeError, "8 whole numbers"),
    "labels are floats": ({"labels": LABELS.astype(float)}, ShapeError, "float64"),
    "one-hot labels": ({"labels": np.eye(2, dtype=int)[LABELS]}, ShapeError, r"\(8, 2\)"),
    "label out of range": ({"labels": LABELS + 1}, SettingError, "from 0 to 1, but"),
    "negative label": ({"labels": LABELS - 1}, SettingError, "reach from -1"),
    "no epochs": ({"epochs": 0}, SettingError, "epochs.*0"),
    "half an epoch": ({"epochs": 0.5}, SettingError, "epochs.*0.5"),
    "batch of zero": ({"batch": 0}, SettingError, "batch.*0"),
    "negative augment": ({"augment": -1}, SettingError, "augment.*-1"),
    "a seed for rng": ({"rng": 0}, SettingError, "Generator, but got 0"),
    "unknown logits": ({"logits": "fd"}, NetError, "fd"),
    "a rate that explodes": ({"optimizer": Adam(1e30), "epochs": 5, "batch": 2}, MinitorchVizError, "The loss became"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")  # the last one is meant to overflow
def test_bad_input_is_told_in_a_sentence(settings, kind, message) -> None:
    good = {"images": IMAGES, "labels": LABELS, "rng": np.random.default_rng(0), "epochs": 1, "progress": False}
    with pytest.raises(MinitorchVizError, match=message) as caught:
        fit(small_net(), **(good | settings))
    assert isinstance(caught.value, kind)
