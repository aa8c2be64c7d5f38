"""The gradient family against Captum: SqueezeNet 1.1 on a photo, and a small residual net."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

from minitorch_viz import Model
from minitorch_viz.techniques import get_technique

pytestmark = pytest.mark.torch
TOLERANCE = 1e-4  # relative


class Case(NamedTuple):
    """One model, its twin in torch, and the photo."""

    model: Model
    peer: Any
    image: Any
    target: int


@pytest.fixture(scope="module")
def libraries() -> tuple[Any, Any]:
    return pytest.importorskip("torch"), pytest.importorskip("captum.attr")


@pytest.fixture(scope="module")
def on_squeezenet(squeezenet, shared_data, libraries) -> Case:
    from tests.torch_nets import squeezenet1_1

    image = shared_data / "photos" / "cat_dog.jpg"
    peer = squeezenet1_1(libraries[0], squeezenet.net.state).eval()
    return Case(squeezenet, peer, image, squeezenet.classify(image, top=1)[0].index)


@pytest.fixture(scope="module")
def on_squeezenet_64(on_squeezenet) -> Case:
    """In float64, for sums over images near the baseline, where many units are within float32's rounding of a kink.

    In float32 Captum's own map of 20 steps is 0.9e-4 from its float64 one, ours with NumPy's kernels 1.0e-4 from ours,
    with Winograd's convolutions 2.6e-4: gates and pooling switches that flip, not the sums.
    """
    import copy

    return on_squeezenet._replace(
        model=on_squeezenet.model.astype(np.float64), peer=copy.deepcopy(on_squeezenet.peer).double()
    )


@pytest.fixture(scope="module")
def on_residual(libraries) -> Case:
    from tests.torch_nets import residual_net

    rng = np.random.default_rng(1)
    peer, net = residual_net(libraries[0], rng)
    model = Model.from_net(net, (21, 19), mean=(120.0, 110.0, 100.0), std=60.0)
    return Case(model, peer, rng.integers(0, 256, (21, 19, 3)).astype(np.uint8), 2)


def theirs(case: Case, libraries: tuple[Any, Any], peers: str, **settings: Any) -> np.ndarray:
    """Captum's attribution (C, h, w) of the target class."""
    torch, attr = libraries
    x = torch.from_numpy(case.model.preprocess(case.image)).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces the hooks that it sets
        found = getattr(attr, peers)(case.peer).attribute(x, target=case.target, **settings)
    result: np.ndarray = found.detach().numpy()[0]
    return result


def ours(case: Case, name: str, **settings: Any) -> np.ndarray:
    result = get_technique(name).compute(case.model, case.image, target=case.target, **settings)
    if name == "saliency":
        return result.gradients["normal"]
    return result.signals[0] if name == "deconvnet" else result.signal


PATH = {"baseline": "mean", "refine": False}  # Captum's default baseline is 0, the net's mean colour
PAIRS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "saliency": ("saliency", {}, "Saliency", {"abs": False}),
    "deconvnet": ("deconvnet", {}, "Deconvolution", {}),
    "guided": ("guided-backprop", {}, "GuidedBackprop", {}),
    "gradient x input": ("gradient-x-input", {}, "InputXGradient", {}),
    "integrated gradients, Gauss-Legendre": (
        "integrated-gradients",
        {**PATH, "steps": 10, "chunk": 3},
        "IntegratedGradients",
        {"n_steps": 10, "method": "gausslegendre", "internal_batch_size": 4},
    ),
    "integrated gradients, midpoint": (
        "integrated-gradients",
        {**PATH, "steps": 10, "rule": "midpoint"},
        "IntegratedGradients",
        {"n_steps": 10, "method": "riemann_middle", "internal_batch_size": 4},
    ),
}


@pytest.mark.parametrize(
    ("pair", "where"),
    [
        (pair, where)
        for pair in PAIRS
        for where in ("on_squeezenet_64" if "integrated" in pair else "on_squeezenet", "on_residual")
    ],
)
def test_it_equals_captums(request, libraries, where: str, pair: str) -> None:
    case: Case = request.getfixturevalue(where)
    name, settings, method, their_settings = PAIRS[pair]
    found, expected = ours(case, name, **settings), theirs(case, libraries, method, **their_settings)
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    largest = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{pair} {where}: relative error {error:.2e}, largest difference over largest value {largest:.2e}")
    assert error < TOLERANCE
    assert largest < TOLERANCE


def test_integrated_gradients_in_float32_are_those_of_float64_but_for_kinks(on_squeezenet, on_squeezenet_64) -> None:
    a, b = (ours(case, "integrated-gradients", **PATH, steps=20) for case in (on_squeezenet, on_squeezenet_64))
    assert np.linalg.norm(a - b) / np.linalg.norm(b) < 1e-3
    assert abs(a.sum() - b.sum()) / abs(b.sum()) < 1e-4


def test_a_black_baseline_equals_captums(on_residual, libraries) -> None:
    case = on_residual
    mean, std = (np.reshape(v, (1, 3, 1, 1)) for v in (case.model.preprocessing.mean, case.model.preprocessing.std))
    black = libraries[0].from_numpy(np.broadcast_to(-mean / std, (1, 3, 21, 19)).copy())
    expected = theirs(case, libraries, "IntegratedGradients", baselines=black, n_steps=50)
    found = ours(case, "integrated-gradients", refine=False)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())  # its steps are float32


def test_smoothgrad_is_captums_over_the_same_copies(on_residual, libraries) -> None:
    """The noise is drawn anew here, as the manual says, and Captum explains each copy."""
    case = on_residual
    torch, attr = libraries
    x = case.model.preprocess(case.image)
    noise = np.random.default_rng(5).standard_normal((12, *x.shape[1:]), np.float32).astype(np.float64)
    copies = torch.from_numpy(x + 0.2 * (x.max() - x.min()) * noise).requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = attr.GuidedBackprop(case.peer).attribute(copies, target=case.target).detach().numpy()
    settings = {"method": "guided-backprop", "samples": 12, "noise": 0.2, "seed": 5}
    for variant, expected in (("mean", each.mean(0)), ("square", (each**2).mean(0)), ("variance", each.var(0))):
        found = ours(case, "smoothgrad", variant=variant, **settings)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
