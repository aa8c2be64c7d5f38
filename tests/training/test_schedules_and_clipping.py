"""Schedules at their end points and against PyTorch's; gradients clipped to a length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.training import (
    Constant,
    Cosine,
    OneCycle,
    StepDecay,
    Warmup,
    clip_by_norm,
    clip_by_value,
    global_norm,
)


def test_end_points() -> None:
    assert [Constant(0.1)(step) for step in (0, 10**9)] == [0.1, 0.1]
    assert [StepDecay(1.0, 10, 0.5)(step) for step in (0, 9, 10, 19, 20, 30)] == [1, 1, 0.5, 0.5, 0.25, 0.125]
    cosine = Cosine(0.1, 100, end=0.02)
    assert cosine(0) == pytest.approx(0.1, abs=1e-15)
    assert cosine(50) == pytest.approx(0.06)
    assert [cosine(step) for step in (100, 101, 10**9)] == pytest.approx([0.02] * 3)
    cycle = OneCycle(1.0, 101, warmup=0.3, start=25, end=1e4)
    assert cycle(0) == pytest.approx(1 / 25)
    assert max(cycle(step) for step in range(101)) == pytest.approx(1, abs=1e-2)
    assert [cycle(step) for step in (100, 101, 10**6)] == pytest.approx([1 / 25 / 1e4] * 3)
    warm = Warmup(Cosine(0.4, 10), 4)
    assert [warm(step) for step in (0, 2, 4, 14)] == pytest.approx([0, 0.2, 0.4, 0])


def test_falling_and_rising() -> None:
    falling = [Cosine(0.1, 40)(step) for step in range(50)]
    assert all(a >= b for a, b in pairwise(falling))
    cycle = [OneCycle(0.1, 40, warmup=0.25)(step) for step in range(50)]
    top = int(np.argmax(cycle))
    assert top == 9  # PyTorch's place of the peak: warmup * steps - 1
    assert all(a < b for a, b in pairwise(cycle[: top + 1]))
    assert all(a >= b for a, b in pairwise(cycle[top:]))


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["StepLR", "CosineAnnealingLR", "OneCycleLR"])
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")  # there is nothing to optimize here
def test_it_is_pytorchs(kind: str) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    settings, mine = {
        "StepLR": ({"step_size": 7, "gamma": 0.3}, StepDecay(0.3, 7, 0.3)),
        "CosineAnnealingLR": ({"T_max": 39, "eta_min": 0.01}, Cosine(0.3, 39, end=0.01)),
        "OneCycleLR": (
            {"max_lr": 0.3, "total_steps": 40, "pct_start": 0.3, "div_factor": 20, "final_div_factor": 100},
            OneCycle(0.3, 40, warmup=0.3, start=20, end=100),
        ),
    }[kind]
    theirs = getattr(torch.optim.lr_scheduler, kind)(optimizer, **settings)
    for step in range(40):
        assert mine(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        if step < 39:
            optimizer.step()
            theirs.step()


def test_clipping_keeps_the_direction(rng) -> None:
    grads = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
    clipped, norm = clip_by_norm(grads, 0.5)
    assert norm == pytest.approx(np.sqrt((grads["a"] ** 2).sum() + (grads["b"] ** 2).sum()))
    assert global_norm(clipped) == pytest.approx(0.5)
    for name, grad in grads.items():
        np.testing.assert_allclose(clipped[name] * (norm / 0.5), grad, rtol=1e-12)
    same, _ = clip_by_norm(grads, norm + 1)
    assert all(same[name] is grads[name] for name in grads)


@pytest.mark.torch
def test_clipping_is_pytorchs(rng) -> None:
    torch = pytest.importorskip("torch")
    grads = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
    theirs = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in grads.values()]
    for tensor, grad in zip(theirs, grads.values(), strict=True):
        tensor.grad = torch.tensor(grad)
    torch.nn.utils.clip_grad_norm_(theirs, 0.7)
    clipped, _ = clip_by_norm(grads, 0.7)
    for tensor, grad in zip(theirs, clipped.values(), strict=True):
        np.testing.assert_allclose(grad, tensor.grad.numpy(), rtol=2e-6)  # PyTorch adds 1e-6 to the norm


def test_clipping_in_float32() -> None:
    huge = {"a": np.full(4, 1e30, np.float32)}  # whose squares are no float32 numbers
    clipped, norm = clip_by_norm(huge, np.float64(1))
    assert norm == pytest.approx(2e30)
    assert clipped["a"].dtype == np.float32
    np.testing.assert_allclose(clipped["a"], 0.5)
    values = clip_by_value({"a": np.array([-3, 0.5, 9], np.float32)}, np.float64(1))
    assert values["a"].dtype == np.float32
    assert values["a"].tolist() == [-1, 0.5, 1]


def test_gradients_that_are_not_finite_are_not_hidden() -> None:
    clipped, norm = clip_by_norm({"a": np.array([1.0, np.inf])}, 1)
    assert norm == np.inf
    assert clipped["a"].tolist() == [1.0, np.inf]


GRADS = {"a": np.ones(3)}
BAD = {
    "negative rate": (lambda: Constant(-0.1), SettingError, "-0.1"),
    "no rate": (lambda: Cosine(None, 10), SettingError, "None"),
    "infinite rate": (lambda: StepDecay(np.inf, 3), SettingError, "inf"),
    "no steps": (lambda: Cosine(0.1, 0), SettingError, "steps.*at least 1.*0"),
    "half a step": (lambda: Cosine(0.1, 2.5), SettingError, "2.5"),
    "every 0 steps": (lambda: StepDecay(0.1, 0), SettingError, "every"),
    "negative factor": (lambda: StepDecay(0.1, 3, -1), SettingError, "factor"),
    "a cycle of one step": (lambda: OneCycle(0.1, 1), SettingError, "at least 2"),
    "a warmup of 130 %": (lambda: OneCycle(0.1, 10, warmup=1.3), SettingError, "warmup.*1.3"),
    "a start above the peak": (lambda: OneCycle(0.1, 10, start=0.5), SettingError, "start.*0.5"),
    "warmup to a number": (lambda: Warmup(0.1, 10), SettingError, r"Cosine\(0.1, 1000\).*0.1"),
    "negative step": (lambda: Constant(0.1)(-1), SettingError, "-1"),
    "step 1.5": (lambda: OneCycle(0.1, 10)(1.5), SettingError, "1.5"),
    "step is a text": (lambda: Cosine(0.1, 10)("3"), SettingError, "'3'"),
    "step is True": (lambda: StepDecay(0.1, 10)(True), SettingError, "True"),
    "clip to 0": (lambda: clip_by_norm(GRADS, 0), SettingError, "above 0, but got 0"),
    "clip to -1": (lambda: clip_by_value(GRADS, -1), SettingError, "-1"),
    "clip to nan": (lambda: clip_by_norm(GRADS, np.nan), SettingError, "nan"),
    "clip to infinity": (lambda: clip_by_value(GRADS, np.inf), SettingError, "inf"),
    "clip to a text": (lambda: clip_by_norm(GRADS, "1"), SettingError, "'1'"),
    "clip to True": (lambda: clip_by_norm(GRADS, True), SettingError, "True"),
    "clip nothing": (lambda: clip_by_norm({}, 1), ShapeError, "at least one"),
    "clip a list": (lambda: clip_by_value([1.0], 1), ShapeError, "a list"),
    "clip whole numbers": (lambda: clip_by_norm({"a": np.arange(3)}, 1), ShapeError, "int64"),
    "norm of None": (lambda: global_norm(None), ShapeError, "None"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call()
    assert isinstance(caught.value, kind)
