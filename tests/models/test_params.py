"""Params: the settings of layers that one's own nets need, against PyTorch's modules and the formula."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, WeightsFileError
from minitorch_viz.models import Params


@pytest.mark.parametrize("eps", [1e-5, 1e-3, 0.1])
@pytest.mark.parametrize(("affine", "bias"), [(True, True), (True, False), (False, True)])
def test_a_norm_is_the_formula(rng, eps: float, affine: bool, bias: bool) -> None:
    state = {f"n.{key}": rng.uniform(0.5, 2, 3) for key in ("weight", "bias", "running_mean", "running_var")}
    _, layer = Params(state).norm("n", 3, eps=eps, affine=affine, bias=bias)
    x = rng.standard_normal((2, 3, 4, 4))
    weight, shift, mean, var = (value.reshape(-1, 1, 1) for value in state.values())
    expected = (x - mean) / np.sqrt(var + eps)
    expected = expected * weight if affine else expected
    expected = expected + shift if affine and bias else expected
    np.testing.assert_allclose(layer.forward(x)[0], expected, rtol=1e-12)
    wanted = {"weight": affine, "bias": affine and bias}
    assert set(layer.params) == {name for name, there in wanted.items() if there}


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_without_its_bias(rng, bias: bool) -> None:
    state = {"fc.weight": rng.standard_normal((2, 3)), "fc.bias": rng.standard_normal(2)}
    _, layer = Params(state if bias else {"fc.weight": state["fc.weight"]}).linear("fc", 3, 2, bias=bias)
    x = rng.standard_normal((4, 3))
    expected = x @ state["fc.weight"].T + (state["fc.bias"] if bias else 0)
    np.testing.assert_allclose(layer.forward(x)[0], expected, rtol=1e-12)


def test_what_a_state_lacks_and_settings_that_there_are_not() -> None:
    with pytest.raises(WeightsFileError, match=r"needs an array 'fc\.bias'"):
        Params({"fc.weight": np.zeros((2, 3))}).linear("fc", 3, 2)
    with pytest.raises(MinitorchVizError, match="eps"):
        Params().norm("n", 3, eps=-1)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_grouped_convolution_has_the_weights_of_its_groups(groups: int) -> None:
    _, layer = Params().conv("c", 4, 8, 3, groups=groups, padding=1)
    assert layer.weight.shape == (8, 4 // groups, 3, 3)
    assert layer.forward(np.zeros((1, 4, 5, 5), np.float32))[0].shape == (1, 8, 5, 5)


@pytest.mark.torch
@pytest.mark.parametrize("settings", [{"eps": 1e-3}, {"affine": False}, {"eps": 0.01, "affine": False}])
def test_a_norm_equals_pytorchs(rng, settings: dict) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.BatchNorm2d(3, **settings).double().eval()
    with torch.no_grad():
        for value in theirs.state_dict().values():
            if value.ndim:
                value.copy_(torch.from_numpy(rng.uniform(0.5, 2, 3)))
    state = {f"n.{key}": value.numpy() for key, value in theirs.state_dict().items()}
    x = rng.standard_normal((2, 3, 4, 4))
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(Params(state).norm("n", 3, **settings)[1].forward(x)[0], expected, rtol=1e-12)
