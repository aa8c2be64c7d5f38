"""The plain loops say what PyTorch says, shape by shape: the oracle is checked by another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz_kernels.convolution.examples import CONVS
from minitorch_viz_kernels.normalization.examples import LRNS
from minitorch_viz_kernels.pooling.examples import POOLS
from tests.kernels.kernel_cases import CALLS, expected

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch")


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-11, atol=1e-12)


def call_of(kernel: str, name: str) -> Any:
    return next(call for call in CALLS if str(call) == f"{kernel}-{name}")


@pytest.mark.parametrize("name", CONVS)
def test_convolution(torch: Any, name: str) -> None:
    call = call_of("conv2d", name)
    x, w, b, stride, padding, dilation, groups = call.arguments(np.float64)
    x, w, b = (torch.tensor(array, requires_grad=True) for array in (x, w, b))
    y = torch.nn.functional.conv2d(x, w, b, stride, padding, dilation, groups)
    close(expected(call, np.float64)[0], y)
    dx_call, dw_call = call_of("conv2d_dx", name), call_of("conv2d_dw", name)
    dy, w2 = (torch.tensor(array) for array in dx_call.arguments(np.float64)[:2])
    y = torch.nn.functional.conv2d(x, w2, None, stride, padding, dilation, groups)
    close(expected(dx_call, np.float64)[0], torch.autograd.grad(y, x, dy)[0])
    dy, x2 = (torch.tensor(array) for array in dw_call.arguments(np.float64)[:2])
    y = torch.nn.functional.conv2d(x2, w, None, stride, padding, dilation, groups)
    close(expected(dw_call, np.float64)[0], torch.autograd.grad(y, w, dy)[0])


# PyTorch wants padding of at most half a window, and at least one image for max pooling.
SMALL_PADDING = [name for name, (_, window, _, padding, _) in POOLS.items() if padding[0] * 2 <= window[0]]
SMALL_PADDING = [name for name in SMALL_PADDING if POOLS[name][3][1] * 2 <= POOLS[name][1][1]]


@pytest.mark.parametrize("label", ["", "-ties", "-nan", "-inf"])
@pytest.mark.parametrize("name", [name for name in SMALL_PADDING if name != "no-images"])
def test_max_pooling(torch: Any, name: str, label: str) -> None:
    call = call_of("maxpool2d", name + label)
    x = torch.tensor(call.arguments(np.float64)[0])
    _, window, stride, padding, ceil_mode = POOLS[name]
    y, won = torch.nn.functional.max_pool2d(x, window, stride, padding, 1, ceil_mode, return_indices=True)
    ours, ours_won = expected(call, np.float64)
    np.testing.assert_array_equal(ours, y.numpy())
    if label != "-nan":  # where a window holds several, PyTorch names the last NaN
        np.testing.assert_array_equal(ours_won, won.numpy())


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("name", SMALL_PADDING)
def test_average_pooling(torch: Any, name: str, include: bool) -> None:
    label = "-with-padding" if include else ""
    call, back = call_of("avgpool2d", name + label), call_of("avgpool2d_dx", name + label)
    x = torch.tensor(call.arguments(np.float64)[0], requires_grad=True)
    _, window, stride, padding, ceil_mode = POOLS[name]
    y = torch.nn.functional.avg_pool2d(x, window, stride, padding, ceil_mode, include)
    close(expected(call, np.float64)[0], y)
    dy = torch.tensor(back.arguments(np.float64)[0])
    close(expected(back, np.float64)[0], torch.autograd.grad(y, x, dy)[0])


@pytest.mark.parametrize("name", [name for name in LRNS if name != "no-images"])
def test_local_response_normalization(torch: Any, name: str) -> None:
    _, size, alpha, beta, k = LRNS[name]
    call, back = call_of("lrn", name), call_of("lrn_dx", name)
    x = torch.tensor(call.arguments(np.float64)[0])
    close(expected(call, np.float64)[0], torch.nn.functional.local_response_norm(x, size, alpha * size, beta, k))
    dy, x = (torch.tensor(array) for array in back.arguments(np.float64)[:2])
    x.requires_grad_()
    y = torch.nn.functional.local_response_norm(x, size, alpha * size, beta, k)
    close(expected(back, np.float64)[0], torch.autograd.grad(y, x, dy)[0])
